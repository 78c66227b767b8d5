package startree

import (
	"fmt"
	"strings"

	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Key returns the canonical form of an aggregation over columns of a table,
// such as `sum($12 bigint)`: columns by their ids, which outlive names, and
// every function and constant with its type. Aggregations of the same key have
// the same states over the same rows. ok is false for aggregations that no
// tree can hold.
func Key(call *plan.AggCall, cols []plan.LeafCol) (key string, ok bool) {
	p := keyPrinter{cols: cols, ok: !call.Spec.OrderSensitive() && len(call.OrderBy) == 0}
	p.b.WriteString(call.Spec.Name)
	if call.Spec.Distinct {
		p.b.WriteString(" distinct")
	}
	p.list(call.Args)
	for _, v := range call.Spec.Params {
		p.expr(&plan.Const{Value: v})
	}
	return p.b.String(), p.ok
}

// ArgKey is Key of an aggregation of that name over one expression, without
// parameters.
func ArgKey(name string, arg plan.Expr, cols []plan.LeafCol) (key string, ok bool) {
	p := keyPrinter{cols: cols, ok: true}
	p.b.WriteString(name)
	p.list([]plan.Expr{arg})
	return p.b.String(), p.ok
}

// CountKey is the key of count(*), which every tree holds.
const CountKey = "count()"

type keyPrinter struct {
	b    strings.Builder
	cols []plan.LeafCol
	ok   bool
}

func (p *keyPrinter) list(args []plan.Expr) {
	p.b.WriteByte('(')
	for i, a := range args {
		if i > 0 {
			p.b.WriteString(", ")
		}
		p.expr(a)
	}
	p.b.WriteByte(')')
}

func (p *keyPrinter) expr(e plan.Expr) {
	switch e := e.(type) {
	case *plan.ColRef:
		if e.Index >= len(p.cols) || p.cols[e.Index].Pseudo != "" {
			p.ok = false
			return
		}
		fmt.Fprintf(&p.b, "$%d %s", p.cols[e.Index].ID, e.Typ)
	case *plan.Const:
		fmt.Fprintf(&p.b, "%s::%s", plan.ExprString(e), e.Value.Type)
	case *plan.Cast:
		p.ok = p.ok && e.Typ.IsNumeric() && e.Arg.Type().IsNumeric()
		p.b.WriteString("cast(")
		p.expr(e.Arg)
		fmt.Fprintf(&p.b, " as %s)", e.Typ)
	case *plan.Call:
		p.ok = p.ok && e.Fn.Volatility == fn.Immutable && !e.Fn.NeedsSession
		p.b.WriteString(e.Fn.Name)
		p.list(e.Args)
		fmt.Fprintf(&p.b, "::%s", e.Typ)
	default:
		p.ok = false
	}
}
