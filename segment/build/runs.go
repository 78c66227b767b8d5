package build

import (
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
)

// Runs must save a quarter: reading rows one by one costs more through them.
func runsPay(runs, plain int) bool { return runs < plain-plain/4 }

// idRuns cuts the ids, which are in their final order, into runs; nil when
// packing every id is as good.
func (d *data) idRuns() (runs *encoding.RunLengths[uint32], size int) {
	w := encoding.Width(d.dict.N)
	size = encoding.PackedBytes(d.n, w)
	if !d.cut {
		d.runs, d.cut = encoding.CutRuns(d.ids, d.n/2), true
	}
	if d.runs != nil {
		if short := d.runs.MapBytes() + encoding.PackedBytes(len(d.runs.Values), w); runsPay(short, size) {
			return d.runs, short
		}
	}
	return nil, size
}

// intRuns cuts whole numbers into runs; nil unless they beat best bytes.
func intRuns[T int32 | int64](v []T, best int) *encoding.RunLengths[T] {
	runs := encoding.CutRuns(v, len(v)/2)
	if runs == nil || !runsPay(runs.MapBytes()+encoding.SizeFOR(runs.Values), best) {
		return nil
	}
	return runs
}

// ids writes the ids of a column: through another column, in runs, or packed.
func (e *encoded) ids(d *data, p *plan) {
	if e.derived(d, p) {
		return
	}
	p.bases.keep(p.field.ID, d)
	if runs, _ := d.idRuns(); runs != nil {
		e.entry.Meta.Encoding = segment.EncodingRLE
		b := runs.AppendMap(nil)
		e.buffer(format.RoleForward, encoding.AppendPacked(b, runs.Values, encoding.Width(d.dict.N)))
		return
	}
	e.entry.Meta.Encoding = segment.EncodingDict
	e.buffer(format.RoleForward, encoding.AppendPacked(nil, d.ids, encoding.Width(d.dict.N)))
}
