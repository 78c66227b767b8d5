package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	pq "github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

var errTooMuchText = fmt.Errorf("%w: more than 4 GiB of text in one page", ErrUnsupported)

// ParquetFile reads a Parquet file column by column: any column of any row
// group, in the encoded form that the file has it in. It is safe for
// concurrent use.
//
// The metadata and the frames of pages are read by the Arrow library, which
// panics on some bad input; every call into it is guarded. What is in the
// pages is decoded here, straight into vectors and dictionary ids.
type ParquetFile struct {
	in     Input
	blob   blob
	pf     *file.Reader
	schema *schema.Schema
	cols   []parquetColumn // by field
	groups []int64         // rows of each row group
	rows   int64
	states sync.Pool // *chunkReader
	opt    Options
}

// parquetColumn is where a field's values lie. index is -1 for a field that
// the file lacks.
type parquetColumn struct {
	index int
	leaf
}

// leaf describes a column of a file.
type leaf struct {
	name     string // of the field that takes it
	physical parquet.Type
	length   int // of fixed-length byte arrays
	logical  logical
	maxDef   int
	// list tells a column of lists; an entry has an element if its definition
	// level is at least elemDef, and is an empty list at elemDef-1.
	list    bool
	elemDef int
}

// OpenParquet opens a Parquet file for reading as columns of s. A field that
// the file lacks is NULL in all rows.
func OpenParquet(ctx context.Context, in Input, s *schema.Schema, opt Options) (*ParquetFile, error) {
	b, err := openBlob(ctx, in, opt)
	if err != nil {
		return nil, &Error{Path: in.Path, Err: err}
	}
	p := &ParquetFile{in: in, blob: b, schema: s, opt: opt}
	if err := p.open(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return p, nil
}

func (p *ParquetFile) open(ctx context.Context) error {
	err := guard(func() (err error) {
		at := &blobReader{ctx: ctx, blob: p.blob}
		if p.pf, err = file.NewParquetReader(io.NewSectionReader(at, 0, p.in.Bytes)); err != nil {
			return corrupt(err)
		}
		return p.readLayout()
	})
	if err != nil {
		return &Error{Path: p.in.Path, Err: err}
	}
	if p.schema == nil {
		return nil
	}
	return p.resolve()
}

// leaves opens the file and returns its columns.
func (p *ParquetFile) leaves(ctx context.Context) (out []leaf, err error) {
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	out, _ = leavesOf(p.pf.MetaData().Schema)
	return out, nil
}

// readLayout notes the row groups.
func (p *ParquetFile) readLayout() error {
	for i := range p.pf.NumRowGroups() {
		n := p.pf.MetaData().RowGroups[i].GetNumRows()
		if n < 0 || n > 1<<40 {
			return errPage("row group of %d rows", n)
		}
		p.groups = append(p.groups, n)
		p.rows += n
	}
	return nil
}

// blobReader is a blob as an io.ReaderAt.
type blobReader struct {
	ctx  context.Context
	blob blob
}

func (r *blobReader) ReadAt(b []byte, off int64) (int, error) {
	if err := r.blob.ReadAt(r.ctx, b, off); err != nil {
		return 0, err
	}
	return len(b), nil
}

// guard calls f and turns a panic into ErrCorrupt.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPage("%v", p)
		}
	}()
	return f()
}

