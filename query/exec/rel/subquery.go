package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// maxMemo bounds the results that a correlated subquery remembers.
const maxMemo = 20_000

// subquery is a subquery of an expression in execution. One without outer
// references runs once; a correlated one runs once per distinct tuple of the
// outer values that it reads.
type subquery struct {
	q    *query
	node *plan.Subquery
	plan *subplan
	refs []outerKey
	// recursive lists the recursive CTEs that it reads: while one of them is
	// being computed, results must not be kept.
	recursive []*plan.CTE
	volatile  bool

	done *subResult // without outer references
	memo map[string]*subResult
	key  []byte
	out  column.Vector
}

// outerKey is a column of an enclosing row, seen from inside the subquery.
type outerKey struct{ depth, index int }

// subResult is what a run gave: value for scalar, EXISTS and ARRAY; the column
// for ANY and ALL.
type subResult struct {
	value   column.Value
	col     *column.Vector
	keys    map[string]struct{} // of col, when the operator is equality
	hasNull bool
}

func newSubquery(h *hooks, sq *plan.Subquery) (*subquery, error) {
	s := &subquery{q: h.q, node: sq, memo: map[string]*subResult{}}
	w := walker{}
	w.node(sq.Plan, 1)
	s.refs, s.recursive, s.volatile = w.refs, w.recursive, w.volatile
	var err error
	s.plan, err = newSubplan(h.q, h.sub, sq.Plan)
	return s, err
}

// keepable reports whether a result may be used again.
func (s *subquery) keepable() bool {
	if s.volatile {
		return false
	}
	for _, c := range s.recursive {
		if st := s.q.ctes[c]; st != nil && st.iterating {
			return false
		}
	}
	return true
}

// once returns the result of a subquery without outer references.
func (s *subquery) once() (*subResult, error) {
	if s.done != nil && s.keepable() {
		return s.done, nil
	}
	r, err := s.run(nil, 0)
	s.done = r
	return r, err
}

// forRow returns the result for a row of the enclosing operator.
func (s *subquery) forRow(in *column.Batch, i int) (*subResult, error) {
	if !s.keepable() {
		return s.run(in, i)
	}
	s.key = s.key[:0]
	for _, r := range s.refs {
		if r.depth == 1 {
			s.key = kernel.AppendKey(s.key, in.Cols[r.index], i)
			continue
		}
		v, ok := s.plan.parent.outerValue(r.depth-1, r.index)
		if !ok {
			return s.run(in, i)
		}
		s.key = kernel.AppendKey(s.key, column.NewConst(v, 1), 0)
	}
	if r, ok := s.memo[string(s.key)]; ok {
		return r, nil
	}
	key := string(s.key)
	r, err := s.run(in, i)
	if err != nil {
		return nil, err
	}
	if len(s.memo) >= maxMemo {
		clear(s.memo)
	}
	s.memo[key] = r
	return r, nil
}

// run runs the plan for an outer row.
func (s *subquery) run(in *column.Batch, i int) (*subResult, error) {
	switch s.node.Kind {
	case plan.SubqueryScalar:
		return s.runScalar(in, i)
	case plan.SubqueryExists:
		found := false
		err := s.plan.run(in, i, func(*column.Batch) (bool, error) {
			found = true
			return false, nil
		})
		return &subResult{value: column.BoolValue(found)}, err
	}
	return s.runList(in, i)
}

func (s *subquery) runScalar(in *column.Batch, i int) (*subResult, error) {
	r := &subResult{value: column.NullValue(s.node.Typ)}
	n := 0
	err := s.plan.run(in, i, func(b *column.Batch) (bool, error) {
		if n += b.N; n > 1 {
			return false, sqlerr.New(sqlerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
		}
		r.value = copyValue(b.Cols[0].Value(0))
		return true, nil
	})
	return r, err
}

// copyValue detaches a value from the batch that it was read from.
func copyValue(v column.Value) column.Value {
	own := column.New(v.Type, 1)
	own.Append(v)
	return own.Value(0)
}

// runList collects the column, for ARRAY, ANY and ALL.
func (s *subquery) runList(in *column.Batch, i int) (*subResult, error) {
	r := &subResult{col: column.New(s.node.Plan.Columns()[0].Type, 0)}
	err := s.plan.run(in, i, func(b *column.Batch) (bool, error) {
		appendAll(r.col, b.Cols[0])
		return true, s.q.mem.take(0)
	})
	if err != nil {
		return nil, err
	}
	if s.node.Kind == plan.SubqueryArray {
		r.value = column.Value{Type: s.node.Typ, List: r.col}
		return r, nil
	}
	r.hasNull = r.col.HasNulls()
	if s.equality() {
		r.keys = make(map[string]struct{}, r.col.N)
		for k := range r.col.N {
			if !r.col.IsNull(k) {
				r.keys[string(kernel.AppendKey(nil, r.col, k))] = struct{}{}
			}
		}
	}
	return r, nil
}

// equality tells that ANY asks for = or ALL for <>: a look-up answers.
func (s *subquery) equality() bool {
	sameKind := s.node.Arg != nil && s.node.Arg.Type().Kind() == s.node.Plan.Columns()[0].Type.Kind()
	padded := s.node.Arg != nil && s.node.Arg.Type().ID == schema.TypeChar
	if !sameKind || padded || s.node.Op == nil {
		return false
	}
	return s.node.Kind == plan.SubqueryAny && s.node.Op.Name == "=" ||
		s.node.Kind == plan.SubqueryAll && s.node.Op.Name == "<>"
}

// quantifyAll compares all rows of arg with one result.
func (s *subquery) quantifyAll(r *subResult, arg *column.Vector, n int, sel column.Bitmap) (*column.Vector, error) {
	s.out.Reset(schema.Bool)
	for i := range n {
		if sel != nil && !sel.Get(i) {
			s.out.AppendNull()
			continue
		}
		v, err := s.quantify(r, arg.Value(i))
		if err != nil {
			return nil, err
		}
		s.out.Append(v)
	}
	return &s.out, nil
}

// quantify is x op ANY (rows) or x op ALL (rows), with three-valued logic.
func (s *subquery) quantify(r *subResult, x column.Value) (column.Value, error) {
	all := s.node.Kind == plan.SubqueryAll
	null := column.NullValue(schema.Bool)
	switch {
	case r.col.N == 0:
		return column.BoolValue(all), nil
	case x.Null && !s.node.Op.NullCall:
		return null, nil
	case r.keys != nil:
		return s.lookUp(r, x, all), nil
	}
	var res column.Vector
	args := []*column.Vector{column.NewConst(x, r.col.N), r.col}
	if err := s.node.Op.Eval(s.q.ctx, args, r.col.N, nil, &res); err != nil {
		return null, err
	}
	unknown := false
	for k := range r.col.N {
		switch {
		case res.IsNull(k) || r.col.IsNull(k) && !s.node.Op.NullCall:
			unknown = true
		case (res.Value(k).I != 0) != all:
			return column.BoolValue(!all), nil
		}
	}
	if unknown {
		return null, nil
	}
	return column.BoolValue(all), nil
}

func (s *subquery) lookUp(r *subResult, x column.Value, all bool) column.Value {
	s.key = kernel.AppendKey(s.key[:0], column.NewConst(x, 1), 0)
	_, found := r.keys[string(s.key)]
	switch {
	case found:
		return column.BoolValue(!all)
	case r.hasNull:
		return column.NullValue(schema.Bool)
	}
	return column.BoolValue(all)
}
