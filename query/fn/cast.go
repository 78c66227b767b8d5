package fn

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// Cast converts v to type to, as CAST does, into out, which does not share v's
// memory. Rows outside sel (nil: all) get undefined values and raise no
// errors; NULLs stay NULL.
func Cast(ctx *Context, v *column.Vector, to schema.Type, sel column.Bitmap, out *column.Vector) error {
	if v.Const && v.N > 0 {
		return castConst(ctx, v, to, sel, out)
	}
	out.Reset(to)
	conv, err := conversion(v.Type, to)
	if err != nil {
		return err
	}
	if err := conv(&castArgs{ctx: ctx, v: v, to: to, sel: sel, out: out}); err != nil {
		return err
	}
	if out.N == v.N && v.HasNulls() {
		keepNulls(out, v)
	}
	return nil
}

// castConst converts the one value of a Const vector.
func castConst(ctx *Context, v *column.Vector, to schema.Type, sel column.Bitmap, out *column.Vector) error {
	n := v.N
	if v.IsNull(0) || sel != nil && !sel.Any() {
		out.Reset(to)
		out.AppendNull()
	} else {
		one := *v
		one.N, one.Const = 1, false
		if err := Cast(ctx, &one, to, nil, out); err != nil {
			return err
		}
	}
	out.N, out.Const = n, true
	return nil
}

// CastValue converts one value, as CAST does.
func CastValue(ctx *Context, v column.Value, to schema.Type) (column.Value, error) {
	if v.Null {
		return column.NullValue(to), nil
	}
	if v.Type == to {
		return v, nil
	}
	in, out := column.New(v.Type, 1), column.New(to, 1)
	in.Append(v)
	if err := Cast(ctx, in, to, nil, out); err != nil {
		return column.Value{}, err
	}
	return out.Value(0), nil
}

func keepNulls(out, v *column.Vector) {
	for len(out.Nulls) < column.Words(out.N) {
		out.Nulls = append(out.Nulls, 0)
	}
	kernel.Or(out.Nulls, v.Nulls[:min(len(v.Nulls), len(out.Nulls))])
}

// castArgs is one conversion of a vector.
type castArgs struct {
	ctx *Context
	v   *column.Vector
	to  schema.Type
	sel column.Bitmap
	out *column.Vector
}

// live reports whether row i must be converted.
func (c *castArgs) live(i int) bool {
	return (c.sel == nil || c.sel.Get(i)) && !c.v.IsNull(i)
}

