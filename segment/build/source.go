package build

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// segmentSource reads the columns of a segment, consuming or immutable.
type segmentSource struct{ seg segment.Segment }

func (s segmentSource) rows() int { return int(s.seg.NumDocs()) }

func (s segmentSource) load(f *schema.Field) (*data, error) {
	c, err := s.seg.Column(f.ID)
	if err != nil || c == nil {
		return nil, err
	}
	d, err := loadColumn(c, s.rows())
	if err != nil {
		return nil, fmt.Errorf("column %q: %w", f.Name, err)
	}
	if err := d.retype(f.Type); err != nil {
		return nil, fmt.Errorf("column %q: %w", f.Name, err)
	}
	d.normalise()
	return d, nil
}

func (d *data) retype(t schema.Type) (err error) {
	d.typ = t
	if d.dict != nil {
		d.dict, err = convert(d.dict, t)
	} else if d.values != nil {
		d.values, err = convert(d.values, t)
	}
	return err
}

func (s segmentSource) seqs() ([]int64, error) {
	c, err := s.seg.Column(segment.SeqColumnID)
	if err != nil || c == nil {
		return nil, err
	}
	d, err := loadColumn(c, s.rows())
	if err != nil {
		return nil, err
	}
	d.materialise()
	return d.values.Int64s, nil
}

func loadColumn(c segment.Column, n int) (*data, error) {
	d := &data{typ: c.Meta().Type, n: n}
	if nulls := c.Nulls(); nulls != nil {
		d.nulls = nulls.Clone()
		d.nulls.RemoveRange(uint64(n), 1<<32)
	}
	if dict := c.Dictionary(); dict != nil {
		d.ids = make([]uint32, n)
		for from := 0; from < n; from += segment.BlockRows {
			c.ReadIDs(uint32(from), d.ids[from:min(n, from+segment.BlockRows)])
		}
		d.dict = usedValues(dict.Values(), d.ids, d.nullBits())
		return d, nil
	}
	return d, loadValues(d, c)
}

func loadValues(d *data, c segment.Column) error {
	d.values = column.New(d.typ, 0)
	var block column.Vector
	for from := 0; from < d.n; from += segment.BlockRows {
		if err := c.Read(uint32(from), min(segment.BlockRows, d.n-from), &block); err != nil {
			return err
		}
		if err := appendRows(d.values, block.Flatten()); err != nil {
			return err
		}
		if d.nulls == nil && block.HasNulls() {
			d.nulls = roaring.New()
		}
		for i := range block.N {
			if block.IsNull(i) {
				d.nulls.Add(uint32(from + i))
			}
		}
	}
	return nil
}

// usedValues returns the values that occur in ids, in their order, and
// renumbers ids accordingly. A consuming segment's dictionary may hold values
// of rows that are not in the view.
func usedValues(values *column.Vector, ids []uint32, nulls column.Bitmap) *column.Vector {
	used := column.NewBitmap(values.N)
	for i, id := range ids {
		if nulls == nil || !nulls.Get(i) {
			used.Set(int(id))
		}
	}
	order := used.Positions(0, make([]uint32, 0, used.Count()))
	renumber := make([]uint32, values.N)
	for i, old := range order {
		renumber[old] = uint32(i)
	}
	for i, id := range ids {
		if nulls == nil || !nulls.Get(i) {
			ids[i] = renumber[id]
		} else {
			ids[i] = 0
		}
	}
	return gatherRows(values, order)
}
