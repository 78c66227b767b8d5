package eval

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

var errZero = errors.New("division by zero")

// div is integer division that fails on zero, whatever NULL slots hold.
var div = &fn.Func{Name: "/", Args: []schema.Type{schema.Int32, schema.Int32}, Ret: schema.Int32,
	Eval: func(_ *fn.Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(schema.Int32)
		out.Resize(n)
		for i := range n {
			x, y := args[0].Value(i).I, args[1].Value(i).I
			switch {
			case sel != nil && !sel.Get(i):
			case y == 0:
				return errZero
			default:
				out.Int32s[i] = int32(x / y)
			}
		}
		return nil
	}}

// orZero is a function that sees NULL.
var orZero = &fn.Func{Name: "orzero", Args: []schema.Type{schema.Int32}, Ret: schema.Int32, NullCall: true,
	Eval: func(_ *fn.Context, args []*column.Vector, n int, _ column.Bitmap, out *column.Vector) error {
		out.Reset(schema.Int32)
		for i := range n {
			v := args[0].Value(i)
			v.Null = false
			out.Append(v)
		}
		return nil
	}}

func ref(i int, t schema.Type) plan.Expr { return &plan.ColRef{Index: i, Typ: t} }
func num(x int64) plan.Expr              { return &plan.Const{Value: column.IntValue(schema.Int32, x)} }
func apply(f *fn.Func, args ...plan.Expr) plan.Expr {
	return &plan.Call{Fn: f, Args: args, Typ: f.Ret}
}

// input is three columns: an integer, a text and a boolean, with NULLs.
func input() *column.Batch {
	a, b, c := column.New(schema.Int32, 0), column.New(schema.Text, 0), column.New(schema.Bool, 0)
	for i := range 6 {
		a.Append(column.IntValue(schema.Int32, int64(i)))
		b.AppendString(strings.Repeat("x", i))
		c.Append(column.BoolValue(i%2 == 0))
	}
	for _, v := range []*column.Vector{a, b, c} {
		v.AppendNull()
	}
	return &column.Batch{N: 7, Cols: []*column.Vector{a, b, c}}
}

func show(v column.Value) string {
	switch {
	case v.Null:
		return "-"
	case v.Type.Kind() == schema.KindBytes:
		return string(v.B)
	case v.Type.Kind() == schema.KindList:
		var out []string
		for i := range v.List.N {
			out = append(out, show(v.List.Value(i)))
		}
		return "{" + strings.Join(out, ",") + "}"
	}
	return fmt.Sprint(v.I)
}

func run(t *testing.T, e plan.Expr, sel column.Bitmap) string {
	t.Helper()
	p, err := Compile(e, nil)
	if err != nil {
		return err.Error()
	}
	var first string
	for range 2 { // buffers are used again
		v, err := p.Eval(&fn.Context{}, input(), sel)
		if err != nil {
			return err.Error()
		}
		if v.N != 7 {
			t.Fatalf("%d rows", v.N)
		}
		var out []string
		for i := range v.N {
			if sel == nil || sel.Get(i) {
				out = append(out, show(v.Value(i)))
			}
		}
		if s := strings.Join(out, " "); first == "" {
			first = s
		} else if s != first {
			t.Fatalf("the second evaluation gives %s, the first %s", s, first)
		}
	}
	return first
}

