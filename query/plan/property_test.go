package plan

import (
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// randomFilters makes random conditions and rows over a few columns of kinds
// that differ in how they are compared.
type randomFilters struct {
	r    *rand.Rand
	cols []LeafCol
}

func newRandomFilters(seed uint64) *randomFilters {
	return &randomFilters{
		r: rand.New(rand.NewPCG(seed, 1)),
		cols: []LeafCol{
			{ID: 1, Name: "i", Type: schema.Int64}, {ID: 2, Name: "q", Type: schema.Int32},
			{ID: 3, Name: "f", Type: schema.Float64}, {ID: 4, Name: "s", Type: schema.Text},
			{ID: 5, Name: "b", Type: schema.Bool}, {ID: 6, Name: "d", Type: schema.Date},
			{ID: 7, Name: "n", Type: schema.Type{ID: schema.TypeNumeric, Precision: 10, Scale: 2}},
		},
	}
}

func (g *randomFilters) value(t schema.Type) column.Value {
	if g.r.IntN(6) == 0 {
		return column.NullValue(t)
	}
	n := int64(g.r.IntN(9) - 4)
	switch t.Kind() {
	case schema.KindBool:
		return column.BoolValue(n > 0)
	case schema.KindFloat64:
		return column.FloatValue(t, float64(n)/2)
	case schema.KindBytes:
		return column.BytesValue(t, []byte([]string{"", "a", "ab", "abc", "b", "ba", "c", "é", "zz"}[n+4]))
	case schema.KindDecimal:
		return column.DecimalValue(column.DecimalFromInt64(n*25, 2))
	}
	if t.ID == schema.TypeTimestamp {
		return column.IntValue(t, n*12*3600*1_000_000)
	}
	if t.ID == schema.TypeNumeric {
		n *= 50
	}
	return column.IntValue(t, n)
}

func (g *randomFilters) row() []column.Value {
	out := make([]column.Value, len(g.cols))
	for i, c := range g.cols {
		out[i] = g.value(c.Type)
	}
	return out
}

func (g *randomFilters) column() *ColRef {
	i := g.r.IntN(len(g.cols))
	return &ColRef{Index: i, Name: g.cols[i].Name, Typ: g.cols[i].Type}
}

// wider is a type that a column may be cast to.
func wider(t schema.Type) schema.Type {
	switch t.ID {
	case schema.TypeInt32:
		return schema.Int64
	case schema.TypeInt64, schema.TypeNumeric:
		return schema.Numeric
	case schema.TypeDate:
		return schema.Timestamp
	}
	return t
}

func (g *randomFilters) condition(depth int) Expr {
	if depth > 0 {
		switch g.r.IntN(5) {
		case 0:
			return &And{Args: []Expr{g.condition(depth - 1), g.condition(depth - 1), g.condition(depth - 1)}}
		case 1, 2:
			return &Or{Args: []Expr{g.condition(depth - 1), g.condition(depth - 1)}}
		case 3:
			return &Not{Arg: g.condition(depth - 1)}
		}
	}
	return g.atom()
}

func (g *randomFilters) atom() Expr {
	c := g.column()
	switch g.r.IntN(6) {
	case 0:
		return &IsNull{Arg: c, Negated: g.r.IntN(2) == 0}
	case 1:
		values := []column.Value{g.value(c.Typ), g.value(c.Typ), g.value(c.Typ)}
		return newIn(c, values, g.r.IntN(2) == 0)
	case 2:
		if c.Typ == schema.Bool {
			return c
		}
		if c.Typ == schema.Text {
			return g.call([]string{"~~", "!~~"}[g.r.IntN(2)], c, column.TextValue([]string{"a%", "ab%", "_b", "", "%", "b"}[g.r.IntN(6)]))
		}
	}
	arg, t := Expr(c), c.Typ
	if t.ID == schema.TypeNumeric || g.r.IntN(2) == 0 {
		if t = wider(t); t != c.Typ {
			arg = &Cast{Arg: c, Typ: t}
		}
	}
	return g.call([]string{"=", "<>", "<", "<=", ">", ">="}[g.r.IntN(6)], arg, g.value(t))
}

func (g *randomFilters) call(op string, arg Expr, v column.Value) Expr {
	args := []Expr{arg, &Const{Value: v}}
	if op != "~~" && op != "!~~" && g.r.IntN(4) == 0 {
		args[0], args[1] = args[1], args[0]
	}
	f, err := resolveExact(op, exprTypes(args), fn.Postgres)
	if err != nil {
		panic(err)
	}
	return &Call{Fn: f, Args: args, Typ: schema.Bool}
}

// truth evaluates a condition over a row.
func truth(t *testing.T, e Expr, row []column.Value) column.Value {
	t.Helper()
	v, err := evaluate(testContext(), rewrite(e, func(x Expr) Expr {
		if c, ok := x.(*ColRef); ok {
			return &Const{Value: row[c.Index]}
		}
		return x
	}), true)
	if err != nil {
		t.Fatalf("%s: %v", ExprString(e), err)
	}
	return v
}

// rangesOf computes what is known of the columns of some rows.
func rangesOf(cols []LeafCol, rows [][]column.Value) RangeFunc {
	return func(c *LeafCol) Range {
		i := int(c.ID - 1)
		r := Range{Type: cols[i].Type, AllNull: true}
		for _, row := range rows {
			v := row[i]
			if v.Null {
				r.HasNulls = true
				continue
			}
			r.AllNull = false
			if !r.HasRange || fn.CompareValues(v, r.Min) < 0 {
				r.Min = v
			}
			if !r.HasRange || fn.CompareValues(v, r.Max) > 0 {
				r.Max = v
			}
			r.HasRange = true
		}
		return r
	}
}

func TestCanMatchIsSound(t *testing.T) {
	g := newRandomFilters(7)
	pruned := 0
	for range 20_000 {
		leaf := &Leaf{Cols: g.cols, Filter: g.condition(2)}
		rows := make([][]column.Value, 1+g.r.IntN(3))
		for i := range rows {
			rows[i] = g.row()
		}
		if CanMatch(leaf, rangesOf(g.cols, rows)) {
			continue
		}
		pruned++
		for _, row := range rows {
			if v := truth(t, leaf.Filter, row); !v.Null && v.I != 0 {
				t.Fatalf("pruned a row that passes: %s, row %v", ExprString(leaf.Filter), row)
			}
		}
	}
	if pruned < 2_000 {
		t.Errorf("only %d of 20,000 were pruned", pruned)
	}
}

func TestMustMatchIsSound(t *testing.T) {
	g := newRandomFilters(11)
	held := 0
	for range 20_000 {
		leaf := &Leaf{Cols: g.cols, Filter: g.condition(2)}
		rows := make([][]column.Value, 1+g.r.IntN(3))
		for i := range rows {
			rows[i] = g.row()
		}
		if !MustMatch(leaf, leaf.Filter, rangesOf(g.cols, rows)) {
			continue
		}
		held++
		for _, row := range rows {
			if v := truth(t, leaf.Filter, row); v.Null || v.I == 0 {
				t.Fatalf("holds for a row that does not pass: %s, row %v", ExprString(leaf.Filter), row)
			}
		}
	}
	if held < 500 {
		t.Errorf("only %d of 20,000 held", held)
	}
}

func TestCanMatchWithoutKnowledge(t *testing.T) {
	g := newRandomFilters(8)
	for range 2_000 {
		e := g.condition(2)
		leaf := &Leaf{Cols: g.cols, Filter: e}
		row := g.row()
		if v := truth(t, e, row); !v.Null && v.I != 0 && !CanMatch(leaf, func(*LeafCol) Range { return Unbounded }) {
			t.Fatalf("pruned without knowledge: %s", ExprString(e))
		}
	}
}

func TestNormalFormsMeanTheSame(t *testing.T) {
	g := newRandomFilters(9)
	z := normalizer{ctx: testContext(), dialect: fn.Postgres, stable: true}
	for range 20_000 {
		e := g.condition(3)
		n := z.expr(e)
		only := z.onlyTrue(n)
		again := z.expr(n)
		for range 4 {
			row := g.row()
			want, got := truth(t, e, row), truth(t, n, row)
			if want.Null != got.Null || !want.Null && want.I != got.I {
				t.Fatalf("%s\nbecame %s\nrow %v: %v, was %v", ExprString(e), ExprString(n), row, got, want)
			}
			if isYes(truth(t, only, row)) != isYes(want) || isYes(truth(t, again, row)) != isYes(want) {
				t.Fatalf("%s\nas a condition became %s, again %s", ExprString(e), ExprString(only), ExprString(again))
			}
		}
	}
}

func isYes(v column.Value) bool { return !v.Null && v.I != 0 }

func TestTimeRangeIsSound(t *testing.T) {
	g := newRandomFilters(10)
	s := &schema.Schema{Fields: []schema.Field{{ID: 1, Name: "i", Type: schema.Int64}}}
	tbl := &schema.Table{Schema: s, Config: &schema.TableConfig{TimeColumn: "i"}}
	z := normalizer{ctx: testContext(), dialect: fn.Postgres, stable: true}
	bounded := 0
	for range 20_000 {
		leaf := &Leaf{Table: tbl, Cols: g.cols, Filter: z.expr(g.condition(2))}
		from, to, ok := TimeRange(leaf)
		if !ok {
			continue
		}
		bounded++
		row := g.row()
		if isYes(truth(t, leaf.Filter, row)) && (row[0].Null || row[0].I < from || row[0].I > to) {
			t.Fatalf("%s: [%d, %d] leaves out %v", ExprString(leaf.Filter), from, to, row[0])
		}
	}
	if bounded < 500 {
		t.Errorf("only %d filters bound the time", bounded)
	}
}

func TestUncastZoneIsSound(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	col := &ColRef{Index: 0, Name: "ts", Typ: schema.Timestamp}
	cast := &Cast{Arg: col, Typ: schema.TimestampTZ}
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"} {
		ctx := testContext()
		ctx.Zone = zone
		z := normalizer{ctx: ctx, dialect: fn.Postgres, stable: true}
		for range 2_000 {
			op := []string{"=", "<", "<=", ">", ">=", "<>"}[r.IntN(6)]
			const year = 365 * 24 * 3600 * 1_000_000
			k := column.IntValue(schema.TimestampTZ, 1_700_000_000_000_000+r.Int64N(year)/1_800_000_000*1_800_000_000)
			args := []Expr{cast, &Const{Value: k}}
			f, err := resolveExact(op, exprTypes(args), fn.Postgres)
			if err != nil {
				t.Fatal(err)
			}
			e := &Call{Fn: f, Args: args, Typ: schema.Bool}
			n := z.expr(e)
			v := column.IntValue(schema.Timestamp, k.I+r.Int64N(8*3600_000_000)-4*3600_000_000)
			at := func(e Expr) bool {
				x, err := evaluate(ctx, rewrite(e, func(x Expr) Expr {
					if x == Expr(col) {
						return &Const{Value: v}
					}
					return x
				}), true)
				if err != nil {
					t.Fatal(err)
				}
				return isYes(x)
			}
			if at(e) != at(n) {
				t.Fatalf("%s: %s became %s, differs at %v", zone, ExprString(e), ExprString(n), v.I)
			}
		}
	}
}
