package decode

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Filler fills one column with values that have a type of their own (cells of
// CSV, values of Parquet or Avro), by the rules by which JSON values become
// values of the field. Its methods append one value and return "", or append
// nothing and return what is wrong with the value.
//
// A Filler of a multi-value field fills lists: BeginList, the elements, then
// EndList; a value outside of a list is a list of one. It is used by one
// goroutine.
type Filler struct {
	t      *target // the field
	e      *target // what takes values: t, or its elements
	ticks  *clockReader
	inList bool
	buf    []byte
}

// NewFiller returns a Filler of a field. FromArrival is not looked at: files
// have no arrival time. Types that cannot be read are refused by name.
func NewFiller(f *schema.Field, opt Options) (*Filler, error) {
	field := *f
	field.FromArrival = false
	t, err := newTarget(&field, opt)
	if err != nil {
		return nil, fmt.Errorf("field %q: %w", f.Name, err)
	}
	fl := &Filler{t: t, e: t}
	if t.elem != nil {
		fl.e = t.elem
	}
	if fl.e.op == opInt && f.Format.Kind != schema.FormatSimpleDate {
		if fl.ticks, err = newClockReader(f.Format); err != nil {
			return nil, fmt.Errorf("field %q: %w", f.Name, err)
		}
	}
	return fl, nil
}

// Reset begins a new column, keeping the memory.
func (f *Filler) Reset() { f.t.reset() }

// Finish returns the column, valid until the next Reset.
func (f *Filler) Finish() *column.Vector {
	f.t.finish()
	return f.t.vec
}

// Len returns the number of values so far.
func (f *Filler) Len() int { return f.t.vec.N }

// Truncate drops the values from row n on.
func (f *Filler) Truncate(n int) { truncate(f.t.vec, n) }

// BeginList begins a list of a multi-value field.
func (f *Filler) BeginList() { f.inList = true }

// EndList ends it.
func (f *Filler) EndList() {
	f.inList = false
	f.t.vec.Offsets = append(f.t.vec.Offsets, uint32(f.t.vec.Elems.N))
	f.t.vec.N++
}

// AbortList ends a list whose element was refused.
func (f *Filler) AbortList() {
	f.inList = false
	truncate(f.t.vec.Elems, int(f.t.vec.Offsets[f.t.vec.N]))
}

// done ends a value: one outside of a list is a list of one.
func (f *Filler) done(reason string) string {
	if f.t != f.e && !f.inList && reason == "" {
		f.EndList()
	}
	return reason
}

// TakesBinary tells that the field takes bytes that are no text.
func (f *Filler) TakesBinary() bool { return f.e.op == opBytes || f.e.op == opUUID }

// List tells that the field has several values.
func (f *Filler) List() bool { return f.t != f.e }

// Null appends NULL, refused where the field must have a value.
func (f *Filler) Null() string {
	if f.inList {
		f.e.vec.AppendNull()
		return ""
	}
	if f.t.required != "" {
		return f.t.required
	}
	f.t.vec.AppendNull()
	return ""
}

// Text appends a text value that came as a string of the format.
func (f *Filler) Text(s []byte) string {
	if f.e.op == opText {
		return f.done(f.e.putText(s))
	}
	if f.e.op == opJSON {
		f.buf = AppendQuoted(f.buf[:0], s)
		return f.done(f.e.fromText(s, f.buf))
	}
	return f.done(f.e.fromText(s, s))
}

// Untyped appends a value of a format that writes all types as text: JSON
// fields take JSON text as it is, everything else is as for Text.
func (f *Filler) Untyped(s []byte) string {
	if f.e.op == opInt && len(s) > 0 {
		if v, end, ok := integerFast(s, 0); ok && end == len(s) && f.e.putInt(v) {
			return f.done("")
		}
	}
	if f.e.op != opJSON {
		return f.Text(s)
	}
	sub := scanner{maxDepth: f.e.maxDepth}
	if i := skipSpace(s, 0); i < len(s) {
		if end := sub.skip(s, i, 0); end >= 0 && skipSpace(s, end) == len(s) {
			return f.done(f.e.fromJSON(s))
		}
	}
	f.e.vec.AppendBytes(AppendQuoted(f.buf[:0], s))
	return f.done("")
}

// AppendQuoted appends s as a JSON string; bytes that are no UTF-8 are replaced.
func AppendQuoted(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, `\ufffd`...)
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = append(dst, s[:n]...)
		}
		s = s[n:]
	}
	return append(dst, '"')
}

