// Package data turns generated rows into what engines load: Parquet files, JSON
// records, and schemas in Pinot's JSON. It knows vectors and their types; it
// must not know any one table or engine.
package data

import (
	"encoding/json"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Source makes the rows of one table, in order. It is used by one goroutine.
type Source interface {
	// Next fills b, whose vectors follow the table's schema, with up to n rows;
	// false means that all rows were made. Vectors are made when b has none.
	Next(n int, b *column.Batch) bool
}

// Table is a generated table and how engines should store it.
type Table struct {
	Schema *schema.Schema
	// New returns the source of a table of that many rows.
	New func(rows int) Source
	// Config is the table config of an OFFLINE table, in Pinot's JSON.
	Config []byte
	// SortedBy is the column that every engine with sorted tables sorts by.
	SortedBy string
	// LowCardinality names the text columns with few values, for engines that
	// want to be told.
	LowCardinality []string
}

// Prepare gives b empty vectors for the schema.
func Prepare(s *schema.Schema, b *column.Batch, n int) {
	if b.Cols == nil {
		for _, f := range s.Fields {
			b.Cols = append(b.Cols, column.New(f.Type, n))
		}
	}
	for i, f := range s.Fields {
		b.Cols[i].Reset(f.Type)
	}
	b.N = n
}

// Fields appends a field per name to a schema that is being made.
func Fields(s *schema.Schema, t schema.Type, role schema.Role, names ...string) {
	for _, n := range names {
		s.Fields = append(s.Fields, schema.Field{ID: uint32(len(s.Fields) + 1), Name: n, Type: t, Role: role})
	}
	s.NextColumnID = uint32(len(s.Fields) + 1)
}

// PinotSchema returns s as Pinot's JSON.
func PinotSchema(s *schema.Schema) ([]byte, error) {
	type field struct {
		Name     string `json:"name"`
		DataType string `json:"dataType"`
		Format   string `json:"format,omitempty"`
		Gran     string `json:"granularity,omitempty"`
	}
	groups := map[schema.Role][]field{}
	for _, f := range s.Fields {
		out := field{Name: f.Name, DataType: f.Type.PinotName()}
		switch f.Type.ID {
		case schema.TypeDate:
			out.DataType, out.Format, out.Gran = "DATE", "SIMPLE_DATE_FORMAT|yyyy-MM-dd", "1:DAYS"
		case schema.TypeTimestamp:
			out.Format, out.Gran = "TIMESTAMP", "1:MILLISECONDS"
		case schema.TypeInt16:
			out.DataType = "SMALLINT"
		}
		groups[f.Role] = append(groups[f.Role], out)
	}
	return json.Marshal(map[string]any{
		"schemaName": s.Name, "dimensionFieldSpecs": groups[schema.Dimension],
		"metricFieldSpecs": groups[schema.Metric], "dateTimeFieldSpecs": groups[schema.DateTime],
	})
}

// Writer appends values to consecutive columns of one row.
type Writer struct {
	B *column.Batch
	i int
}

func (w *Writer) col() *column.Vector {
	v := w.B.Cols[w.i]
	w.i++
	v.N++
	return v
}

// Int writes a value of the kind int32.
func (w *Writer) Int(x int32) {
	v := w.col()
	v.Int32s = append(v.Int32s, x)
}

// Long writes a value of the kind int64.
func (w *Writer) Long(x int64) {
	v := w.col()
	v.Int64s = append(v.Int64s, x)
}

// Text writes a string.
func (w *Writer) Text(s string) {
	v := w.col()
	v.Data = append(v.Data, s...)
	v.Offsets = append(v.Offsets, uint32(len(v.Data)))
}

// Bytes writes a string that stands in a buffer.
func (w *Writer) Bytes(s []byte) {
	v := w.col()
	v.Data = append(v.Data, s...)
	v.Offsets = append(v.Offsets, uint32(len(v.Data)))
}
