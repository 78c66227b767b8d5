package exec

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// This file is the reference: expressions and leaves evaluated one row at a
// time over plain values, with no regard to speed and no code of the engine.

// scalar computes one value of values that are not NULL.
type scalar func(args []column.Value) (column.Value, error)

// scalars gives the naive form of each test function.
var scalars = map[*fn.Func]scalar{}

// testFunc makes a strict function whose vector form calls f row by row.
func testFunc(name string, ret schema.Type, args []schema.Type, f scalar) *fn.Func {
	x := &fn.Func{Name: name, Args: args, Ret: ret}
	x.Eval = func(_ *fn.Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(ret)
		row := make([]column.Value, len(args))
		for i := range n {
			dead := sel != nil && !sel.Get(i)
			for k, v := range args {
				row[k] = v.Value(i)
				dead = dead || row[k].Null
			}
			if dead {
				out.Append(zeroOf(ret))
				continue
			}
			v, err := f(row)
			if err != nil {
				return err
			}
			out.Append(v)
		}
		return nil
	}
	scalars[x] = f
	return x
}

func zeroOf(t schema.Type) column.Value { return column.Value{Type: t} }

// naiveCompare orders two values of one kind that are not NULL.
func naiveCompare(a, b column.Value) int {
	switch a.Type.Kind() {
	case schema.KindFloat32, schema.KindFloat64:
		switch {
		case math.IsNaN(a.F) && math.IsNaN(b.F):
			return 0
		case math.IsNaN(a.F):
			return 1
		case math.IsNaN(b.F):
			return -1
		case a.F == b.F:
			return 0
		}
		return cmp.Compare(a.F, b.F)
	case schema.KindBytes:
		return bytes.Compare(a.B, b.B)
	case schema.KindDecimal:
		return a.D.Cmp(b.D)
	}
	return cmp.Compare(a.I, b.I)
}

// naiveEval evaluates an expression over one row.
func naiveEval(e plan.Expr, row []column.Value) (column.Value, error) {
	switch e := e.(type) {
	case *plan.ColRef:
		return row[e.Index], nil
	case *plan.Const:
		return e.Value, nil
	case *plan.Not:
		v, err := naiveEval(e.Arg, row)
		if err == nil && !v.Null {
			v = column.BoolValue(v.I == 0)
		}
		return v, err
	case *plan.And:
		return naiveLogic(e.Args, row, 0)
	case *plan.Or:
		return naiveLogic(e.Args, row, 1)
	case *plan.IsNull:
		v, err := naiveEval(e.Arg, row)
		return column.BoolValue(v.Null != e.Negated), err
	case *plan.In:
		return naiveIn(e, row)
	case *plan.Case:
		return naiveCase(e, row)
	case *plan.Call:
		return naiveCall(e, row)
	}
	return column.Value{}, fmt.Errorf("naive: %T", e)
}

// naiveLogic is AND (decides 0) or OR (decides 1).
func naiveLogic(args []plan.Expr, row []column.Value, decides int64) (column.Value, error) {
	out := column.BoolValue(decides == 0)
	for _, a := range args {
		v, err := naiveEval(a, row)
		if err != nil {
			return v, err
		}
		if !v.Null && v.I == decides {
			return v, nil
		}
		if v.Null {
			out = column.NullValue(schema.Bool)
		}
	}
	return out, nil
}

func naiveIn(e *plan.In, row []column.Value) (column.Value, error) {
	v, err := naiveEval(e.Arg, row)
	if err != nil || v.Null {
		return column.NullValue(schema.Bool), err
	}
	for i := range e.List.N {
		if naiveCompare(v, e.List.Value(i)) == 0 {
			return column.BoolValue(!e.Negated), nil
		}
	}
	if e.HasNull {
		return column.NullValue(schema.Bool), nil
	}
	return column.BoolValue(e.Negated), nil
}

func naiveCase(e *plan.Case, row []column.Value) (column.Value, error) {
	for _, w := range e.Whens {
		c, err := naiveEval(w.Cond, row)
		if err != nil {
			return c, err
		}
		if !c.Null && c.I != 0 {
			return naiveEval(w.Then, row)
		}
	}
	if e.Else == nil {
		return column.NullValue(e.Typ), nil
	}
	return naiveEval(e.Else, row)
}

func naiveCall(e *plan.Call, row []column.Value) (column.Value, error) {
	args := make([]column.Value, len(e.Args))
	for i, a := range e.Args {
		v, err := naiveEval(a, row)
		if err != nil {
			return v, err
		}
		if v.Null {
			return column.NullValue(e.Typ), nil
		}
		args[i] = v
	}
	return scalars[e.Fn](args)
}

