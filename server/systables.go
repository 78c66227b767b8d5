package server

import (
	"context"
	"fmt"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// SystemTable returns this server's rows of a system table; the columns are
// those that api documents for it.
func (s *Server) SystemTable(_ context.Context, name string) (*column.Batch, error) {
	switch name {
	case api.SystemIngestionErrors:
		return s.ingestionErrors(), nil
	case api.SystemConsumers:
		return s.consumerRows(), nil
	}
	return nil, fmt.Errorf("no system table %q on servers", name)
}

// newRows returns an empty batch with columns of the given types.
func newRows(types ...schema.Type) *column.Batch {
	b := &column.Batch{}
	for _, t := range types {
		b.Cols = append(b.Cols, column.New(t, 16))
	}
	return b
}

func appendRow(b *column.Batch, values ...any) {
	for i, v := range values {
		switch x := v.(type) {
		case string:
			b.Cols[i].AppendString(x)
		case int64:
			b.Cols[i].Append(column.IntValue(schema.Int64, x))
		}
	}
	b.N++
}

// ingestionErrors lists refused records of the segments held here, sealed and
// consuming.
func (s *Server) ingestionErrors() *column.Batch {
	b := newRows(schema.Text, schema.Int64, schema.Text, schema.Int64, schema.Text, schema.Text, schema.Text)
	for _, h := range s.set.all() {
		info := h.snapshot()
		if info.Meta == nil {
			continue
		}
		for _, e := range info.Meta.Errors {
			appendRow(b, info.Table, int64(e.Partition), e.Offset, e.Time, e.Reason, e.Sample, info.Name)
		}
	}
	return b
}

func (s *Server) consumerRows() *column.Batch {
	b := newRows(schema.Text, schema.Int64, schema.Text, schema.Text, schema.Text, schema.Text, schema.Int64, schema.Int64, schema.Int64, schema.Text)
	for _, c := range s.tables.allConsumers() {
		r := c.describe()
		appendRow(b, c.table.Name, int64(r.Partition), r.Segment, r.State, r.OffsetText, r.HighWatermarkText,
			r.LagRecords, r.LagMillis, int64(r.Rows), r.Error)
	}
	return b
}