// corrupt marks a fault of the library as one of the file's bytes, unless it
// came from reading them.
func corrupt(err error) error {
	for _, other := range []error{context.Canceled, context.DeadlineExceeded, ErrUnsupported, ErrCorrupt} {
		if errors.Is(err, other) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// resolve finds the column of each field.
func (p *ParquetFile) resolve() error {
	leaves, groups := leavesOf(p.pf.MetaData().Schema)
	found := false
	for i := range p.schema.Fields {
		f := &p.schema.Fields[i]
		c := parquetColumn{index: findLeaf(leaves, fieldPath(f), p.opt.Decode.IgnoreCase)}
		if c.index >= 0 {
			c.leaf = leaves[c.index]
			found = true
		} else if groups[fieldPath(f)] {
			return &Error{Path: p.in.Path, Column: f.Name, Err: fmt.Errorf("%w: nested column", ErrUnsupported)}
		}
		if err := c.check(f); err != nil {
			return &Error{Path: p.in.Path, Column: f.Name, Err: err}
		}
		if c.index < 0 && p.rows > 0 && (f.NotNull || f.Name == p.opt.Decode.TimeColumn) {
			return &Error{Path: p.in.Path, Column: f.Name, Err: fmt.Errorf("%w: the file has no such column, and the field must have a value", ErrMismatch)}
		}
		p.cols = append(p.cols, c)
	}
	if !found {
		return &Error{Path: p.in.Path, Err: fmt.Errorf("%w: no column has the name of a field", ErrMismatch)}
	}
	return nil
}

// check refuses a column that can never fit its field.
func (c *parquetColumn) check(f *schema.Field) error {
	if c.index < 0 {
		return nil
	}
	if c.list && !f.Type.List {
		return fmt.Errorf("%w: the file has lists, the field is %v", ErrMismatch, f.Type)
	}
	if c.logical.kind == logicalUnknown {
		return fmt.Errorf("%w: columns of type %v", ErrUnsupported, c.physical)
	}
	_, err := decode.NewFiller(f, decode.Options{})
	return err
}

// fieldPath is the dotted path of a field's column.
func fieldPath(f *schema.Field) string {
	if f.Path == "" {
		return f.Name
	}
	return strings.TrimPrefix(strings.TrimPrefix(f.Path, "$"), ".")
}

func findLeaf(leaves []leaf, name string, ignoreCase bool) int {
	folded := -1
	for i := range leaves {
		if leaves[i].name == name {
			return i
		}
		if ignoreCase && folded < 0 && strings.EqualFold(leaves[i].name, name) {
			folded = i
		}
	}
	return folded
}

// leavesOf describes the columns of a file and names the nested groups that
// are no plain lists.
func leavesOf(s *pq.Schema) (leaves []leaf, groups map[string]bool) {
	groups = map[string]bool{}
	for i := range s.NumColumns() {
		c := s.Column(i)
		l := leaf{physical: c.PhysicalType(), length: c.TypeLength(), logical: logicalOf(c), maxDef: int(c.MaxDefinitionLevel())}
		path := c.ColumnPath()
		l.name = path.String()
		if c.MaxRepetitionLevel() == 1 {
			l.setList(c.SchemaNode(), path)
		} else if c.MaxRepetitionLevel() > 1 {
			l.name = "" // no field can take it
		}
		for k := 1; k < len(path); k++ {
			groups[parquet.ColumnPath(path[:k]).String()] = true
		}
		leaves = append(leaves, l)
	}
	return leaves, groups
}

// setList names a leaf below one repeated node after the list that it is the
// element of; a leaf deeper inside elements gets no name.
func (l *leaf) setList(n pq.Node, path []string) {
	def, depth, below := l.maxDef, len(path), 0
	for ; n.RepetitionType() != parquet.Repetitions.Repeated; n = n.Parent() {
		if n.RepetitionType() == parquet.Repetitions.Optional {
			def--
		}
		depth--
		below++
	}
	l.list, l.elemDef, l.name = true, def, ""
	parent := n.Parent()
	switch {
	case below > 1:
	case parent != nil && parent.Parent() != nil && isList(parent):
		l.name = parquet.ColumnPath(path[:depth-1]).String()
	case below == 0:
		l.name = parquet.ColumnPath(path[:depth]).String()
	}
}

func isList(n pq.Node) bool {
	_, ok := n.LogicalType().(pq.ListLogicalType)
	return ok || n.ConvertedType() == pq.ConvertedTypes.List
}

// NumRows returns the number of rows.
func (p *ParquetFile) NumRows() int64 { return p.rows }

// Groups returns the number of rows of each row group. Read-only.
func (p *ParquetFile) Groups() []int64 { return p.groups }

// Close releases the file.
func (p *ParquetFile) Close() error { return p.blob.Close() }

// ReadColumn calls f with rows from…to of a row group of the column of a
// field, in order and in as many runs as the file has them. A run is valid
// until f returns, the dictionary of runs until ReadColumn does.
func (p *ParquetFile) ReadColumn(ctx context.Context, group, field int, from, to int64, f func(*column.Encoded) error) error {
	if p.cols[field].index < 0 {
		return f(allNull(p.schema.Fields[field].Type, int(to-from)))
	}
	r, err := p.chunkReader(field)
	if err == nil {
		err = r.read(ctx, group, from, to, f)
		p.states.Put(r)
	}
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	return &Error{Path: p.in.Path, Column: p.schema.Fields[field].Name, Err: err}
}

func allNull(t schema.Type, n int) *column.Encoded {
	e := &column.Encoded{N: n, Values: column.New(t, 0), IDs: make([]uint32, n), Nulls: column.NewBitmap(n)}
	e.Nulls.SetAll(n)
	return e
}
