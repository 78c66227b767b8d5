package decode

import (
	"fmt"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// op says how a value becomes one of a target's type.
type op uint8

const (
	opInt     op = iota // int32 or int64 within [lo, hi]
	opBool              //
	opFloat32           //
	opFloat64           //
	opScaled            // NUMERIC as a scaled int64
	opNumeric           // NUMERIC as a column.Decimal
	opDate              // days
	opTime              // µs since midnight
	opInstant           // TIMESTAMP, TIMESTAMPTZ: µs since 1970
	opText              //
	opJSON              //
	opBytes             //
	opUUID              // 16 bytes
)

// target fills one column. Its from… methods append one value to vec and
// return "", or leave vec alone and return what is wrong with the value.
type target struct {
	name string
	typ  schema.Type
	op   op
	vec  *column.Vector
	// elem fills the elements of a multi-value column; nil for a single value.
	elem *target
	// required is the reason to refuse a row without a value, "" if NULL is fine.
	required    string
	fromArrival bool

	lo, hi    int64 // opInt; opScaled: the bounds that the precision sets
	maxLength int   // opText: longer text is cut; 0 means no limit
	length    int   // opText: the n of VARCHAR(n) and CHAR(n), longer text is refused
	padded    bool  // opText: CHAR(n)
	digits    uint8 // opNumeric: the precision, 0 if unconstrained
	scale     uint8 // opScaled, opNumeric
	time      *clockReader
	bytes     BytesFormat
	nulls     column.Bitmap // memory of vec.Nulls while vec has none
	maxDepth  int           // opJSON: bounds JSON inside strings
}

// newTarget compiles a field.
func newTarget(f *schema.Field, opt Options) (*target, error) {
	t, err := newScalarTarget(f, f.Type.Elem(), opt)
	if err != nil {
		return nil, err
	}
	if f.Type.List {
		elem := t
		t = &target{name: f.Name, typ: f.Type, elem: elem}
		t.vec = column.New(f.Type, 0)
		t.vec.Elems = elem.vec
	}
	switch {
	case f.Name == opt.TimeColumn:
		t.required = "missing time value"
	case f.NotNull:
		t.required = "missing value (the field is NOT NULL)"
	}
	if f.FromArrival {
		return t, t.checkArrival(f)
	}
	return t, nil
}

func newScalarTarget(f *schema.Field, typ schema.Type, opt Options) (*target, error) {
	t := &target{name: f.Name, typ: typ, bytes: opt.Bytes, maxDepth: opt.MaxDepth}
	if t.maxDepth <= 0 {
		t.maxDepth = DefaultMaxDepth
	}
	t.vec = column.New(typ, 0)
	switch typ.ID {
	case schema.TypeBool:
		t.op = opBool
	case schema.TypeInt16:
		t.op, t.lo, t.hi = opInt, -1<<15, 1<<15-1
	case schema.TypeInt32:
		t.op, t.lo, t.hi = opInt, -1<<31, 1<<31-1
	case schema.TypeInt64:
		t.op, t.lo, t.hi = opInt, -1<<63, 1<<63-1
	case schema.TypeFloat32:
		t.op = opFloat32
	case schema.TypeFloat64:
		t.op = opFloat64
	case schema.TypeNumeric:
		t.setNumeric()
	case schema.TypeDate:
		t.op = opDate
	case schema.TypeTime:
		t.op = opTime
	case schema.TypeTimestamp, schema.TypeTimestampTZ:
		t.op = opInstant
	case schema.TypeText, schema.TypeSymbol, schema.TypeName:
		t.op, t.maxLength = opText, f.MaxLength
	case schema.TypeVarchar, schema.TypeChar:
		t.op, t.maxLength = opText, f.MaxLength
		t.length, t.padded = int(typ.Length), typ.ID == schema.TypeChar
	case schema.TypeJSON, schema.TypeJSONB:
		t.op = opJSON
	case schema.TypeBytea:
		t.op = opBytes
	case schema.TypeUUID:
		t.op = opUUID
	default:
		return nil, fmt.Errorf("type %s cannot be read from JSON", typ)
	}
	if t.op == opDate || t.op == opInstant || f.FromArrival {
		reader, err := newClockReader(f.Format)
		if err != nil {
			return nil, err
		}
		t.time = reader
	}
	return t, nil
}

func (t *target) setNumeric() {
	t.op, t.digits, t.scale = opNumeric, t.typ.Precision, t.typ.Scale
	if t.typ.Kind() == schema.KindInt64 {
		t.op = opScaled
		t.hi = int64(pow10u[t.typ.Precision]) - 1
		t.lo = -t.hi
	}
}

// checkArrival refuses fields that cannot hold the arrival time.
func (t *target) checkArrival(f *schema.Field) error {
	t.fromArrival = true
	switch {
	case t.elem != nil:
	case t.op == opInstant || t.op == opDate:
		return nil
	case t.op == opInt && f.Format.Kind != schema.FormatSimpleDate:
		return nil
	}
	return fmt.Errorf("type %s with format %v cannot hold the arrival time", f.Type, formatName(f.Format))
}

func formatName(f schema.TimeFormat) string {
	return [...]string{"TIMESTAMP", "EPOCH", "SIMPLE_DATE_FORMAT"}[f.Kind%3]
}

// appendArrival appends the stream's record timestamp, false if the type
// cannot hold it.
func (t *target) appendArrival(micros int64) bool {
	switch t.op {
	case opInstant:
		t.vec.Int64s = append(t.vec.Int64s, micros)
		t.vec.N++
		return true
	case opDate:
		return t.putDays(micros)
	}
	return t.putInt(t.time.ticks(micros))
}

// putInt appends a whole number to an opInt target, false if it is out of range.
func (t *target) putInt(v int64) bool {
	if v < t.lo || v > t.hi {
		return false
	}
	if t.typ.ID == schema.TypeInt64 {
		t.vec.Int64s = append(t.vec.Int64s, v)
	} else {
		t.vec.Int32s = append(t.vec.Int32s, int32(v))
	}
	t.vec.N++
	return true
}

func (t *target) putInt64(v int64) {
	t.vec.Int64s = append(t.vec.Int64s, v)
	t.vec.N++
}

func (t *target) putBool(v bool) {
	t.vec.Bools = append(t.vec.Bools, v)
	t.vec.N++
}

func (t *target) putFloat64(v float64) {
	t.vec.Float64s = append(t.vec.Float64s, v)
	t.vec.N++
}

func (t *target) putFloat32(v float32) {
	t.vec.Float32s = append(t.vec.Float32s, v)
	t.vec.N++
}

// putDays appends the date of a point in time, false if it is out of range.
func (t *target) putDays(micros int64) bool {
	days := floorDiv(micros, microsPerDay)
	if int64(int32(days)) != days {
		return false
	}
	t.vec.Int32s = append(t.vec.Int32s, int32(days))
	t.vec.N++
	return true
}

// typeName is the name of the type in reasons: Pinot's where it has one.
func (t *target) typeName() string {
	if t.op == opText || t.typ.PinotName() != "STRING" && t.op != opNumeric && t.op != opScaled {
		return t.typ.PinotName()
	}
	return strings.ToUpper(t.typ.String())
}

// cannot words the refusal of a value; what is "string", "number", ….
func (t *target) cannot(what string, value []byte) string {
	return fmt.Sprintf("cannot convert %s %s to %s", what, clip(value), t.typeName())
}

// outOfRange words the refusal of a number that the type cannot hold.
func (t *target) outOfRange(value []byte) string {
	return fmt.Sprintf("%s is out of range of %s", clip(value), t.typeName())
}

// clip shortens a value for a reason.
func clip(b []byte) string {
	const limit = 64
	if len(b) <= limit {
		return string(b)
	}
	return strings.ToValidUTF8(string(b[:limit]), "") + "…"
}

// reset empties the column for a new batch and keeps its memory.
func (t *target) reset() {
	if t.vec.Nulls == nil {
		t.vec.Nulls = t.nulls
	}
	if t.elem != nil {
		t.elem.reset()
	}
	t.vec.Reset(t.typ)
}

// finish makes the column what readers expect: a null bitmap that covers all
// rows, or none.
func (t *target) finish() {
	if t.elem != nil {
		t.elem.finish()
	}
	v := t.vec
	if !v.Nulls.Any() {
		if v.Nulls != nil {
			t.nulls = v.Nulls[:0]
		}
		v.Nulls = nil
		return
	}
	for len(v.Nulls) < column.Words(v.N) {
		v.Nulls = append(v.Nulls, 0)
	}
}

// truncate shortens a vector to n rows.
func truncate(v *column.Vector, n int) {
	if v.N <= n {
		return
	}
	clearFrom(v.Nulls, n)
	v.N = n
	switch v.Kind() {
	case schema.KindBool:
		v.Bools = v.Bools[:n]
	case schema.KindInt32:
		v.Int32s = v.Int32s[:n]
	case schema.KindInt64:
		v.Int64s = v.Int64s[:n]
	case schema.KindFloat32:
		v.Float32s = v.Float32s[:n]
	case schema.KindFloat64:
		v.Float64s = v.Float64s[:n]
	case schema.KindDecimal:
		v.Decimals = v.Decimals[:n]
	case schema.KindBytes:
		v.Offsets = v.Offsets[:n+1]
		v.Data = v.Data[:v.Offsets[n]]
	case schema.KindList:
		v.Offsets = v.Offsets[:n+1]
		truncate(v.Elems, int(v.Offsets[n]))
	}
}

// clearFrom clears the bits of b from n on.
func clearFrom(b column.Bitmap, n int) {
	w := n >> 6
	if w >= len(b) {
		return
	}
	b[w] &= 1<<(uint(n)&63) - 1
	clear(b[w+1:])
}
