// Package fulltext holds the words of texts and the language of TEXT_MATCH: a
// tokenizer, a parser of Lucene's core query syntax, and the evaluation of a
// query for one text. Text indexes and the functions of queries share it, so
// that both give the same answers. It knows nothing of columns, segments or
// queries over tables.
//
// # Words
//
// A word is a run of letters, marks, digits and underscores, lower-cased. An
// apostrophe or full stop between letters, and a full stop or comma between
// digits, belong to the word around them (don't, example.com, 3.14). Chinese
// and Japanese characters are words of their own. No word is left out: there
// are no stop words.
package fulltext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxWordBytes bounds a word; longer runs are cut into several.
const MaxWordBytes = 255

// EachWord calls f for the words of a text in order, until it returns false.
// The word is only valid during the call.
func EachWord(text []byte, f func(word []byte) (more bool)) {
	var buf []byte
	for i := 0; i < len(text); {
		start := i
		end, ascii := wordEnd(text, i)
		if end == i {
			_, n := utf8.DecodeRune(text[i:])
			i += n
			continue
		}
		i = end
		if ascii {
			buf = appendLower(buf[:0], text[start:end])
		} else {
			buf = append(buf[:0], strings.ToLower(string(text[start:end]))...)
		}
		if len(buf) > 0 && !f(buf) {
			return
		}
	}
}

func appendLower(dst, s []byte) []byte {
	for _, c := range s {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// wordEnd returns the end of the word that begins at i, i when none does, and
// whether it is all ASCII.
func wordEnd(text []byte, i int) (end int, ascii bool) {
	start, ascii := i, true
	var before rune
	for i < len(text) {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case i+n-start > MaxWordBytes:
			return i, ascii
		case isSingle(r):
			if i == start {
				return i + n, false
			}
			return i, ascii
		case isWordRune(r) && !(r == utf8.RuneError && n == 1):
		case before != 0 && joins(before, r, text[i+n:]):
		default:
			return i, ascii
		}
		ascii = ascii && r < utf8.RuneSelf
		before = r
		i += n
	}
	return i, ascii
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N)
}

// isSingle reports whether a character is a word of its own.
func isSingle(r rune) bool {
	return r >= 0x2e80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// joins reports whether r holds the character before it and the one after it
// together.
func joins(before, r rune, rest []byte) bool {
	after, _ := utf8.DecodeRune(rest)
	switch r {
	case '\'', '\u2019':
		return unicode.IsLetter(before) && unicode.IsLetter(after)
	case '.':
		return unicode.IsLetter(before) && unicode.IsLetter(after) || unicode.IsDigit(before) && unicode.IsDigit(after)
	case ',':
		return unicode.IsDigit(before) && unicode.IsDigit(after)
	}
	return false
}
