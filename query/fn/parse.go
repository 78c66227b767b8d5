package fn

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// ParseText reads PostgreSQL's text form of a value of type t. The value does
// not share s. Errors are 22P02, 22003, 22007, 22008 and, for the reg types,
// the ones of a failed look-up. ctx may be nil where neither a zone nor a
// session is needed.
func ParseText(ctx *Context, s []byte, t schema.Type) (column.Value, error) {
	if t.Kind() == schema.KindList {
		return parseList(ctx, string(s), t)
	}
	switch t.ID {
	case schema.TypeBool:
		return parseBool(s)
	case schema.TypeInt16, schema.TypeInt32, schema.TypeInt64:
		x, err := parseInt(s, t)
		return column.IntValue(t, x), err
	case schema.TypeFloat32, schema.TypeFloat64:
		f, err := parseFloat(string(s), t)
		return column.FloatValue(t, f), err
	case schema.TypeNumeric:
		return parseNumeric(string(s), t)
	case schema.TypeDate, schema.TypeTime, schema.TypeTimestamp, schema.TypeTimestampTZ:
		return parseDateTime(ctx, string(s), t)
	case schema.TypeInterval:
		iv, err := ParseInterval(string(s))
		return column.Value{Type: t, Iv: iv}, err
	case schema.TypeOID, schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		oid, err := parseReg(ctx, string(s), t)
		return column.IntValue(t, int64(oid)), err
	}
	b, err := parseBytes(s, t)
	return column.BytesValue(t, b), err
}

// parseBytes reads the types that are stored as bytes.
func parseBytes(s []byte, t schema.Type) ([]byte, error) {
	switch t.ID {
	case schema.TypeBytea:
		return parseBytea(s)
	case schema.TypeUUID:
		return parseUUID(string(s))
	case schema.TypeJSON:
		return parseJSON(s)
	case schema.TypeJSONB:
		return parseJSONB(s)
	}
	return fitText(bytes.Clone(s), t)
}

// invalid is 22P02 for a text that a type cannot read.
func invalid(t schema.Type, s string) error {
	return sqlerr.New(sqlerr.InvalidText, "invalid input syntax for type %s: %q", plain(t), s)
}

func parseBool(s []byte) (column.Value, error) {
	low := strings.ToLower(string(bytes.TrimSpace(s)))
	isPrefix := func(word string, least int) bool {
		return len(low) >= least && strings.HasPrefix(word, low)
	}
	switch {
	case isPrefix("true", 1), isPrefix("yes", 1), low == "on", low == "1":
		return column.BoolValue(true), nil
	case isPrefix("false", 1), isPrefix("no", 1), isPrefix("off", 2), low == "0":
		return column.BoolValue(false), nil
	}
	return column.Value{}, invalid(schema.Bool, string(s))
}

func intBits(t schema.Type) int {
	switch t.ID {
	case schema.TypeInt16:
		return 16
	case schema.TypeInt32:
		return 32
	}
	return 64
}

func parseInt(s []byte, t schema.Type) (int64, error) {
	text := string(bytes.TrimSpace(s))
	digits := strings.TrimPrefix(text, "+")
	if digits != text && strings.HasPrefix(digits, "-") {
		return 0, invalid(t, string(s))
	}
	x, err := strconv.ParseInt(digits, 10, intBits(t))
	switch {
	case err == nil:
		return x, nil
	case errors.Is(err, strconv.ErrRange):
		return 0, sqlerr.New(sqlerr.NumericOutOfRange, "value %q is out of range for type %s", string(s), plain(t))
	}
	return 0, invalid(t, string(s))
}

func parseFloat(s string, t schema.Type) (float64, error) {
	text := strings.TrimSpace(s)
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case "nan":
		return math.NaN(), nil
	case "inf", "infinity":
		if text[0] == '-' {
			return math.Inf(-1), nil
		}
		return math.Inf(1), nil
	}
	bits := 64
	if t.ID == schema.TypeFloat32 {
		bits = 32
	}
	if text == "" || strings.ContainsAny(text, "_xXpP") {
		return 0, invalid(t, s)
	}
	f, err := strconv.ParseFloat(text, bits)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && f == 0 && hasNonZeroDigit(text):
		return 0, sqlerr.New(sqlerr.NumericOutOfRange, "%q is out of range for type %s", text, plain(t))
	case err != nil:
		return 0, invalid(t, s)
	}
	return f, nil
}

// hasNonZeroDigit tells an underflow from a zero.
func hasNonZeroDigit(s string) bool {
	mant, _, _ := strings.Cut(strings.ToLower(s), "e")
	return strings.ContainsAny(mant, "123456789")
}

