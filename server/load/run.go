package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"slices"
	"sync"

	"github.com/alluviumdb/alluvium/ingest/file"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/startree"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

// loader is the state of one load. Workers take units from a channel; mu
// guards what they share and is held during emit and Progress, so that calls
// of these do not overlap.
type loader struct {
	opt    Options
	inputs []file.Input
	emit   func(context.Context, Built) error
	plan   *planner

	emitting sync.Mutex
	mu       sync.Mutex
	progress Progress
	summary  Summary
	names    [][]string // by unit
	left     []int64    // rows of each Parquet file that are not in a segment yet
}

func run(ctx context.Context, opt Options, inputs []file.Input, emit func(context.Context, Built) error) (Summary, error) {
	if err := opt.check(); err != nil {
		return Summary{}, err
	}
	if opt.FS == nil {
		opt.FS = vfs.OS
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	if err := build.CheckConfig(opt.Table); err != nil {
		return Summary{}, err
	}
	if err := opt.FS.MkdirAll(opt.Dir); err != nil {
		return Summary{}, err
	}
	l := &loader{opt: opt, inputs: inputs, emit: emit}
	var err error
	if l.plan, err = plan(ctx, &l.opt, inputs); err != nil {
		return Summary{}, err
	}
	l.begin()
	err = l.work(ctx)
	for _, names := range l.names {
		l.summary.Names = append(l.summary.Names, names...)
	}
	return l.summary, err
}

// begin fills in the totals of progress.
func (l *loader) begin() {
	p := &l.progress
	p.TotalFiles = len(l.inputs)
	for i, in := range l.inputs {
		p.TotalBytes += in.Bytes
		if in.Format == file.Parquet && l.plan.rows[i] == 0 {
			p.Files++
		}
	}
	p.TotalSegments = len(l.plan.units)
	for _, u := range l.plan.units {
		p.TotalRows += u.rows
		if len(u.files) > 0 {
			p.TotalRows, p.TotalSegments = -1<<62, -1<<30 // unknown once one is
		}
	}
	p.TotalRows, p.TotalSegments = max(p.TotalRows, 0), max(p.TotalSegments, 0)
	l.names = make([][]string, len(l.plan.units))
	l.left = slices.Clone(l.plan.rows)
	l.summary.Files, l.summary.InputBytes = p.TotalFiles, p.TotalBytes
}

// work runs the units on the workers; the first error stops all.
func (l *loader) work(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	units := make(chan int)
	var workers sync.WaitGroup
	for range min(l.opt.Workers, len(l.plan.units)) {
		workers.Go(func() {
			for i := range units {
				if err := l.unit(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range l.plan.units {
		select {
		case units <- i:
		case <-ctx.Done():
		}
	}
	close(units)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (l *loader) unit(ctx context.Context, i int) error {
	if ctx.Err() != nil {
		return nil // another worker's error is told
	}
	u := &l.plan.units[i]
	if len(u.files) > 0 {
		return l.texts(ctx, i, u)
	}
	if l.skip(i, u.name, u.rows) {
		l.unitDone(u)
		l.advance(0, u.bytes)
		return nil
	}
	src := &pieces{l: l, u: u}
	defer src.close()
	if err := src.open(ctx); err != nil {
		return err
	}
	name := path.Join(l.opt.Dir, u.name)
	res, err := build.FromColumns(ctx, l.opt.FS, name, src, l.config(u.name, u))
	if err != nil {
		return err
	}
	l.unitDone(u)
	src.finish()
	return l.built(ctx, i, u, u.name, name, res)
}

// skip notes a segment of a unit; true means that it is there already.
func (l *loader) skip(unit int, name string, rows int64) bool {
	done := l.opt.Done != nil && l.opt.Done(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names[unit] = append(l.names[unit], name)
	if done {
		l.summary.Skipped++
		l.progress.Segments++
		l.progress.Rows += rows
	}
	return done
}

// unitDone counts the files of which the unit had the last rows.
func (l *loader) unitDone(u *unit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range u.pieces {
		l.left[c.input] -= c.to - c.from
		if l.left[c.input] == 0 {
			l.progress.Files++
		}
	}
}

// config is the build's: the times come from the inputs, so that the bytes of
// the segment do.
func (l *loader) config(name string, u *unit) build.Config {
	m := &segment.Metadata{Name: name, Table: l.opt.Table.Name, TableID: l.opt.Table.ID}
	for _, in := range u.inputs(l.inputs) {
		m.CreatedMicros = max(m.CreatedMicros, in.ModifiedMicros)
	}
	m.SealedMicros = m.CreatedMicros
	// Where there are fewer segments than workers, a segment may use two cores.
	ahead := len(l.plan.units) < l.opt.Workers
	return build.Config{Table: l.opt.Table, Meta: m, StarTrees: startree.Compiler{}, Ahead: ahead}
}

// built hands a segment on.
func (l *loader) built(ctx context.Context, i int, u *unit, name, path string, res build.Result) error {
	b := Built{
		Name: name, Path: path, Metadata: res.Metadata, CRC: res.CRC, Bytes: int64(res.Bytes), Inputs: u.inputs(l.inputs),
	}
	l.emitting.Lock()
	defer l.emitting.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.emit(ctx, b); err != nil {
		return fmt.Errorf("segment %s: %w", name, err)
	}
	l.mu.Lock()
	l.summary.Segments++
	l.summary.Rows += int64(res.Metadata.NumDocs)
	l.summary.SegmentBytes += b.Bytes
	l.progress.Segments++
	l.mu.Unlock()
	l.advance(0, 0)
	return nil
}

// advance adds to progress and tells it.
func (l *loader) advance(rows, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress.Rows += rows
	l.progress.Bytes += bytes
	if l.opt.Progress != nil {
		l.opt.Progress(l.progress)
	}
}

// pieces is a unit of Parquet files as the columns of a build.
type pieces struct {
	l     *loader
	u     *unit
	files map[int]*file.ParquetFile
	// told is how much of the unit was added to progress.
	told, toldBytes int64
	next            int // the first column that was not told
}

func (p *pieces) open(ctx context.Context) error {
	p.files = map[int]*file.ParquetFile{}
	for _, c := range p.u.pieces {
		if p.files[c.input] != nil {
			continue
		}
		f, err := file.OpenParquet(ctx, p.l.inputs[c.input], p.l.opt.Table.Schema, p.l.opt.File)
		if err != nil {
			return err
		}
		p.files[c.input] = f
	}
	return nil
}

func (p *pieces) close() {
	for _, f := range p.files {
		_ = f.Close() // opened for reading
	}
}

// Rows implements build.Columns.
func (p *pieces) Rows() int { return int(p.u.rows) }

// Read implements build.Columns.
func (p *pieces) Read(ctx context.Context, i int, f func(*column.Encoded) error) error {
	for _, c := range p.u.pieces {
		if err := p.files[c.input].ReadColumn(ctx, c.group, i, c.from, c.to, f); err != nil {
			return err
		}
	}
	p.tell(i)
	return nil
}

// tell adds the share of the columns up to i to progress. The sort column is
// read twice, so not every call moves on.
func (p *pieces) tell(i int) {
	if i != p.next {
		return
	}
	p.next++
	n := int64(len(p.l.opt.Table.Schema.Fields))
	p.tellUpTo(p.u.rows*int64(p.next)/n, p.u.bytes*int64(p.next)/n)
}

func (p *pieces) tellUpTo(rows, bytes int64) {
	p.l.advance(rows-p.told, bytes-p.toldBytes)
	p.told, p.toldBytes = rows, bytes
}

func (p *pieces) finish() { p.tellUpTo(p.u.rows, p.u.bytes) }

// texts builds the segments of a unit of files that are read row by row. A
// segment is full at RowsPerSegment rows, or earlier when its rows take
// segmentMemory.
func (l *loader) texts(ctx context.Context, i int, u *unit) error {
	t := &textUnit{l: l, i: i, u: u}
	for _, k := range u.files {
		if err := t.file(ctx, l.inputs[k]); err != nil {
			return err
		}
	}
	return t.flush(ctx)
}

// segmentMemory bounds what the rows of one segment take before it is built.
const segmentMemory = 192 << 20

// textUnit is a unit of text files under work.
type textUnit struct {
	l    *loader
	i    int
	u    *unit
	part int
	b    *build.Builder
}

func (t *textUnit) file(ctx context.Context, in file.Input) error {
	r, err := file.Open(ctx, in, t.l.opt.Table.Schema, t.l.opt.File)
	if err != nil {
		return err
	}
	defer r.Close()
	var read int64
	for {
		batch, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			t.l.fileDone(in.Bytes - read)
			return nil
		}
		if err == nil {
			err = t.add(ctx, batch)
		}
		if err != nil {
			return err
		}
		now := min(r.BytesRead(), in.Bytes)
		t.l.advance(int64(batch.N), now-read)
		read = now
	}
}

func (l *loader) fileDone(bytes int64) {
	l.mu.Lock()
	l.progress.Files++
	l.mu.Unlock()
	l.advance(0, bytes)
}

func (t *textUnit) name() string { return fmt.Sprintf("%s_%d", t.u.name, t.part) }

// add adds rows, dividing them where the segment is full by number of rows.
func (t *textUnit) add(ctx context.Context, batch *column.Batch) error {
	for from := 0; from < batch.N; {
		if t.b == nil {
			var err error
			if t.b, err = build.NewBuilder(t.l.config(t.name(), t.u)); err != nil {
				return err
			}
		}
		to := min(batch.N, from+t.l.opt.RowsPerSegment-t.b.Rows())
		part := column.Batch{N: to - from, Cols: make([]*column.Vector, len(batch.Cols))}
		for k, v := range batch.Cols {
			part.Cols[k] = v.Slice(from, to)
		}
		if err := t.b.Add(&part); err != nil {
			return err
		}
		from = to
		if t.b.Rows() >= t.l.opt.RowsPerSegment || t.b.MemoryBytes() >= segmentMemory {
			if err := t.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush builds the rows at hand into a segment.
func (t *textUnit) flush(ctx context.Context) error {
	if t.b == nil {
		return nil
	}
	b, name := t.b, t.name()
	t.b = nil
	t.part++
	if t.l.skip(t.i, name, 0) {
		return nil
	}
	file := path.Join(t.l.opt.Dir, name)
	res, err := b.Write(ctx, t.l.opt.FS, file)
	if err != nil {
		return err
	}
	return t.l.built(ctx, t.i, t.u, name, file, res)
}
