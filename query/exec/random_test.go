package exec

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/exec/internal/testseg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// tableTypes are the columns of the random tables, of every kind that a leaf
// meets.
var tableTypes = []schema.Type{
	schema.Int32, schema.Int64, schema.Float64, schema.Text, schema.Bool, schema.Timestamp,
	{ID: schema.TypeNumeric, Precision: 10, Scale: 2}, schema.Numeric, schema.Text, schema.Date,
	schema.Float32, schema.Int32.AsList(),
}

// Columns of tableTypes by name.
const (
	colInt = iota
	colLong
	colFloat
	colText
	colBool
	colTime
	colMoney
	colDecimal
	colName // text of many values
	colDate
	colReal
	colList
)

// gen makes random tables, segments and leaves from one seed.
type gen struct{ r *rand.Rand }

func newGen(seed uint64) *gen { return &gen{r: rand.New(rand.NewPCG(seed, 7))} }

func (g *gen) chance(p float64) bool { return g.r.Float64() < p }

// value returns a random value, NULL now and then.
func (g *gen) value(col int, nulls float64) column.Value {
	t := tableTypes[col]
	if g.chance(nulls) {
		return column.NullValue(t)
	}
	switch col {
	case colText:
		return column.BytesValue(t, []byte(fmt.Sprintf("t%02d", g.r.IntN(12))))
	case colName:
		return column.BytesValue(t, []byte(fmt.Sprintf("name-%d", g.r.IntN(3000))))
	case colFloat, colReal:
		switch g.r.IntN(40) {
		case 0:
			return column.FloatValue(t, math.NaN())
		case 1:
			return column.FloatValue(t, math.Copysign(0, -1))
		}
		return column.FloatValue(t, float64(g.r.IntN(200)-100)/4)
	case colBool:
		return column.Value{Type: t, I: int64(g.r.IntN(2))}
	case colDecimal:
		return column.Value{Type: t, D: column.DecimalFromInt64(int64(g.r.IntN(2000)-1000), uint8(g.r.IntN(3)))}
	case colLong:
		return column.IntValue(t, int64(g.r.IntN(5000))*1_000_000_007-1_000_000)
	case colList:
		v := column.New(schema.Int32, 2)
		for range g.r.IntN(3) {
			v.Append(column.IntValue(schema.Int32, int64(g.r.IntN(4))))
		}
		return column.Value{Type: t, List: v}
	}
	return column.IntValue(t, int64(g.r.IntN(60)-20))
}

// table returns n random rows.
func (g *gen) table(n int) [][]column.Value {
	nulls := make([]float64, len(tableTypes))
	for i := range nulls {
		if g.chance(0.6) {
			nulls[i] = g.r.Float64() * 0.3
		}
	}
	rows := make([][]column.Value, n)
	for i := range rows {
		rows[i] = make([]column.Value, len(tableTypes))
		for c := range tableTypes {
			rows[i][c] = g.value(c, nulls[c])
		}
	}
	return rows
}

// segments cuts the rows into segments of random encodings. A column may be
// missing in a segment, stored narrower, or sorted; the rows are changed to
// what queries must then see.
func (g *gen) segments(rows [][]column.Value, n int) []segment.Segment {
	var out []segment.Segment
	for i := range n {
		part := rows[i*len(rows)/n : (i+1)*len(rows)/n]
		var cols []testseg.Col
		for c, t := range tableTypes {
			if g.chance(0.05) {
				for _, row := range part {
					row[c] = column.NullValue(t)
				}
				continue
			}
			if c == colDate && g.chance(0.5) {
				g.sortColumn(part, c)
			}
			cols = append(cols, g.encode(part, c))
		}
		s := testseg.New(fmt.Sprintf("seg%d", i), len(part), cols...)
		if g.chance(0.3) {
			s.SetConsuming()
		}
		out = append(out, s)
	}
	return out
}

// sortColumn makes one column ascend without NULLs.
func (g *gen) sortColumn(rows [][]column.Value, c int) {
	for i, row := range rows {
		row[c] = column.IntValue(tableTypes[c], int64(i*40/max(len(rows), 1)))
	}
}

func (g *gen) encode(rows [][]column.Value, c int) testseg.Col {
	t := tableTypes[c]
	if c == colLong && g.chance(0.2) { // stored before it was widened
		t = schema.Int32
	}
	v := column.New(t, len(rows))
	for _, row := range rows {
		if t != tableTypes[c] && !row[c].Null {
			row[c].I %= 1000
		}
		x := row[c]
		x.Type = t
		v.Append(x)
	}
	col := testseg.Col{ID: uint32(c + 1), Name: fmt.Sprintf("c%d", c), Vec: v, Zones: g.chance(0.5), FastRange: g.chance(0.5)}
	if c != colList && g.chance(0.6) {
		col.Dict, col.Sorted = true, g.chance(0.7)
		col.Inverted, col.Ranges = g.chance(0.5), true
	}
	return col
}

func leafCols() []plan.LeafCol {
	var out []plan.LeafCol
	for c, t := range tableTypes {
		out = append(out, plan.LeafCol{ID: uint32(c + 1), Name: fmt.Sprintf("c%d", c), Type: t})
	}
	return out
}

func ref(c int) *plan.ColRef {
	return &plan.ColRef{Index: c, Name: fmt.Sprintf("c%d", c), Typ: tableTypes[c]}
}

