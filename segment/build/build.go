// Package build writes immutable segment files from consuming segments, from
// other segments and from batches of rows. It knows encodings, indexes and the
// file format; it does not know streams, queries or clusters.
//
// A build is deterministic: the same rows in the same order with the same
// Config give the same bytes, whichever segment they were read from.
package build

import (
	"context"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
)

// Config says what to write.
type Config struct {
	// Table gives the columns (schema fields, by column id) and how they are
	// stored (IndexingConfig, with the sort column). Columns that the source
	// lacks become all NULL; columns that the schema lacks are dropped.
	Table *schema.Table
	// Meta is stamped on the segment: name, table, partition, FirstSeq,
	// offsets, SeqMarks, Records, Rejected, Errors, times. What the build
	// computes itself (NumDocs, RowSum, time range, columns, TimeColumn,
	// SchemaVersion, Consuming) is ignored. Segment uses the source's
	// metadata when Meta is nil.
	Meta *segment.Metadata
	// StarTrees compiles the aggregations of the table's star-trees; it is
	// needed only for tables that have some.
	StarTrees segment.StarTreeCompiler
	// Ahead loads a column while the one before it is being written: it takes a
	// second core and the memory of one more column. The bytes are the same.
	Ahead bool
}

// Result describes a written segment.
type Result struct {
	Metadata *segment.Metadata
	CRC      uint32 // CRC32C of the whole file
	Bytes    uint64 // size of the file
}

// Segment writes the rows of src to path: to a temporary name first, synced,
// renamed, folder synced. Nothing is left behind when it fails. Rows are
// reordered (stably) when the table has a sort column. src is read column by
// column and must stay valid until Segment returns.
func Segment(ctx context.Context, fsys vfs.FS, path string, src segment.Segment, cfg Config) (Result, error) {
	if cfg.Meta == nil {
		cfg.Meta = src.Metadata()
	}
	return write(ctx, fsys, path, segmentSource{src}, cfg)
}

// source gives the rows of a build, column by column.
type source interface {
	rows() int
	// load returns a column as field f of the schema, nil if it has none.
	load(f *schema.Field) (*data, error)
	// seqs returns the stored _seq of each row, nil if the source stores none.
	seqs() ([]int64, error)
}

// write builds one file.
func write(ctx context.Context, fsys vfs.FS, path string, src source, cfg Config) (Result, error) {
	plans, err := planColumns(cfg.Table)
	if err != nil {
		return Result{}, err
	}
	trees, err := starTreePlan(cfg)
	if err != nil {
		return Result{}, err
	}
	tmp := path + ".tmp"
	w, err := createFile(fsys, tmp)
	if err != nil {
		return Result{}, err
	}
	b := &builder{ctx: ctx, src: src, cfg: cfg, plans: plans, trees: trees, file: w, rows: src.rows()}
	meta, err := b.run()
	if err == nil {
		err = w.finish()
	}
	w.close()
	if err == nil {
		err = publish(fsys, tmp, path)
	}
	if err != nil {
		_ = fsys.Remove(tmp) // the first error is the one that matters
		return Result{}, err
	}
	return Result{Metadata: meta, CRC: w.crc, Bytes: uint64(w.size)}, nil
}

// publish gives a finished file its name.
func publish(fsys vfs.FS, tmp, path string) error {
	if err := fsys.Rename(tmp, path); err != nil {
		return err
	}
	if err := fsys.SyncDir(vfs.Dir(path)); err != nil {
		_ = fsys.Remove(path)
		return err
	}
	return nil
}

// builder is the state of one build.
type builder struct {
	ctx   context.Context
	src   source
	cfg   Config
	plans []plan
	trees *starTrees // nil when the table has none
	file  *fileWriter
	rows  int

	sums   *segment.RowSummer
	perm   []uint32 // new position -> old position; nil when rows stay in place
	footer format.Footer
	bases  bases
}

// run writes all columns and the footer and returns the metadata.
func (b *builder) run() (*segment.Metadata, error) {
	b.sums = segment.NewRowSummer(b.rows)
	meta := stamp(b.cfg, b.rows)
	b.footer.Meta = meta
	if err := b.sortRows(); err != nil {
		return nil, err
	}
	if err := b.eachColumn(b.column); err != nil {
		return nil, err
	}
	if err := b.seqColumn(); err != nil {
		return nil, err
	}
	if err := b.starTrees(); err != nil {
		return nil, err
	}
	meta.RowSum = b.sums.Sum()
	b.finishMeta()
	return meta, b.file.footer(&b.footer)
}