func TestEval(t *testing.T) {
	a, b, c := ref(0, schema.Int32), ref(1, schema.Text), ref(2, schema.Bool)
	yes, no := &plan.Const{Value: column.BoolValue(true)}, &plan.Const{Value: column.BoolValue(false)}
	null := &plan.Const{Value: column.NullValue(schema.Bool)}
	list := func(vals ...int64) *column.Vector {
		v := column.New(schema.Int32, 0)
		for _, x := range vals {
			v.Append(column.IntValue(schema.Int32, x))
		}
		return v
	}
	f := func(e plan.Expr, want string) {
		t.Helper()
		if got := run(t, e, nil); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(a, "0 1 2 3 4 5 -")
	f(num(7), "7 7 7 7 7 7 7")
	f(&plan.And{Args: []plan.Expr{c, yes}}, "1 0 1 0 1 0 -")
	f(&plan.And{Args: []plan.Expr{c, null}}, "- 0 - 0 - 0 -")
	f(&plan.Or{Args: []plan.Expr{c, null}}, "1 - 1 - 1 - -")
	f(&plan.Or{Args: []plan.Expr{no, c, no}}, "1 0 1 0 1 0 -")
	f(&plan.Not{Arg: c}, "0 1 0 1 0 1 -")
	f(&plan.Not{Arg: null}, "- - - - - - -")
	f(&plan.IsNull{Arg: a}, "0 0 0 0 0 0 1")
	f(&plan.IsNull{Arg: null, Negated: true}, "0 0 0 0 0 0 0")
	f(&plan.In{Arg: a, List: list(1, 3)}, "0 1 0 1 0 0 -")
	f(&plan.In{Arg: a, List: list(1, 3), Negated: true}, "1 0 1 0 1 1 -")
	f(&plan.In{Arg: a, List: list(1), HasNull: true}, "- 1 - - - - -")
	f(&plan.In{Arg: a, List: list(1), HasNull: true, Negated: true}, "- 0 - - - - -")
	f(&plan.In{Arg: num(3), List: list(1, 3)}, "1 1 1 1 1 1 1")
	f(&plan.In{Arg: num(4), List: list(1), HasNull: true}, "- - - - - - -")
	f(&plan.Case{Typ: schema.Text, Whens: []plan.When{{Cond: c, Then: b}}}, " - xx - xxxx - -")
	f(&plan.Case{Typ: schema.Int32, Whens: []plan.When{{Cond: null, Then: num(1)}, {Cond: c, Then: a}}, Else: num(9)}, "0 9 2 9 4 9 9")
	f(&plan.Array{Elems: []plan.Expr{a, num(1)}, Typ: schema.Int32.AsList()}, "{0,1} {1,1} {2,1} {3,1} {4,1} {5,1} {-,1}")
	f(apply(orZero, a), "0 1 2 3 4 5 0")
	f(apply(div, a, num(2)), "0 0 1 1 2 2 -")
	f(apply(div, num(9), num(2)), "4 4 4 4 4 4 4")
	f(apply(div, num(9), a), "division by zero")
	f(apply(div, num(9), num(0)), "division by zero")
	f(&plan.Param{N: 3, Typ: schema.Int32}, "there is no value for parameter $3")
	f(&plan.OuterRef{Depth: 1, Typ: schema.Int32}, "a reference to an outer query here is not supported")
}

// TestErrorsOnlyForWantedRows guards divisions in every way that SQL has.
func TestErrorsOnlyForWantedRows(t *testing.T) {
	a := ref(0, schema.Int32)
	nonZero := &plan.In{Arg: a, List: column.NewConst(column.IntValue(schema.Int32, 0), 1).Flatten(), Negated: true}
	risky := apply(div, num(10), a)
	isFive := &plan.In{Arg: risky, List: column.NewConst(column.IntValue(schema.Int32, 5), 1).Flatten()}
	f := func(e plan.Expr, sel column.Bitmap, want string) {
		t.Helper()
		if got := run(t, e, sel); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(&plan.Case{Typ: schema.Int32, Whens: []plan.When{{Cond: nonZero, Then: risky}}, Else: num(-1)}, nil, "-1 10 5 3 2 2 -1")
	f(&plan.And{Args: []plan.Expr{nonZero, isFive}}, nil, "0 0 1 0 0 0 -")
	f(&plan.Or{Args: []plan.Expr{&plan.Not{Arg: nonZero}, isFive}}, nil, "1 0 1 0 0 0 -")
	f(risky, column.Bitmap{0b1111110}, "10 5 3 2 2 -")
	f(risky, column.Bitmap{0}, "")
	never := &plan.Const{Value: column.BoolValue(false)}
	f(&plan.Case{Typ: schema.Int32, Whens: []plan.When{{Cond: never, Then: apply(div, num(1), num(0))}}, Else: num(4)}, nil, "4 4 4 4 4 4 4")
}

func TestFilter(t *testing.T) {
	p, err := Compile(ref(2, schema.Bool), nil)
	if err != nil {
		t.Fatal(err)
	}
	dst := column.NewBitmap(7)
	if err := p.Filter(&fn.Context{}, input(), nil, dst); err != nil || dst[0] != 0b0010101 {
		t.Errorf("%b, %v", dst[0], err)
	}
	sel := column.Bitmap{0b1000110}
	if err := p.Filter(&fn.Context{}, input(), sel, sel); err != nil || sel[0] != 0b0000100 {
		t.Errorf("in place: %b, %v", sel[0], err)
	}
	p, err = Compile(num(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Filter(&fn.Context{}, input(), nil, dst); sqlerr.Code(err) != sqlerr.DatatypeMismatch {
		t.Errorf("an integer as a condition: %v", err)
	}
}

// hooks answers subqueries with the number of rows wanted.
type hooks struct{}

func (hooks) Subquery(_ *fn.Context, sq *plan.Subquery, arg *column.Vector, in *column.Batch, sel column.Bitmap) (*column.Vector, error) {
	return column.NewConst(column.IntValue(sq.Typ, int64(arg.N)), in.N), nil
}

func (hooks) OuterRef(r *plan.OuterRef) (column.Value, error) {
	return column.IntValue(r.Typ, int64(r.Index)), nil
}

func TestHooks(t *testing.T) {
	f := func(e plan.Expr, want string) {
		t.Helper()
		p, err := Compile(e, hooks{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := p.Eval(&fn.Context{}, input(), nil)
		if err != nil || show(v.Value(3)) != want {
			t.Errorf("got %v, %v", v, err)
		}
	}
	f(&plan.OuterRef{Index: 42, Typ: schema.Int32}, "42")
	f(&plan.Subquery{Arg: ref(0, schema.Int32), Typ: schema.Int32}, "7")
	if _, err := Compile(&plan.Subquery{Typ: schema.Int32}, nil); sqlerr.Code(err) != sqlerr.FeatureNotSupported {
		t.Errorf("a subquery without hooks: %v", err)
	}
	set := &fn.Func{Name: "unnest", Set: true}
	if _, err := Compile(apply(set), nil); sqlerr.Code(err) != sqlerr.FeatureNotSupported {
		t.Errorf("a set-returning function: %v", err)
	}
}

func TestValue(t *testing.T) {
	v, err := Value(&fn.Context{}, apply(div, num(8), num(2)))
	if err != nil || v.I != 4 {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := Value(&fn.Context{}, apply(div, num(8), num(0))); !errors.Is(err, errZero) {
		t.Errorf("%v", err)
	}
}

func TestCast(t *testing.T) {
	wide := &plan.Cast{Arg: ref(0, schema.Int32), Typ: schema.Int64}
	if got := run(t, wide, nil); got != "0 1 2 3 4 5 -" {
		t.Errorf("got %s", got)
	}
	konst := &plan.Cast{Arg: num(3), Typ: schema.Int64}
	if got := run(t, konst, nil); got != "3 3 3 3 3 3 3" {
		t.Errorf("got %s", got)
	}
}

func TestEvalDoesNotAllocate(t *testing.T) {
	in := input()
	e := &plan.And{Args: []plan.Expr{ref(2, schema.Bool), &plan.IsNull{Arg: ref(0, schema.Int32), Negated: true}}}
	p, err := Compile(e, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, dst := &fn.Context{}, column.NewBitmap(in.N)
	if err := p.Filter(ctx, in, nil, dst); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(50, func() { _ = p.Filter(ctx, in, nil, dst) }); n > 1 { // the frame of the inner argument
		t.Errorf("%v allocations", n)
	}
}
