package data

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// rowGroup is the number of rows of a Parquet row group, as DuckDB writes them.
const rowGroup = 122_880

// WriteParquet writes the next rows of src as one Parquet file, ZSTD
// compressed, with dictionaries.
func WriteParquet(w io.Writer, s *schema.Schema, src Source, rows int) error {
	as := arrowSchema(s)
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithDictionaryDefault(true), parquet.WithMaxRowGroupLength(rowGroup))
	pw, err := pqarrow.NewFileWriter(as, w, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	rb := array.NewRecordBuilder(memory.DefaultAllocator, as)
	defer rb.Release()
	var b column.Batch
	for rows > 0 && src.Next(min(rowGroup, rows), &b) {
		rows -= b.N
		for i, v := range b.Cols {
			appendArrow(rb.Field(i), v)
		}
		rec := rb.NewRecord()
		err := pw.Write(rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
	return pw.Close()
}

func arrowSchema(s *schema.Schema) *arrow.Schema {
	var fields []arrow.Field
	for _, f := range s.Fields {
		fields = append(fields, arrow.Field{Name: f.Name, Type: arrowType(f.Type)})
	}
	return arrow.NewSchema(fields, nil)
}

func arrowType(t schema.Type) arrow.DataType {
	switch t.ID {
	case schema.TypeInt16:
		return arrow.PrimitiveTypes.Int16
	case schema.TypeInt32:
		return arrow.PrimitiveTypes.Int32
	case schema.TypeInt64:
		return arrow.PrimitiveTypes.Int64
	case schema.TypeDate:
		return arrow.FixedWidthTypes.Date32
	case schema.TypeTimestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	}
	return arrow.BinaryTypes.String
}

func appendArrow(b array.Builder, v *column.Vector) {
	switch b := b.(type) {
	case *array.Int16Builder:
		b.Reserve(v.N)
		for _, x := range v.Int32s {
			b.UnsafeAppend(int16(x))
		}
	case *array.Int32Builder:
		b.AppendValues(v.Int32s, nil)
	case *array.Int64Builder:
		b.AppendValues(v.Int64s, nil)
	case *array.TimestampBuilder:
		for _, x := range v.Int64s {
			b.Append(arrow.Timestamp(x))
		}
	case *array.Date32Builder:
		for _, x := range v.Int32s {
			b.Append(arrow.Date32(x))
		}
	case *array.StringBuilder:
		b.Reserve(v.N)
		for i := range v.N {
			b.Append(string(v.Bytes(i)))
		}
	default:
		panic(fmt.Sprintf("data: no column of type %T", b))
	}
}
