package sql

import (
	"strconv"
	"strings"
)

// tokenKind is the kind of a token of the scanner of this package. Other
// tokens have their own byte as kind.
type tokenKind byte

const (
	tokEnd    tokenKind = 0
	tokWord   tokenKind = 'a' // identifier or keyword
	tokQuoted tokenKind = '"' // quoted identifier
	tokString tokenKind = '\''
	tokNumber tokenKind = '0'
	tokParam  tokenKind = '$'
	tokOp     tokenKind = '+' // operator
)

// token is text[start:end].
type token struct {
	kind       tokenKind
	start, end int
}

// scanner splits text into tokens as PostgreSQL's does, as far as limits,
// extensions and the spelling of identifiers need it. It never fails: an
// unterminated token reaches to the end of the text.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) next() token {
	s.pos = skipSpace(s.text, s.pos)
	if s.pos >= len(s.text) {
		return token{tokEnd, s.pos, s.pos}
	}
	start, c := s.pos, s.text[s.pos]
	switch {
	case isWordStart(c):
		return s.word(start)
	case c >= '0' && c <= '9':
		s.pos = skipWhile(s.text, s.pos, func(c byte) bool { return isWordByte(c) || c == '.' })
		return token{tokNumber, start, s.pos}
	case c == '\'':
		s.pos = endOfQuoted(s.text, start, false)
		return token{tokString, start, s.pos}
	case c == '"':
		s.pos = endOfQuoted(s.text, start, false)
		return token{tokQuoted, start, s.pos}
	case c == '$':
		return s.dollar(start)
	case isOpByte(c):
		s.pos = endOfOperator(s.text, start)
		return token{tokOp, start, s.pos}
	}
	s.pos++
	return token{tokenKind(c), start, s.pos}
}

// word scans an identifier, or a literal that a letter introduces: E'…', B'…',
// X'…', N'…', U&'…', U&"…".
func (s *scanner) word(start int) token {
	end := skipWhile(s.text, start, isWordByte)
	s.pos = end
	if end-start != 1 || end >= len(s.text) {
		return token{tokWord, start, end}
	}
	first, q := s.text[start]|0x20, end
	if first == 'u' && s.text[q] == '&' && q+1 < len(s.text) {
		q++
	}
	switch c := s.text[q]; {
	case c == '\'' && strings.IndexByte("ebxnu", first) >= 0 && (first == 'u') == (q > end):
		s.pos = endOfQuoted(s.text, q, first == 'e')
		return token{tokString, start, s.pos}
	case c == '"' && q > end:
		s.pos = endOfQuoted(s.text, q, false)
		return token{tokQuoted, start, s.pos}
	}
	return token{tokWord, start, end}
}

// dollar scans $1, $tag$…$tag$, or a lone dollar sign.
func (s *scanner) dollar(start int) token {
	i := start + 1
	if i < len(s.text) && s.text[i] >= '0' && s.text[i] <= '9' {
		s.pos = skipWhile(s.text, i, isWordByte)
		return token{tokParam, start, s.pos}
	}
	i = skipWhile(s.text, i, func(c byte) bool { return isWordByte(c) && c != '$' })
	if i >= len(s.text) || s.text[i] != '$' {
		s.pos = start + 1
		return token{'.', start, s.pos}
	}
	tag := s.text[start : i+1]
	end := strings.Index(s.text[i+1:], tag)
	if end < 0 {
		s.pos = len(s.text)
	} else {
		s.pos = i + 1 + end + len(tag)
	}
	return token{tokString, start, s.pos}
}

// word reports whether t is the given keyword (lower case).
func (s *scanner) is(t token, word string) bool { return isWord(s.text, t, word) }

func isWord(text string, t token, word string) bool {
	return t.kind == tokWord && t.end-t.start == len(word) && strings.EqualFold(text[t.start:t.end], word)
}

// skipSpace returns the position of the next token: behind spaces and comments.
func skipSpace(text string, i int) int {
	for i < len(text) {
		switch c := text[i]; {
		case c == ' ' || c >= '\t' && c <= '\r':
			i++
		case c == '-' && strings.HasPrefix(text[i:], "--"):
			i = endOfLine(text, i)
		case c == '/' && strings.HasPrefix(text[i:], "/*"):
			i = endOfComment(text, i)
		default:
			return i
		}
	}
	return i
}

func endOfLine(text string, i int) int {
	if n := strings.IndexAny(text[i:], "\n\r"); n >= 0 {
		return i + n
	}
	return len(text)
}

// endOfComment finds the end of a comment, which nests.
func endOfComment(text string, i int) int {
	depth := 0
	for i < len(text) {
		switch {
		case strings.HasPrefix(text[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(text[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return i
}

// endOfQuoted returns the end of the literal or identifier whose quote is at
// i; a doubled quote, and with escapes a backslash, does not end it.
func endOfQuoted(text string, i int, escapes bool) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && escapes:
			i++
		case c == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case c == quote:
			return i + 1
		}
	}
	return len(text)
}

// endOfOperator ends an operator before a comment.
func endOfOperator(text string, i int) int {
	start := i
	for i < len(text) && isOpByte(text[i]) {
		if i > start && (strings.HasPrefix(text[i:], "--") || strings.HasPrefix(text[i:], "/*")) {
			break
		}
		i++
	}
	return i
}

func skipWhile(text string, i int, f func(byte) bool) int {
	for i < len(text) && f(text[i]) {
		i++
	}
	return i
}

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isWordByte(c byte) bool { return isWordStart(c) || c >= '0' && c <= '9' || c == '$' }

func isOpByte(c byte) bool { return strings.IndexByte("+-*/<>=~!@#%^&|`?", c) >= 0 }

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }
