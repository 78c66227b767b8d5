package fn

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// registerConditional makes the functions that choose among their arguments.
func registerConditional(r *registry) {
	r.poly("coalesce(anyelement...) null", commonOf, func(c *call, i int) error {
		for _, a := range c.args {
			if !a.IsNull(i) {
				c.out.AppendFrom(a, i)
				return nil
			}
		}
		return c.null()
	})
	r.poly("nullif(anyelement,anyelement) null", sameAsFirst, func(c *call, i int) error {
		a, b := c.args[0], c.args[1]
		if !a.IsNull(i) && !b.IsNull(i) && CompareValues(a.Value(i), b.Value(i)) == 0 {
			return c.null()
		}
		c.out.AppendFrom(a, i)
		return nil
	})
	r.poly("greatest(anyelement...) null", commonOf, extreme(1))
	r.poly("least(anyelement...) null", commonOf, extreme(-1))
	r.row("num_nulls(any...) int4 null", func(c *call, i int) error { return c.putI32(countNulls(c, i)) })
	r.row("num_nonnulls(any...) int4 null", func(c *call, i int) error {
		return c.putI32(int32(len(c.args)) - countNulls(c, i))
	})
}

// commonOf is the type of arguments that were cast to one type.
func commonOf(args []schema.Type) schema.Type {
	if t, ok := CommonType(args); ok {
		return t
	}
	return schema.Text
}

// extreme picks the argument that is largest (sign 1) or smallest (-1) among
// those that are not NULL.
func extreme(sign int) rowFunc {
	return func(c *call, i int) error {
		var best *column.Vector
		for _, a := range c.args {
			if a.IsNull(i) {
				continue
			}
			if best == nil || sign*kernel.CompareRows(a, i, best, i) > 0 {
				best = a
			}
		}
		if best == nil {
			return c.null()
		}
		c.out.AppendFrom(best, i)
		return nil
	}
}

func countNulls(c *call, i int) int32 {
	n := int32(0)
	for _, a := range c.args {
		if a.IsNull(i) {
			n++
		}
	}
	return n
}
