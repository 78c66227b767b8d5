package fn

import (
	"bytes"
	"regexp/syntax"
)

// linearRegexp matches patterns that begin at the beginning of the text and
// whose repetitions need no second thought: sequences of literals, optional
// literals, repeated classes that cannot run into what follows them, and groups
// around these, as in ^https?://(?:www\.)?([^/]+)/.*$. It finds what the regexp
// package finds for them, without its automaton. Classes hold all bytes of
// non-ASCII characters or none, so bytes are looked at one by one.
type linearRegexp struct {
	steps  []linearStep
	groups int
}

// linearStep is one part of a pattern.
type linearStep struct {
	kind    linearKind
	literal []byte     // linearLiteral, linearOptional
	class   *[256]bool // linearRun
	least   int        // linearRun: 0 or 1
	slot    int        // linearMark: the index that gets the position
}

type linearKind uint8

const (
	linearLiteral  linearKind = iota
	linearOptional            // literal or nothing, preferring the literal
	linearRun                 // as many bytes of a class as there are
	linearMark                // begin or end of a group
	linearEnd                 // the end of the text
)

// maxOptional bounds the optional literals of a pattern: each may double the
// work.
const maxOptional = 4

// newLinearRegexp returns the matcher of a pattern in Go's syntax, nil for one
// that is not linear.
func newLinearRegexp(pattern string) *linearRegexp {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	l := &linearRegexp{groups: re.MaxCap() + 1}
	re = re.Simplify()
	if re.Op != syntax.OpConcat || len(re.Sub) == 0 || re.Sub[0].Op != syntax.OpBeginText {
		return nil
	}
	for _, sub := range re.Sub[1:] {
		if !l.add(sub) {
			return nil
		}
	}
	if !l.sound() {
		return nil
	}
	return l
}

// add appends the steps of a part; it returns false for parts that no step does.
func (l *linearRegexp) add(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return l.addLiteral(re, linearLiteral)
	case syntax.OpQuest:
		return re.Flags&syntax.NonGreedy == 0 && re.Sub[0].Op == syntax.OpLiteral && l.addLiteral(re.Sub[0], linearOptional)
	case syntax.OpPlus, syntax.OpStar:
		class := byteClass(re.Sub[0])
		if class == nil || re.Flags&syntax.NonGreedy != 0 {
			return false
		}
		least := 0
		if re.Op == syntax.OpPlus {
			least = 1
		}
		l.steps = append(l.steps, linearStep{kind: linearRun, class: class, least: least})
		return true
	case syntax.OpCapture:
		l.steps = append(l.steps, linearStep{kind: linearMark, slot: 2 * re.Cap})
		ok := l.add(re.Sub[0])
		l.steps = append(l.steps, linearStep{kind: linearMark, slot: 2*re.Cap + 1})
		return ok
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if !l.add(sub) {
				return false
			}
		}
		return true
	case syntax.OpEndText:
		l.steps = append(l.steps, linearStep{kind: linearEnd})
		return true
	}
	return false
}

func (l *linearRegexp) addLiteral(re *syntax.Regexp, kind linearKind) bool {
	l.steps = append(l.steps, linearStep{kind: kind, literal: []byte(string(re.Rune))})
	return re.Flags&syntax.FoldCase == 0
}

// byteClass returns the bytes of a class of characters, nil where a byte does
// not decide.
func byteClass(re *syntax.Regexp) *[256]bool {
	ranges := re.Rune
	switch re.Op {
	case syntax.OpAnyChar:
		ranges = []rune{0, 0x10FFFF}
	case syntax.OpAnyCharNotNL:
		ranges = []rune{0, '\n' - 1, '\n' + 1, 0x10FFFF}
	case syntax.OpCharClass:
	case syntax.OpLiteral:
		if len(ranges) != 1 || re.Flags&syntax.FoldCase != 0 {
			return nil
		}
		ranges = []rune{ranges[0], ranges[0]}
	default:
		return nil
	}
	class := new([256]bool)
	wide := 0 // characters beyond ASCII
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1] && r < 0x80; r++ {
			class[r] = true
		}
		if ranges[i+1] >= 0x80 {
			wide += int(ranges[i+1]-max(ranges[i], 0x80)) + 1
		}
	}
	switch wide {
	case 0:
	case 0x10FFFF - 0x80 + 1:
		for b := 0x80; b < 0x100; b++ {
			class[b] = true
		}
	default:
		return nil
	}
	return class
}

// sound reports whether no run ever has to give back what it took: what follows
// it is the end, or a literal that begins with a byte outside of its class.
func (l *linearRegexp) sound() bool {
	optional := 0
	for i := range l.steps {
		switch s := &l.steps[i]; s.kind {
		case linearOptional:
			optional++
		case linearRun:
			if !l.stops(s, i+1) {
				return false
			}
		}
	}
	return optional <= maxOptional
}

func (l *linearRegexp) stops(run *linearStep, next int) bool {
	for ; next < len(l.steps); next++ {
		switch s := &l.steps[next]; s.kind {
		case linearMark:
			continue
		case linearEnd:
			return true
		case linearLiteral:
			return !run.class[s.literal[0]]
		default:
			return false
		}
	}
	return true
}

// find fills m as regexp.FindSubmatchIndex does; false means no match.
func (l *linearRegexp) find(src []byte, m []int) bool {
	for i := range m {
		m[i] = -1
	}
	end, ok := l.match(src, 0, 0, m)
	m[0], m[1] = 0, end
	return ok
}

// match runs the steps from number step on at position at and returns where the
// match ends.
func (l *linearRegexp) match(src []byte, at, step int, m []int) (int, bool) {
	for ; step < len(l.steps); step++ {
		s := &l.steps[step]
		switch s.kind {
		case linearLiteral:
			if !bytes.HasPrefix(src[at:], s.literal) {
				return 0, false
			}
			at += len(s.literal)
		case linearOptional:
			if bytes.HasPrefix(src[at:], s.literal) {
				if end, ok := l.match(src, at+len(s.literal), step+1, m); ok {
					return end, true
				}
			}
		case linearRun:
			from := at
			for at < len(src) && s.class[src[at]] {
				at++
			}
			if at-from < s.least {
				return 0, false
			}
		case linearMark:
			m[s.slot] = at
		case linearEnd:
			if at != len(src) {
				return 0, false
			}
		}
	}
	return at, true
}
