package exec

import (
	"bytes"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// textTest is a LIKE or a regular expression, taken apart as far as that saves
// looking at values.
type textTest struct {
	prefix     []byte // how every match begins
	prefixOnly bool   // and nothing else is asked
	needle     []byte // not empty: the matches are the texts that contain it
	match      func(text []byte) bool
	neg        bool
}

// asTextTest recognises LIKE, ~ and REGEXP_LIKE of column i with a constant
// pattern, and their negations.
func asTextTest(e plan.Expr, i int) (t textTest, ok bool) {
	for _, op := range []struct {
		name    string
		compile func(pattern string) (textTest, error)
		neg     bool
	}{{"~~", likeTest, false}, {"!~~", likeTest, true}, {"~", regexpTest, false}, {"!~", regexpTest, true}, {"regexp_like", regexpTest, false}} {
		pattern, is := columnCall(e, op.name, i)
		if !is {
			continue
		}
		t, err := op.compile(string(pattern.B))
		t.neg = op.neg
		return t, err == nil
	}
	return t, false
}

func likeTest(pattern string) (t textTest, err error) {
	p, err := fn.CompileLike(pattern, '\\', false)
	if err != nil {
		return t, err
	}
	t.prefix, _ = p.Prefix()
	t.prefixOnly = p.PrefixOnly()
	t.needle, _ = p.Needle()
	t.match = p.Match
	return t, nil
}

func regexpTest(pattern string) (t textTest, err error) {
	re, err := fn.CompileRegexp(pattern, "")
	if err != nil {
		return t, err
	}
	l := fn.RegexpLiterals(re)
	return textTest{prefix: l.Prefix, prefixOnly: l.PrefixOnly, needle: l.Needle, match: re.Match}, nil
}

// testTexts finds the values, from the one at position from on, that a test on
// texts passes; seen is the number that was looked at. In a sorted dictionary
// only the range of those that begin as matches do is looked at, and not even
// that when the test asks for nothing else. ok is false when e is no such test
// or more than limit values would be looked at.
func testTexts(ctx *fn.Context, c *segCol, i int, e plan.Expr, from int, limit float64) (set idSet, neg bool, seen int, ok bool) {
	if !c.canLookup() || !c.typ.IsText() || !plainOrder(c.typ) {
		return set, false, 0, false
	}
	t, ok := asTextTest(e, i)
	if !ok {
		return set, false, 0, false
	}
	size := uint32(c.vals.N)
	lo, hi := uint32(from), size
	if c.ordered && len(t.prefix) > 0 {
		first, end := prefixRange(c, t.prefix)
		lo, hi = max(lo, first), max(lo, end)
		if t.prefixOnly {
			return rangeSet(size, lo, hi), t.neg, 0, true
		}
	}
	if lo >= hi {
		return rangeSet(size, 0, 0), t.neg, 0, true
	}
	if float64(hi-lo) > limit {
		return set, false, 0, false
	}
	b := column.NewBitmap(int(size))
	if !t.scan(ctx, c.vals, int(lo), int(hi), b) {
		return set, false, 0, false
	}
	return bitSet(size, b), t.neg, int(hi - lo), true
}

// scanStep is the number of values between looks at whether the query was
// cancelled.
const scanStep = 1 << 14

// scan sets the bits of the values lo..hi-1 that match; false when the query
// was cancelled.
func (t *textTest) scan(ctx *fn.Context, v *column.Vector, lo, hi int, b column.Bitmap) bool {
	for ; lo < hi; lo += scanStep {
		if canceled(ctx) != nil {
			return false
		}
		end := min(lo+scanStep, hi)
		if len(t.needle) > 0 {
			scanNeedle(v, lo, end, t.needle, b)
			continue
		}
		for id := lo; id < end; id++ {
			if t.match(v.Bytes(id)) {
				b.Set(id)
			}
		}
	}
	return true
}

// scanNeedle sets the bits of the values that contain needle. It looks through
// the bytes of all of them at once: most values are never looked at.
func scanNeedle(v *column.Vector, lo, hi int, needle []byte, b column.Bitmap) {
	id, pos, end := lo, int(v.Offsets[lo]), int(v.Offsets[hi])
	for {
		k := bytes.Index(v.Data[pos:end], needle)
		if k < 0 {
			return
		}
		pos += k
		for int(v.Offsets[id+1]) <= pos {
			id++
		}
		if next := int(v.Offsets[id+1]); pos+len(needle) <= next {
			b.Set(id)
			pos = next
		} else {
			pos++ // it runs on into the next value
		}
	}
}

// prefixRange returns the ids of the values of a sorted dictionary that begin
// with prefix.
func prefixRange(c *segCol, prefix []byte) (lo, hi uint32) {
	size := uint32(c.vals.N)
	bound := func(b []byte) uint32 { return min(c.dict.LowerBound(column.BytesValue(c.typ, b)), size) }
	lo, hi = bound(prefix), size
	end := bytes.Clone(prefix)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			hi = bound(end)
			break
		}
		end = end[:len(end)-1]
	}
	return lo, max(lo, hi)
}
