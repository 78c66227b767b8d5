package exec

import (
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/segment"
)

// sink takes the rows that pass the filter, chunk by chunk. Each worker has one.
type sink interface {
	// open turns to another segment; it is called before its first chunk and
	// may be called again for a segment that was left.
	open(sp *segPlan) error
	// consume takes a chunk of the open segment.
	consume(c *chunk) error
	// done reports that no further row can change the result.
	done() bool
	// bytes is the memory that the sink holds.
	bytes() int64
}

// skipper is a sink that can tell without reading a block that none of its
// rows can change the result.
type skipper interface {
	skipBlock(sp *segPlan, b block) bool
}

// morsel is the unit of parallel work: some blocks of one segment.
type morsel struct {
	sp     *segPlan
	blocks []block
}

// worker runs morsels of a leaf: it filters blocks and hands chunks to its
// sink.
type worker struct {
	q      *query
	sink   sink
	reader *reader // of the sink's expressions
	run    filterRun
	sp     *segPlan
	sel    column.Bitmap
	docs   []uint32 // rows that passed and wait for a full chunk
	chunk  chunk
	mem    share
	passed int64
}

func newWorker(q *query) (*worker, error) {
	w := &worker{q: q, mem: share{m: &q.mem}}
	w.reader = newReader(q, q.exprs)
	w.reader.mem = &w.mem
	w.run.r = newReader(q, nil)
	w.docs = q.buf.uint32s(2 * chunkRows)[:0]
	w.sel = q.buf.bitmap(segment.BlockRows)
	s, err := q.op.newSink(q, w.reader)
	w.sink = s
	return w, err
}

// do runs one morsel.
func (w *worker) do(m *morsel) error {
	start := time.Now()
	defer func() { m.sp.nanos.Add(int64(time.Since(start))) }()
	if w.sp != m.sp {
		w.sp = m.sp
		w.reader.open(m.sp)
		w.run.r.openFilter(m.sp)
		if err := w.sink.open(m.sp); err != nil {
			return err
		}
	}
	for _, b := range m.blocks {
		if w.sink.done() {
			return errStop
		}
		if err := canceled(w.q.ctx); err != nil {
			return err
		}
		if err := w.block(b); err != nil {
			return err
		}
		if err := w.mem.set(w.sink.bytes()); err != nil {
			return err
		}
	}
	return w.flush()
}

// block filters one block and hands on its rows.
func (w *worker) block(b block) error {
	if s, ok := w.sink.(skipper); ok && s.skipBlock(w.sp, b) {
		return nil
	}
	// Rows that wait must ascend: an operator may want later blocks first.
	if n := len(w.docs); n > 0 && w.docs[n-1] >= b.from {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.sp.tree != nil {
		return w.treeBlock(b)
	}
	if w.sp.filter == nil {
		if w.counted(b, nil) {
			return nil
		}
		return w.wholeRange(b.from, b.n)
	}
	if x, ok := w.sp.listOf(); ok {
		return w.listed(x.part(b))
	}
	sel := w.sel[:column.Words(b.n)]
	sel.SetAll(b.n)
	return w.filtered(b, sel)
}

// filtered applies the filter to the rows of sel and hands on what is left.
func (w *worker) filtered(b block, sel column.Bitmap) error {
	if err := w.sp.filter.apply(&w.run, b, sel); err != nil {
		return err
	}
	if w.counted(b, sel) {
		return nil
	}
	for from := 0; from < b.n; from += chunkRows {
		if err := w.part(b, sel, from, min(from+chunkRows, b.n)); err != nil {
			return err
		}
	}
	return nil
}

// part hands on the selected rows from..to-1 of a block: as a range when all
// are selected, else through the list of waiting rows.
func (w *worker) part(b block, sel column.Bitmap, from, to int) error {
	words := sel[from>>6 : column.Words(to)]
	n := words.Count()
	switch n {
	case 0:
		return nil
	case to - from:
		if err := w.flush(); err != nil {
			return err
		}
		return w.wholeRange(b.from+uint32(from), n)
	}
	w.docs = kernel.Positions(words, b.from+uint32(from), w.docs)
	if len(w.docs) < chunkRows {
		return nil
	}
	return w.flushSome(chunkRows)
}

// wholeRange hands on consecutive rows that all pass.
func (w *worker) wholeRange(from uint32, n int) error {
	for n > 0 {
		k := min(n, chunkRows)
		w.chunk = chunk{from: from, n: k}
		if err := w.give(); err != nil {
			return err
		}
		from += uint32(k)
		n -= k
	}
	return nil
}

// flush hands on all waiting rows.
func (w *worker) flush() error {
	for len(w.docs) > 0 {
		if err := w.flushSome(min(len(w.docs), chunkRows)); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) flushSome(n int) error {
	w.chunk = chunk{docs: w.docs[:n], n: n}
	w.chunk.compact()
	err := w.give()
	w.docs = w.docs[:copy(w.docs, w.docs[n:])]
	return err
}

func (w *worker) give() error {
	w.reader.next(&w.chunk)
	w.passed += int64(w.chunk.n)
	w.sp.matched.Add(int64(w.chunk.n))
	if w.sink.done() {
		return errStop
	}
	return w.sink.consume(&w.chunk)
}
