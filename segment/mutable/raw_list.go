package mutable

import (
	"sort"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// listValues are the lists of a block as runs of rows. A run is never written
// again, so that elements need no care beside a running writer.
type listValues struct {
	runs []listRun // by rising first row
}

// listRun holds the rows [first, first+vec.N).
type listRun struct {
	first int
	vec   *column.Vector
}

// run returns the position of the run that holds a row.
func (l *listValues) run(row int) int {
	return sort.Search(len(l.runs), func(i int) bool { return l.runs[i].first > row }) - 1
}

func (l *listValues) read(from, n int, dst *column.Vector) {
	for k := l.run(from); n > 0; k++ {
		r := &l.runs[k]
		at := from - r.first
		m := min(n, r.vec.N-at)
		appendLists(dst, r.vec, at, m)
		from, n = from+m, n-m
	}
}

func (l *listValues) gather(docs []uint32, base uint32, dst *column.Vector) {
	for _, doc := range docs {
		l.read(int(doc-base), 1, dst)
	}
}

func (l *listValues) match(uint32, int, segment.ValueRange, column.Bitmap) bool { return false }

// appendLists appends lists [from, from+n) of src to dst.
func appendLists(dst, src *column.Vector, from, n int) {
	first, last := src.Offsets[from], src.Offsets[from+n]
	shift := uint32(dst.Elems.N) - first
	appendRows(dst.Elems, src.Elems, int(first), int(last-first))
	for _, end := range src.Offsets[from+1 : from+n+1] {
		dst.Offsets = append(dst.Offsets, end+shift)
	}
	dst.N += n
}

// appendRows appends rows [from, from+n) of src, which has the same kind.
func appendRows(dst, src *column.Vector, from, n int) {
	at, to := dst.N, from+n
	switch src.Kind() {
	case schema.KindBool:
		dst.Bools = append(dst.Bools, src.Bools[from:to]...)
	case schema.KindInt32:
		dst.Int32s = append(dst.Int32s, src.Int32s[from:to]...)
	case schema.KindInt64:
		dst.Int64s = append(dst.Int64s, src.Int64s[from:to]...)
	case schema.KindFloat32:
		dst.Float32s = append(dst.Float32s, src.Float32s[from:to]...)
	case schema.KindFloat64:
		dst.Float64s = append(dst.Float64s, src.Float64s[from:to]...)
	case schema.KindDecimal:
		dst.Decimals = append(dst.Decimals, src.Decimals[from:to]...)
	case schema.KindInterval:
		dst.Intervals = append(dst.Intervals, src.Intervals[from:to]...)
	case schema.KindBytes:
		(&bytesValues{offsets: src.Offsets, data: src.Data}).read(from, n, dst)
		dst.N -= n
	case schema.KindList:
		appendLists(dst, src, from, n)
		dst.N -= n
	}
	dst.N += n
	if !src.HasNulls() {
		return
	}
	for i := range n {
		if src.Nulls.Get(from + i) {
			dst.SetNull(at + i)
		}
	}
}

// listWriter keeps the open block of a column of lists. A new run swallows the
// runs before it that are not longer, so that their number stays logarithmic
// and a row is copied a logarithmic number of times.
type listWriter struct {
	typ   schema.Type
	runs  []listRun
	rows  int
	bytes int64
}

func (w *listWriter) append(v *column.Vector, from, n int) {
	keep, total := len(w.runs), n
	for keep > 0 && w.runs[keep-1].vec.N <= total {
		keep--
		total += w.runs[keep].vec.N
	}
	vec := column.New(w.typ, total)
	first := w.rows
	for _, r := range w.runs[keep:] {
		first = min(first, r.first)
		w.bytes -= r.vec.MemoryBytes()
		appendLists(vec, r.vec, 0, r.vec.N)
	}
	appendLists(vec, v, from, n)
	w.bytes += vec.MemoryBytes()
	// Views hold the old slice: it is copied, not overwritten.
	w.runs = append(append(make([]listRun, 0, keep+1), w.runs[:keep]...), listRun{first: first, vec: vec})
	w.rows += n
}

func (w *listWriter) values() values { return &listValues{runs: w.runs} }

func (w *listWriter) close() (values, int64) {
	vec := w.runs[0].vec
	if len(w.runs) > 1 {
		vec = column.New(w.typ, w.rows)
		for _, r := range w.runs {
			appendLists(vec, r.vec, 0, r.vec.N)
		}
	}
	w.runs, w.rows, w.bytes = nil, 0, 0
	return &listValues{runs: []listRun{{vec: vec}}}, vec.MemoryBytes()
}

func (w *listWriter) zone() *zone { return nil }

func (w *listWriter) heldBytes() int64   { return w.bytes }
func (w *listWriter) packedBytes() int64 { return w.bytes }
