package fn

import (
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// FormatText appends PostgreSQL's text form of row i of v to dst; NULL appends
// nothing. ctx gives the zone and the session that names catalog objects; it
// may be nil.
func FormatText(dst []byte, ctx *Context, v *column.Vector, i int) []byte {
	if v.IsNull(i) {
		return dst
	}
	if v.Const {
		i = 0
	}
	switch v.Kind() {
	case schema.KindBool:
		return appendBool(dst, v.Bools[i])
	case schema.KindInt32:
		if v.Type.ID == schema.TypeDate {
			return AppendDate(dst, v.Int32s[i])
		}
		return strconv.AppendInt(dst, int64(v.Int32s[i]), 10)
	case schema.KindInt64:
		return formatInt64(dst, ctx, v.Type, v.Int64s[i])
	case schema.KindFloat32:
		return AppendFloat32(dst, v.Float32s[i])
	case schema.KindFloat64:
		return AppendFloat64(dst, v.Float64s[i])
	case schema.KindDecimal:
		return appendDecimal(dst, v.Decimals[i])
	case schema.KindInterval:
		return AppendInterval(dst, v.Intervals[i])
	case schema.KindBytes:
		return formatBytes(dst, v.Type, v.Bytes(i))
	case schema.KindList:
		return formatList(dst, ctx, v, i)
	}
	return dst
}

// FormatValue returns PostgreSQL's text form of a value, "" for NULL.
func FormatValue(ctx *Context, v column.Value) string {
	if v.Null {
		return ""
	}
	return string(FormatText(nil, ctx, column.NewConst(v, 1), 0))
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 't')
	}
	return append(dst, 'f')
}

func formatInt64(dst []byte, ctx *Context, t schema.Type, x int64) []byte {
	switch t.ID {
	case schema.TypeTimestamp:
		return AppendTimestamp(dst, x)
	case schema.TypeTimestampTZ:
		loc, err := sessionZone(ctx)
		if err != nil {
			loc = time.UTC
		}
		return AppendTimestampTZ(dst, x, loc)
	case schema.TypeTime:
		return appendTime(dst, x)
	case schema.TypeNumeric:
		return appendScaled(dst, x, int(t.Scale))
	case schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		return formatReg(dst, ctx, t.ID, uint32(x))
	}
	return strconv.AppendInt(dst, x, 10)
}

// appendScaled prints x × 10^-scale with exactly scale fraction digits.
func appendScaled(dst []byte, x int64, scale int) []byte {
	if scale == 0 {
		return strconv.AppendInt(dst, x, 10)
	}
	u := uint64(x)
	if x < 0 {
		dst = append(dst, '-')
		u = -u
	}
	var buf [24]byte
	digits := strconv.AppendUint(buf[:0], u, 10)
	for range scale + 1 - len(digits) {
		if len(digits) > scale {
			break
		}
		digits = append(digits, 0)
		copy(digits[1:], digits)
		digits[0] = '0'
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	dst = append(dst, '.')
	return append(dst, digits[len(digits)-scale:]...)
}

func appendDecimal(dst []byte, d column.Decimal) []byte {
	if !d.IsNaN() && d.Scale <= 18 && d.Coef.IsInt64() {
		return appendScaled(dst, int64(d.Coef.Lo), int(d.Scale))
	}
	return append(dst, d.String()...)
}

// AppendFloat64 appends the shortest text that reads back as f, in
// PostgreSQL's layout.
func AppendFloat64(dst []byte, f float64) []byte { return appendFloat(dst, f, 64, 15) }

// AppendFloat32 appends the shortest text that reads back as f, in
// PostgreSQL's layout.
func AppendFloat32(dst []byte, f float32) []byte { return appendFloat(dst, float64(f), 32, 6) }

// appendFloat uses the exponent form outside 1e-4 … 1e<digits>.
func appendFloat(dst []byte, f float64, bits, digits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		return strconv.AppendFloat(dst, f, 'f', 0, bits)
	}
	var buf [32]byte
	e := strconv.AppendFloat(buf[:0], f, 'e', -1, bits)
	exp := 0
	for k := len(e) - 1; k >= 0; k-- {
		if e[k] == 'e' {
			exp, _ = strconv.Atoi(string(e[k+1:]))
			break
		}
	}
	if exp < -4 || exp >= digits {
		return append(dst, e...)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}

func formatBytes(dst []byte, t schema.Type, b []byte) []byte {
	switch t.ID {
	case schema.TypeBytea:
		dst = append(dst, '\\', 'x')
		return hex.AppendEncode(dst, b)
	case schema.TypeUUID:
		return appendUUID(dst, b)
	}
	return append(dst, b...)
}

func appendUUID(dst, b []byte) []byte {
	if len(b) != 16 {
		return append(dst, b...)
	}
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

// formatReg names a catalog object as regclass and its like do; an unknown id
// is shown as a number, 0 as "-".
func formatReg(dst []byte, ctx *Context, id schema.TypeID, oid uint32) []byte {
	if oid == 0 {
		return append(dst, '-')
	}
	if name, ok := regName(ctx, id, oid); ok {
		return append(dst, name...)
	}
	return strconv.AppendUint(dst, uint64(oid), 10)
}

func regName(ctx *Context, id schema.TypeID, oid uint32) (string, bool) {
	if id == schema.TypeRegtype {
		if t, ok := TypeByOID(oid); ok {
			return t.String(), true
		}
	}
	if ctx == nil || ctx.Session == nil {
		return "", false
	}
	switch id {
	case schema.TypeRegclass:
		return ctx.Session.RegclassName(oid)
	case schema.TypeRegproc:
		return ctx.Session.RegprocName(oid)
	case schema.TypeRegnamespace:
		return ctx.Session.RegnamespaceName(oid)
	}
	return "", false
}

// formatList prints {a,b,…}; int2vector and oidvector print a b ….
func formatList(dst []byte, ctx *Context, v *column.Vector, i int) []byte {
	from, to := int(v.Offsets[i]), int(v.Offsets[i+1])
	if !v.Type.List {
		for k := from; k < to; k++ {
			if k > from {
				dst = append(dst, ' ')
			}
			dst = FormatText(dst, ctx, v.Elems, k)
		}
		return dst
	}
	dst = append(dst, '{')
	var buf []byte
	for k := from; k < to; k++ {
		if k > from {
			dst = append(dst, ',')
		}
		if v.Elems.IsNull(k) {
			dst = append(dst, "NULL"...)
			continue
		}
		buf = FormatText(buf[:0], ctx, v.Elems, k)
		dst = appendArrayElem(dst, buf)
	}
	return append(dst, '}')
}

// appendArrayElem quotes an array element where its text needs it.
func appendArrayElem(dst, b []byte) []byte {
	if !needsQuotes(b) {
		return append(dst, b...)
	}
	dst = append(dst, '"')
	for _, c := range b {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func needsQuotes(b []byte) bool {
	if len(b) == 0 || equalFoldASCII(b, "null") {
		return true
	}
	for _, c := range b {
		switch c {
		case '"', '\\', '{', '}', ',', ' ', '\t', '\n', '\r', '\v', '\f':
			return true
		}
	}
	return false
}

func equalFoldASCII(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 32
		}
		if c != s[i] {
			return false
		}
	}
	return true
}
