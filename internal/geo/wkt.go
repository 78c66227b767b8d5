package geo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// AppendWKT appends the well-known text of a geometry.
func (g *Geometry) AppendWKT(dst []byte) []byte {
	dst = append(dst, strings.ToUpper(g.Kind.String())...)
	return g.appendBody(append(dst, ' '))
}

func (g *Geometry) appendBody(dst []byte) []byte {
	switch g.Kind {
	case KindPoint, KindLineString:
		return appendPoints(dst, g.Points)
	case KindPolygon:
		return appendList(dst, len(g.Rings), func(dst []byte, i int) []byte { return appendPoints(dst, g.Rings[i]) })
	case KindCollection:
		return appendList(dst, len(g.Parts), func(dst []byte, i int) []byte { return g.Parts[i].AppendWKT(dst) })
	}
	return appendList(dst, len(g.Parts), func(dst []byte, i int) []byte { return g.Parts[i].appendBody(dst) })
}

func appendPoints(dst []byte, points []Point) []byte {
	return appendList(dst, len(points), func(dst []byte, i int) []byte {
		dst = appendNumber(dst, points[i].X)
		return appendNumber(append(dst, ' '), points[i].Y)
	})
}

func appendList(dst []byte, n int, item func([]byte, int) []byte) []byte {
	if n == 0 {
		return append(dst, "EMPTY"...)
	}
	dst = append(dst, '(')
	for i := range n {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = item(dst, i)
	}
	return append(dst, ')')
}

// appendNumber appends the shortest text that reads back as x.
func appendNumber(dst []byte, x float64) []byte {
	if a := math.Abs(x); a >= 1e21 || a < 1e-7 && a > 0 {
		return strconv.AppendFloat(dst, x, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, x, 'f', -1, 64)
}

// ParseWKT reads well-known text, with EWKT's "SRID=4326;" in front or not.
func ParseWKT(text string) (*Geometry, error) {
	p := wktParser{text: text}
	p.srid()
	g := p.geometry(0)
	p.space()
	if p.err == nil && p.at < len(text) {
		p.fail("%q follows the geometry", clip(text[p.at:]))
	}
	if p.err != nil {
		return nil, p.err
	}
	return &g, nil
}

// wktParser reads from at on and remembers the first fault.
type wktParser struct {
	text string
	at   int
	err  error
}

func (p *wktParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%w at position %d: %s", ErrText, p.at+1, fmt.Sprintf(format, args...))
	}
}

func clip(s string) string {
	if len(s) > 20 {
		s = s[:20]
	}
	return s
}

func (p *wktParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// srid skips the reference system. Which one it is decides the function that
// reads the text.
func (p *wktParser) srid() {
	p.space()
	rest := p.text[p.at:]
	if len(rest) < 5 || !strings.EqualFold(rest[:5], "SRID=") {
		return
	}
	number, _, ok := strings.Cut(rest[5:], ";")
	if _, err := strconv.ParseUint(number, 10, 32); err != nil || !ok {
		p.fail("malformed SRID")
		return
	}
	p.at += 5 + len(number) + 1
}

// word reads letters, as upper case.
func (p *wktParser) word() string {
	p.space()
	from := p.at
	for p.at < len(p.text) && p.text[p.at]|0x20 >= 'a' && p.text[p.at]|0x20 <= 'z' {
		p.at++
	}
	return strings.ToUpper(p.text[from:p.at])
}

// next consumes a character if it is next.
func (p *wktParser) next(c byte) bool {
	p.space()
	if p.err != nil || p.at >= len(p.text) || p.text[p.at] != c {
		return false
	}
	p.at++
	return true
}

func (p *wktParser) expect(c byte) {
	if !p.next(c) {
		p.fail("%q expected", c)
	}
}

// empty consumes EMPTY if it is next.
func (p *wktParser) empty() bool {
	from := p.at
	if p.word() == "EMPTY" {
		return true
	}
	p.at = from
	return false
}

func (p *wktParser) geometry(depth int) Geometry {
	name := p.word()
	for k := KindPoint; k <= KindCollection; k++ {
		if name == strings.ToUpper(k.String()) {
			return p.body(k, depth)
		}
	}
	if name == "" {
		p.fail("a kind of geometry expected")
	} else {
		p.fail("unknown kind of geometry %q", clip(name))
	}
	return Geometry{}
}

func (p *wktParser) body(k Kind, depth int) Geometry {
	g := Geometry{Kind: k}
	if depth > maxNesting {
		p.fail("more than %d collections within each other", maxNesting)
	}
	if p.empty() || p.err != nil {
		return g
	}
	switch k {
	case KindPoint:
		p.expect('(')
		g.Points = []Point{p.point()}
		p.expect(')')
	case KindLineString:
		g.Points = p.points(false)
	case KindPolygon:
		p.list(func() { g.Rings = append(g.Rings, p.points(true)) })
	case KindMultiPoint:
		p.list(func() { g.Parts = append(g.Parts, p.multiPoint()) })
	case KindCollection:
		p.list(func() { g.Parts = append(g.Parts, p.geometry(depth+1)) })
	default:
		p.list(func() { g.Parts = append(g.Parts, p.body(k.element(), depth+1)) })
	}
	return g
}

// multiPoint reads a point of a multi-point, in parentheses or without.
func (p *wktParser) multiPoint() Geometry {
	if p.space(); p.at < len(p.text) && (p.text[p.at] == '(' || p.text[p.at]|0x20 == 'e') {
		return p.body(KindPoint, 1)
	}
	return Geometry{Kind: KindPoint, Points: []Point{p.point()}}
}

func (p *wktParser) list(item func()) {
	p.expect('(')
	for p.err == nil {
		item()
		if !p.next(',') {
			break
		}
	}
	p.expect(')')
}

func (p *wktParser) points(ring bool) []Point {
	var out []Point
	p.list(func() { out = append(out, p.point()) })
	if fault := checkLine(out, ring); fault != "" && p.err == nil {
		p.fail("%s", fault)
	}
	return out
}

func (p *wktParser) point() Point {
	pt := Point{X: p.number(), Y: p.number()}
	p.space()
	if p.err == nil && p.at < len(p.text) && strings.IndexByte("+-.0123456789", p.text[p.at]) >= 0 {
		p.fail("only two coordinates are supported")
	}
	return pt
}

func (p *wktParser) number() float64 {
	p.space()
	from := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.eE0123456789", p.text[p.at]) >= 0 {
		p.at++
	}
	x, err := strconv.ParseFloat(p.text[from:p.at], 64)
	if err != nil {
		p.at = from
		p.fail("a number expected")
		return 0
	}
	return x
}
