package build

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// planGeo reports whether a field shall have a geo index, and the level of its
// cells: that of the finest resolution, because coarser cells are ranges of it.
func planGeo(f *schema.Field, ix *schema.IndexingConfig) (level int, ok bool, err error) {
	c, ok := ix.Geo[f.Name]
	if !ok || len(c.Resolutions) == 0 {
		return 0, false, nil
	}
	if err := schema.CheckGeoIndex(f.Type); err != nil {
		return 0, false, segment.Unsupportedf("geo index of column %q: %v", f.Name, err)
	}
	return geo.H3Level(slices.Max(c.Resolutions)), true, nil
}

// geo writes the geo index of a column. A column of one value needs none.
func (e *encoded) geo(d *data, p *plan) error {
	if !p.geo || e.entry.Meta.Encoding == segment.EncodingConst {
		return nil
	}
	b := index.NewGeoBuilder(p.geoLevel)
	nulls := d.nullBits()
	var cells []uint64
	if d.dict != nil {
		cells = make([]uint64, d.dict.N)
		for i := range cells {
			cells[i] = b.Cell(d.dict.Bytes(i))
		}
	}
	for i := range d.n {
		switch {
		case nulls.Get(i):
		case d.dict != nil:
			b.Add(uint32(i), cells[d.ids[i]])
		default:
			b.Add(uint32(i), b.Cell(d.values.Bytes(i)))
		}
	}
	buf, err := b.Append(nil)
	if err == nil {
		e.buffer(format.RoleGeo, buf)
	}
	return err
}
