package build

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

// Columns gives the rows of a build column by column, so that only one column
// is in memory at a time.
type Columns interface {
	// Rows returns the number of rows.
	Rows() int
	// Read calls f with the column of field i of the schema, in runs in row
	// order that have Rows rows together. It may be called again for the same
	// column. A run is valid until f returns, its dictionary until Read does.
	Read(ctx context.Context, i int, f func(*column.Encoded) error) error
}

// FromColumns writes the rows of src as one segment, as Segment does.
func FromColumns(ctx context.Context, fsys vfs.FS, path string, src Columns, cfg Config) (Result, error) {
	plans, err := planColumns(cfg.Table)
	if err != nil {
		return Result{}, err
	}
	if src.Rows() > math.MaxInt32 {
		return Result{}, segment.Unsupportedf("more than 2^31 rows in one segment")
	}
	return write(ctx, fsys, path, &columnSource{ctx, src, plans}, cfg)
}

// columnSource is Columns as the source of a build.
type columnSource struct {
	ctx   context.Context
	src   Columns
	plans []plan
}

func (s *columnSource) rows() int { return s.src.Rows() }

func (s *columnSource) seqs() ([]int64, error) { return nil, nil }

func (s *columnSource) load(f *schema.Field) (*data, error) {
	for i := range s.plans {
		if s.plans[i].field.ID == f.ID {
			return s.column(i)
		}
	}
	return nil, nil
}

func (s *columnSource) column(i int) (*data, error) {
	p := &s.plans[i]
	a := newAccumulator(p)
	a.expect(s.src.Rows())
	if err := s.src.Read(s.ctx, i, a.addRun); err != nil {
		return nil, err
	}
	d := &a.data
	if d.n != s.src.Rows() {
		return nil, fmt.Errorf("build: column %q has %d of %d rows", p.field.Name, d.n, s.src.Rows())
	}
	if a.dict != nil {
		d.dict = a.dict.values
	}
	d.normalise()
	return d, nil
}

// expect makes room for n rows of dictionary ids.
func (a *accumulator) expect(n int) {
	a.rows = n
	if a.dict != nil {
		a.data.ids = make([]uint32, 0, n)
	}
}

// unknownID marks a value of a run's dictionary that no row has had so far.
const unknownID = math.MaxUint32

// addRun adds a run of rows.
func (a *accumulator) addRun(e *column.Encoded) error {
	t := a.plan.field.Type
	if e.Values.Kind() != t.Kind() {
		return fmt.Errorf("build: column %q: values of %v for rows of %v", a.plan.field.Name, e.Values.Kind(), t.Kind())
	}
	if e.IDs == nil {
		return a.add(e.Values.Flatten())
	}
	d := &a.data
	d.addNullBits(e.Nulls, e.N)
	if a.dict == nil {
		d.n += e.N
		return appendByID(d.values, e)
	}
	a.addIDs(e)
	d.n += e.N
	return a.settle()
}

// addIDs translates ids of the run's dictionary into those of the column, each
// value once.
func (a *accumulator) addIDs(e *column.Encoded) {
	if a.last != e.Values {
		a.last, a.remap = e.Values, a.remap[:0]
		for range e.Values.N {
			a.remap = append(a.remap, unknownID)
		}
	}
	at := len(a.data.ids)
	a.data.ids = slices.Grow(a.data.ids, len(e.IDs))[:at+len(e.IDs)]
	a.translate(a.data.ids[at:], e)
}

// translate fills dst with the column's ids of the rows of e.
func (a *accumulator) translate(dst []uint32, e *column.Encoded) {
	remap := a.remap
	for i, id := range e.IDs {
		if e.Nulls != nil && e.Nulls.Get(i) {
			dst[i] = 0
			continue
		}
		to := remap[id]
		if to == unknownID {
			var key [1]uint64
			hashKeys(e.Values, int(id), key[:])
			to = a.dict.id(e.Values, int(id), key[0])
			remap[id] = to
		}
		dst[i] = to
	}
}

// addNullBits notes NULL rows of n rows that follow those that the column has.
func (d *data) addNullBits(nulls column.Bitmap, n int) {
	if !nulls.Any() {
		return
	}
	if d.nulls == nil {
		d.nulls = roaring.New()
	}
	for i := range n {
		if nulls.Get(i) {
			d.nulls.Add(uint32(d.n + i))
		}
	}
}

// appendByID appends the rows of a run with a dictionary to dst, NULL rows as
// zero or empty.
func appendByID(dst *column.Vector, e *column.Encoded) error {
	src := e.Values
	if e.Nulls.Any() && src.Kind() != schema.KindBytes {
		for i, id := range e.IDs {
			if e.Nulls.Get(i) {
				dst.AppendNull()
			} else {
				dst.AppendFrom(src, int(id))
			}
		}
		dst.Nulls = nil
		return nil
	}
	if src.Kind() != schema.KindBytes {
		return appendRows(dst, gatherRows(src, e.IDs))
	}
	size := uint64(len(dst.Data))
	for i, id := range e.IDs {
		if e.Nulls.Get(i) {
			dst.AppendBytes(nil)
			continue
		}
		b := src.Bytes(int(id))
		if size += uint64(len(b)); size > math.MaxUint32 {
			return segment.Unsupportedf("more than 4 GiB of text in one column of a segment")
		}
		dst.AppendBytes(b)
	}
	return nil
}
