package exec

import (
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// leafExpr is an expression of the leaf with what does not depend on the
// segment.
type leafExpr struct {
	e    plan.Expr
	cols []int // columns it refers to, ascending
	// col is the column of a bare reference, else -1.
	col      int
	volatile bool
}

func newLeafExpr(e plan.Expr) *leafExpr {
	x := &leafExpr{e: e, col: -1, volatile: isVolatile(e), cols: columnsOf(e)}
	if ref, ok := e.(*plan.ColRef); ok {
		x.col = ref.Index
	}
	return x
}

// exprMode says how an expression is computed in a segment.
type exprMode uint8

const (
	exprEval  exprMode = iota // by its program over the rows
	exprCol                   // it is a column
	exprDict                  // of one dictionary column: computed once per value
	exprConst                 // the same for all rows of the segment
)

// segExpr is an expression in one segment, shared by all workers.
type segExpr struct {
	mode exprMode
	col  int // exprCol and exprDict
	// x is what is computed in this segment instead of the leaf's expression,
	// nil for that itself.
	x *leafExpr

	once sync.Once
	// vals has the value per dictionary id and, last, that of a NULL row; for
	// exprConst the one value. failed tells that computing it raised an error,
	// which only counts for rows that are wanted: then the rows are evaluated.
	vals   *column.Vector
	failed bool
}

// planExpr chooses how x is computed over about rows rows of a segment.
func (sp *segPlan) planExpr(x *leafExpr, rows float64) *segExpr {
	if s := sp.planTruncated(x, rows); s != nil {
		return s
	}
	switch {
	case x.volatile:
		return &segExpr{mode: exprEval}
	case x.col >= 0:
		return &segExpr{mode: exprCol, col: x.col}
	case sp.allConst(x.cols):
		return &segExpr{mode: exprConst}
	case len(x.cols) == 1 && sp.cols[x.cols[0]].isDict() && float64(sp.cols[x.cols[0]].vals.N) <= max(rows, 1024):
		return &segExpr{mode: exprDict, col: x.cols[0]}
	}
	return &segExpr{mode: exprEval}
}

// allConst reports whether the columns have one value in the segment.
func (sp *segPlan) allConst(cols []int) bool {
	for _, c := range cols {
		if sp.cols[c].konst == nil {
			return false
		}
	}
	return true
}

// values returns the value per dictionary id, or nil when it cannot be had.
func (s *segExpr) values(ctx *fn.Context, sp *segPlan, x *leafExpr) *column.Vector {
	if s.x != nil {
		x = s.x
	}
	s.once.Do(func() {
		var err error
		if s.mode == exprConst {
			s.vals, err = sp.evalConst(ctx, x.e)
		} else {
			s.vals, err = sp.evalHeld(ctx, x.e, s.col)
		}
		s.failed = err != nil
	})
	if s.failed {
		return nil
	}
	return s.vals
}

// evalConst computes an expression over columns with one value each.
func (sp *segPlan) evalConst(ctx *fn.Context, e plan.Expr) (*column.Vector, error) {
	in := column.Batch{N: 1, Cols: make([]*column.Vector, len(sp.cols))}
	for i, c := range sp.cols {
		in.Cols[i] = c.konst
	}
	p, err := eval.Compile(e, nil)
	if err != nil {
		return nil, err
	}
	v, err := p.Eval(ctx, &in, nil)
	if err != nil {
		return nil, err
	}
	return column.NewConst(v.Value(0), 1), nil
}

// evalHeld is evalDict for values that are kept while the query runs, and count
// against its memory.
func (sp *segPlan) evalHeld(ctx *fn.Context, e plan.Expr, col int) (*column.Vector, error) {
	held := kernel.ValueBytes(e.Type()) * int64(sp.cols[col].vals.N)
	if err := sp.q.mem.take(held); err != nil {
		return nil, err
	}
	v, err := sp.evalDict(ctx, e, col, 0, func(dst, rows *column.Vector) error {
		if !kernel.IsVariable(dst.Type) {
			return nil
		}
		now := dst.MemoryBytes() + rows.MemoryBytes()
		if now < held {
			return nil
		}
		now += now / 4 // appending may copy
		if err := sp.q.mem.take(now - held); err != nil {
			return err
		}
		held = now
		return nil
	})
	if err != nil {
		_ = sp.q.mem.take(-held)
	}
	return v, err
}

// evalDict computes an expression over dictionary column col: one row per
// value from a position on, and a last one for NULL. grow, if not nil, is asked
// before rows are appended.
func (sp *segPlan) evalDict(ctx *fn.Context, e plan.Expr, col, first int, grow func(dst, rows *column.Vector) error) (*column.Vector, error) {
	p, err := eval.Compile(e, nil)
	if err != nil {
		return nil, err
	}
	vals := sp.cols[col].vals
	in := column.Batch{Cols: make([]*column.Vector, len(sp.cols))}
	out := column.New(e.Type(), vals.N-first+1)
	step := func(v *column.Vector) error {
		if err := canceled(ctx); err != nil {
			return err
		}
		in.N, in.Cols[col] = v.N, v
		res, err := p.Eval(ctx, &in, nil)
		if err != nil {
			return err
		}
		if grow != nil {
			if err := grow(out, res); err != nil {
				return err
			}
		}
		kernel.Concat(out, res)
		return nil
	}
	for from := first; from < vals.N; from += chunkRows {
		if err := step(vals.Slice(from, min(from+chunkRows, vals.N))); err != nil {
			return nil, err
		}
	}
	return out, step(column.NewConst(column.NullValue(sp.cols[col].typ), 1).Flatten())
}

// columnsOf lists the columns that e refers to, ascending.
func columnsOf(e plan.Expr) []int {
	seen := map[int]bool{}
	walk(e, func(x plan.Expr) {
		if c, ok := x.(*plan.ColRef); ok {
			seen[c.Index] = true
		}
	})
	var out []int
	for i := 0; len(out) < len(seen); i++ {
		if seen[i] {
			out = append(out, i)
		}
	}
	return out
}

// isVolatile reports whether e may differ from one evaluation to the next.
func isVolatile(e plan.Expr) bool {
	found := false
	walk(e, func(x plan.Expr) {
		if c, ok := x.(*plan.Call); ok && c.Fn.Volatility == fn.Volatile {
			found = true
		}
	})
	return found
}

// walk calls f for e and all expressions in it, but not in subqueries, which
// leaves do not hold.
func walk(e plan.Expr, f func(plan.Expr)) {
	if e == nil {
		return
	}
	f(e)
	for _, a := range children(e) {
		walk(a, f)
	}
}

func children(e plan.Expr) []plan.Expr {
	switch e := e.(type) {
	case *plan.Call:
		return e.Args
	case *plan.Cast:
		return []plan.Expr{e.Arg}
	case *plan.And:
		return e.Args
	case *plan.Or:
		return e.Args
	case *plan.Not:
		return []plan.Expr{e.Arg}
	case *plan.IsNull:
		return []plan.Expr{e.Arg}
	case *plan.In:
		return []plan.Expr{e.Arg}
	case *plan.Array:
		return e.Elems
	case *plan.Case:
		var out []plan.Expr
		for _, w := range e.Whens {
			out = append(out, w.Cond, w.Then)
		}
		if e.Else != nil {
			out = append(out, e.Else)
		}
		return out
	}
	return nil
}
