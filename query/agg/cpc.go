package agg

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// cpcDef is Pinot's DISTINCTCOUNTCPCSKETCH(x [, lgK]): the compressed
// probabilistic counting of Lang (2017), with lgK from 4 to 16 and by default
// 12 (a standard error of 0.69/√K: 1.1 %). It is a matrix of K rows of bits, in
// which a value sets one: the row by the first bits of its hash, the column by
// the zeros that follow them. Merging is OR. The estimate inverts the expected
// number of bits set, so that it depends on the set of values only.
//
// The state is one bytes column: the header, uvarint lgK, the form (u8), and
//   - form 0, few bits: their uvarint number, and these in ascending order as
//     row × 64 + column, each as the uvarint distance to the one before (the
//     first: to -1);
//   - form 1, a window of 8 columns: the first column of the window (u8), a byte
//     of bits per row, and the exceptions as in form 0: the bits that are not
//     set below the window, and those that are set above it.
var cpcDef = definition{
	id:              idCPC,
	names:           []string{"distinctcountcpcsketch"},
	bind:            one(func(t schema.Type) bool { return t.Kind() != schema.KindInvalid }),
	ignoresDistinct: true,
	rowArgs:         1,
	paramTypes:      []schema.Type{schema.Int32},
	params: func(s *Spec, params []column.Value) ([]column.Value, error) {
		switch len(params) {
		case 0:
			return nil, nil
		case 1:
			p, err := sizeParam(s, params[0], "lgK", cpcMinLgK, cpcMaxLgK)
			return []column.Value{p}, err
		}
		return nil, badParams(s)
	},
	result: fixed(schema.Int64),
	states: fixedStates(schema.Bytea),
	open: func(s *Spec) Accumulator {
		a := &cpc{sketches: sketches[cpcSketch, *cpcSketch]{spec: s, size: cpcLgK, width: int64(unsafe.Sizeof(cpcSketch{}))}}
		if len(s.Params) > 0 {
			a.size = int(s.Params[0].I)
		}
		return a
	},
}

const (
	cpcLgK    = 12
	cpcMinLgK = 4
	cpcMaxLgK = 16

	cpcSparse   = 0
	cpcWindowed = 1
	cpcWindow   = 8 // columns
)

// cpc is a sketch per group.
type cpc struct {
	sketches[cpcSketch, *cpcSketch]
	hasher hasher
}

// cpcSketch is the bits of one group: few as sorted coupons, row × 64 + column,
// many as the rows.
type cpcSketch struct {
	coupons []uint32
	rows    []uint64
}

func (s *cpcSketch) heldBytes() int64 { return int64(cap(s.coupons))*4 + int64(cap(s.rows))*8 }

func (a *cpc) Update(groups []uint32, n int, args []*column.Vector) error {
	hashes, groups := a.hasher.hash(groups, n, args[0])
	for i, h := range hashes {
		g, c := group(groups, i), couponOf(h, a.size)
		if s := &a.st[g]; s.rows != nil {
			s.rows[c>>6] |= 1 << (c & 63)
		} else if at, ok := slices.BinarySearch(s.coupons, c); !ok {
			a.change(g, func(s *cpcSketch) { s.insert(at, c, a.size) })
		}
	}
	return nil
}

// couponOf is the bit of a hash.
func couponOf(h uint64, lgK int) uint32 {
	row := uint32(h >> (64 - lgK))
	col := uint32(bits.LeadingZeros64(h<<lgK | 1<<(lgK-1)))
	return row<<6 | col
}

// cpcColumns is the number of columns that occur.
func cpcColumns(lgK int) int { return 65 - lgK }

func (s *cpcSketch) insert(at int, c uint32, lgK int) {
	s.coupons = slices.Insert(s.coupons, at, c)
	if len(s.coupons) > 1<<lgK/8 {
		s.expand(lgK)
	}
}

// expand makes rows of the coupons.
func (s *cpcSketch) expand(lgK int) {
	s.rows = make([]uint64, 1<<lgK)
	for _, c := range s.coupons {
		s.rows[c>>6] |= 1 << (c & 63)
	}
	s.coupons = nil
}

func (s *cpcSketch) add(c uint32, lgK int) {
	if s.rows != nil {
		s.rows[c>>6] |= 1 << (c & 63)
		return
	}
	if at, ok := slices.BinarySearch(s.coupons, c); !ok {
		s.insert(at, c, lgK)
	}
}

func (s *cpcSketch) absorb(other *cpcSketch, lgK int) {
	for _, c := range other.coupons {
		s.add(c, lgK)
	}
	if other.rows == nil {
		return
	}
	if s.rows == nil {
		s.expand(lgK)
	}
	for i, r := range other.rows {
		s.rows[i] |= r
	}
}