// stamp returns the metadata that does not depend on the data.
func stamp(cfg Config, rows int) *segment.Metadata {
	m := segment.Metadata{}
	if cfg.Meta != nil {
		m = *cfg.Meta
	}
	m.NumDocs = uint32(rows)
	m.SchemaVersion = cfg.Table.Schema.Version
	m.Layout = cfg.Table.Layout()
	m.Consuming, m.Columns, m.RowSum = false, nil, 0
	m.TimeColumn, m.HasTime, m.MinTime, m.MaxTime = 0, false, 0, 0
	if cfg.Table.Config != nil && cfg.Table.Config.TimeColumn != "" {
		if i := cfg.Table.Schema.Index(cfg.Table.Config.TimeColumn); i >= 0 {
			m.TimeColumn = cfg.Table.Schema.Fields[i].ID
		}
	}
	return &m
}

const dayMicros = 86_400_000_000

// finishMeta collects the columns' metadata and the time range.
func (b *builder) finishMeta() {
	m := b.footer.Meta
	m.Columns = make([]segment.ColumnMeta, len(b.footer.Columns))
	for i := range b.footer.Columns {
		c := &b.footer.Columns[i]
		m.Columns[i] = *c.Meta
		c.Meta = &m.Columns[i]
	}
	t := m.Column(m.TimeColumn)
	if m.TimeColumn == 0 || t == nil || !t.HasRange {
		return
	}
	switch t.Type.Kind() {
	case schema.KindInt32, schema.KindInt64:
		m.HasTime, m.MinTime, m.MaxTime = true, t.Min.I, t.Max.I
	}
	if t.Type.ID == schema.TypeDate {
		m.MinTime, m.MaxTime = m.MinTime*dayMicros, m.MaxTime*dayMicros
	}
}

// column hashes, reorders and writes one column.
func (b *builder) column(p *plan, d *data) error {
	d.hashRows(p.field.ID, b.sums)
	if b.perm != nil {
		d.reorder(b.perm)
	}
	if err := b.truncated(d, p); err != nil {
		return err
	}
	p.bases = &b.bases
	return b.add(d, p)
}

// add encodes a column and writes its buffers.
func (b *builder) add(d *data, p *plan) error {
	e, err := encode(d, p)
	if err != nil {
		return err
	}
	c, err := b.place(e)
	if err != nil {
		return err
	}
	c.Meta.ID, c.Meta.Name = p.field.ID, p.field.Name
	b.trees.keep(p.field, d)
	b.footer.Columns = append(b.footer.Columns, c)
	return nil
}

// place writes the buffers of an encoded column and returns its directory entry.
func (b *builder) place(e *encoded) (format.Column, error) {
	c := e.entry
	for _, p := range e.buffers {
		buf, err := b.file.buffer(p)
		if err != nil {
			return c, err
		}
		c.Buffers = append(c.Buffers, buf)
		c.Meta.Bytes += buf.Length
	}
	if e.child != nil {
		child, err := b.place(e.child)
		if err != nil {
			return c, err
		}
		c.Child = &child
		c.Meta.Bytes += child.Meta.Bytes
	}
	c.SetIndexNames()
	return c, nil
}

// seqColumn writes _seq when row positions no longer tell it.
func (b *builder) seqColumn() error {
	seqs, err := b.src.seqs()
	if err != nil {
		return err
	}
	if seqs == nil {
		if b.perm == nil || !b.footer.Meta.Streamed {
			return nil
		}
		seqs = make([]int64, b.rows)
		for i := range seqs {
			seqs[i] = int64(b.footer.Meta.FirstSeq) + int64(i)
		}
	}
	f := schema.Field{ID: segment.SeqColumnID, Name: segment.SeqColumnName, Type: schema.Int64}
	d := rawInt64s(seqs)
	if b.perm != nil {
		d.reorder(b.perm)
	}
	return b.add(d, &plan{field: &f, noDict: true})
}
