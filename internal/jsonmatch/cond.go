package jsonmatch

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// Op is the kind of a condition.
type Op uint8

// The kinds of conditions.
const (
	OpTest Op = iota // Path leads to a scalar that passes Test
	OpAnd
	OpOr
	OpNot // no form fulfils Args[0]
)

// Cond is a condition over a JSON document. It is read-only once parsed and
// safe for concurrent use.
type Cond struct {
	Op   Op
	Args []*Cond // of OpAnd, OpOr, OpNot
	Path Path    // of OpTest
	Test Test    // of OpTest

	atom int // the number of a test among those of the condition
}

// Test decides about the text of one scalar: of a string without quotes, of
// numbers, true and false as the document spells them.
type Test interface {
	Match(text []byte) bool
}

type (
	// Exists passes every scalar.
	Exists struct{}
	// Equals passes the texts in Values, or with Not the others.
	Equals struct {
		Values map[string]bool
		Not    bool
	}
	// Range passes values between two bounds, or with Not the others. Bounds
	// that are numbers are compared with values that are; texts by their bytes.
	Range struct {
		Lo, Hi         *Bound // nil is unbounded
		LoOpen, HiOpen bool
		Not            bool
	}
	// Matches passes texts in which the pattern is found, or with Not the others.
	Matches struct {
		Pattern *regexp.Regexp
		Not     bool
	}
)

// Bound is one end of a range.
type Bound struct {
	Text     string
	IsNumber bool
	num      number
}

// Match implements Test.
func (Exists) Match([]byte) bool { return true }

// Match implements Test.
func (e *Equals) Match(text []byte) bool { return e.Values[string(text)] != e.Not }

// Match implements Test.
func (m *Matches) Match(text []byte) bool { return m.Pattern.Match(text) != m.Not }

// Match implements Test.
func (r *Range) Match(text []byte) bool {
	lo, ok := compareBound(text, r.Lo, 1)
	if !ok {
		return false
	}
	hi, ok := compareBound(text, r.Hi, -1)
	if !ok {
		return false
	}
	in := (lo > 0 || lo == 0 && !r.LoOpen) && (hi < 0 || hi == 0 && !r.HiOpen)
	return in != r.Not
}

// compareBound compares a value with a bound; none gives absent. ok is false
// when the bound is a number and the value is not.
func compareBound(text []byte, b *Bound, absent int) (c int, ok bool) {
	switch {
	case b == nil:
		return absent, true
	case !b.IsNumber:
		return bytes.Compare(text, []byte(b.Text)), true
	}
	n, ok := parseNumber(string(text))
	return n.compare(b.num), ok
}

// number is an exact int64 or else a float64.
type number struct {
	i     int64
	f     float64
	whole bool
}

func parseNumber(s string) (number, bool) {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number{i: i, f: float64(i), whole: true}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != f || strings.ContainsAny(s, "xXpP_nN") {
		return number{}, false // no JSON number
	}
	return number{f: f}, true
}

func (n number) compare(m number) int {
	switch {
	case n.whole && m.whole && n.i < m.i || !(n.whole && m.whole) && n.f < m.f:
		return -1
	case n.whole && m.whole && n.i > m.i || !(n.whole && m.whole) && n.f > m.f:
		return 1
	}
	return 0
}

// Tests calls f for every test in the condition.
func (c *Cond) Tests(f func(*Cond)) {
	if c.Op == OpTest {
		f(c)
	}
	for _, a := range c.Args {
		a.Tests(f)
	}
}

// Joins reports whether every AND joins only tests whose arrays lie within each
// other, so that a flattened form that chooses elements along one chain of
// nested arrays can decide it.
func (c *Cond) Joins() bool {
	_, ok := c.arrays()
	return ok
}

// arrays returns the keys of the arrays that a condition's answer depends on;
// ok is false when an AND joins some that do not lie within each other.
func (c *Cond) arrays() (keys []string, ok bool) {
	switch c.Op {
	case OpTest:
		if n := c.Path.lastArray(); n > 0 {
			keys = append(keys, c.Path[:n].Key())
		}
		return keys, true
	case OpNot: // decided for the document as a whole
		_, ok := c.Args[0].arrays()
		return nil, ok
	}
	for _, a := range c.Args {
		k, ok := a.arrays()
		if !ok || c.Op == OpAnd && !nested(keys, k) {
			return nil, false
		}
		keys = append(keys, k...)
	}
	return keys, true
}

// nested reports whether each array of a lies within each of b or the reverse.
func nested(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if !strings.HasPrefix(x, y) && !strings.HasPrefix(y, x) {
				return false
			}
		}
	}
	return true
}
