package fn

import (
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// registerArray makes the functions over arrays of one dimension.
func registerArray(r *registry) {
	size := func(c *call, i int) int32 { return int32(c.list(0, i).N) }
	bound := func(lower bool) rowFunc {
		return func(c *call, i int) error {
			n := size(c, i)
			if n == 0 || c.i32(1, i) != 1 {
				return c.null()
			}
			first := firstIndex(c.args[0].Type)
			if lower {
				return c.putI32(first)
			}
			return c.putI32(first + n - 1)
		}
	}
	r.row("array_lower(anyarray,int4) int4", bound(true))
	r.row("array_upper(anyarray,int4) int4", bound(false))
	r.row("array_length(anyarray,int4) int4", func(c *call, i int) error {
		if size(c, i) == 0 || c.i32(1, i) != 1 {
			return c.null()
		}
		return c.putI32(size(c, i))
	})
	r.row("cardinality(anyarray) int4", func(c *call, i int) error { return c.putI32(size(c, i)) })
	r.row("array_ndims(anyarray) int4", func(c *call, i int) error {
		if size(c, i) == 0 {
			return c.null()
		}
		return c.putI32(1)
	})
	registerArraySearch(r)
	registerArrayBuild(r)
	r.row("array_to_string(anyarray,text) text stable", arrayToString)
	r.row("array_to_string(anyarray,text,text) text stable null", arrayToString)
	r.row("string_to_array(text,text) text[] null", stringToArray)
	r.row("string_to_array(text,text,text) text[] null", stringToArray)
	r.row("parse_ident(text) text[]", parseIdent)
}

// firstIndex is 1, and 0 for int2vector and oidvector.
func firstIndex(t schema.Type) int32 {
	if t.ID == schema.TypeInt2Vector || t.ID == schema.TypeOIDVector {
		return 0
	}
	return 1
}

func registerArraySearch(r *registry) {
	r.row("array_position(anyarray,anyelement) int4 null", func(c *call, i int) error {
		if c.isNull(0, i) {
			return c.null()
		}
		l := c.list(0, i)
		for k := range l.N {
			if sameElement(l, k, c.args[1], i) {
				return c.putI32(int32(k) + firstIndex(c.args[0].Type))
			}
		}
		return c.null()
	})
	r.row("@>(anyarray,anyarray) bool", func(c *call, i int) error { return c.putBool(containsAll(c.list(0, i), c.list(1, i))) })
	r.row("<@(anyarray,anyarray) bool", func(c *call, i int) error { return c.putBool(containsAll(c.list(1, i), c.list(0, i))) })
	r.row("&&(anyarray,anyarray) bool", func(c *call, i int) error {
		a, b := c.list(0, i), c.list(1, i)
		for k := range a.N {
			if !a.IsNull(k) && holdsElement(b, a, k) {
				return c.putBool(true)
			}
		}
		return c.putBool(false)
	})
}

// sameElement compares elements with NULL equal to NULL.
func sameElement(a *column.Vector, i int, b *column.Vector, j int) bool {
	return kernel.CompareRows(a, i, b, j) == 0
}

func holdsElement(list, v *column.Vector, i int) bool {
	for k := range list.N {
		if !list.IsNull(k) && sameElement(list, k, v, i) {
			return true
		}
	}
	return false
}

// containsAll reports whether every element of part occurs in whole; NULL
// never does.
func containsAll(whole, part *column.Vector) bool {
	for k := range part.N {
		if part.IsNull(k) || !holdsElement(whole, part, k) {
			return false
		}
	}
	return true
}

// arrayOfFirst is the array type over the element type that the arguments agree on.
func arrayOfFirst(args []schema.Type) schema.Type {
	for _, a := range args {
		if a.Kind() == schema.KindList {
			return a.Elem().AsList()
		}
	}
	return args[0].AsList()
}

func registerArrayBuild(r *registry) {
	appendTo := func(list, elem int) rowFunc {
		return func(c *call, i int) error {
			if elem < list {
				c.out.Elems.AppendFrom(c.args[elem], i)
			}
			if !c.isNull(list, i) {
				kernel.Concat(c.out.Elems, c.list(list, i))
			}
			if elem > list {
				c.out.Elems.AppendFrom(c.args[elem], i)
			}
			return c.endList()
		}
	}
	r.poly("array_append(anyarray,anyelement) null", arrayOfFirst, appendTo(0, 1))
	r.poly("array_prepend(anyelement,anyarray) null", arrayOfFirst, appendTo(1, 0))
	r.poly("||(anyarray,anyelement) null", arrayOfFirst, appendTo(0, 1))
	r.poly("||(anyelement,anyarray) null", arrayOfFirst, appendTo(1, 0))
	for _, name := range []string{"array_cat", "||"} {
		r.poly(name+"(anyarray,anyarray) null", arrayOfFirst, func(c *call, i int) error {
			if c.isNull(0, i) && c.isNull(1, i) {
				return c.null()
			}
			for k := range 2 {
				if !c.isNull(k, i) {
					kernel.Concat(c.out.Elems, c.list(k, i))
				}
			}
			return c.endList()
		})
	}
	r.poly("array_remove(anyarray,anyelement) null", arrayOfFirst, func(c *call, i int) error {
		if c.isNull(0, i) {
			return c.null()
		}
		l := c.list(0, i)
		for k := range l.N {
			if !sameElement(l, k, c.args[1], i) {
				c.out.Elems.AppendFrom(l, k)
			}
		}
		return c.endList()
	})
	r.poly("array_replace(anyarray,anyelement,anyelement) null", arrayOfFirst, func(c *call, i int) error {
		if c.isNull(0, i) {
			return c.null()
		}
		l := c.list(0, i)
		for k := range l.N {
			if sameElement(l, k, c.args[1], i) {
				c.out.Elems.AppendFrom(c.args[2], i)
			} else {
				c.out.Elems.AppendFrom(l, k)
			}
		}
		return c.endList()
	})
}

func arrayToString(c *call, i int) error {
	if c.isNull(0, i) || c.isNull(1, i) {
		return c.null()
	}
	l, sep := c.list(0, i), c.bytes(1, i)
	nullText := len(c.args) > 2 && !c.isNull(2, i)
	first := true
	for k := range l.N {
		if l.IsNull(k) && !nullText {
			continue
		}
		if !first {
			c.out.Data = append(c.out.Data, sep...)
		}
		first = false
		if l.IsNull(k) {
			c.out.Data = append(c.out.Data, c.bytes(2, i)...)
			continue
		}
		c.out.Data = FormatText(c.out.Data, c.ctx, l, k)
	}
	return c.endRow()
}

func stringToArray(c *call, i int) error {
	if c.isNull(0, i) {
		return c.null()
	}
	s := c.str(0, i)
	var parts []string
	switch {
	case s == "":
	case c.isNull(1, i):
		parts = strings.Split(s, "")
	case c.str(1, i) == "":
		parts = []string{s}
	default:
		parts = strings.Split(s, c.str(1, i))
	}
	nullText := len(c.args) > 2 && !c.isNull(2, i)
	for _, p := range parts {
		if nullText && p == c.str(2, i) {
			c.out.Elems.AppendNull()
		} else {
			c.out.Elems.AppendString(p)
		}
	}
	return c.endList()
}

// parseIdent splits a qualified name into its parts.
func parseIdent(c *call, i int) error {
	parts, ok := SplitName(c.str(0, i))
	if !ok {
		return invalidIdent(c.str(0, i))
	}
	return c.putTexts(parts)
}
