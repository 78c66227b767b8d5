package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// InferOptions say what Infer shall propose.
type InferOptions struct {
	// Table is the name of the table and of its schema.
	Table string
	// File says how the inputs are read.
	File Options
	// SampleRows bounds the rows that are looked at; 0 means 20,000.
	SampleRows int
}

// Inferred is a proposal for a table.
type Inferred struct {
	Schema *schema.Schema
	// SchemaJSON and TableJSON are Pinot's documents: the schema, and an
	// OFFLINE table config with the proposed time column, sorted column and
	// indexes.
	SchemaJSON, TableJSON json.RawMessage
	// Notes say in sentences what was guessed and why.
	Notes []string
}

// Infer proposes a schema and a table config for inputs: types come from the
// files' own schemas (Parquet, Avro) or from a sample of their values.
func Infer(ctx context.Context, inputs []Input, opt InferOptions) (*Inferred, error) {
	return infer(ctx, inputs, opt)
}

const (
	defaultSampleRows = 20_000
	// sampleFiles bounds the files that are looked into.
	sampleFiles = 8
)

// found is a column of the inputs.
type found struct {
	name  string // as the files have it
	path  string // where it lies in a record, "" at the top under its name
	guess guess
}

// inferrer collects the columns of the sampled files in order of appearance.
type inferrer struct {
	opt   InferOptions
	cols  []*found
	index map[string]*found
	notes []string
}

func infer(ctx context.Context, inputs []Input, opt InferOptions) (*Inferred, error) {
	if len(inputs) == 0 {
		return nil, ErrNoFiles
	}
	if opt.SampleRows <= 0 {
		opt.SampleRows = defaultSampleRows
	}
	f := &inferrer{opt: opt, index: map[string]*found{}}
	sample := inputs[:min(len(inputs), sampleFiles)]
	perFile := max(1, opt.SampleRows/len(sample))
	for _, in := range sample {
		if err := f.look(ctx, in, perFile); err != nil {
			return nil, err
		}
	}
	s := f.schema()
	if err := s.Validate(); err != nil {
		return nil, err
	}
	stats, err := measure(ctx, sample, s, opt.File, perFile)
	if err != nil {
		return nil, err
	}
	return f.propose(s, stats)
}

// look notes the columns of one file.
func (f *inferrer) look(ctx context.Context, in Input, rows int) error {
	switch in.Format {
	case Parquet:
		return f.lookParquet(ctx, in)
	case Avro:
		return f.lookAvro(ctx, in)
	case CSV:
		return f.lookCSV(ctx, in, rows)
	case JSON:
		return f.lookJSON(ctx, in, rows)
	}
	return &Error{Path: in.Path, Err: ErrUnsupported}
}

// column returns the column of that name, made if needed.
func (f *inferrer) column(name string) *found {
	c := f.index[name]
	if c == nil {
		c = &found{name: name}
		f.index[name] = c
		f.cols = append(f.cols, c)
	}
	return c
}

func (f *inferrer) lookParquet(ctx context.Context, in Input) error {
	b, err := openBlob(ctx, in, f.opt.File)
	if err != nil {
		return &Error{Path: in.Path, Err: err}
	}
	p := &ParquetFile{in: in, blob: b, opt: f.opt.File}
	defer p.Close()
	leaves, err := p.leaves(ctx)
	if err != nil {
		return err
	}
	for _, l := range leaves {
		t := l.fieldType()
		if l.name == "" || t.ID == schema.TypeInvalid {
			f.note("A column of %s is left out: values of %v nested or of that kind have no type here.", in.Path, l.physical)
			continue
		}
		f.column(l.name).guess.declare(t)
	}
	return nil
}

func (f *inferrer) lookAvro(ctx context.Context, in Input) error {
	r := &avroReader{opt: f.opt.File}
	var err error
	if r.stream, err = openStream(ctx, in, f.opt.File); err != nil {
		return err
	}
	defer r.close()
	r.rows = &rowFiller{in: in}
	if err := r.header(); err != nil {
		return r.named(err)
	}
	if r.root.kind != avroRecord {
		return &Error{Path: in.Path, Err: fmt.Errorf("%w: the file holds no records", ErrMismatch)}
	}
	for _, field := range r.root.fields {
		f.column(field.name).guess.declare(field.typ.fieldType())
	}
	return nil
}

func (f *inferrer) lookCSV(ctx context.Context, in Input, rows int) error {
	r := &csvReader{rows: &rowFiller{in: in}, opt: f.opt.File, delim: delimiterOf(in.Path, f.opt.File)}
	var err error
	if r.stream, err = openStream(ctx, in, f.opt.File); err != nil {
		return err
	}
	defer r.close()
	r.skipMark()
	names := f.opt.File.Header
	if names == nil {
		if ok, err := r.record(); err != nil || !ok {
			return err
		}
		for _, c := range r.cells {
			names = append(names, strings.TrimSpace(string(c)))
		}
	}
	for range rows {
		r.rows.row++
		ok, err := r.record()
		if err != nil || !ok {
			break // the load says what is wrong with the file
		}
		for i, name := range names {
			if i < len(r.cells) && (r.quoted[i] || string(r.cells[i]) != f.opt.File.Null) {
				f.column(name).guess.cell(r.cells[i])
			}
		}
	}
	for _, name := range names {
		f.column(name)
	}
	return r.err
}

func (f *inferrer) lookJSON(ctx context.Context, in Input, rows int) error {
	r := &jsonReader{}
	var err error
	if r.stream, err = openStream(ctx, in, f.opt.File); err != nil {
		return err
	}
	defer r.close()
	r.skipMark()
	for range rows {
		b, err := r.object(false)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		r.rows++
		if err := f.members(b); err != nil {
			return &Error{Path: in.Path, Row: r.rows, Err: fmt.Errorf("%w: %w", ErrCorrupt, err)}
		}
	}
	return nil
}

// members notes the members of an object in their order.
func (f *inferrer) members(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return err
		}
		name, _ := key.(string)
		f.column(name).guess.value(v)
	}
	return nil
}

func (f *inferrer) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// schema makes a schema of the columns whose names can be names of fields.
func (f *inferrer) schema() *schema.Schema {
	s := &schema.Schema{Name: f.opt.Table}
	seen := map[string]bool{}
	for _, c := range f.cols {
		name := strings.ReplaceAll(c.name, ".", "_")
		low := strings.ToLower(name)
		if name == "" || strings.HasPrefix(name, "_") || strings.HasPrefix(name, "$") || seen[low] {
			f.note("Column %q is left out: its name is reserved or differs from another only by case.", c.name)
			continue
		}
		seen[low] = true
		if name != c.name {
			c.path = "$." + c.name
		}
		s.Fields = append(s.Fields, schema.Field{Name: name, Type: c.guess.typ(), Path: c.path})
	}
	return s
}