// The test functions. Comparisons are made per type, as query/fn has them.
var (
	compareFuncs = map[string]*fn.Func{}
	lengthFunc   = testFunc("length", schema.Int32, []schema.Type{schema.Text}, func(a []column.Value) (column.Value, error) {
		return column.IntValue(schema.Int32, int64(len(a[0].B))), nil
	})
	likeFunc = testFunc("contains", schema.Bool, []schema.Type{schema.Text, schema.Text}, func(a []column.Value) (column.Value, error) {
		return column.BoolValue(strings.Contains(string(a[0].B), string(a[1].B))), nil
	})
	addFunc = testFunc("+", schema.Int64, []schema.Type{schema.Int64, schema.Int64}, func(a []column.Value) (column.Value, error) {
		return column.IntValue(schema.Int64, a[0].I+a[1].I), nil
	})
	modFunc = testFunc("%", schema.Int32, []schema.Type{schema.Int32, schema.Int32}, func(a []column.Value) (column.Value, error) {
		if a[1].I == 0 {
			return column.Value{}, errDivision
		}
		return column.IntValue(schema.Int32, a[0].I%a[1].I), nil
	})
	truncFunc = testFunc("trunc10", schema.Timestamp, []schema.Type{schema.Timestamp}, func(a []column.Value) (column.Value, error) {
		return column.IntValue(schema.Timestamp, a[0].I-((a[0].I%10)+10)%10), nil
	})
	errDivision = errors.New("division by zero")
)

var compareOps = map[string]func(int) bool{
	"=": func(c int) bool { return c == 0 }, "<>": func(c int) bool { return c != 0 },
	"<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 },
	">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
}

var opNames = []string{"=", "<>", "<", "<=", ">", ">="}

func compareFunc(op string, t schema.Type) *fn.Func {
	key := op + t.String()
	if compareFuncs[key] == nil {
		holds := compareOps[op]
		compareFuncs[key] = testFunc(op, schema.Bool, []schema.Type{t, t}, func(a []column.Value) (column.Value, error) {
			return column.BoolValue(holds(naiveCompare(a[0], a[1]))), nil
		})
	}
	return compareFuncs[key]
}

func call(f *fn.Func, args ...plan.Expr) *plan.Call { return &plan.Call{Fn: f, Args: args, Typ: f.Ret} }

func konst(v column.Value) *plan.Const { return &plan.Const{Value: v} }

// scalarCol returns a column that is no list.
func (g *gen) scalarCol() int { return g.r.IntN(colList) }

// condition returns a random boolean expression.
func (g *gen) condition(depth int) plan.Expr {
	if depth > 0 && g.chance(0.5) {
		args := []plan.Expr{g.condition(depth - 1), g.condition(depth - 1)}
		if g.chance(0.3) {
			args = append(args, g.condition(depth-1))
		}
		if g.chance(0.5) {
			return &plan.And{Args: args}
		}
		return &plan.Or{Args: args}
	}
	if g.chance(0.15) {
		return &plan.Not{Arg: g.condition(depth - 1)}
	}
	switch g.r.IntN(10) {
	case 9:
		return g.listCondition()
	case 0:
		return &plan.IsNull{Arg: ref(g.scalarCol()), Negated: g.chance(0.5)}
	case 1:
		return g.in()
	case 2:
		return call(likeFunc, ref(colText), konst(column.TextValue(fmt.Sprint(g.r.IntN(3)))))
	case 3:
		return call(compareFunc("<", schema.Int32), call(lengthFunc, ref(colName)), konst(column.IntValue(schema.Int32, 8)))
	case 4: // two columns
		return call(compareFunc(opNames[g.r.IntN(6)], schema.Int64), call(addFunc, ref(colLong), ref(colLong)), ref(colLong))
	case 5:
		return ref(colBool)
	}
	return g.comparison()
}

func (g *gen) comparison() plan.Expr {
	c := g.scalarCol()
	l, r := plan.Expr(ref(c)), plan.Expr(konst(g.value(c, 0.03)))
	if g.chance(0.2) {
		l, r = r, l
	}
	return call(compareFunc(opNames[g.r.IntN(6)], tableTypes[c]), l, r)
}

func (g *gen) in() plan.Expr {
	c := g.scalarCol()
	list := column.New(tableTypes[c], 0)
	for range 1 + g.r.IntN(5) {
		list.Append(g.value(c, 0))
	}
	return &plan.In{Arg: ref(c), List: list, HasNull: g.chance(0.1), Negated: g.chance(0.3)}
}

// key returns a random GROUP BY or ORDER BY expression.
func (g *gen) key() plan.Expr {
	switch g.r.IntN(6) {
	case 0:
		return call(lengthFunc, ref(colName))
	case 1:
		return call(truncFunc, ref(colTime))
	case 2:
		return &plan.Case{Typ: schema.Text, Whens: []plan.When{{Cond: g.comparison(), Then: ref(colText)}}, Else: konst(column.TextValue("else"))}
	}
	return ref(g.scalarCol())
}

// aggregation returns a random aggregation.
func (g *gen) aggregation() plan.AggCall {
	names := []string{"count", "count", "sum", "avg", "min", "max"}
	for {
		name := names[g.r.IntN(len(names))]
		var args []plan.Expr
		if name != "count" || g.chance(0.6) {
			args = []plan.Expr{ref(g.r.IntN(len(tableTypes)))}
			if g.chance(0.2) {
				args[0] = call(addFunc, ref(colLong), konst(column.IntValue(schema.Int64, 5)))
			}
		}
		var types []schema.Type
		for _, a := range args {
			types = append(types, a.Type())
		}
		spec, _, err := agg.Resolve(name, types, len(args) > 0 && g.chance(0.3), fn.Postgres)
		if err != nil {
			continue
		}
		c := plan.AggCall{Spec: spec, Args: args}
		if g.chance(0.2) {
			c.Filter = g.condition(1)
		}
		return c
	}
}

// filter returns a random WHERE, often none.
func (g *gen) filter() plan.Expr {
	if g.chance(0.2) {
		return nil
	}
	return g.condition(3)
}
