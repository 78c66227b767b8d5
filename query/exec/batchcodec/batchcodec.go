// Package batchcodec turns batches into Arrow IPC streams of one record batch
// and back: how rows and partial groups travel between roles. It knows vectors
// and Arrow; it knows nothing of plans.
//
// Kinds map to Arrow as follows; the logical type travels in the field's
// metadata under "alluvium.type" (id, precision, scale, list, length).
//
//	bool              Bool
//	int32, int64      Int32, Int64
//	float32, float64  Float32, Float64
//	bytes             Binary
//	decimal           FixedSizeBinary(17): coefficient (16 bytes, little-endian), scale
//	interval          FixedSizeBinary(16): months, days (int32), microseconds (int64)
//	list              List of the element's
package batchcodec

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// ErrMalformed is returned (wrapped) by Decode for bytes that Encode cannot
// have written.
var ErrMalformed = errors.New("malformed batch")

// ErrTooLarge is returned (wrapped) by Encode for a column of more than 2 GiB.
var ErrTooLarge = errors.New("batch is too large to encode")

const typeKey = "alluvium.type"

// Widths of the kinds that Arrow has no type for.
const (
	decimalBytes  = 17
	intervalBytes = 16
)

// Encode returns b as an Arrow IPC stream. b is not kept.
func Encode(b *column.Batch) ([]byte, error) {
	fields := make([]arrow.Field, len(b.Cols))
	cols := make([]arrow.Array, len(b.Cols))
	for i, v := range b.Cols {
		t, err := arrowType(v.Type)
		if err != nil {
			return nil, err
		}
		meta := arrow.NewMetadata([]string{typeKey}, []string{typeText(v.Type)})
		fields[i] = arrow.Field{Name: strconv.Itoa(i), Type: t, Nullable: true, Metadata: meta}
		data, err := encodeVector(v.Flatten(), t)
		if err != nil {
			return nil, err
		}
		cols[i] = array.MakeFromData(data)
	}
	s := arrow.NewSchema(fields, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(s))
	if err := w.Write(array.NewRecord(s, cols, int64(b.N))); err != nil {
		return nil, fmt.Errorf("encoding a batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encoding a batch: %w", err)
	}
	return out.Bytes(), nil
}

// arrowType returns the Arrow type that holds values of t.
func arrowType(t schema.Type) (arrow.DataType, error) {
	switch t.Kind() {
	case schema.KindBool:
		return arrow.FixedWidthTypes.Boolean, nil
	case schema.KindInt32:
		return arrow.PrimitiveTypes.Int32, nil
	case schema.KindInt64:
		return arrow.PrimitiveTypes.Int64, nil
	case schema.KindFloat32:
		return arrow.PrimitiveTypes.Float32, nil
	case schema.KindFloat64:
		return arrow.PrimitiveTypes.Float64, nil
	case schema.KindBytes:
		return arrow.BinaryTypes.Binary, nil
	case schema.KindDecimal:
		return &arrow.FixedSizeBinaryType{ByteWidth: decimalBytes}, nil
	case schema.KindInterval:
		return &arrow.FixedSizeBinaryType{ByteWidth: intervalBytes}, nil
	case schema.KindList:
		elem, err := arrowType(t.Elem())
		if err != nil {
			return nil, err
		}
		return arrow.ListOf(elem), nil
	}
	return nil, fmt.Errorf("encoding a batch: no encoding for type %s", t)
}

// typeText writes a logical type for the field's metadata.
func typeText(t schema.Type) string {
	list := 0
	if t.List {
		list = 1
	}
	return fmt.Sprintf("%d,%d,%d,%d,%d", t.ID, t.Precision, t.Scale, list, t.Length)
}

// parseType reads what typeText wrote.
func parseType(s string) (schema.Type, error) {
	parts := strings.Split(s, ",")
	if len(parts) != 5 {
		return schema.Type{}, fmt.Errorf("%w: type %q", ErrMalformed, s)
	}
	var n [5]int64
	for i, p := range parts {
		x, err := strconv.ParseInt(p, 10, 32)
		if err != nil || x < 0 || i < 4 && x > math.MaxUint8 {
			return schema.Type{}, fmt.Errorf("%w: type %q", ErrMalformed, s)
		}
		n[i] = x
	}
	t := schema.Type{ID: schema.TypeID(n[0]), Precision: uint8(n[1]), Scale: uint8(n[2]), List: n[3] != 0, Length: int32(n[4])}
	if t.Kind() == schema.KindInvalid || t.Kind() == schema.KindList && t.Elem().Kind() == schema.KindInvalid {
		return schema.Type{}, fmt.Errorf("%w: type %q", ErrMalformed, s)
	}
	return t, nil
}
