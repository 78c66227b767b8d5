package exec

import "github.com/alluviumdb/alluvium/query/plan"

// mapCalls returns e with f applied to all calls in it, inner ones first. What
// f leaves alone is shared with e.
func mapCalls(e plan.Expr, f func(*plan.Call) *plan.Call) plan.Expr {
	switch e := e.(type) {
	case *plan.Call:
		out := e
		if args, changed := mapArgs(e.Args, f); changed {
			c := *e
			c.Args = args
			out = &c
		}
		return f(out)
	case *plan.Cast:
		if arg := mapCalls(e.Arg, f); arg != e.Arg {
			c := *e
			c.Arg = arg
			return &c
		}
	case *plan.And:
		if args, changed := mapArgs(e.Args, f); changed {
			return &plan.And{Args: args}
		}
	case *plan.Or:
		if args, changed := mapArgs(e.Args, f); changed {
			return &plan.Or{Args: args}
		}
	case *plan.Not:
		if arg := mapCalls(e.Arg, f); arg != e.Arg {
			return &plan.Not{Arg: arg}
		}
	case *plan.IsNull:
		if arg := mapCalls(e.Arg, f); arg != e.Arg {
			c := *e
			c.Arg = arg
			return &c
		}
	case *plan.In:
		if arg := mapCalls(e.Arg, f); arg != e.Arg {
			c := *e
			c.Arg = arg
			return &c
		}
	}
	return e // the rest, CASE and arrays, is computed from the columns
}

func mapArgs(args []plan.Expr, f func(*plan.Call) *plan.Call) (out []plan.Expr, changed bool) {
	out = make([]plan.Expr, len(args))
	for i, a := range args {
		out[i] = mapCalls(a, f)
		changed = changed || out[i] != a
	}
	return out, changed
}
