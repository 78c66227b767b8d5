package encoding

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

const (
	// alpSample is the number of values by which the exponents of a column are
	// chosen, alpBlockSample the number by which a block chooses among
	// alpChoices pairs.
	alpSample      = 512
	alpBlockSample = 32
	alpChoices     = 5
)

// exponents is a pair of exponents.
type exponents struct{ e, f uint8 }

// scale returns the integer for x if it gives the bits of x back.
func scale[T Float](x T, p exponents) (int64, bool) {
	y := math.RoundToEven(float64(x) * powers[p.e] * inverses[p.f])
	if !(math.Abs(y) <= maxScaled) {
		return 0, false
	}
	d := int64(y)
	z := unscale[T](d, p.e, p.f)
	return d, z == x && (x != 0 || !math.Signbit(float64(x)))
}

// cost returns the bits that values take with a pair of exponents.
func cost[T Float](v []T, p exponents) int {
	var t T
	lo, hi, bad := int64(math.MaxInt64), int64(math.MinInt64), 0
	for _, x := range v {
		d, ok := scale(x, p)
		if !ok {
			bad++
			continue
		}
		lo, hi = min(lo, d), max(hi, d)
	}
	total := bad * (8*int(unsafe.Sizeof(t)) + 16)
	if bad < len(v) {
		total += len(v) * bits.Len64(uint64(hi)-uint64(lo))
	}
	return total
}

// evenly returns up to n values of v at equal distances.
func evenly[T Float](v []T, n int) []T {
	if len(v) <= n {
		return v
	}
	out := make([]T, n)
	for i := range out {
		out[i] = v[i*len(v)/n]
	}
	return out
}

// chooseExponents returns the best pairs for a column. The cost is that of
// groups as large as a block's sample: a column may drift.
func chooseExponents[T Float](v []T) []exponents {
	type choice struct {
		exponents
		cost int
	}
	sample := evenly(v, alpSample)
	var all []choice
	for e := range uint8(maxExponent + 1) {
		for f := range e + 1 {
			c := choice{exponents{e, f}, 0}
			for part := range slices.Chunk(sample, alpBlockSample) {
				c.cost += cost(part, c.exponents)
			}
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b choice) int { return a.cost - b.cost })
	out := make([]exponents, alpChoices)
	for i := range out {
		out[i] = all[i].exponents
	}
	return out
}

// alpColumn is a column of floats turned into integers.
type alpColumn[T Float] struct {
	entries   []alpEntry
	values    []T
	positions []uint16
	ints      []int64
}

// scaleFloats turns v into integers; it returns nil where more than a quarter
// of a sample are exceptions.
func scaleFloats[T Float](v []T) *alpColumn[T] {
	choices := chooseExponents(v)
	bad := 0
	sample := evenly(v, alpSample)
	for _, x := range sample {
		if _, ok := scale(x, choices[0]); !ok {
			bad++
		}
	}
	if bad > len(sample)/4 {
		return nil
	}
	c := &alpColumn[T]{ints: make([]int64, len(v))}
	for from := 0; from < len(v); from += BlockLen {
		part := v[from:min(len(v), from+BlockLen)]
		c.block(part, c.ints[from:], bestOf(evenly(part, alpBlockSample), choices))
	}
	return c
}

func bestOf[T Float](sample []T, choices []exponents) exponents {
	return slices.MinFunc(choices, func(a, b exponents) int { return cost(sample, a) - cost(sample, b) })
}

// block adds one block. Exceptions get the integer of a neighbour, which widens
// nothing.
func (c *alpColumn[T]) block(part []T, ints []int64, p exponents) {
	e := alpEntry{First: uint32(len(c.values)), E: p.e, F: p.f}
	last, seen := int64(0), false
	for i, x := range part {
		d, ok := scale(x, p)
		if !ok {
			c.values, c.positions = append(c.values, x), append(c.positions, uint16(i))
			e.N++
			ints[i] = last
			continue
		}
		if !seen {
			for j := range i {
				ints[j] = d
			}
		}
		ints[i], last, seen = d, d, true
	}
	c.entries = append(c.entries, e)
}

// AppendALP appends v as scaled integers if that takes at most limit bytes;
// otherwise it returns dst as it is and false.
func AppendALP[T Float](dst []byte, v []T, limit int) ([]byte, bool) {
	c := scaleFloats(v)
	if c == nil {
		return dst, false
	}
	var t T
	values := align64(len(c.values) * int(unsafe.Sizeof(t)))
	size := alpHead + align64(len(c.entries)*alpEntryBytes) + values + align64(2*len(c.positions)) + SizeFOR(c.ints)
	if size > limit {
		return dst, false
	}
	at := len(dst)
	dst = append(dst, make([]byte, alpHead)...)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(c.values)))
	dst = appendPadded(dst, Bytes(c.entries))
	dst = appendPadded(dst, Bytes(c.values))
	dst = appendPadded(dst, Bytes(c.positions))
	return AppendFOR(dst, c.ints), true
}

// appendPadded appends b and zeros to a multiple of 64 bytes.
func appendPadded(dst, b []byte) []byte {
	dst = append(dst, b...)
	return append(dst, make([]byte, align64(len(b))-len(b))...)
}
