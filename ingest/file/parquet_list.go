package file

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
)

// listState collects the lists of a column chunk, as a page may end within a
// row.
type listState struct {
	rows  int
	out   *column.Vector
	nulls []bool
}

func (s *listState) reset() { s.rows, s.out, s.nulls = 0, nil, s.nulls[:0] }

// lists adds the entries of a page.
func (r *chunkReader) lists(values *column.Vector, faults []fault, byID bool, n int) error {
	s := &r.list
	if s.out == nil {
		s.out = column.New(r.p.schema.Fields[r.field].Type, 0)
	}
	reasons := map[int]string{}
	for _, f := range faults {
		reasons[f.at] = f.reason
	}
	next := 0 // of the present values
	for i := range n {
		if r.reps[i] == 0 {
			r.endList()
			if int64(s.rows) == r.p.groups[r.group] {
				return errPage("more lists than the row group's %d rows", s.rows)
			}
			s.rows++
			s.nulls = append(s.nulls, int(r.defs[i]) < r.col.elemDef-1)
		} else if s.rows == 0 {
			return errPage("an element before the first list")
		}
		def := int(r.defs[i])
		switch {
		case def == r.col.maxDef:
			at := next
			if byID {
				at = int(r.ids[next])
			}
			next++
			if reason, bad := reasons[at]; bad && r.wanted(int64(s.rows-1)) {
				return r.refuse(int64(s.rows-1), reason)
			}
			s.out.Elems.AppendFrom(values, at)
		case def >= r.col.elemDef:
			s.out.Elems.AppendNull()
		}
		if s.out.Elems.N == math.MaxInt32 {
			return errTooMuchText
		}
	}
	return nil
}

func (r *chunkReader) wanted(row int64) bool { return row >= r.from && row < r.to }

// endList closes the list at hand.
func (r *chunkReader) endList() {
	s := &r.list
	if s.rows == 0 {
		return
	}
	s.out.Offsets = append(s.out.Offsets, uint32(s.out.Elems.N))
	s.out.N++
	if s.nulls[s.rows-1] {
		s.out.SetNull(s.rows - 1)
	}
	// The chunk is read to its end even if rows behind it are not wanted.
	if int64(s.rows) == r.p.groups[r.group] {
		r.row = r.to
	}
}

// emitLists passes on the wanted lists.
func (r *chunkReader) emitLists() error {
	s := &r.list
	if s.out == nil || int64(s.out.N) < r.to {
		return errPage("column chunk ends after %d of %d lists", s.rows, r.p.groups[r.group])
	}
	v := s.out.Slice(int(r.from), int(r.to))
	if r.conv.required != "" && v.Nulls.Any() {
		return r.refuse(r.from+int64(firstSet(v.Nulls, 0)), r.conv.required)
	}
	return r.emit(&column.Encoded{N: v.N, Values: v})
}
