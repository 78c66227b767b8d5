package segment

import (
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// The hash of a row is built so that it costs one addition per cell and does
// not depend on encodings, row order or the order of columns:
//
//	cell = mix(seed(column id) ^ canonical hash of the value, or the NULL tag)
//	row  = mix(sum of the row's cells)
//	RowSum = sum of the rows
//
// All sums wrap. Values that compare equal hash equally: -0 and 0, 1.0 and
// 1.00, all NaNs, an int32 and the int64 it was widened to.

// CellHasher hashes the values of one column.
type CellHasher struct{ seed uint64 }

const (
	hashNull = 0x6e756c6c6e756c6c
	hashNaN  = 0x7ff8000000000001
	golden   = 0x9e3779b97f4a7c15
)

// NewCellHasher returns the hasher of the column with that id.
func NewCellHasher(columnID uint32) CellHasher {
	return CellHasher{seed: mix64((uint64(columnID) + 1) * golden)}
}

// mix64 is a bijective finaliser that spreads every input bit over the output.
func mix64(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// Null returns the hash of a NULL cell.
func (h CellHasher) Null() uint64 { return mix64(h.seed ^ hashNull) }

// Value returns the hash of one cell.
func (h CellHasher) Value(v column.Value) uint64 {
	if v.Null {
		return h.Null()
	}
	return mix64(h.seed ^ canonical(v))
}

func canonical(v column.Value) uint64 {
	switch v.Type.Kind() {
	case schema.KindBool, schema.KindInt32, schema.KindInt64:
		return canonicalInt(v.I)
	case schema.KindFloat32, schema.KindFloat64:
		return canonicalFloat(v.F)
	case schema.KindDecimal:
		return canonicalDecimal(v.D)
	case schema.KindInterval:
		l := intervalLength(v.Iv)
		return mix64(uint64(l.Hi)*golden) + l.Lo
	case schema.KindBytes:
		return xxhash.Sum64(v.B)
	case schema.KindList:
		return canonicalList(v.List)
	}
	return 0
}

func canonicalInt(x int64) uint64 { return uint64(x) * golden }

func canonicalFloat(f float64) uint64 {
	switch {
	case f != f:
		return hashNaN
	case f == 0:
		return 0
	}
	return math.Float64bits(f)
}

// canonicalDecimal hashes the value without trailing zeros.
func canonicalDecimal(d column.Decimal) uint64 {
	if d.IsNaN() {
		return hashNaN
	}
	c, scale := d.Coef, d.Scale
	if c.IsInt64() {
		x := int64(c.Lo)
		for scale > 0 && x%10 == 0 {
			x, scale = x/10, scale-1
			if x == 0 {
				scale = 0
			}
		}
		c = column.Int128From(x)
	} else {
		c, scale = stripZeros(d)
	}
	return mix64(mix64(uint64(c.Hi)*golden)+c.Lo) + uint64(scale)*golden
}

func stripZeros(d column.Decimal) (column.Int128, uint8) {
	for d.Scale > 0 {
		less, err := d.Rescale(d.Scale - 1)
		if err != nil || less.Cmp(d) != 0 {
			break
		}
		d = less
	}
	return d.Coef, d.Scale
}

func canonicalList(l *column.Vector) uint64 {
	if l == nil {
		return golden
	}
	h := uint64(golden)
	for i := range l.N {
		x := l.Value(i)
		e := uint64(hashNull)
		if !x.Null {
			e = canonical(x)
		}
		h = mix64(h ^ e)
	}
	return h
}

// Vector fills dst[i] with the hash of row i; dst has v.N elements.
func (h CellHasher) Vector(v *column.Vector, dst []uint64) {
	if v.Const {
		x := h.Value(v.Value(0))
		for i := range dst {
			dst[i] = x
		}
		return
	}
	switch v.Kind() {
	case schema.KindInt32:
		for i, x := range v.Int32s[:v.N] {
			dst[i] = mix64(h.seed ^ canonicalInt(int64(x)))
		}
	case schema.KindInt64:
		for i, x := range v.Int64s[:v.N] {
			dst[i] = mix64(h.seed ^ canonicalInt(x))
		}
	case schema.KindFloat64:
		for i, x := range v.Float64s[:v.N] {
			dst[i] = mix64(h.seed ^ canonicalFloat(x))
		}
	case schema.KindBytes:
		for i := range v.N {
			dst[i] = mix64(h.seed ^ xxhash.Sum64(v.Bytes(i)))
		}
	default:
		for i := range v.N {
			dst[i] = h.Value(v.Value(i))
		}
	}
	h.setNulls(v.Nulls, dst)
}

func (h CellHasher) setNulls(nulls column.Bitmap, dst []uint64) {
	if !nulls.Any() {
		return
	}
	for i := range dst {
		if nulls.Get(i) {
			dst[i] = h.Null()
		}
	}
}

// RowSummer computes RowSum over columns that arrive one after the other, each
// in document order. Columns may arrive in any order.
type RowSummer struct{ acc []uint64 }

// NewRowSummer returns a summer over n rows.
func NewRowSummer(n int) *RowSummer { return &RowSummer{acc: make([]uint64, n)} }

// AddCells adds cells of rows from, from+1, … as hashed by a CellHasher.
func (s *RowSummer) AddCells(from int, cells []uint64) {
	acc := s.acc[from : from+len(cells)]
	for i, c := range cells {
		acc[i] += c
	}
}

// AddIDs adds cells of rows from, from+1, … given as dictionary ids; cells
// holds the hash of each dictionary value.
func (s *RowSummer) AddIDs(from int, ids []uint32, cells []uint64) {
	acc := s.acc[from : from+len(ids)]
	for i, id := range ids {
		acc[i] += cells[id]
	}
}

// AddOne adds one cell to row i; with wrapping arithmetic it also corrects
// cells that AddIDs added for NULL rows.
func (s *RowSummer) AddOne(i int, cell uint64) { s.acc[i] += cell }

// AddAll adds the same cell to every row.
func (s *RowSummer) AddAll(cell uint64) {
	for i := range s.acc {
		s.acc[i] += cell
	}
}

// Sum returns RowSum of all rows.
func (s *RowSummer) Sum() uint64 {
	var sum uint64
	for _, a := range s.acc {
		sum += mix64(a)
	}
	return sum
}

// RowHash returns the hash of one row: the plain form of what RowSummer does
// for many. ids[i] is the column id of values[i].
func RowHash(ids []uint32, values []column.Value) uint64 {
	var acc uint64
	for i, v := range values {
		acc += NewCellHasher(ids[i]).Value(v)
	}
	return mix64(acc)
}
