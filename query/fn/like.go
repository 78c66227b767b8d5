package fn

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// LikePattern is a compiled LIKE pattern. It is safe for concurrent use.
type LikePattern struct {
	parts []likePart
	// anchored tells that the first (last) part must begin (end) the text.
	head, tail bool
	fold       bool
}

// likePart is literal text between two %; one holds the offsets of _.
type likePart struct {
	text []byte
	wild []bool // per byte of text, nil when no _ occurs
	n    int    // characters, where wild is set
}

// CompileLike compiles a pattern with % and _ and an escape character (0 for
// none); fold ignores case.
func CompileLike(pattern string, escape rune, fold bool) (*LikePattern, error) {
	p := &LikePattern{head: true, tail: true, fold: fold}
	if fold {
		pattern = strings.ToLower(pattern)
	}
	var cur likePart
	hasWild := false
	flush := func() {
		if !hasWild {
			cur.wild = nil
		}
		p.parts = append(p.parts, cur)
		cur, hasWild = likePart{}, false
	}
	add := func(b []byte, wild bool) {
		for range b {
			cur.wild = append(cur.wild, wild)
		}
		cur.text = append(cur.text, b...)
		cur.n++
		hasWild = hasWild || wild
	}
	for s := pattern; s != ""; {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == escape && escape != 0:
			s = s[n:]
			if s == "" {
				return nil, sqlerr.New(sqlerr.InvalidEscape, "LIKE pattern must not end with escape character")
			}
			_, n = utf8.DecodeRuneInString(s)
			add([]byte(s[:n]), false)
		case r == '%':
			flush()
		case r == '_':
			add([]byte{'_'}, true)
		default:
			add([]byte(s[:n]), false)
		}
		s = s[n:]
	}
	flush()
	return p, nil
}

// Prefix returns the literal text with which every match begins, and whether a
// match is nothing but that text.
func (p *LikePattern) Prefix() (prefix []byte, exact bool) {
	if p.fold || p.parts[0].wild != nil {
		return nil, false
	}
	return p.parts[0].text, len(p.parts) == 1
}

// PrefixOnly reports whether the pattern passes every text that begins with its
// prefix.
func (p *LikePattern) PrefixOnly() bool {
	return !p.fold && len(p.parts) == 2 && p.parts[0].wild == nil && len(p.parts[1].text) == 0
}

// Match reports whether the whole text matches.
func (p *LikePattern) Match(b []byte) bool {
	if p.fold {
		b = bytes.ToLower(b)
	}
	n, ok := p.parts[0].matchPrefix(b)
	if !ok {
		return false
	}
	b = b[n:]
	last := len(p.parts) - 1
	if last == 0 {
		return len(b) == 0
	}
	for _, part := range p.parts[1:last] {
		if b, ok = part.find(b); !ok {
			return false
		}
	}
	return p.parts[last].matchSuffix(b)
}

// matchPrefix matches the part at the beginning of b and returns its length there.
func (l *likePart) matchPrefix(b []byte) (int, bool) {
	if l.wild == nil {
		return len(l.text), bytes.HasPrefix(b, l.text)
	}
	at := 0
	for k := range l.text {
		if at == len(b) {
			return 0, false
		}
		if l.wild[k] {
			_, n := utf8.DecodeRune(b[at:])
			at += n
			continue
		}
		if b[at] != l.text[k] {
			return 0, false
		}
		at++
	}
	return at, true
}

// find returns what follows the first occurrence of the part.
func (l *likePart) find(b []byte) ([]byte, bool) {
	if l.wild == nil {
		k := bytes.Index(b, l.text)
		if k < 0 {
			return nil, false
		}
		return b[k+len(l.text):], true
	}
	for {
		if n, ok := l.matchPrefix(b); ok {
			return b[n:], true
		}
		if len(b) == 0 {
			return nil, false
		}
		_, n := utf8.DecodeRune(b)
		b = b[n:]
	}
}

func (l *likePart) matchSuffix(b []byte) bool {
	if l.wild == nil {
		return bytes.HasSuffix(b, l.text)
	}
	skip := runeCount(b) - l.n
	if skip < 0 {
		return false
	}
	b = b[runePrefix(b, skip):]
	n, ok := l.matchPrefix(b)
	return ok && n == len(b)
}

// registerLike makes LIKE and ILIKE.
func registerLike(r *registry) {
	for _, op := range []struct {
		name      string
		fold, not bool
	}{{"~~", false, false}, {"!~~", false, true}, {"~~*", true, false}, {"!~~*", true, true}} {
		f := likeRow(op.fold, op.not)
		r.row(op.name+"(text,text) bool", f)
		r.row(op.name+"(bpchar,text) bool", f)
		r.row(op.name+"(text,text,text) bool", f)
	}
	r.alias("~~", "like")
	r.alias("!~~", "notlike")
	r.row("like_escape(text,text) text", likeEscape)
	r.alias("like_escape", "ilike_escape")
}

func likeRow(fold, not bool) rowFunc {
	return func(c *call, i int) error {
		p, err := memoize(c, func() (*LikePattern, error) { return likeOf(c, i, fold) }, 1, 2)
		if err != nil {
			return err
		}
		b := c.bytes(0, i)
		if c.args[0].Type.ID == schema.TypeChar {
			b = padChar(b, int(c.args[0].Type.Length))
		}
		return c.putBool(p.Match(b) != not)
	}
}

func likeOf(c *call, i int, fold bool) (*LikePattern, error) {
	escape := '\\'
	if len(c.args) > 2 {
		var err error
		if escape, err = escapeRune(c.str(2, i)); err != nil {
			return nil, err
		}
	}
	return CompileLike(c.str(1, i), escape, fold)
}

func escapeRune(s string) (rune, error) {
	if s == "" {
		return 0, nil
	}
	r, n := utf8.DecodeRuneInString(s)
	if n != len(s) {
		return 0, sqlerr.New(sqlerr.InvalidEscape, "invalid escape string").WithHint("Escape string must be empty or one character.")
	}
	return r, nil
}

// likeEscape rewrites a pattern with another escape character for backslash.
func likeEscape(c *call, i int) error {
	esc, err := escapeRune(c.str(1, i))
	if err != nil {
		return err
	}
	after := false
	for _, r := range c.str(0, i) {
		switch {
		case r == esc && esc != 0 && !after:
			after = true
			c.out.Data = append(c.out.Data, '\\')
			continue
		case r == '\\' && !after:
			c.out.Data = append(c.out.Data, '\\', '\\')
		default:
			c.out.Data = utf8.AppendRune(c.out.Data, r)
		}
		after = false
	}
	return c.endRow()
}
