package file

import (
	"context"
	"fmt"
	"io"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func open(ctx context.Context, in Input, s *schema.Schema, opt Options) (Reader, error) {
	var r Reader
	var err error
	switch in.Format {
	case Parquet:
		r, err = openParquetRows(ctx, in, s, opt)
	case CSV:
		r, err = openCSV(ctx, in, s, opt)
	case JSON:
		r, err = openJSON(ctx, in, s, opt)
	case Avro:
		r, err = openAvro(ctx, in, s, opt)
	default:
		err = &Error{Path: in.Path, Err: fmt.Errorf("%w: format %q", ErrUnsupported, in.Format)}
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// parquetRows reads a Parquet file row by row, a row group at a time.
type parquetRows struct {
	p     *ParquetFile
	group int // the next one
	cols  []*column.Vector
	at, n int // rows handed out and rows of the group at hand
	rows  int64
	batch column.Batch
}

func openParquetRows(ctx context.Context, in Input, s *schema.Schema, opt Options) (*parquetRows, error) {
	p, err := OpenParquet(ctx, in, s, opt)
	if err != nil {
		return nil, err
	}
	return &parquetRows{p: p}, nil
}

// Next implements Reader.
func (r *parquetRows) Next(ctx context.Context) (*column.Batch, error) {
	for r.at == r.n {
		if r.group == len(r.p.groups) {
			return nil, io.EOF
		}
		if err := r.load(ctx); err != nil {
			return nil, err
		}
	}
	to := min(r.at+batchRows, r.n)
	r.batch.N, r.batch.Cols = to-r.at, r.batch.Cols[:0]
	for _, v := range r.cols {
		r.batch.Cols = append(r.batch.Cols, v.Slice(r.at, to))
	}
	r.rows += int64(to - r.at)
	r.at = to
	return &r.batch, nil
}

func (r *parquetRows) load(ctx context.Context) error {
	n := r.p.groups[r.group]
	r.cols, r.at, r.n = nil, 0, int(n)
	for i := range r.p.schema.Fields {
		v := column.New(r.p.schema.Fields[i].Type, int(min(n, 1<<20)))
		err := r.p.ReadColumn(ctx, r.group, i, 0, n, func(e *column.Encoded) error {
			appendEncoded(v, e)
			return nil
		})
		if err != nil {
			return err
		}
		r.cols = append(r.cols, v)
	}
	r.group++
	return nil
}

func appendEncoded(v *column.Vector, e *column.Encoded) {
	for i := range e.N {
		switch {
		case e.IDs == nil:
			v.AppendFrom(e.Values, i)
		case e.Nulls.Get(i):
			v.AppendNull()
		default:
			v.AppendFrom(e.Values, int(e.IDs[i]))
		}
	}
}

// BytesRead implements Reader.
func (r *parquetRows) BytesRead() int64 {
	if r.p.rows == 0 {
		return r.p.in.Bytes
	}
	return int64(float64(r.p.in.Bytes) * float64(r.rows) / float64(r.p.rows))
}

// Close implements Reader.
func (r *parquetRows) Close() error { return r.p.Close() }
