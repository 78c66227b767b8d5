package fn

import (
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// parseList reads '{a,"b c",NULL}', or 'a b' for int2vector and oidvector.
func parseList(ctx *Context, s string, t schema.Type) (column.Value, error) {
	elems := column.New(t.Elem(), 4)
	if !t.List {
		for _, word := range strings.Fields(s) {
			if err := appendParsed(ctx, elems, word, t.Elem()); err != nil {
				return column.Value{}, err
			}
		}
		return column.Value{Type: t, List: elems}, nil
	}
	p := listParser{s: s}
	if err := p.parse(func(text string, null bool) error {
		if null {
			elems.AppendNull()
			return nil
		}
		return appendParsed(ctx, elems, text, t.Elem())
	}); err != nil {
		return column.Value{}, err
	}
	return column.Value{Type: t, List: elems}, nil
}

func appendParsed(ctx *Context, elems *column.Vector, text string, t schema.Type) error {
	v, err := ParseText(ctx, []byte(text), t)
	if err != nil {
		return err
	}
	elems.Append(v)
	return nil
}

// listParser reads an array literal of one dimension.
type listParser struct {
	s   string
	pos int
}

func (p *listParser) parse(elem func(text string, null bool) error) error {
	p.skipBounds()
	p.space()
	if !p.take('{') {
		return p.malformed()
	}
	p.space()
	if p.take('}') {
		return p.end()
	}
	for {
		text, quoted, err := p.element()
		if err != nil {
			return err
		}
		if err := elem(text, !quoted && strings.EqualFold(text, "null")); err != nil {
			return err
		}
		p.space()
		switch {
		case p.take('}'):
			return p.end()
		case !p.take(','):
			return p.malformed()
		}
	}
}

// skipBounds skips an explicit lower and upper bound: '[1:3]='.
func (p *listParser) skipBounds() {
	if strings.HasPrefix(strings.TrimSpace(p.s), "[") {
		if i := strings.Index(p.s, "]="); i >= 0 {
			p.pos = i + 2
		}
	}
}

func (p *listParser) space() {
	for p.pos < len(p.s) && strings.IndexByte(" \t\n\r\v\f", p.s[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *listParser) take(c byte) bool {
	if p.pos < len(p.s) && p.s[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *listParser) end() error {
	p.space()
	if p.pos != len(p.s) {
		return p.malformed()
	}
	return nil
}

func (p *listParser) malformed() error {
	return sqlerr.New(sqlerr.InvalidText, "malformed array literal: %q", p.s)
}

func (p *listParser) element() (text string, quoted bool, err error) {
	p.space()
	if p.pos < len(p.s) && p.s[p.pos] == '{' {
		return "", false, sqlerr.Unsupported("an array of more than one dimension")
	}
	if p.take('"') {
		text, err = p.quoted()
		return text, true, err
	}
	var b strings.Builder
	for p.pos < len(p.s) && strings.IndexByte(",}", p.s[p.pos]) < 0 {
		switch p.s[p.pos] {
		case '"', '{':
			return "", false, p.malformed()
		case '\\':
			p.pos++
			quoted = true
			if p.pos == len(p.s) {
				return "", false, p.malformed()
			}
		}
		b.WriteByte(p.s[p.pos])
		p.pos++
	}
	text = strings.TrimRight(b.String(), " \t\n\r\v\f")
	if text == "" && !quoted {
		return "", false, p.malformed()
	}
	return text, quoted, nil
}

func (p *listParser) quoted() (string, error) {
	var b strings.Builder
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		p.pos++
		switch c {
		case '"':
			return b.String(), nil
		case '\\':
			if p.pos == len(p.s) {
				return "", p.malformed()
			}
			c = p.s[p.pos]
			p.pos++
		}
		b.WriteByte(c)
	}
	return "", p.malformed()
}