// each calls f for the live rows and appends a filler for the others; f
// appends one value.
func (c *castArgs) each(f func(i int) error) error {
	for i := range c.v.N {
		if !c.live(i) {
			c.out.AppendNull()
			continue
		}
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

type converter func(*castArgs) error

// conversion finds the loop that converts between two types.
func conversion(from, to schema.Type) (converter, error) {
	if contextOf(from, to) == castNone {
		return nil, sqlerr.New("42846", "cannot cast type %s to %s", plain(from), plain(to))
	}
	switch {
	case from.ID == schema.TypeUnknown && !isStringType(to.ID), from.ID == schema.TypeUnknown && to.List:
		return castFromText, nil
	case from.Kind() == schema.KindList && to.Kind() == schema.KindList:
		return castLists, nil
	case from.Kind() == schema.KindList:
		return castToText, nil
	case to.Kind() == schema.KindList:
		return castFromText, nil
	case numRank(from) > 0 && numRank(to) > 0:
		return numericConversion(from, to), nil
	case from.ID == to.ID:
		return castSame, nil
	}
	return scalarConversion(from, to)
}

func scalarConversion(from, to schema.Type) (converter, error) {
	switch {
	case isOIDLike(from.ID) || isOIDLike(to.ID):
		return oidConversion(from, to), nil
	case from.IsTime() || from.ID == schema.TypeTime || from.ID == schema.TypeInterval:
		if c := timeConversion(from.ID, to.ID); c != nil {
			return c, nil
		}
	case from.ID == schema.TypeBool && to.ID == schema.TypeInt32:
		return castBoolToInt, nil
	case from.ID == schema.TypeBool && isStringType(to.ID):
		return castBoolToText, nil
	case to.ID == schema.TypeBool && from.ID == schema.TypeInt32:
		return castIntToBool, nil
	case from.ID == schema.TypeJSONB && !isStringType(to.ID) && to.ID != schema.TypeJSON:
		return castJSONScalar, nil
	case from.ID == schema.TypeInternalChar && to.ID == schema.TypeInt32:
		return castCharToInt, nil
	case isStringType(from.ID) && (isStringType(to.ID) || to.ID == schema.TypeInternalChar),
		from.ID == schema.TypeInternalChar && isStringType(to.ID):
		return castSame, nil
	}
	if isStringType(to.ID) || to.ID == schema.TypeInternalChar && from.ID == schema.TypeInt32 {
		return castToText, nil
	}
	return castFromText, nil
}

// castToText prints each row.
func castToText(c *castArgs) error {
	limited := c.to.Length > 0 || c.to.ID == schema.TypeName || c.to.ID == schema.TypeInternalChar
	var buf []byte
	return c.each(func(i int) error {
		if limited {
			b, err := fitText(FormatText(buf[:0], c.ctx, c.v, i), c.to)
			c.out.AppendBytes(b)
			return err
		}
		c.out.Data = FormatText(c.out.Data, c.ctx, c.v, i)
		c.out.Offsets = append(c.out.Offsets, uint32(len(c.out.Data)))
		c.out.N++
		return nil
	})
}

// castFromText reads each row.
func castFromText(c *castArgs) error {
	var buf []byte
	return c.each(func(i int) error {
		buf = FormatText(buf[:0], c.ctx, c.v, i)
		x, err := ParseText(c.ctx, buf, c.to)
		if err != nil {
			return err
		}
		c.out.Append(x)
		return nil
	})
}

// castSame copies values of one representation and applies modifiers.
func castSame(c *castArgs) error {
	if c.v.Kind() != schema.KindBytes {
		kernel.Concat(c.out, c.v)
		return nil
	}
	from := c.v.Type
	if !needsFit(from, c.to) {
		kernel.Concat(c.out, c.v)
		c.out.Type = c.to
		return nil
	}
	return c.each(func(i int) error {
		b := c.v.Bytes(i)
		if from.ID == schema.TypeChar && c.to.ID != schema.TypeChar {
			b = trimBlanks(b)
		}
		b, err := fitText(b, c.to)
		c.out.AppendBytes(b)
		return err
	})
}

func needsFit(from, to schema.Type) bool {
	if from.ID == schema.TypeChar || to.ID == schema.TypeInternalChar {
		return from != to
	}
	return to.Length > 0 && from != to || to.ID == schema.TypeName && from.ID != schema.TypeName
}

// fitText applies what the type asks of a text: the length of varchar(n), the
// padding of char(n), 63 bytes of name, one byte of "char".
func fitText(b []byte, t schema.Type) ([]byte, error) {
	switch t.ID {
	case schema.TypeVarchar:
		if t.Length > 0 {
			return b[:runePrefix(b, int(t.Length))], nil
		}
	case schema.TypeChar:
		if t.Length > 0 {
			return padChar(b, int(t.Length)), nil
		}
	case schema.TypeName:
		return b[:min(len(b), wholeRunes(b, 63))], nil
	case schema.TypeInternalChar:
		return b[:min(len(b), 1)], nil
	}
	return b, nil
}

// runePrefix returns the length in bytes of the first n characters.
func runePrefix(b []byte, n int) int {
	if len(b) <= n {
		return len(b)
	}
	for i, c := range b {
		if c&0xC0 != 0x80 {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return len(b)
}

// wholeRunes returns the longest length up to limit that does not cut a character.
func wholeRunes(b []byte, limit int) int {
	if len(b) <= limit {
		return len(b)
	}
	for limit > 0 && b[limit]&0xC0 == 0x80 {
		limit--
	}
	return limit
}

func padChar(b []byte, n int) []byte {
	have := runeCount(b)
	if have >= n {
		return b[:runePrefix(b, n)]
	}
	out := append(make([]byte, 0, len(b)+n-have), b...)
	for range n - have {
		out = append(out, ' ')
	}
	return out
}

// runeCount counts characters by their first bytes.
func runeCount(b []byte) int {
	n := 0
	for _, c := range b {
		if c&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// castLists converts the elements of all lists at once.
func castLists(c *castArgs) error {
	v := c.v
	from, to := int(v.Offsets[0]), int(v.Offsets[v.N])
	elems := v.Elems.Slice(from, to)
	if err := Cast(c.ctx, elems, c.to.Elem(), nil, c.out.Elems); err != nil {
		return err
	}
	if c.out.Elems.Const {
		c.out.Elems = c.out.Elems.Flatten()
	}
	for i := range v.N {
		c.out.Offsets = append(c.out.Offsets, v.Offsets[i+1]-uint32(from))
	}
	c.out.N = v.N
	return nil
}

func castBoolToInt(c *castArgs) error {
	return c.each(func(i int) error {
		x := int32(0)
		if c.v.Bools[i] {
			x = 1
		}
		c.out.Int32s = append(c.out.Int32s, x)
		c.out.N++
		return nil
	})
}

func castBoolToText(c *castArgs) error {
	return c.each(func(i int) error {
		s := "false"
		if c.v.Bools[i] {
			s = "true"
		}
		b, err := fitText([]byte(s), c.to)
		c.out.AppendBytes(b)
		return err
	})
}

func castIntToBool(c *castArgs) error {
	return c.each(func(i int) error {
		c.out.Bools = append(c.out.Bools, c.v.Int32s[i] != 0)
		c.out.N++
		return nil
	})
}

func castCharToInt(c *castArgs) error {
	return c.each(func(i int) error {
		x := int32(0)
		if b := c.v.Bytes(i); len(b) > 0 {
			x = int32(int8(b[0]))
		}
		c.out.Int32s = append(c.out.Int32s, x)
		c.out.N++
		return nil
	})
}

// oidConversion converts between object ids, their named forms, integers and text.
func oidConversion(from, to schema.Type) converter {
	switch {
	case isOIDLike(from.ID) && isOIDLike(to.ID):
		return func(c *castArgs) error {
			c.out.Int64s = append(c.out.Int64s, c.v.Int64s[:c.v.N]...)
			c.out.N = c.v.N
			return nil
		}
	case isOIDLike(from.ID) && (to.ID == schema.TypeInt64 || to.ID == schema.TypeInt32):
		return castOIDToInt
	case isOIDLike(to.ID) && numRank(from) > 0:
		return castIntToOID
	case isOIDLike(to.ID):
		return castFromText
	}
	return castToText
}

func castOIDToInt(c *castArgs) error {
	return c.each(func(i int) error {
		if c.out.Kind() == schema.KindInt32 {
			c.out.Int32s = append(c.out.Int32s, int32(uint32(c.v.Int64s[i])))
		} else {
			c.out.Int64s = append(c.out.Int64s, c.v.Int64s[i])
		}
		c.out.N++
		return nil
	})
}

func castIntToOID(c *castArgs) error {
	return c.each(func(i int) error {
		var x int64
		if c.v.Kind() == schema.KindInt32 {
			x = int64(uint32(c.v.Int32s[i]))
		} else if x = c.v.Int64s[i]; x < 0 || x > 1<<32-1 {
			return sqlerr.New(sqlerr.NumericOutOfRange, "OID out of range")
		}
		c.out.Int64s = append(c.out.Int64s, x)
		c.out.N++
		return nil
	})
}