// naiveRows returns the rows of the table that pass the leaf's filter.
func naiveRows(leaf *plan.Leaf, table [][]column.Value) ([][]column.Value, error) {
	var out [][]column.Value
	for _, row := range table {
		if leaf.Filter != nil {
			v, err := naiveEval(leaf.Filter, row)
			if err != nil {
				return nil, err
			}
			if v.Null || v.I == 0 {
				continue
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// show prints a value so that equal values print alike.
func show(v column.Value) string {
	if v.Null {
		return "NULL"
	}
	switch v.Type.Kind() {
	case schema.KindFloat32, schema.KindFloat64:
		if v.F == 0 {
			return "0"
		}
		return showFloat(v.F)
	case schema.KindBytes:
		return fmt.Sprintf("%q", v.B)
	case schema.KindDecimal:
		return kernel.Canonical(v.D).String()
	case schema.KindList:
		var parts []string
		for i := range v.List.N {
			parts = append(parts, show(v.List.Value(i)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return fmt.Sprint(v.I)
}

// floatMark begins the texts of floats with a fraction, which may differ in their
// last digits, so that they are told from decimals, which may not.
const floatMark = "~"

func showFloat(f float64) string {
	s := fmt.Sprint(f)
	if strings.Contains(s, ".") {
		return floatMark + s
	}
	return s
}

func showRow(row []column.Value) string {
	parts := make([]string, len(row))
	for i, v := range row {
		parts[i] = show(v)
	}
	return strings.Join(parts, " | ")
}

// naiveAggregate computes an aggregating leaf and returns its groups as text,
// sorted.
func naiveAggregate(leaf *plan.Leaf, table [][]column.Value) ([]string, error) {
	rows, err := naiveRows(leaf, table)
	if err != nil {
		return nil, err
	}
	groups := map[string][][]column.Value{}
	keys := map[string]string{}
	if len(leaf.GroupBy) == 0 {
		groups[""] = nil
	}
	for _, row := range rows {
		var key []column.Value
		for _, e := range leaf.GroupBy {
			v, err := naiveEval(e, row)
			if err != nil {
				return nil, err
			}
			key = append(key, v)
		}
		k := showRow(key)
		groups[k] = append(groups[k], row)
		keys[k] = k
	}
	var out []string
	for k, rows := range groups {
		line := []string{}
		if len(leaf.GroupBy) > 0 {
			line = append(line, keys[k])
		}
		for i := range leaf.Aggs {
			v, err := naiveAgg(&leaf.Aggs[i], rows)
			if err != nil {
				return nil, err
			}
			line = append(line, v)
		}
		out = append(out, strings.Join(line, " | "))
	}
	slices.Sort(out)
	return out, nil
}

// naiveAgg computes one aggregation over the rows of a group.
func naiveAgg(a *plan.AggCall, rows [][]column.Value) (string, error) {
	vals, n, err := naiveInputs(a, rows)
	if err != nil {
		return "", err
	}
	switch a.Spec.Name {
	case "count":
		if len(a.Args) == 0 {
			return fmt.Sprint(n), nil
		}
		return fmt.Sprint(len(vals)), nil
	case "min", "max":
		if len(vals) == 0 {
			return "NULL", nil
		}
		if a.Spec.Name == "min" {
			return show(slices.MinFunc(vals, naiveCompare)), nil
		}
		return show(slices.MaxFunc(vals, naiveCompare)), nil
	case "sum", "avg":
		return naiveSum(a, vals), nil
	}
	return "", errors.New("naive: " + a.Spec.Name)
}

// naiveInputs returns the values of the argument, and the number of rows that
// pass FILTER.
func naiveInputs(a *plan.AggCall, rows [][]column.Value) (vals []column.Value, n int, err error) {
	seen := map[string]bool{}
	for _, row := range rows {
		if a.Filter != nil {
			f, err := naiveEval(a.Filter, row)
			if err != nil {
				return nil, 0, err
			}
			if f.Null || f.I == 0 {
				continue
			}
		}
		n++
		if len(a.Args) == 0 {
			continue
		}
		v, err := naiveEval(a.Args[0], row)
		if err != nil {
			return nil, 0, err
		}
		if v.Null || a.Spec.Distinct && seen[show(v)] {
			continue
		}
		seen[show(v)] = true
		vals = append(vals, v)
	}
	return vals, n, nil
}

func naiveSum(a *plan.AggCall, vals []column.Value) string {
	if len(vals) == 0 {
		return "NULL"
	}
	if k := vals[0].Type.Kind(); k == schema.KindFloat32 || k == schema.KindFloat64 {
		sum := 0.0
		for _, v := range vals {
			sum += v.F
		}
		if a.Spec.Name == "avg" {
			sum /= float64(len(vals))
		}
		return show(column.FloatValue(schema.Float64, sum))
	}
	sum, scale := new(big.Int), uint8(0)
	for _, v := range vals {
		d := v.D
		if v.Type.Kind() != schema.KindDecimal {
			d = column.DecimalFromInt64(v.I, v.Type.Scale)
		}
		if d.Scale > scale {
			sum.Mul(sum, kernel.Pow10(int(d.Scale-scale)))
			scale = d.Scale
		}
		sum.Add(sum, kernel.ScaledBig(d, int(scale)))
	}
	coef, err := column.Int128FromBig(sum)
	if err != nil {
		return err.Error()
	}
	d := column.Decimal{Coef: coef, Scale: scale}
	if a.Spec.Name == "avg" {
		d, _ = kernel.DivDecimal(d, column.DecimalFromInt64(int64(len(vals)), 0))
	}
	return show(column.DecimalValue(d))
}
