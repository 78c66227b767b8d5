package inspect

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// BenchOptions of Bench.
type BenchOptions struct {
	// Columns limits the measurement to these names; empty means all.
	Columns []string
	// Time is how long each rate is measured at least; 0 means 50 ms. Every
	// measurement goes over the column at least once.
	Time time.Duration
}

// ColumnBench is how large and how fast a column is. Rates are in rows per
// second of one goroutine, after a first pass that brings the column into
// memory; 0 means that the column has no such way.
type ColumnBench struct {
	ID         uint32  `json:"id"`
	Name       string  `json:"name"`
	Encoding   string  `json:"encoding"`
	Bytes      uint64  `json:"bytes"`      // all buffers
	IndexBytes uint64  `json:"indexBytes"` // those of them that a reader may do without
	BitsPerRow float64 `json:"bitsPerRow"`
	Read       float64 `json:"readRowsPerSecond"`   // values, in order
	Gather     float64 `json:"gatherRowsPerSecond"` // values of one row in 61, counted as gathered
	Match      float64 `json:"matchRowsPerSecond"`  // rows compared with the lower half of the values
}

// benchBlock is the number of rows of one call.
const benchBlock = 4096

// gatherStep is the distance of gathered rows, prime to block sizes.
const gatherStep = 61

// Bench measures the columns of the segment file at path.
func Bench(ctx context.Context, fsys vfs.FS, path string, opt BenchOptions) ([]ColumnBench, error) {
	if opt.Time <= 0 {
		opt.Time = 50 * time.Millisecond
	}
	s, err := immutable.Open(fsys, path, immutable.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Release()
	var out []ColumnBench
	dir := s.Directory()
	for i := range dir.Columns {
		c := &dir.Columns[i]
		if !wanted(c.Meta.Name, opt.Columns) {
			continue
		}
		b, err := benchColumn(ctx, s, c, opt.Time)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Meta.Name, err)
		}
		out = append(out, b)
	}
	return out, nil
}

func benchColumn(ctx context.Context, s *immutable.Segment, e *format.Column, d time.Duration) (ColumnBench, error) {
	m := e.Meta
	b := ColumnBench{ID: m.ID, Name: m.Name, Encoding: EncodingName(m.Encoding), Bytes: m.Bytes, IndexBytes: indexBytes(e)}
	if s.NumDocs() == 0 {
		return b, nil
	}
	b.BitsPerRow = float64(m.Bytes*8) / float64(s.NumDocs())
	c, err := s.Column(m.ID)
	if err != nil {
		return b, err
	}
	x := &bencher{ctx: ctx, col: c, docs: s.NumDocs(), time: d}
	for _, r := range []struct {
		rate *float64
		pass func() (rows int, err error)
	}{{&b.Read, x.read}, {&b.Gather, x.gather}, {&b.Match, x.match}} {
		if *r.rate, err = x.rate(r.pass); err != nil {
			return b, err
		}
	}
	return b, nil
}

// indexBytes is the size of the buffers that hold no rows.
func indexBytes(c *format.Column) uint64 {
	var n uint64
	for i := range c.Buffers {
		if c.Buffers[i].Role.Optional() {
			n += c.Buffers[i].Length
		}
	}
	if c.Child != nil {
		n += indexBytes(c.Child)
	}
	return n
}

// bencher measures one column.
type bencher struct {
	ctx  context.Context
	col  segment.Column
	docs uint32
	time time.Duration
	vec  column.Vector
	rows [benchBlock]uint32
}

// rate repeats a pass over the column, once to warm up, and returns its rows
// per second.
func (x *bencher) rate(pass func() (int, error)) (float64, error) {
	if n, err := pass(); err != nil || n == 0 {
		return 0, err
	}
	total, start := 0, time.Now()
	for {
		if err := x.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := pass()
		if err != nil {
			return 0, err
		}
		total += n
		if d := time.Since(start); d >= x.time {
			return float64(total) / d.Seconds(), nil
		}
	}
}

func (x *bencher) read() (int, error) {
	for from := uint32(0); from < x.docs; from += benchBlock {
		if err := x.col.Read(from, int(min(benchBlock, x.docs-from)), &x.vec); err != nil {
			return 0, err
		}
	}
	return int(x.docs), nil
}

func (x *bencher) gather() (int, error) {
	total := 0
	for doc := uint32(0); doc < x.docs; {
		n := 0
		for ; n < benchBlock && doc < x.docs; n++ {
			x.rows[n] = doc
			doc += gatherStep
		}
		if err := x.col.Gather(x.rows[:n], &x.vec); err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// match compares ids, or numbers without a dictionary, with the lower half.
func (x *bencher) match() (int, error) {
	bits := column.NewBitmap(benchBlock)
	ids, r, ok := x.lowerHalf()
	if !ok {
		return 0, nil
	}
	for from := uint32(0); from < x.docs; from += benchBlock {
		n := int(min(benchBlock, x.docs-from))
		if ids != nil {
			x.col.MatchIDs(from, n, *ids, bits)
			continue
		}
		if ok, err := x.col.MatchRange(from, n, r, bits); !ok || err != nil {
			return 0, err
		}
	}
	return int(x.docs), nil
}

func (x *bencher) lowerHalf() (*segment.IDSet, segment.ValueRange, bool) {
	if d := x.col.Dictionary(); d != nil {
		return &segment.IDSet{Hi: uint32(d.Len() / 2)}, segment.ValueRange{}, true
	}
	m := x.col.Meta()
	var r segment.ValueRange
	switch m.Type.Kind() {
	case schema.KindInt32, schema.KindInt64:
		r.LoInt, r.HiInt = m.Min.I, m.Min.I/2+m.Max.I/2
	case schema.KindFloat32, schema.KindFloat64:
		r.LoFloat, r.HiFloat = m.Min.F, m.Min.F/2+m.Max.F/2
	}
	return nil, r, m.HasRange && m.Type.Kind() != schema.KindList
}

// WriteBench writes measurements as a table.
func WriteBench(w io.Writer, cols []ColumnBench) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "column\tencoding\tbytes\tbits/row\tindex bytes\tread Mrows/s\tgather Mrows/s\tmatch Mrows/s\t")
	for i := range cols {
		c := &cols[i]
		fmt.Fprintf(t, "%s\t%s\t%d\t%.2f\t%d\t%s\t%s\t%s\t\n", c.Name, c.Encoding, c.Bytes, c.BitsPerRow, c.IndexBytes, rate(c.Read), rate(c.Gather), rate(c.Match))
	}
	return t.Flush()
}

func rate(perSecond float64) string {
	if perSecond == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", perSecond/1e6)
}
