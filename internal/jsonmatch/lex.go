package jsonmatch

import (
	"fmt"
	"strings"
)

// tokenKind is the kind of a word of a condition.
type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenPath             // a quoted identifier
	tokenWord             // a keyword, name, true or false
	tokenText             // a text in single quotes
	tokenNumber           // a number as it is spelled
	tokenSign             // an operator, parenthesis or comma
)

type token struct {
	kind tokenKind
	text string
	pos  int
}

// is reports whether the token is a keyword or sign, whatever its case.
func (t token) is(word string) bool {
	return (t.kind == tokenWord || t.kind == tokenSign) && strings.EqualFold(t.text, word)
}

func (t token) String() string {
	if t.kind == tokenEnd {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

// lexer cuts a condition into tokens.
type lexer struct {
	s   string
	pos int
}

func (l *lexer) next() (token, error) {
	for l.pos < len(l.s) && strings.IndexByte(" \t\r\n", l.s[l.pos]) >= 0 {
		l.pos++
	}
	if l.pos == len(l.s) {
		return token{pos: l.pos}, nil
	}
	switch c := l.s[l.pos]; {
	case c == '\'':
		return l.quoted(tokenText)
	case c == '"' || c == '`':
		return l.quoted(tokenPath)
	case c >= '0' && c <= '9' || c == '-' || c == '+':
		return l.run(tokenNumber, isNumberByte), nil
	case isWordByte(c):
		return l.run(tokenWord, isWordByte), nil
	}
	return l.sign()
}

// run takes the longest text of bytes that fit, at least one.
func (l *lexer) run(kind tokenKind, fits func(byte) bool) token {
	start := l.pos
	for l.pos++; l.pos < len(l.s) && fits(l.s[l.pos]); {
		l.pos++
	}
	return token{kind, l.s[start:l.pos], start}
}

func isNumberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+'
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c == '.' || c == '[' || c == ']' || c == '*' || c >= 0x80 ||
		c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// quoted reads a text in quotes; a doubled quote stands for one.
func (l *lexer) quoted(kind tokenKind) (token, error) {
	start, q := l.pos, l.s[l.pos]
	var b strings.Builder
	for l.pos++; l.pos < len(l.s); l.pos++ {
		if l.s[l.pos] != q {
			b.WriteByte(l.s[l.pos])
			continue
		}
		if l.pos+1 == len(l.s) || l.s[l.pos+1] != q {
			l.pos++
			return token{kind, b.String(), start}, nil
		}
		l.pos++
		b.WriteByte(q)
	}
	return token{}, fmt.Errorf("the quote at position %d is not closed", start+1)
}

func (l *lexer) sign() (token, error) {
	for _, s := range []string{"<=", ">=", "<>", "!=", "=", "<", ">", "(", ")", ","} {
		if strings.HasPrefix(l.s[l.pos:], s) {
			l.pos += len(s)
			return token{tokenSign, s, l.pos - len(s)}, nil
		}
	}
	return token{}, fmt.Errorf("unexpected %q at position %d", l.s[l.pos:l.pos+1], l.pos+1)
}
