package export

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// parquetWriter writes a row group per block. Types without a form of their own
// in Parquet (unbounded decimals, intervals, UUIDs, JSON) are text.
type parquetWriter struct {
	w    *pqarrow.FileWriter
	out  *latch
	rows *array.RecordBuilder
	buf  []byte
}

// latch keeps the first error of its writer and pretends success: the Parquet
// library panics where it cannot write. It has no Close, so that the library
// does not close the output.
type latch struct {
	w   io.Writer
	err error
}

func (l *latch) Write(b []byte) (int, error) {
	if l.err == nil {
		_, l.err = l.w.Write(b)
	}
	return len(b), nil
}

func newParquet(w io.Writer, s *schema.Schema) (*parquetWriter, error) {
	var fields []arrow.Field
	for i := range s.Fields {
		fields = append(fields, arrow.Field{Name: s.Fields[i].Name, Type: arrowType(s.Fields[i].Type), Nullable: true})
	}
	as := arrow.NewSchema(fields, nil)
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithDictionaryDefault(true), parquet.WithMaxRowGroupLength(blockRows))
	out := &latch{w: w}
	pw, err := pqarrow.NewFileWriter(as, out, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	return &parquetWriter{w: pw, out: out, rows: array.NewRecordBuilder(memory.DefaultAllocator, as)}, nil
}

func arrowType(t schema.Type) arrow.DataType {
	if t.List {
		return arrow.ListOf(arrowType(t.Elem()))
	}
	switch t.ID {
	case schema.TypeBool:
		return arrow.FixedWidthTypes.Boolean
	case schema.TypeInt16:
		return arrow.PrimitiveTypes.Int16
	case schema.TypeInt32:
		return arrow.PrimitiveTypes.Int32
	case schema.TypeInt64:
		return arrow.PrimitiveTypes.Int64
	case schema.TypeFloat32:
		return arrow.PrimitiveTypes.Float32
	case schema.TypeFloat64:
		return arrow.PrimitiveTypes.Float64
	case schema.TypeDate:
		return arrow.FixedWidthTypes.Date32
	case schema.TypeTime:
		return arrow.FixedWidthTypes.Time64us
	case schema.TypeTimestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case schema.TypeTimestampTZ:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case schema.TypeBytea:
		return arrow.BinaryTypes.Binary
	case schema.TypeNumeric:
		if t.Kind() == schema.KindInt64 {
			return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}
		}
	}
	return arrow.BinaryTypes.String
}

func (p *parquetWriter) block(cols []*column.Vector, rows int) error {
	for k, v := range cols {
		b := p.rows.Field(k)
		b.Reserve(rows)
		for i := range rows {
			p.append(b, v, i)
		}
	}
	rec := p.rows.NewRecord()
	defer rec.Release()
	if err := p.w.Write(rec); err != nil {
		return err
	}
	return p.out.err
}

// append adds one value; the builder is that of arrowType.
func (p *parquetWriter) append(b array.Builder, v *column.Vector, i int) {
	if v.IsNull(i) {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.ListBuilder:
		b.Append(true)
		for k := v.Offsets[i]; k < v.Offsets[i+1]; k++ {
			p.append(b.ValueBuilder(), v.Elems, int(k))
		}
	case *array.BooleanBuilder:
		b.Append(v.Bools[i])
	case *array.Int16Builder:
		b.Append(int16(v.Int32s[i]))
	case *array.Int32Builder:
		b.Append(v.Int32s[i])
	case *array.Int64Builder:
		b.Append(v.Int64s[i])
	case *array.Float32Builder:
		b.Append(v.Float32s[i])
	case *array.Float64Builder:
		b.Append(v.Float64s[i])
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.Int32s[i]))
	case *array.Time64Builder:
		b.Append(arrow.Time64(v.Int64s[i]))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.Int64s[i]))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(v.Int64s[i]))
	case *array.BinaryBuilder:
		b.Append(v.Bytes(i))
	case *array.StringBuilder:
		p.buf = text(p.buf[:0], v, i)
		b.BinaryBuilder.Append(p.buf)
	}
}

func (p *parquetWriter) end() error {
	p.rows.Release()
	if err := p.w.Close(); err != nil {
		return err
	}
	return p.out.err
}
