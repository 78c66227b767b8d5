package catalog

import (
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// rowset builds the rows of a virtual relation: the named columns get a value
// per row, all others one constant.
type rowset struct {
	def   *relDef
	batch column.Batch
	vary  []*column.Vector
}

// newRowset begins the rows of a relation whose named columns vary.
func newRowset(def *relDef, names ...string) *rowset {
	r := &rowset{def: def}
	r.batch.Cols = make([]*column.Vector, len(def.cols))
	for _, n := range names {
		i, ok := def.index[n]
		if !ok {
			panic("catalog: " + def.name + " has no column " + n)
		}
		v := column.New(def.cols[i].Type, 0)
		r.batch.Cols[i] = v
		r.vary = append(r.vary, v)
	}
	return r
}

// add appends a row: a value for each of the named columns.
func (r *rowset) add(vals ...any) {
	for i, v := range r.vary {
		v.Append(valueOf(v.Type, vals[i]))
	}
	r.batch.N++
}

// done gives the rows; the other columns have the given values, NULL where
// there is none.
func (r *rowset) done(constants map[string]any) *column.Batch {
	for i, v := range r.batch.Cols {
		if v != nil {
			continue
		}
		c := r.def.cols[i]
		r.batch.Cols[i] = column.NewConst(valueOf(c.Type, constants[c.Name]), r.batch.N)
	}
	return &r.batch
}

// empty gives no rows.
func empty(def *relDef) *column.Batch { return newRowset(def).done(nil) }

// valueOf makes a value of a Go value; nil is NULL.
func valueOf(t schema.Type, x any) column.Value {
	v := column.Value{Type: t}
	switch x := x.(type) {
	case nil:
		v.Null = true
	case bool:
		if x {
			v.I = 1
		}
	case int:
		return number(t, int64(x))
	case int16:
		return number(t, int64(x))
	case int32:
		return number(t, int64(x))
	case int64:
		return number(t, x)
	case uint32:
		return number(t, int64(x))
	case float32:
		v.F = float64(x)
	case float64:
		v.F = x
	case string:
		v.B = []byte(x)
	case []byte:
		v.B = x
		v.Null = x == nil
	case column.Interval:
		v.Iv = x
	case time.Time:
		v.I, v.Null = x.UnixMicro(), x.IsZero()
	case []string:
		v.List = listOf(t, len(x), func(i int) any { return x[i] })
	case []int16:
		v.List = listOf(t, len(x), func(i int) any { return x[i] })
	case []uint32:
		v.List = listOf(t, len(x), func(i int) any { return x[i] })
	}
	return v
}

// number puts a whole number where the type keeps it.
func number(t schema.Type, x int64) column.Value {
	switch t.Kind() {
	case schema.KindFloat32, schema.KindFloat64:
		return column.FloatValue(t, float64(x))
	case schema.KindDecimal:
		return column.Value{Type: t, D: column.DecimalFromInt64(x, 0)}
	}
	return column.IntValue(t, x)
}

func listOf(t schema.Type, n int, at func(i int) any) *column.Vector {
	elems := column.New(t.Elem(), n)
	for i := range n {
		elems.Append(valueOf(t.Elem(), at(i)))
	}
	return elems
}
