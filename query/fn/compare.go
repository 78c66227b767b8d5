package fn

import (
	"bytes"
	"cmp"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// CompareValues orders two values of one kind that are not NULL: text by
// bytes, NaN above all numbers, false before true.
func CompareValues(a, b column.Value) int {
	switch a.Type.Kind() {
	case schema.KindFloat32, schema.KindFloat64:
		return kernel.CompareFloats(a.F, b.F)
	case schema.KindDecimal:
		return a.D.Cmp(b.D)
	case schema.KindInterval:
		return kernel.CompareIntervals(a.Iv, b.Iv)
	case schema.KindBytes:
		if a.Type.ID == schema.TypeChar || b.Type.ID == schema.TypeChar {
			return bytes.Compare(trimBlanks(a.B), trimBlanks(b.B))
		}
		return bytes.Compare(a.B, b.B)
	case schema.KindList:
		return compareListValues(a.List, b.List)
	}
	return cmp.Compare(a.I, b.I)
}

// trimBlanks drops the padding of character(n), which has no meaning.
func trimBlanks(b []byte) []byte { return bytes.TrimRight(b, " ") }

func compareListValues(a, b *column.Vector) int {
	for i := range min(a.N, b.N) {
		if c := kernel.CompareRows(a, i, b, i); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.N, b.N)
}

// cmpOp is a comparison operator.
type cmpOp uint8

const (
	opEQ cmpOp = iota
	opNE
	opLT
	opLE
	opGT
	opGE
)

// holds reports whether an ordering satisfies the operator.
func (op cmpOp) holds(c int) bool {
	switch op {
	case opEQ:
		return c == 0
	case opNE:
		return c != 0
	case opLT:
		return c < 0
	case opLE:
		return c <= 0
	case opGT:
		return c > 0
	}
	return c >= 0
}

// swapped is the operator for exchanged operands.
func (op cmpOp) swapped() cmpOp {
	switch op {
	case opLT:
		return opGT
	case opLE:
		return opGE
	case opGT:
		return opLT
	case opGE:
		return opLE
	}
	return op
}

var comparisons = []struct {
	name string
	op   cmpOp
}{{"=", opEQ}, {"<>", opNE}, {"<", opLT}, {"<=", opLE}, {">", opGT}, {">=", opGE}}

// comparable types, each compared with itself; the pairs are further
// signatures that lead to the second of the pair.
var comparableTypes = []string{
	"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "bpchar", "name", "char",
	"date", "time", "timestamp", "timestamptz", "interval", "bytea", "uuid", "oid", "jsonb",
}

var crossPairs = [][3]schema.Type{
	{schema.Int16, schema.Int32, schema.Int32}, {schema.Int32, schema.Int16, schema.Int32},
	{schema.Int16, schema.Int64, schema.Int64}, {schema.Int64, schema.Int16, schema.Int64},
	{schema.Int32, schema.Int64, schema.Int64}, {schema.Int64, schema.Int32, schema.Int64},
	{schema.Float32, schema.Float64, schema.Float64}, {schema.Float64, schema.Float32, schema.Float64},
}

var crossComparisons = [][3]schema.Type{
	{schema.Name, schema.Text, schema.Text}, {schema.Text, schema.Name, schema.Text},
	{schema.Date, schema.Timestamp, schema.Timestamp}, {schema.Timestamp, schema.Date, schema.Timestamp},
	{schema.Date, schema.TimestampTZ, schema.TimestampTZ}, {schema.TimestampTZ, schema.Date, schema.TimestampTZ},
	{schema.Timestamp, schema.TimestampTZ, schema.TimestampTZ}, {schema.TimestampTZ, schema.Timestamp, schema.TimestampTZ},
}

func registerCompare(r *registry) {
	for _, c := range comparisons {
		eval := compareEval(c.op)
		same := map[schema.Type]*Func{}
		for _, t := range comparableTypes {
			typ := mustType(t)
			same[typ] = r.vec(c.name+"("+t+","+t+") bool", eval)
		}
		for _, p := range append(crossPairs, crossComparisons...) {
			r.also(same[p[2]], p[0], p[1])
		}
		r.vec(c.name+"(anyarray,anyarray) bool", eval)
		r.vec(c.name+"(record,record) bool", eval)
	}
	r.alias("<>", "!=")
}

// compareEval compares two vectors of one kind: the switch on the kind stands
// outside the loops.
func compareEval(op cmpOp) evalFunc {
	return func(_ *Context, args []*column.Vector, n int, _ column.Bitmap, out *column.Vector) error {
		a, b := args[0], args[1]
		out.Reset(schema.Bool)
		out.Resize(n)
		switch a.Kind() {
		case schema.KindInt32:
			compareSlices(op, a.Int32s, b.Int32s, a.Const, b.Const, out.Bools)
		case schema.KindInt64:
			compareSlices(op, a.Int64s, b.Int64s, a.Const, b.Const, out.Bools)
		case schema.KindFloat32:
			compareFloatSlices(op, a.Float32s, b.Float32s, a.Const, b.Const, out.Bools)
		case schema.KindFloat64:
			compareFloatSlices(op, a.Float64s, b.Float64s, a.Const, b.Const, out.Bools)
		case schema.KindBytes:
			compareBytes(op, a, b, out.Bools)
		default:
			compareRows(op, a, b, out.Bools)
		}
		return nil
	}
}

// compareSlices brings the operands into the form column op column or column
// op constant.
func compareSlices[T cmp.Ordered](op cmpOp, a, b []T, aConst, bConst bool, out []bool) {
	switch {
	case aConst && bConst:
		x := op.holds(cmp.Compare(a[0], b[0]))
		for i := range out {
			out[i] = x
		}
	case aConst:
		compareConst(op.swapped(), b[:len(out)], a[0], out)
	case bConst:
		compareConst(op, a[:len(out)], b[0], out)
	default:
		compareVectors(op, a[:len(out)], b[:len(out)], out)
	}
}

func compareConst[T cmp.Ordered](op cmpOp, a []T, x T, out []bool) {
	switch op {
	case opEQ:
		for i := range out {
			out[i] = a[i] == x
		}
	case opNE:
		for i := range out {
			out[i] = a[i] != x
		}
	case opLT:
		for i := range out {
			out[i] = a[i] < x
		}
	case opLE:
		for i := range out {
			out[i] = a[i] <= x
		}
	case opGT:
		for i := range out {
			out[i] = a[i] > x
		}
	case opGE:
		for i := range out {
			out[i] = a[i] >= x
		}
	}
}

func compareVectors[T cmp.Ordered](op cmpOp, a, b []T, out []bool) {
	switch op {
	case opEQ:
		for i := range out {
			out[i] = a[i] == b[i]
		}
	case opNE:
		for i := range out {
			out[i] = a[i] != b[i]
		}
	case opLT:
		for i := range out {
			out[i] = a[i] < b[i]
		}
	case opLE:
		for i := range out {
			out[i] = a[i] <= b[i]
		}
	case opGT:
		for i := range out {
			out[i] = a[i] > b[i]
		}
	case opGE:
		for i := range out {
			out[i] = a[i] >= b[i]
		}
	}
}

// compareFloatSlices compares as ordered numbers and then corrects the rows
// with a NaN, which equals itself and is above all others.
func compareFloatSlices[T float32 | float64](op cmpOp, a, b []T, aConst, bConst bool, out []bool) {
	compareSlices(op, a, b, aConst, bConst, out)
	ia, ib := 1, 1
	if aConst {
		ia = 0
	}
	if bConst {
		ib = 0
	}
	for i := range out {
		x, y := a[i*ia], b[i*ib]
		if x != x || y != y {
			out[i] = op.holds(kernel.CompareFloats(float64(x), float64(y)))
		}
	}
}

func compareBytes(op cmpOp, a, b *column.Vector, out []bool) {
	padded := a.Type.ID == schema.TypeChar || b.Type.ID == schema.TypeChar
	switch {
	case padded:
		for i := range out {
			out[i] = op.holds(bytes.Compare(trimBlanks(a.Bytes(i)), trimBlanks(b.Bytes(i))))
		}
	case op == opEQ:
		for i := range out {
			out[i] = bytes.Equal(a.Bytes(i), b.Bytes(i))
		}
	case op == opNE:
		for i := range out {
			out[i] = !bytes.Equal(a.Bytes(i), b.Bytes(i))
		}
	default:
		for i := range out {
			out[i] = op.holds(bytes.Compare(a.Bytes(i), b.Bytes(i)))
		}
	}
}

// compareRows is the slow form for kinds without a native order.
func compareRows(op cmpOp, a, b *column.Vector, out []bool) {
	for i := range out {
		if a.IsNull(i) || b.IsNull(i) {
			out[i] = false
			continue
		}
		out[i] = op.holds(kernel.CompareRows(a, i, b, i))
	}
}
