package column

import (
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Value is one scalar outside the hot loops: a constant, a bound, a group key
// to show. Which field is used follows from Type.Kind().
type Value struct {
	Type schema.Type
	Null bool
	I    int64 // bool (0/1), int32, int64
	F    float64
	B    []byte // bytes; the holder must not change them
	D    Decimal
	Iv   Interval
	List *Vector
}

// NullValue returns NULL of type t.
func NullValue(t schema.Type) Value { return Value{Type: t, Null: true} }

// BoolValue returns a boolean.
func BoolValue(b bool) Value {
	v := Value{Type: schema.Bool}
	if b {
		v.I = 1
	}
	return v
}

// IntValue returns an integer-kind value (also dates, timestamps, scaled numerics) of type t.
func IntValue(t schema.Type, i int64) Value { return Value{Type: t, I: i} }

// FloatValue returns a float of type t.
func FloatValue(t schema.Type, f float64) Value { return Value{Type: t, F: f} }

// TextValue returns a text value.
func TextValue(s string) Value { return Value{Type: schema.Text, B: []byte(s)} }

// BytesValue returns a bytes-kind value of type t that shares b.
func BytesValue(t schema.Type, b []byte) Value { return Value{Type: t, B: b} }

// DecimalValue returns an unconstrained numeric.
func DecimalValue(d Decimal) Value { return Value{Type: schema.Numeric, D: d} }

// Interval is PostgreSQL's interval: the three parts do not carry into each other.
type Interval struct {
	Months int32
	Days   int32
	Micros int64
}

// Batch is N rows as columns. All vectors have N rows.
type Batch struct {
	N    int
	Cols []*Vector
}
