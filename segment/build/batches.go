package build

import (
	"context"
	"fmt"
	"math"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

// Builder collects batches of rows in memory and writes them as one segment.
// Columns whose values repeat are held as dictionary ids. It is used by one
// goroutine.
type Builder struct {
	cfg  Config
	cols []*accumulator
	n    int
}

// NewBuilder returns an empty Builder.
func NewBuilder(cfg Config) (*Builder, error) {
	plans, err := planColumns(cfg.Table)
	if err != nil {
		return nil, err
	}
	b := &Builder{cfg: cfg}
	for i := range plans {
		b.cols = append(b.cols, newAccumulator(&plans[i]))
	}
	return b, nil
}

// Rows returns the number of rows so far.
func (b *Builder) Rows() int { return b.n }

// Add appends rows: batch.Cols are in the order of the schema's fields and are
// copied. A nil column is all NULL. After an error the Builder is unusable.
func (b *Builder) Add(batch *column.Batch) error {
	if len(batch.Cols) != len(b.cols) {
		return fmt.Errorf("build: batch of %d columns for a schema of %d", len(batch.Cols), len(b.cols))
	}
	if b.n+batch.N > math.MaxInt32 {
		return segment.Unsupportedf("more than 2^31 rows in one segment")
	}
	for i, v := range batch.Cols {
		f := b.cols[i].plan.field
		if v == nil {
			v = column.NewConst(column.NullValue(f.Type), batch.N)
		}
		if v.N != batch.N || v.Kind() != f.Type.Kind() {
			return fmt.Errorf("build: column %q: %d values of %v for %d rows of %v",
				f.Name, v.N, v.Kind(), batch.N, f.Type.Kind())
		}
		if err := b.cols[i].add(v.Flatten()); err != nil {
			return fmt.Errorf("column %q: %w", f.Name, err)
		}
	}
	b.n += batch.N
	return nil
}

// Write writes the rows as a segment, as Segment does. The Builder is used up.
func (b *Builder) Write(ctx context.Context, fsys vfs.FS, path string) (Result, error) {
	return write(ctx, fsys, path, builderSource{b}, b.cfg)
}

// FromBatches writes batches as one segment.
func FromBatches(ctx context.Context, fsys vfs.FS, path string, batches []*column.Batch, cfg Config) (Result, error) {
	b, err := NewBuilder(cfg)
	if err != nil {
		return Result{}, err
	}
	for _, batch := range batches {
		if err := b.Add(batch); err != nil {
			return Result{}, err
		}
	}
	return b.Write(ctx, fsys, path)
}

// accumulator collects one column, as dictionary ids as long as values repeat.
type accumulator struct {
	plan *plan
	data data
	dict *dictEncoder // nil once (or when) values are kept as they are
	rows int          // in the end, 0 if not known

	// last is the dictionary of the run before, remap its ids in dict.
	last  *column.Vector
	remap []uint32
}

// A column with more distinct values than accumulatorFree and than half of its
// rows is kept as values.
const accumulatorFree = 1 << 16

func newAccumulator(p *plan) *accumulator {
	a := &accumulator{plan: p, data: data{typ: p.field.Type}}
	if p.noDict {
		a.data.values = column.New(p.field.Type, 0)
	} else {
		a.dict = newDictEncoder(p.field.Type)
	}
	return a
}

func (a *accumulator) add(v *column.Vector) error {
	d := &a.data
	d.addNulls(v, d.n)
	if a.dict == nil {
		d.n += v.N
		return appendRows(d.values, v)
	}
	d.ids = a.dict.encode(v, v.Nulls, 0, d.ids)
	d.n += v.N
	return a.settle()
}

// settle gives up the dictionary when values do not repeat.
func (a *accumulator) settle() error {
	if a.dict.values.N > a.mostValues() {
		d := &a.data
		d.dict, a.dict = a.dict.values, nil
		d.materialise()
		d.manyValues = a.rows > 0
	}
	if uint64(a.textBytes()) > math.MaxUint32 {
		return segment.Unsupportedf("more than 4 GiB of text in one column of a segment")
	}
	return nil
}

// mostValues returns the number of distinct values up to which a dictionary is
// kept: where the number of rows is known that which the build allows.
func (a *accumulator) mostValues() int {
	switch {
	case a.rows > 0:
		return a.plan.cardinalityLimit(a.rows)
	case a.plan.dict:
		return math.MaxInt
	}
	return max(accumulatorFree, a.data.n/2)
}

// textBytes returns the size of the variable-length data that the column holds.
func (a *accumulator) textBytes() int {
	if a.dict != nil {
		return len(a.dict.values.Data)
	}
	return len(a.data.values.Data)
}

// addNulls notes the NULL rows of v, whose row 0 is row base of the column.
func (d *data) addNulls(v *column.Vector, base int) {
	if !v.HasNulls() {
		return
	}
	if d.nulls == nil {
		d.nulls = roaring.New()
	}
	for i := range v.N {
		if v.Nulls.Get(i) {
			d.nulls.Add(uint32(base + i))
		}
	}
}

// builderSource is a Builder as the source of a build.
type builderSource struct{ b *Builder }

func (s builderSource) rows() int { return s.b.n }

func (s builderSource) seqs() ([]int64, error) { return nil, nil }

// load hands out a column; the slices that a build changes are copied, since
// the sort column is loaded twice.
func (s builderSource) load(f *schema.Field) (*data, error) {
	for _, a := range s.b.cols {
		if a.plan.field.ID != f.ID {
			continue
		}
		d := a.data
		if a.dict != nil {
			d.dict = a.dict.values
			d.ids = append([]uint32(nil), d.ids...)
		}
		d.normalise()
		return &d, nil
	}
	return nil, nil
}

// MemoryBytes returns about how much the rows so far take.
func (b *Builder) MemoryBytes() int64 {
	var n int64
	for _, a := range b.cols {
		n += a.memoryBytes()
	}
	return n
}

func (a *accumulator) memoryBytes() int64 {
	n := int64(4 * len(a.data.ids))
	if a.dict != nil {
		return n + vectorBytes(a.dict.values) + int64(16*len(a.dict.slots))
	}
	return n + vectorBytes(a.data.values)
}

func vectorBytes(v *column.Vector) int64 {
	n := len(v.Bools) + 4*len(v.Int32s) + 8*len(v.Int64s) + 4*len(v.Float32s) + 8*len(v.Float64s) +
		24*len(v.Decimals) + 16*len(v.Intervals) + 4*len(v.Offsets) + len(v.Data)
	if v.Elems != nil {
		return int64(n) + vectorBytes(v.Elems)
	}
	return int64(n)
}
