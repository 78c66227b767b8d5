package decode

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// fromText appends a JSON string. s is its value, raw its spelling with the
// quotes.
func (t *target) fromText(s, raw []byte) string {
	switch t.op {
	case opText:
		return t.putText(s)
	case opInstant, opDate, opTime:
		return t.timeFromText(s, raw)
	case opJSON:
		t.putJSONString(s, raw)
		return ""
	case opBool:
		return t.boolFromText(s, raw)
	case opUUID:
		return t.uuidFromText(s, raw)
	case opBytes:
		return t.bytesFromText(s, raw)
	}
	return t.numberFromText(bytes.TrimSpace(s), raw)
}

// putText appends text. Text over the field's maximum length is cut, as Pinot
// does by default; text over the length of VARCHAR(n) or CHAR(n) is refused
// unless only spaces are lost, as in PostgreSQL. NUL is no character of SQL.
func (t *target) putText(s []byte) string {
	if len(s) > 0 && bytes.IndexByte(s, 0) >= 0 {
		return "text contains the character \\u0000"
	}
	if t.maxLength > 0 && len(s) > t.maxLength {
		s = firstRunes(s, t.maxLength)
	}
	if t.length > 0 {
		return t.putSized(s)
	}
	t.vec.AppendBytes(s)
	return ""
}

// putSized is putText for VARCHAR(n) and CHAR(n).
func (t *target) putSized(s []byte) string {
	count := utf8.RuneCount(s)
	if count > t.length {
		kept := firstRunes(s, t.length)
		if len(bytes.TrimRight(s[len(kept):], " ")) > 0 {
			return fmt.Sprintf("value of %d characters is too long for %s", count, t.typ)
		}
		s, count = kept, t.length
	}
	v := t.vec
	v.Data = append(v.Data, s...)
	for ; t.padded && count < t.length; count++ {
		v.Data = append(v.Data, ' ')
	}
	v.AppendBytes(nil)
	return ""
}

// firstRunes returns the first n characters of s.
func firstRunes(s []byte, n int) []byte {
	i := 0
	for ; n > 0 && i < len(s); n-- {
		_, size := utf8.DecodeRune(s[i:])
		i += size
	}
	return s[:i]
}

func (t *target) timeFromText(s, raw []byte) string {
	if t.op == opTime {
		micros, ok := ParseTimeOfDay(bytes.TrimSpace(s))
		if !ok {
			return t.cannot("string", raw)
		}
		t.putInt64(micros)
		return ""
	}
	if t.op == opDate && t.time.kind == schema.FormatTimestamp {
		if days, ok := ParseDate(bytes.TrimSpace(s)); ok {
			t.vec.Int32s = append(t.vec.Int32s, days)
			t.vec.N++
			return ""
		}
	}
	micros, ok := t.time.text(s)
	if !ok {
		return t.cannot("string", raw)
	}
	return t.putInstant(micros, raw)
}

// putInstant appends a point in time or its date.
func (t *target) putInstant(micros int64, raw []byte) string {
	if t.op == opInstant {
		t.putInt64(micros)
		return ""
	}
	if !t.putDays(micros) {
		return t.outOfRange(raw)
	}
	return ""
}

// putJSONString appends a string to a JSON field. A string that holds an
// object or an array is taken as that (events often carry JSON so); any other
// is a JSON string.
func (t *target) putJSONString(s, raw []byte) {
	inner := bytes.TrimSpace(s)
	if len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') {
		sub := scanner{maxDepth: t.maxDepth}
		if end := sub.skip(inner, 0, 0); end == len(inner) {
			t.fromJSON(inner)
			return
		}
	}
	t.vec.AppendBytes(raw)
}

// fromJSON appends an object or array, which is valid, as JSON text.
func (t *target) fromJSON(raw []byte) string {
	if t.op != opText && t.op != opJSON {
		what := "object"
		if raw[0] == '[' {
			what = "array"
		}
		return t.cannot(what, raw)
	}
	v := t.vec
	start := len(v.Data)
	v.Data = compact(v.Data, raw)
	if t.op == opJSON {
		v.AppendBytes(nil)
		return ""
	}
	text := v.Data[start:]
	v.Data = v.Data[:start]
	return t.putText(text) // in place: the text lies where it is going to be put
}

