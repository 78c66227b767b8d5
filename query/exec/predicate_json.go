package exec

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/jsonmatch"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

const (
	costJSONTerm = 30.0  // look at one value of a path in an index
	costJSONRow  = 500.0 // evaluate a condition for one document
)

// jsonIndex returns the JSON index of a column, nil if it has none.
func (sp *segPlan) jsonIndex(col int) segment.JSONIndex {
	if c, ok := sp.cols[col].col.(segment.JSONIndexed); ok {
		return c.JSON()
	}
	return nil
}

// findJSONMatch answers JSON_MATCH(column, condition).
func findJSONMatch(sp *segPlan, _ *fn.Context, col int, e plan.Expr) (*found, error) {
	text, ok := columnCall(e, "json_match", col)
	if !ok {
		return nil, nil
	}
	x := sp.jsonIndex(col)
	if x == nil {
		return nil, nil
	}
	cond, err := fn.ParseJSONMatch(string(text.B))
	if err != nil {
		return nil, err
	}
	return sp.askJSON(x, cond)
}

func (sp *segPlan) askJSON(x segment.JSONIndex, cond *jsonmatch.Cond) (*found, error) {
	if float64(x.Terms(cond))*costJSONTerm > sp.rowsHint*costJSONRow {
		return nil, nil
	}
	docs, exact, covered, err := x.Match(cond)
	if err != nil || !covered {
		return nil, err
	}
	return &found{docs: docs, exact: exact, method: "json index"}, nil
}

// findJSONValue answers the comparison of an extracted scalar with texts:
// JSONEXTRACTSCALAR(column, '$.a', 'STRING') = 'x', column->'a'->>'b' IN (…).
// The index tells candidates: what casts and defaults do is left to the
// expression.
func findJSONValue(sp *segPlan, _ *fn.Context, col int, e plan.Expr) (*found, error) {
	arg, values, ok := textsCompared(e)
	if !ok {
		return nil, nil
	}
	path, ok := extractedPath(arg, col)
	if !ok {
		return nil, nil
	}
	x := sp.jsonIndex(col)
	if x == nil {
		return nil, nil
	}
	f, err := sp.askJSON(x, &jsonmatch.Cond{Path: path, Test: &jsonmatch.Equals{Values: values}})
	if f != nil {
		f.exact = false
	}
	return f, err
}

// textsCompared recognises arg = constant and arg IN (constants) of texts that
// are the text of no object or array.
func textsCompared(e plan.Expr) (arg plan.Expr, values map[string]bool, ok bool) {
	values = map[string]bool{}
	add := func(v column.Value) bool {
		b := bytes.TrimSpace(v.B)
		values[string(v.B)] = true
		return !v.Null && v.Type.IsText() && (len(b) == 0 || b[0] != '{' && b[0] != '[')
	}
	switch e := e.(type) {
	case *plan.In:
		if e.Negated {
			return nil, nil, false
		}
		for i := range e.List.N {
			if !add(e.List.Value(i)) {
				return nil, nil, false
			}
		}
		return e.Arg, values, true
	case *plan.Call:
		if e.Fn.Name != "=" || len(e.Args) != 2 {
			return nil, nil, false
		}
		l, r := e.Args[0], e.Args[1]
		if _, isConst := l.(*plan.Const); isConst {
			l, r = r, l
		}
		k, isConst := r.(*plan.Const)
		return l, values, isConst && add(k.Value)
	}
	return nil, nil, false
}

// extractedPath returns the path by which an expression takes a scalar out of
// the column.
func extractedPath(e plan.Expr, col int) (jsonmatch.Path, bool) {
	call, ok := e.(*plan.Call)
	if !ok || len(call.Args) < 2 {
		return nil, false
	}
	k, ok := call.Args[1].(*plan.Const)
	if !ok || k.Value.Null {
		return nil, false
	}
	switch call.Fn.Name {
	case "->>":
		parent, ok := objectPath(call.Args[0], col)
		if !ok {
			return nil, false
		}
		return appendStep(parent, k.Value)
	case "jsonextractscalar":
		if ref, ok := call.Args[0].(*plan.ColRef); !ok || ref.Index != col || len(call.Args) > 3 {
			return nil, false
		}
		return memberPath(fn.JSONExtractPath(string(k.Value.B)))
	}
	return nil, false
}

// objectPath returns the path of column or column->'a'->1.
func objectPath(e plan.Expr, col int) (jsonmatch.Path, bool) {
	switch e := e.(type) {
	case *plan.ColRef:
		return nil, e.Index == col
	case *plan.Call:
		if e.Fn.Name != "->" || len(e.Args) != 2 {
			return nil, false
		}
		k, ok := e.Args[1].(*plan.Const)
		if !ok || k.Value.Null {
			return nil, false
		}
		parent, ok := objectPath(e.Args[0], col)
		if !ok {
			return nil, false
		}
		return appendStep(parent, k.Value)
	}
	return nil, false
}

func appendStep(p jsonmatch.Path, v column.Value) (jsonmatch.Path, bool) {
	switch {
	case v.Type.IsText():
		return append(p, jsonmatch.Step{Key: string(v.B)}), true
	case v.Type.IsInteger() && v.I >= 0:
		return append(p, jsonmatch.Step{Array: true, Index: int(v.I)}), true
	}
	return nil, false
}

// memberPath makes a path of keys. A number may be a key or a position, so that
// a path with one is not looked up.
func memberPath(steps []string) (jsonmatch.Path, bool) {
	var p jsonmatch.Path
	for _, s := range steps {
		if _, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
			return nil, false
		}
		p = append(p, jsonmatch.Step{Key: s})
	}
	return p, len(p) > 0
}
