package build

import (
	"math"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// data is one column of a build in one of three forms: all NULL, dictionary
// (ids into dict; ids of NULL rows are 0), or values.
type data struct {
	typ     schema.Type
	n       int
	allNull bool
	nulls   *roaring.Bitmap // nil when no row is NULL

	dict *column.Vector // distinct values, no NULL
	ids  []uint32

	runs *encoding.RunLengths[uint32] // of ids, once cut is set; nil if too many
	cut  bool

	values *column.Vector // n rows; its own Nulls are not used
	// manyValues tells that there are more distinct values than the plan's
	// limit: no dictionary needs to be tried.
	manyValues bool
}

func rawInt64s(v []int64) *data {
	return &data{typ: schema.Int64, n: len(v), values: &column.Vector{Type: schema.Int64, N: len(v), Int64s: v}}
}

// isNull returns a test for NULL rows, nil when there are none.
func (d *data) isNull() func(uint32) bool {
	if d.nulls == nil || d.nulls.IsEmpty() {
		return nil
	}
	bits := d.nullBits()
	return func(i uint32) bool { return bits.Get(int(i)) }
}

// nullBits returns the NULL rows as a dense bitmap, nil when there are none.
func (d *data) nullBits() column.Bitmap {
	if d.nulls == nil || d.nulls.IsEmpty() {
		return nil
	}
	bits := column.NewBitmap(d.n)
	for it := d.nulls.Iterator(); it.HasNext(); {
		bits.Set(int(it.Next()))
	}
	return bits
}

func (d *data) nullCount() int {
	switch {
	case d.allNull:
		return d.n
	case d.nulls == nil:
		return 0
	}
	return int(d.nulls.GetCardinality())
}

// normalise makes equal values have one form: NULL rows hold zero, -0 becomes
// 0 and every NaN the same NaN, so that bytes depend on the rows alone.
func (d *data) normalise() {
	if d.nulls != nil && d.nulls.IsEmpty() {
		d.nulls = nil
	}
	if d.n == d.nullCount() {
		d.allNull = true
	}
	if d.dict != nil {
		normaliseFloats(d.dict)
	}
	if d.values != nil {
		normaliseFloats(d.values)
		zeroNulls(d.values, d.nullBits())
	}
}

func normaliseFloats(v *column.Vector) {
	switch v.Kind() {
	case schema.KindFloat32:
		canonicalFloats(v.Float32s[:v.N])
	case schema.KindFloat64:
		canonicalFloats(v.Float64s[:v.N])
	case schema.KindList:
		normaliseFloats(v.Elems)
	}
}

func canonicalFloats[T float32 | float64](v []T) {
	for i, x := range v {
		if x == 0 {
			v[i] = 0
		} else if x != x {
			v[i] = T(math.NaN())
		}
	}
}

// zeroNulls clears the values of NULL rows of fixed-width kinds. Bytes and
// lists of NULL rows are emptied when rows are copied (see appendRows).
func zeroNulls(v *column.Vector, nulls column.Bitmap) {
	if nulls == nil {
		return
	}
	for wi, w := range nulls {
		if w == 0 {
			continue
		}
		for i := wi * 64; i < min(v.N, wi*64+64); i++ {
			if nulls.Get(i) {
				zeroRow(v, i)
			}
		}
	}
}

func zeroRow(v *column.Vector, i int) {
	switch v.Kind() {
	case schema.KindBool:
		v.Bools[i] = false
	case schema.KindInt32:
		v.Int32s[i] = 0
	case schema.KindInt64:
		v.Int64s[i] = 0
	case schema.KindFloat32:
		v.Float32s[i] = 0
	case schema.KindFloat64:
		v.Float64s[i] = 0
	case schema.KindDecimal:
		v.Decimals[i] = column.Decimal{}
	case schema.KindInterval:
		v.Intervals[i] = column.Interval{}
	}
}

// hashRows adds the column's cells to the row sums, per dictionary value where
// there is a dictionary.
func (d *data) hashRows(id uint32, sums *segment.RowSummer) {
	h := segment.NewCellHasher(id)
	if d.allNull {
		sums.AddAll(h.Null())
		return
	}
	if d.dict != nil {
		cells := make([]uint64, max(d.dict.N, 1))
		h.Vector(d.dict, cells[:d.dict.N])
		sums.AddIDs(0, d.ids, cells)
		d.eachNull(func(i int) { sums.AddOne(i, h.Null()-cells[0]) })
		return
	}
	const step = 4096
	var cells [step]uint64
	for from := 0; from < d.n; from += step {
		part := d.values.Slice(from, min(d.n, from+step))
		h.Vector(part, cells[:part.N])
		sums.AddCells(from, cells[:part.N])
	}
	var cell [1]uint64
	d.eachNull(func(i int) {
		h.Vector(d.values.Slice(i, i+1), cell[:])
		sums.AddOne(i, h.Null()-cell[0])
	})
}

func (d *data) eachNull(f func(i int)) {
	if d.nulls == nil {
		return
	}
	for it := d.nulls.Iterator(); it.HasNext(); {
		f(int(it.Next()))
	}
}

// reorder moves row perm[i] to position i.
func (d *data) reorder(perm []uint32) {
	if d.allNull {
		return
	}
	if d.nulls != nil {
		old := d.nullBits()
		moved := roaring.New()
		for i, from := range perm {
			if old.Get(int(from)) {
				moved.Add(uint32(i))
			}
		}
		d.nulls = moved
	}
	if d.ids != nil {
		d.ids = pick(d.ids, perm)
		return
	}
	d.values = gatherRows(d.values, perm)
}

// materialise turns the dictionary form into the values form.
func (d *data) materialise() {
	if d.dict == nil || d.allNull {
		return
	}
	if d.nulls == nil {
		d.values = gatherRows(d.dict, d.ids)
	} else {
		d.values = d.gatherWithNulls()
	}
	d.dict, d.ids = nil, nil
}

func (d *data) gatherWithNulls() *column.Vector {
	nulls := d.nullBits()
	if d.typ.Kind() != schema.KindBytes {
		v := gatherRows(d.dict, d.ids)
		zeroNulls(v, nulls)
		return v
	}
	v := column.New(d.typ, d.n)
	for i, id := range d.ids {
		if nulls.Get(i) {
			v.AppendBytes(nil)
		} else {
			v.AppendBytes(d.dict.Bytes(int(id)))
		}
	}
	return v
}