func (t *target) boolFromText(s, raw []byte) string {
	s = bytes.TrimSpace(s)
	switch {
	case foldEqual(s, "true") || string(s) == "1":
		t.putBool(true)
	case foldEqual(s, "false") || string(s) == "0":
		t.putBool(false)
	default:
		return t.cannot("string", raw)
	}
	return ""
}

func (t *target) uuidFromText(s, raw []byte) string {
	var id [16]byte
	if !parseUUID(id[:], bytes.TrimSpace(s)) {
		return t.cannot("string", raw)
	}
	t.vec.AppendBytes(id[:])
	return ""
}

// parseUUID reads 32 hexadecimal digits, with hyphens between bytes or not, in
// braces or not.
func parseUUID(dst, s []byte) bool {
	if n := len(s); n > 2 && s[0] == '{' && s[n-1] == '}' {
		s = s[1 : n-1]
	}
	n := 0
	for i := 0; i < len(s); {
		if s[i] == '-' && n > 0 && s[i-1] != '-' {
			i++
			continue
		}
		if n == len(dst) || i+1 >= len(s) {
			return false
		}
		hi, lo := hexValue(s[i]), hexValue(s[i+1])
		if hi < 0 || lo < 0 {
			return false
		}
		dst[n] = byte(hi<<4 | lo)
		n++
		i += 2
	}
	return n == len(dst) && s[len(s)-1] != '-'
}

func (t *target) bytesFromText(s, raw []byte) string {
	v := t.vec
	start := len(v.Data)
	data, ok := t.appendBinary(v.Data, s)
	if !ok {
		v.Data = v.Data[:start]
		return t.cannot("string", raw)
	}
	v.Data = data
	v.AppendBytes(nil)
	return ""
}

// appendBinary decodes hexadecimal or base64 text.
func (t *target) appendBinary(dst, s []byte) ([]byte, bool) {
	if t.bytes == BytesBase64 {
		s = bytes.TrimRight(s, "=")
		dst, err := base64.RawStdEncoding.AppendDecode(dst, s)
		return dst, err == nil
	}
	s = bytes.TrimPrefix(s, []byte(`\x`))
	if len(s)%2 != 0 {
		return dst, false
	}
	for i := 0; i < len(s); i += 2 {
		hi, lo := hexValue(s[i]), hexValue(s[i+1])
		if hi < 0 || lo < 0 {
			return dst, false
		}
		dst = append(dst, byte(hi<<4|lo))
	}
	return dst, true
}

// numberFromText appends a number that is written as a string.
func (t *target) numberFromText(s, raw []byte) string {
	if t.op == opFloat32 || t.op == opFloat64 || t.op == opNumeric {
		if f, ok := specialFloat(s); ok {
			return t.putSpecial(f, raw)
		}
	}
	d, fits, ok := parseNumber(s)
	if !ok {
		return t.cannot("string", raw)
	}
	return t.putNumber(s, d, fits)
}

// specialFloat reads NaN and the infinities.
func specialFloat(s []byte) (float64, bool) {
	sign := 1
	word := s
	if len(s) > 1 && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		word = s[1:]
	}
	switch {
	case foldEqual(word, "infinity") || foldEqual(word, "inf"):
		return math.Inf(sign), true
	case foldEqual(s, "nan"):
		return math.NaN(), true
	}
	return 0, false
}

func (t *target) putSpecial(f float64, raw []byte) string {
	switch {
	case t.op == opFloat32:
		t.putFloat32(float32(f))
	case t.op == opFloat64:
		t.putFloat64(f)
	case math.IsNaN(f):
		t.putDecimal(column.Decimal{Scale: column.DecimalNaN})
	default:
		return t.cannot("string", raw)
	}
	return ""
}

func (t *target) putDecimal(d column.Decimal) {
	t.vec.Decimals = append(t.vec.Decimals, d)
	t.vec.N++
}

// fromNumber appends a JSON number. Text keeps its spelling.
func (t *target) fromNumber(raw []byte) string {
	switch t.op {
	case opText:
		return t.putText(raw)
	case opJSON:
		t.vec.AppendBytes(raw)
		return ""
	case opBytes, opUUID, opTime:
		return t.cannot("number", raw)
	}
	d, fits, _ := parseNumber(raw)
	switch t.op {
	case opBool:
		if v, res := d.scaled(1, 0); fits && res == scaleExact && (v == 0 || v == 1) {
			t.putBool(v == 1)
			return ""
		}
		return t.cannot("number", raw)
	case opDate, opInstant:
		return t.timeFromNumber(d, fits, raw)
	}
	return t.putNumber(raw, d, fits)
}

