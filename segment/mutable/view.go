package mutable

import (
	"sync"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/invariants"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// state is what one commit published. It is immutable but for what it derives
// on demand, and shared by all snapshots taken of it.
type state struct {
	seg                  *Segment
	rows                 uint32
	next                 string
	records, rejected    uint64
	maxEvent, maxArrival int64
	marks                []segment.SeqMark
	errors               []segment.RowError
	cols                 []columnState

	views []atomic.Pointer[Column]
	once  sync.Once
	meta  *segment.Metadata
}

// column returns the reader of column i.
func (st *state) column(i int) *Column {
	if c := st.views[i].Load(); c != nil {
		return c
	}
	st.views[i].CompareAndSwap(nil, newColumn(&st.cols[i], st.rows))
	return st.views[i].Load()
}

// metadata describes the state's rows.
func (st *state) metadata() *segment.Metadata {
	st.once.Do(func() { st.meta = st.describe() })
	return st.meta
}

func (st *state) describe() *segment.Metadata {
	cfg := &st.seg.cfg
	m := &segment.Metadata{
		Name:          cfg.Name,
		Table:         cfg.Table.Name,
		TableID:       cfg.Table.ID,
		SchemaVersion: cfg.Table.Schema.Version,
		NumDocs:       st.rows,
		Streamed:      true,
		Partition:     cfg.Partition,
		FirstSeq:      cfg.FirstSeq,
		StartOffset:   cfg.StartOffset,
		EndOffset:     st.next,
		SeqMarks:      st.marks,
		Records:       st.records,
		Rejected:      st.rejected,
		Errors:        st.errors,
		TimeColumn:    cfg.TimeColumn,
		CreatedMicros: cfg.CreatedMicros,
		Consuming:     true,
		Columns:       make([]segment.ColumnMeta, len(st.cols)),
	}
	for i := range st.cols {
		c := st.column(i).Meta()
		m.Columns[i] = *c
		if c.ID == cfg.TimeColumn && cfg.TimeColumn != 0 && c.HasRange && isWhole(c.Type) {
			m.HasTime, m.MinTime, m.MaxTime = true, c.Min.I, c.Max.I
		}
	}
	return m
}

func isWhole(t schema.Type) bool {
	return t.Kind() == schema.KindInt32 || t.Kind() == schema.KindInt64
}

// View is a fixed set of published rows of a consuming segment. Its memory is
// freed by the garbage collector when no view, and not the segment, refers to
// it; Release only guards against use after it.
type View struct {
	st   *state
	refs atomic.Int32
}

var _ segment.Segment = (*View)(nil)

func newView(st *state) *View {
	v := &View{st: st}
	v.refs.Store(1)
	return v
}

// Metadata implements segment.Segment. RowSum is left 0: the sealed segment
// computes it.
func (v *View) Metadata() *segment.Metadata { return v.st.metadata() }

// NumDocs implements segment.Segment.
func (v *View) NumDocs() uint32 { return v.st.rows }

// Column implements segment.Segment. It returns segment.ErrClosed after the
// last Release.
func (v *View) Column(id uint32) (segment.Column, error) {
	if v.refs.Load() <= 0 {
		return nil, segment.ErrClosed
	}
	for i := range v.st.cols {
		if v.st.cols[i].id == id {
			return v.st.column(i), nil
		}
	}
	return nil, nil
}

// Retain implements segment.Segment.
func (v *View) Retain() bool {
	for {
		n := v.refs.Load()
		if n <= 0 {
			return false
		}
		if v.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release implements segment.Segment.
func (v *View) Release() {
	n := v.refs.Add(-1)
	invariants.Check(n >= 0, "view of segment %s released too often", v.st.seg.cfg.Name)
}