// count is the number of bits set.
func (s *cpcSketch) count() int {
	n := len(s.coupons)
	for _, r := range s.rows {
		n += bits.OnesCount64(r)
	}
	return n
}

func (s *cpcSketch) encode(dst []byte, _ int) []byte {
	if s.rows == nil {
		return appendCoupons(append(dst, cpcSparse), s.coupons)
	}
	at := s.window()
	dst = append(dst, cpcWindowed, byte(at))
	var odd []uint32
	for i, r := range s.rows {
		dst = append(dst, byte(r>>at))
		for x := exceptions(r, at); x != 0; x &= x - 1 {
			odd = append(odd, uint32(i)<<6|uint32(bits.TrailingZeros64(x)))
		}
	}
	return appendCoupons(dst, odd)
}

// exceptions are the columns of a row that a window at a column does not say:
// clear bits below it and set ones above it.
func exceptions(r uint64, at int) uint64 {
	below := uint64(1)<<at - 1
	return (r &^ (0xff << at)) ^ below
}

// window is the first column of the window: about where half of the rows have
// a bit, less a little more than half its width.
func (s *cpcSketch) window() int {
	return max(0, min(s.count()/len(s.rows)-cpcWindow/2, 64-cpcWindow))
}

func appendCoupons(dst []byte, coupons []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(coupons)))
	next := uint32(0)
	for _, c := range coupons {
		dst = binary.AppendUvarint(dst, uint64(c+1-next))
		next = c + 1
	}
	return dst
}

func (s *cpcSketch) decode(d *decoder, lgK int) {
	switch d.take(1)[0] {
	case cpcSparse:
		eachCoupon(d, lgK, func(c uint32) { s.add(c, lgK) })
	case cpcWindowed:
		s.decodeWindow(d, lgK)
	default:
		d.failed = true
	}
}

func (s *cpcSketch) decodeWindow(d *decoder, lgK int) {
	at := int(d.take(1)[0])
	window := d.take(1 << lgK)
	if d.failed = d.failed || at > 64-cpcWindow; d.failed {
		return
	}
	in := make([]uint64, 1<<lgK)
	for i, w := range window {
		in[i] = uint64(w)<<at | (1<<at - 1)
	}
	eachCoupon(d, lgK, func(c uint32) {
		d.failed = d.failed || int(c&63) >= at && int(c&63) < at+cpcWindow
		in[c>>6] ^= 1 << (c & 63)
	})
	for _, r := range in {
		d.failed = d.failed || r>>cpcColumns(lgK) != 0
	}
	if !d.failed {
		s.absorb(&cpcSketch{rows: in}, lgK)
	}
}

// eachCoupon reads ascending coupons.
func eachCoupon(d *decoder, lgK int, f func(uint32)) {
	next := uint64(0)
	for range d.count() {
		step := d.uvarint()
		if d.failed = d.failed || step == 0 || step > 64<<lgK; d.failed {
			return
		}
		next += step
		c := next - 1
		if d.failed = c >= 64<<lgK || int(c&63) >= cpcColumns(lgK); d.failed {
			return
		}
		f(uint32(c))
	}
}

func (a *cpc) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		n := cpcEstimate(a.st[g].count(), a.size)
		dst.Append(column.IntValue(schema.Int64, int64(math.Round(n))))
	}
	return nil
}

// cpcEstimate is the number of values of which one expects that many bits. It
// is found by Newton's steps on a logarithmic scale, on which the expectation
// is close to a straight line once there are more values than rows.
func cpcEstimate(coupons, lgK int) float64 {
	c, k := float64(coupons), math.Ldexp(1, lgK)
	if coupons == 0 {
		return 0
	}
	most := k * float64(cpcColumns(lgK))
	c = min(c, most-0.5)
	x := math.Log(max(c, 0.8*k*math.Exp2(c/k-1)))
	for range 50 {
		want, slope := expectedCoupons(math.Exp(x), lgK)
		step := max(-1, min((c-want)/slope, 1))
		x += step
		if math.Abs(step) < 1e-10 {
			break
		}
	}
	return max(c, math.Exp(x))
}

// expectedCoupons is the expected number of bits set by n values, and its
// derivative by log n.
func expectedCoupons(n float64, lgK int) (want, slope float64) {
	k := math.Ldexp(1, lgK)
	last := cpcColumns(lgK) - 1
	for j := range last + 1 {
		p := math.Ldexp(1, -min(j+1, last)) / k
		rate := math.Log1p(-p)
		clear := math.Exp(n * rate)
		want -= k * math.Expm1(n*rate)
		slope -= k * n * rate * clear
	}
	return want, slope
}