// timeFromNumber appends a point in time given as a number: digits of a
// pattern, or ticks. A plain date is no number.
func (t *target) timeFromNumber(d decimal, fits bool, raw []byte) string {
	var micros int64
	ok := fits
	switch {
	case t.time.kind == schema.FormatSimpleDate:
		micros, ok = t.time.text(raw)
	case t.op == opDate && t.time.kind == schema.FormatTimestamp:
		ok = false
	case fits:
		micros, ok = t.time.number(d)
	}
	if !ok {
		return t.cannot("number", raw)
	}
	return t.putInstant(micros, raw)
}

// putNumber appends a number to a numeric target; b is its text.
func (t *target) putNumber(b []byte, d decimal, fits bool) string {
	switch t.op {
	case opInt:
		return t.putWhole(b, d, fits)
	case opFloat64:
		f, ok := float64Of(b, d, fits)
		if !ok {
			return t.outOfRange(b)
		}
		t.putFloat64(f)
	case opFloat32:
		f, ok := float32Of(b, d, fits)
		if !ok {
			return t.outOfRange(b)
		}
		t.putFloat32(f)
	case opScaled:
		return t.putScaled(b, d, fits)
	case opNumeric:
		return t.putNumeric(b, d, fits)
	}
	return ""
}

// putWhole appends a whole number; 12.0 and 1e3 are whole, 12.5 is refused
// because cutting it would lose what the sender meant.
func (t *target) putWhole(b []byte, d decimal, fits bool) string {
	if !fits {
		return t.outOfRange(b)
	}
	v, res := d.scaled(1, 0)
	switch {
	case res == scaleRounded:
		return t.cannot("number", b)
	case res == scaleOverflow || !t.putInt(v):
		return t.outOfRange(b)
	}
	return ""
}

// putScaled appends to NUMERIC(p, s) with p ≤ 18, rounded to s digits.
func (t *target) putScaled(b []byte, d decimal, fits bool) string {
	var v int64
	res := scaleOverflow
	if fits {
		v, res = d.scaled(1, int(t.scale))
	} else if n, err := column.ParseDecimal(string(b)); err == nil {
		if n, err = n.Rescale(t.scale); err == nil && n.Coef.IsInt64() {
			v, res = int64(n.Coef.Lo), scaleExact
		}
	}
	if res == scaleOverflow || v < t.lo || v > t.hi {
		return t.outOfRange(b)
	}
	t.putInt64(v)
	return ""
}

// putNumeric appends to NUMERIC without a precision, exactly, or to
// NUMERIC(p, s) with p > 18, rounded to s digits.
func (t *target) putNumeric(b []byte, d decimal, fits bool) string {
	n, err := numericOf(b, d, fits)
	if err == nil && t.digits > 0 {
		n, err = n.Rescale(t.scale)
	}
	if err != nil || t.digits > 0 && !withinDigits(n.Coef, t.digits) {
		return t.outOfRange(b)
	}
	t.putDecimal(n)
	return ""
}

// withinDigits tells that a coefficient has at most n decimal digits.
func withinDigits(c column.Int128, n uint8) bool {
	if c.IsInt64() && n > 18 {
		return true
	}
	limit, err := column.ParseDecimal(fmt.Sprintf("1e%d", n))
	if err != nil { // 39 digits: every coefficient fits
		return true
	}
	return c.Cmp(limit.Coef) < 0 && c.Cmp(limit.Coef.Neg()) > 0
}

// fromBool appends true or false, given as the word.
func (t *target) fromBool(word string) string {
	v := word == "true"
	switch t.op {
	case opBool:
		t.putBool(v)
	case opText, opJSON:
		t.vec.AppendString(word)
	case opInt, opFloat32, opFloat64, opScaled, opNumeric:
		d := decimal{}
		if v {
			d.mant = 1
		}
		return t.putNumber([]byte(word), d, true)
	default:
		return t.cannot("boolean", []byte(word))
	}
	return ""
}