func parseNumeric(s string, t schema.Type) (column.Value, error) {
	d, err := column.ParseDecimal(s)
	switch {
	case errors.Is(err, column.ErrNumericOverflow):
		if d, err = parseRounded(s); err != nil {
			return column.Value{}, sqlerr.New(sqlerr.NumericOutOfRange, "value overflows numeric format")
		}
	case err != nil:
		return column.Value{}, invalid(t, s)
	}
	return fitDecimal(d, t)
}

// parseRounded reads a number with more digits than 38 by dropping fraction
// digits that cannot be held.
func parseRounded(s string) (column.Decimal, error) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "eE") {
		return column.Decimal{}, column.ErrNumericOverflow
	}
	point := strings.IndexByte(s, '.')
	if point < 0 {
		return column.Decimal{}, column.ErrNumericOverflow
	}
	digits := len(strings.TrimLeft(strings.TrimLeft(s[:point], "+-"), "0"))
	if digits > 37 {
		return column.Decimal{}, column.ErrNumericOverflow
	}
	return column.ParseDecimal(s[:min(len(s), point+1+38-max(digits, 1))])
}

func parseBytea(s []byte) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(s, []byte(`\x`)); ok {
		rest = bytes.Join(bytes.Fields(rest), nil)
		out := make([]byte, hex.DecodedLen(len(rest)))
		if _, err := hex.Decode(out, rest); err != nil {
			return nil, sqlerr.New(sqlerr.InvalidParameter, "invalid hexadecimal data")
		}
		return out, nil
	}
	return parseEscapedBytea(s)
}

// parseEscapedBytea reads the old form: \\ and \ooo.
func parseEscapedBytea(s []byte) ([]byte, error) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\\' {
			out = append(out, '\\')
			i++
			continue
		}
		if i+3 >= len(s) {
			return nil, invalid(schema.Bytea, string(s))
		}
		x, err := strconv.ParseUint(string(s[i+1:i+4]), 8, 8)
		if err != nil {
			return nil, invalid(schema.Bytea, string(s))
		}
		out = append(out, byte(x))
		i += 3
	}
	return out, nil
}

func parseUUID(s string) ([]byte, error) {
	text := s
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		text = text[1 : len(text)-1]
	}
	out := make([]byte, 0, 16)
	for i := 0; i < len(text); {
		if text[i] == '-' && len(out) > 0 && len(out)%2 == 0 && i+1 < len(text) {
			i++
			continue
		}
		if i+2 > len(text) {
			return nil, invalid(schema.UUID, s)
		}
		b, err := strconv.ParseUint(text[i:i+2], 16, 8)
		if err != nil || len(out) == 16 {
			return nil, invalid(schema.UUID, s)
		}
		out = append(out, byte(b))
		i += 2
	}
	if len(out) != 16 {
		return nil, invalid(schema.UUID, s)
	}
	return out, nil
}

// parseReg reads an object id or looks a name up in the catalog.
func parseReg(ctx *Context, s string, t schema.Type) (uint32, error) {
	text := strings.TrimSpace(s)
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return uint32(n), nil
	}
	if t.ID == schema.TypeOID {
		return parseNegativeOID(text, s)
	}
	if text == "-" {
		return 0, nil
	}
	return lookupReg(ctx, text, t.ID)
}

// parseNegativeOID reads what wraps around, as PostgreSQL's oid input does.
func parseNegativeOID(text, s string) (uint32, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (n < math.MinInt32 || n > math.MaxUint32):
		return 0, sqlerr.New(sqlerr.NumericOutOfRange, "value %q is out of range for type oid", s)
	case err != nil:
		return 0, invalid(schema.OID, s)
	}
	return uint32(n), nil
}

func lookupReg(ctx *Context, name string, id schema.TypeID) (uint32, error) {
	if id == schema.TypeRegtype {
		if t, ok := ParseTypeName(name); ok {
			return t.OID(), nil
		}
	}
	if ctx == nil || ctx.Session == nil {
		if id == schema.TypeRegtype {
			return 0, sqlerr.New(sqlerr.UndefinedObject, "type %q does not exist", name)
		}
		return 0, sqlerr.Unsupported("a look-up of " + strconv.Quote(name) + " in the catalog here")
	}
	var oid uint32
	var ok bool
	code, what := sqlerr.UndefinedTable, "relation"
	switch id {
	case schema.TypeRegclass:
		oid, ok = ctx.Session.LookupRegclass(name)
	case schema.TypeRegtype:
		oid, ok = ctx.Session.LookupRegtype(name)
		code, what = sqlerr.UndefinedObject, "type"
	case schema.TypeRegproc:
		oid, ok = ctx.Session.LookupRegproc(name)
		code, what = sqlerr.UndefinedFunction, "function"
	case schema.TypeRegnamespace:
		oid, ok = ctx.Session.LookupRegnamespace(name)
		code, what = sqlerr.InvalidSchemaName, "schema"
	}
	if !ok {
		return 0, sqlerr.New(code, "%s %q does not exist", what, name)
	}
	return oid, nil
}
