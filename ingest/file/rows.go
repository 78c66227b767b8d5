package file

import (
	"fmt"

	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// batchRows is the number of rows of a batch of a format that is read row by
// row.
const batchRows = 8192

// rowFiller collects the rows of a file whose values have names.
type rowFiller struct {
	in      Input
	schema  *schema.Schema
	fillers []*decode.Filler
	found   []bool // fields that the file has
	batch   column.Batch
	row     int64 // of the file, counted from 1, that is being read
}

func newRowFiller(in Input, s *schema.Schema, opt decode.Options) (*rowFiller, error) {
	r := &rowFiller{in: in, schema: s, found: make([]bool, len(s.Fields))}
	for i := range s.Fields {
		f, err := decode.NewFiller(&s.Fields[i], opt)
		if err != nil {
			return nil, &Error{Path: in.Path, Column: s.Fields[i].Name, Err: err}
		}
		r.fillers = append(r.fillers, f)
	}
	r.batch.Cols = make([]*column.Vector, len(s.Fields))
	return r, nil
}

// begin starts a batch.
func (r *rowFiller) begin() {
	r.batch.N = 0
	for _, f := range r.fillers {
		f.Reset()
	}
}

// finish gives the fields that the file lacks NULL and returns the batch.
func (r *rowFiller) finish() (*column.Batch, error) {
	for i, f := range r.fillers {
		for !r.found[i] && f.Len() < r.batch.N {
			if reason := f.Null(); reason != "" {
				return nil, r.refuse(i, "the file has no such column: "+reason)
			}
		}
		r.batch.Cols[i] = f.Finish()
	}
	return &r.batch, nil
}

// refuse fails for the value of a field.
func (r *rowFiller) refuse(field int, reason string) error {
	return &Error{Path: r.in.Path, Column: r.schema.Fields[field].Name, Row: r.row, Err: fmt.Errorf("%w: %s", ErrMismatch, reason)}
}

// corrupt fails for the row.
func (r *rowFiller) corrupt(format string, args ...any) error {
	return &Error{Path: r.in.Path, Row: r.row, Err: errPage(format, args...)}
}

// fieldFor returns the field that takes a column of that name, -1 if none does.
func (r *rowFiller) fieldFor(name string, ignoreCase bool) int {
	leaves := make([]leaf, len(r.schema.Fields))
	for i := range leaves {
		leaves[i].name = fieldPath(&r.schema.Fields[i])
	}
	return findLeaf(leaves, name, ignoreCase)
}

// anyFound refuses a file without a column that the schema knows.
func (r *rowFiller) anyFound() error {
	for _, ok := range r.found {
		if ok {
			return nil
		}
	}
	return &Error{Path: r.in.Path, Err: fmt.Errorf("%w: no column has the name of a field", ErrMismatch)}
}