// Int appends a whole number.
func (f *Filler) Int(v int64) string {
	if f.e.op == opInt && f.e.putInt(v) {
		return f.done("")
	}
	f.buf = strconv.AppendInt(f.buf[:0], v, 10)
	return f.done(f.e.fromNumber(f.buf))
}

// Number appends a number given as text.
func (f *Filler) Number(b []byte) string { return f.done(f.e.fromNumber(b)) }

// Float appends a floating-point number; bits is 32 or 64.
func (f *Filler) Float(v float64, bits int) string {
	if f.e.op == opFloat64 {
		f.e.putFloat64(v)
		return f.done("")
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return f.Text(strconv.AppendFloat(nil, v, 'g', -1, bits))
	}
	format := byte('g')
	if a := math.Abs(v); a == 0 || a >= 1e-6 && a < 1e21 {
		format = 'f'
	}
	f.buf = strconv.AppendFloat(f.buf[:0], v, format, -1, bits)
	return f.done(f.e.fromNumber(f.buf))
}

// Decimal appends a number with a scale.
func (f *Filler) Decimal(d column.Decimal) string {
	f.buf = append(f.buf[:0], d.String()...)
	if d.IsNaN() {
		return f.Text(f.buf)
	}
	return f.done(f.e.fromNumber(f.buf))
}

// Bool appends a boolean.
func (f *Filler) Bool(v bool) string {
	if v {
		return f.done(f.e.fromBool("true"))
	}
	return f.done(f.e.fromBool("false"))
}

// Binary appends bytes: BYTES fields take them as they are, UUID fields if
// they are 16, text and JSON fields if they are text.
func (f *Filler) Binary(b []byte) string {
	switch {
	case f.e.op == opBytes, f.e.op == opUUID && len(b) == 16:
		f.e.vec.AppendBytes(b)
		return f.done("")
	}
	return f.Text(b)
}

// Instant appends a point in time in µs since 1970. Whole-number fields take
// it in the ticks of their EPOCH format (else ms), text as a timestamp.
func (f *Filler) Instant(micros int64) string {
	t := f.e
	switch {
	case t.op == opInstant:
		t.putInt64(micros)
		return f.done("")
	case t.op == opDate && t.putDays(micros):
		return f.done("")
	case t.op == opText:
		f.buf = time.UnixMicro(micros).UTC().AppendFormat(f.buf[:0], "2006-01-02 15:04:05.999999")
		return f.done(t.putText(f.buf))
	case t.op == opInt && f.ticks != nil:
		if v := f.ticks.ticks(micros); t.putInt(v) {
			return f.done("")
		}
	}
	return t.cannot("timestamp", time.UnixMicro(micros).UTC().AppendFormat(nil, time.RFC3339Nano))
}

// Date appends a date in days since 1970.
func (f *Filler) Date(days int32) string {
	t := f.e
	switch t.op {
	case opDate:
		t.vec.Int32s = append(t.vec.Int32s, days)
		t.vec.N++
		return f.done("")
	case opText:
		f.buf = time.Unix(int64(days)*86400, 0).UTC().AppendFormat(f.buf[:0], time.DateOnly)
		return f.done(t.putText(f.buf))
	}
	return f.Instant(int64(days) * microsPerDay)
}

// TimeOfDay appends a time in µs since midnight.
func (f *Filler) TimeOfDay(micros int64) string {
	if f.e.op == opTime && micros >= 0 && micros <= microsPerDay {
		f.e.putInt64(micros)
		return f.done("")
	}
	f.buf = time.UnixMicro(micros).UTC().AppendFormat(f.buf[:0], "15:04:05.999999")
	return f.Text(append([]byte(nil), f.buf...))
}
