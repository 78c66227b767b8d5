package pgwire

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// The two formats of values on the wire.
const (
	formatText   = 0
	formatBinary = 1
)

// PostgreSQL counts dates and timestamps from 2000-01-01.
const (
	pgEpochDays   = 10957
	pgEpochMicros = pgEpochDays * 86400 * 1000000
)

// infinities of dates and timestamps are the extreme integers on both sides of
// the wire and are not shifted.
func shiftMicros(x, by int64) int64 {
	if x == math.MaxInt64 || x == math.MinInt64 {
		return x
	}
	return x + by
}

func shiftDays(x, by int32) int32 {
	if x == math.MaxInt32 || x == math.MinInt32 {
		return x
	}
	return x + by
}

// wireOID is the type that clients are told: "unknown" is shown as text, as
// PostgreSQL does for untyped literals in a result.
func wireOID(t schema.Type) uint32 {
	if t.ID == schema.TypeUnknown {
		return schema.Text.AsListIf(t.List).OID()
	}
	return t.OID()
}

// appendBinary appends row i of v (not NULL) in binary format.
func appendBinary(dst []byte, v *column.Vector, i int) []byte {
	if v.Const {
		i = 0
	}
	be := binary.BigEndian
	switch v.Type.ID {
	case schema.TypeInt2Vector, schema.TypeOIDVector:
		return appendBinaryList(dst, v, i)
	}
	if v.Type.List {
		return appendBinaryList(dst, v, i)
	}
	switch v.Type.ID {
	case schema.TypeBool:
		if v.Bools[i] {
			return append(dst, 1)
		}
		return append(dst, 0)
	case schema.TypeInt16:
		return be.AppendUint16(dst, uint16(v.Int32s[i]))
	case schema.TypeInt32:
		return be.AppendUint32(dst, uint32(v.Int32s[i]))
	case schema.TypeDate:
		return be.AppendUint32(dst, uint32(shiftDays(v.Int32s[i], -pgEpochDays)))
	case schema.TypeInt64, schema.TypeTime:
		return be.AppendUint64(dst, uint64(v.Int64s[i]))
	case schema.TypeOID, schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		return be.AppendUint32(dst, uint32(v.Int64s[i]))
	case schema.TypeTimestamp, schema.TypeTimestampTZ:
		return be.AppendUint64(dst, uint64(shiftMicros(v.Int64s[i], -pgEpochMicros)))
	case schema.TypeFloat32:
		return be.AppendUint32(dst, math.Float32bits(v.Float32s[i]))
	case schema.TypeFloat64:
		return be.AppendUint64(dst, math.Float64bits(v.Float64s[i]))
	case schema.TypeNumeric:
		return appendBinaryNumeric(dst, numericAt(v, i))
	case schema.TypeInterval:
		iv := v.Intervals[i]
		dst = be.AppendUint64(dst, uint64(iv.Micros))
		dst = be.AppendUint32(dst, uint32(iv.Days))
		return be.AppendUint32(dst, uint32(iv.Months))
	case schema.TypeJSONB:
		return append(append(dst, 1), v.Bytes(i)...)
	case schema.TypeVoid:
		return dst
	}
	return append(dst, v.Bytes(i)...)
}

func numericAt(v *column.Vector, i int) column.Decimal {
	if v.Kind() == schema.KindInt64 {
		return column.DecimalFromInt64(v.Int64s[i], v.Type.Scale)
	}
	return v.Decimals[i]
}

