package plan

import (
	"math"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// uncast rewrites (column)::wider op constant to column op narrower constant,
// so that indexes and statistics of the column apply. It returns nil where the
// two would differ. A constant that no value of the column equals moves to its
// neighbour: int_column >= 2.5 is int_column >= 3.
func (z *normalizer) uncast(e *Call, c *Cast, k column.Value) Expr {
	op := e.Fn.Name
	if k.Type.ID == schema.TypeTimestampTZ && c.Arg.Type().IsTime() {
		return z.uncastZone(e, c, k)
	}
	lo, exact, ok := narrow(k, c.Arg.Type())
	if !ok {
		return nil
	}
	if isScaled(c.Arg.Type()) {
		// Comparisons are defined over numeric; equality needs none.
		if !exact || op != "=" && op != "<>" {
			return nil
		}
		return newIn(c.Arg, []column.Value{lo}, op == "<>")
	}
	if !exact {
		// lo is the largest value of the column below the constant.
		switch op {
		case "<", "<=":
			op = "<="
		case ">", ">=":
			op = ">"
		default:
			return nil
		}
	}
	return z.operator(op, []Expr{c.Arg, &Const{Value: lo}})
}

// isScaled reports whether values of a type are whole numbers scaled by a
// power of ten.
func isScaled(t schema.Type) bool { return t.ID == schema.TypeNumeric && t.Kind() == schema.KindInt64 }

// uncastZone rewrites (timestamp or date)::timestamptz op constant. In UTC the
// constant's local time stands for it. In other zones clocks that are set back
// make the conversion ambiguous: the comparison stays, and one that follows
// from it with a day's margin is added for indexes and statistics.
func (z *normalizer) uncastZone(e *Call, c *Cast, k column.Value) Expr {
	local, err := fn.CastValue(z.ctx, k, schema.Timestamp)
	if err != nil || !z.stable || local.I == math.MinInt64 || local.I == math.MaxInt64 {
		return nil
	}
	local.Type = schema.Timestamp
	compare := func(op string, v column.Value) Expr {
		wide := Expr(c.Arg)
		if c.Arg.Type().ID != schema.TypeTimestamp {
			wide = &Cast{Arg: c.Arg, Typ: schema.Timestamp}
		}
		call, ok := z.operator(op, []Expr{wide, &Const{Value: v}}).(*Call)
		if !ok {
			return nil
		}
		if wide == c.Arg {
			return call
		}
		return z.uncast(call, wide.(*Cast), v)
	}
	if isUTC(z.ctx.Zone) {
		return compare(e.Fn.Name, local)
	}
	const margin = 24 * 3600 * 1_000_000
	below, above := local, local
	below.I, above.I = local.I-margin, local.I+margin
	out := []Expr{e}
	if e.Fn.Name == ">" || e.Fn.Name == ">=" || e.Fn.Name == "=" {
		out = append(out, compare(">=", below))
	}
	if e.Fn.Name == "<" || e.Fn.Name == "<=" || e.Fn.Name == "=" {
		out = append(out, compare("<=", above))
	}
	if len(out) == 1 || slices.Contains(out, nil) {
		return nil
	}
	return &And{Args: out}
}

func isUTC(zone string) bool {
	switch zone {
	case "", "UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu", "UCT":
		return true
	}
	return false
}

// uncastIn does the same for a list; values that the column cannot have are
// left out.
func (z *normalizer) uncastIn(e *In, c *Cast) Expr {
	t := c.Arg.Type()
	values := make([]column.Value, 0, e.List.N)
	for i := range e.List.N {
		v, exact, ok := narrow(e.List.Value(i), t)
		if !ok {
			return nil
		}
		if exact {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return nil
	}
	if e.HasNull {
		values = append(values, column.NullValue(t))
	}
	return z.in(newIn(c.Arg, values, e.Negated).(*In))
}

// narrow returns the largest value of type t that is at most k, and whether it
// equals k; ok is false where t has no such value or the conversion from t to
// k's type is not order-preserving.
func narrow(k column.Value, t schema.Type) (v column.Value, exact, ok bool) {
	switch {
	case t.IsInteger():
		return narrowInt(k, t)
	case t.ID == schema.TypeDate && k.Type.ID == schema.TypeTimestamp:
		return narrowDate(k)
	case isScaled(t) && k.Type.ID == schema.TypeNumeric && k.Type.Kind() == schema.KindDecimal:
		return narrowScaled(k.D, t)
	}
	return v, false, false
}

func narrowInt(k column.Value, t schema.Type) (v column.Value, exact, ok bool) {
	var i int64
	switch {
	case k.Type.IsInteger():
		i, exact = k.I, true
	case k.Type.ID == schema.TypeFloat64:
		// Beyond 2^53 a float stands for several whole numbers.
		if math.IsNaN(k.F) || math.Abs(k.F) >= 1<<53 || t == schema.Int64 {
			return v, false, false
		}
		f := math.Floor(k.F)
		i, exact = int64(f), f == k.F
	case k.Type.ID == schema.TypeNumeric && k.Type.Kind() == schema.KindDecimal:
		if i, exact, ok = floorDecimal(k.D); !ok {
			return v, false, false
		}
	default:
		return v, false, false
	}
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	switch t.ID {
	case schema.TypeInt16:
		lo, hi = math.MinInt16, math.MaxInt16
	case schema.TypeInt32:
		lo, hi = math.MinInt32, math.MaxInt32
	}
	if i < lo || i > hi {
		return v, false, false
	}
	return column.IntValue(t, i), exact, true
}

// floorDecimal returns the whole number at or below d.
func floorDecimal(d column.Decimal) (i int64, exact, ok bool) {
	if d.IsNaN() {
		return 0, false, false
	}
	whole, err := d.Rescale(0)
	if err != nil || !whole.Coef.IsInt64() {
		return 0, false, false
	}
	i = int64(whole.Coef.Lo)
	switch c := whole.Cmp(d); {
	case c == 0:
		return i, true, true
	case c > 0 && i == math.MinInt64:
		return 0, false, false
	case c > 0:
		i--
	}
	return i, false, true
}

// narrowScaled returns a numeric as a value of a scaled type, if it is one.
func narrowScaled(d column.Decimal, t schema.Type) (v column.Value, exact, ok bool) {
	if d.IsNaN() {
		return v, false, false
	}
	r, err := d.Rescale(t.Scale)
	if err != nil || !r.Coef.IsInt64() {
		return v, false, false
	}
	return column.IntValue(t, int64(r.Coef.Lo)), r.Cmp(d) == 0, true
}

// narrowDate returns the day at or before a timestamp.
func narrowDate(k column.Value) (v column.Value, exact, ok bool) {
	const day = 86_400_000_000
	d := k.I / day
	rest := k.I % day
	if rest < 0 {
		d, rest = d-1, rest+day
	}
	if k.I == math.MinInt64 || k.I == math.MaxInt64 || d < math.MinInt32+1 || d > math.MaxInt32-1 {
		return v, false, false
	}
	return column.IntValue(schema.Date, d), rest == 0, true
}
