package fn

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// maxSetRows bounds the rows that one call of a set-returning function gives.
const maxSetRows = 10_000_000

var errSetRows = sqlerr.New(sqlerr.OutOfMemory, "a set-returning function would give more than %d rows", maxSetRows)

// registerSets makes the functions that return rows.
func registerSets(r *registry) {
	for _, t := range []string{"int4", "int8"} {
		r.set("generate_series("+t+","+t+") setof (generate_series "+t+")", seriesInt)
		r.set("generate_series("+t+","+t+","+t+") setof (generate_series "+t+")", seriesInt)
	}
	r.set("generate_series(numeric,numeric) setof (generate_series numeric)", seriesNumeric)
	r.set("generate_series(numeric,numeric,numeric) setof (generate_series numeric)", seriesNumeric)
	r.set("generate_series(timestamp,timestamp,interval) setof (generate_series timestamp)", seriesTime)
	r.set("generate_series(timestamptz,timestamptz,interval) setof (generate_series timestamptz) stable", seriesTime)
	unnest := r.set("unnest(anyarray) setof (unnest anyelement)", unnestSet)
	unnest.RetType = func(args []schema.Type) schema.Type { return args[0].Elem() }
	r.set("generate_subscripts(anyarray,int4) setof (generate_subscripts int4)", subscripts)
	r.set("generate_subscripts(anyarray,int4,bool) setof (generate_subscripts int4)", subscripts)
	r.set("_pg_expandarray(int2vector) setof (x int2, n int4)", expandArray)
	r.set("_pg_expandarray(oidvector) setof (x oid, n int4)", expandArray)
	r.set("_pg_expandarray(int2[]) setof (x int2, n int4)", expandArray)
	r.set("_pg_expandarray(int4[]) setof (x int4, n int4)", expandArray)
	r.set("_pg_expandarray(text[]) setof (x text, n int4)", expandArray)
	r.set("pg_get_keywords() setof (word text, catcode char, barelabel bool, catdesc text, baredesc text)", keywordSet)
	r.set("string_to_table(text,text) setof (string_to_table text)", stringToTable)
}

func oneColumn(v *column.Vector) *column.Batch {
	return &column.Batch{N: v.N, Cols: []*column.Vector{v}}
}

var errStepZero = sqlerr.New(sqlerr.InvalidParameter, "step size cannot equal zero")

func seriesInt(_ *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(args[0].Type, 0)
	if anyNullValue(args) {
		return oneColumn(out), nil
	}
	from, to, by := args[0].I, args[1].I, int64(1)
	if len(args) > 2 {
		by = args[2].I
	}
	if by == 0 {
		return nil, errStepZero
	}
	for x := from; by > 0 && x <= to || by < 0 && x >= to; {
		out.Append(column.IntValue(out.Type, x))
		if out.N > maxSetRows {
			return nil, errSetRows
		}
		next := x + by
		if (next > x) != (by > 0) {
			break // wrapped around
		}
		x = next
	}
	return oneColumn(out), nil
}

func seriesNumeric(_ *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(schema.Numeric, 0)
	if anyNullValue(args) {
		return oneColumn(out), nil
	}
	by := column.DecimalFromInt64(1, 0)
	if len(args) > 2 {
		by = args[2].D
	}
	sign := by.Coef.Cmp(column.Int128{})
	if sign == 0 || by.IsNaN() || args[0].D.IsNaN() || args[1].D.IsNaN() {
		return nil, errStepZero
	}
	for x := args[0].D; x.Cmp(args[1].D)*sign <= 0; {
		out.Append(column.DecimalValue(x))
		if out.N > maxSetRows {
			return nil, errSetRows
		}
		var err error
		if x, err = kernel.AddDecimal(x, by); err != nil {
			return nil, errNumericRange
		}
	}
	return oneColumn(out), nil
}

func seriesTime(ctx *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(args[0].Type, 0)
	if anyNullValue(args) {
		return oneColumn(out), nil
	}
	loc, err := zoneIf(ctx, args[0].Type.ID == schema.TypeTimestampTZ)
	if err != nil {
		return nil, err
	}
	iv := args[2].Iv
	sign := kernel.CompareIntervals(iv, column.Interval{})
	if sign == 0 {
		return nil, errStepZero
	}
	to := args[1].I
	for x := args[0].I; sign > 0 && x <= to || sign < 0 && x >= to; {
		out.Append(column.IntValue(out.Type, x))
		if out.N > maxSetRows {
			return nil, errSetRows
		}
		next, err := shift(loc, x, iv, 1)
		if err != nil || next == x {
			return nil, firstErr(err, func() error { return errTSRange })
		}
		x = next
	}
	return oneColumn(out), nil
}

func unnestSet(_ *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(args[0].Type.Elem(), 0)
	if !args[0].Null {
		kernel.Concat(out, args[0].List)
	}
	return oneColumn(out), nil
}

func subscripts(_ *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(schema.Int32, 0)
	if anyNullValue(args) || args[1].I != 1 {
		return oneColumn(out), nil
	}
	first, n := firstIndex(args[0].Type), int32(args[0].List.N)
	for k := range n {
		x := first + k
		if len(args) > 2 && args[2].I != 0 {
			x = first + n - 1 - k
		}
		out.Append(column.IntValue(schema.Int32, int64(x)))
	}
	return oneColumn(out), nil
}

func expandArray(_ *Context, args []column.Value) (*column.Batch, error) {
	x, n := column.New(args[0].Type.Elem(), 0), column.New(schema.Int32, 0)
	if !args[0].Null {
		kernel.Concat(x, args[0].List)
		for k := range x.N {
			n.Append(column.IntValue(schema.Int32, int64(k+1)))
		}
	}
	return &column.Batch{N: x.N, Cols: []*column.Vector{x, n}}, nil
}

func keywordSet(_ *Context, _ []column.Value) (*column.Batch, error) {
	word, code := column.New(schema.Text, 0), column.New(schema.Type{ID: schema.TypeInternalChar}, 0)
	bare, desc, bareDesc := column.New(schema.Bool, 0), column.New(schema.Text, 0), column.New(schema.Text, 0)
	for _, k := range keywords {
		word.AppendString(k.word)
		code.AppendBytes([]byte{k.class})
		bare.Append(column.BoolValue(k.bare))
		desc.AppendString(keywordClasses[k.class])
		if k.bare {
			bareDesc.AppendString("can be bare label")
		} else {
			bareDesc.AppendString("requires AS")
		}
	}
	return &column.Batch{N: word.N, Cols: []*column.Vector{word, code, bare, desc, bareDesc}}, nil
}

func stringToTable(_ *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(schema.Text, 0)
	if args[0].Null {
		return oneColumn(out), nil
	}
	in := &column.Vector{}
	c := call{args: []*column.Vector{column.NewConst(args[0], 1), column.NewConst(args[1], 1)}, out: in}
	in.Reset(schema.Text.AsList())
	if err := stringToArray(&c, 0); err != nil {
		return nil, err
	}
	kernel.Concat(out, in.Elems)
	return oneColumn(out), nil
}