// appendBinaryList writes a one-dimensional array (array_send).
func appendBinaryList(dst []byte, v *column.Vector, i int) []byte {
	be := binary.BigEndian
	from, to := int(v.Offsets[i]), int(v.Offsets[i+1])
	elem := v.Type.Elem()
	hasNull := uint32(0)
	for j := from; j < to; j++ {
		if v.Elems.IsNull(j) {
			hasNull = 1
		}
	}
	dims := uint32(1)
	if from == to {
		dims = 0
	}
	dst = be.AppendUint32(dst, dims)
	dst = be.AppendUint32(dst, hasNull)
	dst = be.AppendUint32(dst, wireOID(elem))
	if dims == 0 {
		return dst
	}
	dst = be.AppendUint32(dst, uint32(to-from))
	lower := uint32(1)
	if v.Type.ID == schema.TypeInt2Vector || v.Type.ID == schema.TypeOIDVector {
		lower = 0
	}
	dst = be.AppendUint32(dst, lower)
	for j := from; j < to; j++ {
		if v.Elems.IsNull(j) {
			dst = be.AppendUint32(dst, math.MaxUint32)
			continue
		}
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = appendBinary(dst, v.Elems, j)
		be.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst
}

func badBinary(t schema.Type) error {
	return sqlerr.New(sqlerr.InvalidBinary, "incorrect binary data format in bind parameter of type %s", t)
}

// decodeBinary reads a parameter in binary format.
func decodeBinary(b []byte, t schema.Type) (column.Value, error) {
	if t.List || t.ID == schema.TypeInt2Vector || t.ID == schema.TypeOIDVector {
		return decodeBinaryList(b, t)
	}
	if want := binarySize(t); want > 0 && len(b) != want {
		return column.Value{}, badBinary(t)
	}
	be := binary.BigEndian
	switch t.ID {
	case schema.TypeBool:
		return column.BoolValue(b[0] != 0), nil
	case schema.TypeInt16:
		return column.IntValue(t, int64(int16(be.Uint16(b)))), nil
	case schema.TypeInt32:
		return column.IntValue(t, int64(int32(be.Uint32(b)))), nil
	case schema.TypeDate:
		return column.IntValue(t, int64(shiftDays(int32(be.Uint32(b)), pgEpochDays))), nil
	case schema.TypeInt64, schema.TypeTime:
		return column.IntValue(t, int64(be.Uint64(b))), nil
	case schema.TypeOID, schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		return column.IntValue(t, int64(be.Uint32(b))), nil
	case schema.TypeTimestamp, schema.TypeTimestampTZ:
		return column.IntValue(t, shiftMicros(int64(be.Uint64(b)), pgEpochMicros)), nil
	case schema.TypeFloat32:
		return column.FloatValue(t, float64(math.Float32frombits(be.Uint32(b)))), nil
	case schema.TypeFloat64:
		return column.FloatValue(t, math.Float64frombits(be.Uint64(b))), nil
	case schema.TypeNumeric:
		return decodeBinaryNumeric(b, t)
	case schema.TypeInterval:
		return column.Value{Type: t, Iv: column.Interval{
			Micros: int64(be.Uint64(b)), Days: int32(be.Uint32(b[8:])), Months: int32(be.Uint32(b[12:])),
		}}, nil
	case schema.TypeJSONB:
		if len(b) == 0 || b[0] != 1 {
			return column.Value{}, badBinary(t)
		}
		return decodeText(b[1:], t)
	case schema.TypeJSON:
		return decodeText(b, t)
	case schema.TypeBytea, schema.TypeUUID:
		return column.BytesValue(t, append([]byte(nil), b...)), nil
	}
	if err := checkText(b); err != nil {
		return column.Value{}, err
	}
	return column.BytesValue(t, append([]byte(nil), b...)), nil
}

// decodeText reads what stands in a binary value as text.
func decodeText(b []byte, t schema.Type) (column.Value, error) {
	if err := checkText(b); err != nil {
		return column.Value{}, err
	}
	return fn.ParseText(&fn.Context{Context: context.Background()}, append([]byte(nil), b...), t)
}

// invalidByteSequence is the SQLSTATE character_not_in_repertoire.
const invalidByteSequence = "22021"

// checkText refuses what no text can hold.
func checkText(b []byte) error {
	if !utf8.Valid(b) {
		return sqlerr.New(invalidByteSequence, "invalid byte sequence for encoding \"UTF8\"")
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return sqlerr.New(invalidByteSequence, "invalid byte sequence for encoding \"UTF8\": 0x00")
	}
	return nil
}

// binarySize is the exact size of a fixed-width type on the wire, 0 for others.
func binarySize(t schema.Type) int {
	switch t.ID {
	case schema.TypeBool:
		return 1
	case schema.TypeInt16:
		return 2
	case schema.TypeInt32, schema.TypeDate, schema.TypeFloat32, schema.TypeOID,
		schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		return 4
	case schema.TypeInt64, schema.TypeTime, schema.TypeTimestamp, schema.TypeTimestampTZ, schema.TypeFloat64:
		return 8
	case schema.TypeInterval, schema.TypeUUID:
		return 16
	}
	return 0
}

// elementType is the type of the elements that a client sent for a parameter of
// type t; it may differ from t's, as drivers take the narrowest that fits.
func elementType(oid uint32, t schema.Type) (schema.Type, error) {
	elem, ok := schema.TypeByOID(oid)
	if !ok {
		elem = t.Elem()
	}
	switch elem.Kind() {
	case schema.KindInvalid, schema.KindList:
		return elem, badBinary(t)
	}
	return elem, nil
}

// maxArrayElems bounds the memory that one array parameter can ask for.
const maxArrayElems = 1 << 20

func decodeBinaryList(b []byte, t schema.Type) (column.Value, error) {
	be := binary.BigEndian
	if len(b) < 12 {
		return column.Value{}, badBinary(t)
	}
	elem, err := elementType(be.Uint32(b[8:]), t)
	if err != nil {
		return column.Value{}, err
	}
	out := column.Value{Type: elem.AsList(), List: column.New(elem, 0)}
	if elem == t.Elem() {
		out.Type = t
	}
	switch dims := be.Uint32(b); {
	case dims == 0:
		return out, nil
	case dims > 1:
		return column.Value{}, sqlerr.Unsupported("a multi-dimensional array parameter")
	case len(b) < 20 || be.Uint32(b[12:]) > maxArrayElems:
		return column.Value{}, badBinary(t)
	}
	rest, err := decodeElements(b[20:], int(be.Uint32(b[12:])), t, out.List)
	if err == nil && len(rest) > 0 {
		err = badBinary(t)
	}
	return out, err
}

// decodeElements appends n elements to list and returns the bytes behind them;
// t is the parameter's type, for errors.
func decodeElements(b []byte, n int, t schema.Type, list *column.Vector) ([]byte, error) {
	for range n {
		if len(b) < 4 {
			return nil, badBinary(t)
		}
		size := int32(binary.BigEndian.Uint32(b))
		b = b[4:]
		if size == -1 {
			list.AppendNull()
			continue
		}
		if size < 0 || int(size) > len(b) {
			return nil, badBinary(t)
		}
		x, err := decodeBinary(b[:size], list.Type)
		if err != nil {
			return nil, err
		}
		list.Append(x)
		b = b[size:]
	}
	return b, nil
}
