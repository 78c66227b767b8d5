package plan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// maxListText is the number of list values that a printed expression shows.
const maxListText = 20

// ExprString prints an expression as SQL, in the style of EXPLAIN.
func ExprString(e Expr) string {
	var b strings.Builder
	printExpr(&b, e)
	return b.String()
}

func printExpr(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case nil:
		b.WriteString("NULL")
	case *ColRef:
		b.WriteString(quoteName(e.Name, e.Index))
	case *colVar:
		b.WriteString(e.rel.cols[e.col].name)
	case *OuterRef:
		fmt.Fprintf(b, "outer%d.#%d", e.Depth, e.Index)
	case *Const:
		b.WriteString(literal(e.Value))
	case *Param:
		fmt.Fprintf(b, "$%d", e.N)
	case *Call:
		printCall(b, e)
	case *Cast:
		b.WriteByte('(')
		printExpr(b, e.Arg)
		b.WriteString(")::" + e.Typ.String())
	case *And:
		printJoined(b, e.Args, " AND ")
	case *Or:
		printJoined(b, e.Args, " OR ")
	case *Not:
		b.WriteString("(NOT ")
		printExpr(b, e.Arg)
		b.WriteByte(')')
	case *IsNull:
		b.WriteByte('(')
		printExpr(b, e.Arg)
		b.WriteString(map[bool]string{false: " IS NULL)", true: " IS NOT NULL)"}[e.Negated])
	case *In:
		printIn(b, e)
	case *Case:
		printCase(b, e)
	case *Array:
		b.WriteString("ARRAY[")
		printList(b, e.Elems)
		b.WriteByte(']')
	case *Subquery:
		printSubquery(b, e)
	default:
		fmt.Fprintf(b, "%T", e)
	}
}

func quoteName(name string, index int) string {
	if name == "" {
		return "#" + strconv.Itoa(index)
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') && c != '.' {
			return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
	}
	return name
}

// literal prints a constant; numbers and booleans bare, others with their type.
func literal(v column.Value) string {
	if v.Null {
		return "NULL"
	}
	text := fn.FormatValue(&fn.Context{}, v)
	switch {
	case v.Type.IsNumeric() || v.Type.ID == schema.TypeBool && !v.Type.List:
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'::" + v.Type.String()
}

func printCall(b *strings.Builder, e *Call) {
	name := e.Fn.Name
	if printQuantified(b, e) {
		return
	}
	if c := name[0]; c == '_' || c >= 'a' && c <= 'z' {
		b.WriteString(name)
		b.WriteByte('(')
		printList(b, e.Args)
		b.WriteByte(')')
		return
	}
	if name == subscriptName {
		printExpr(b, e.Args[0])
		b.WriteByte('[')
		printExpr(b, e.Args[1])
		b.WriteByte(']')
		return
	}
	b.WriteByte('(')
	if len(e.Args) == 2 {
		printExpr(b, e.Args[0])
		b.WriteByte(' ')
	}
	b.WriteString(name + " ")
	printExpr(b, e.Args[len(e.Args)-1])
	b.WriteByte(')')
}

// printQuantified prints x op ANY (array) and x op ALL (array).
func printQuantified(b *strings.Builder, e *Call) bool {
	if op, ok := strings.CutPrefix(e.Fn.Name, ofPrefix); ok || e.Fn.Name == betweenName {
		printOfElements(b, e, op)
		return true
	}
	word := "ANY"
	op, ok := strings.CutPrefix(e.Fn.Name, AnyPrefix)
	if !ok {
		word = "ALL"
		if op, ok = strings.CutPrefix(e.Fn.Name, AllPrefix); !ok {
			return false
		}
	}
	b.WriteByte('(')
	printExpr(b, e.Args[0])
	b.WriteString(" " + op + " " + word + " (")
	printExpr(b, e.Args[1])
	b.WriteString("))")
	return true
}

// printOfElements prints ANY (array) op x and ANY (array) BETWEEN x AND y.
func printOfElements(b *strings.Builder, e *Call, op string) {
	b.WriteString("(ANY (")
	printExpr(b, e.Args[0])
	if e.Fn.Name == betweenName {
		b.WriteString(") BETWEEN ")
		printExpr(b, e.Args[1])
		b.WriteString(" AND ")
		printExpr(b, e.Args[2])
	} else {
		b.WriteString(") " + op + " ")
		printExpr(b, e.Args[1])
	}
	b.WriteByte(')')
}

func printList(b *strings.Builder, list []Expr) {
	for i, e := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		printExpr(b, e)
	}
}

func printJoined(b *strings.Builder, list []Expr, sep string) {
	b.WriteByte('(')
	for i, e := range list {
		if i > 0 {
			b.WriteString(sep)
		}
		printExpr(b, e)
	}
	b.WriteByte(')')
}

func printIn(b *strings.Builder, e *In) {
	b.WriteByte('(')
	printExpr(b, e.Arg)
	if e.Negated {
		b.WriteString(" NOT")
	}
	b.WriteString(" IN (")
	for i := range min(e.List.N, maxListText) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(literal(e.List.Value(i)))
	}
	if e.List.N > maxListText {
		fmt.Fprintf(b, ", … %d more", e.List.N-maxListText)
	}
	if e.HasNull {
		b.WriteString(", NULL")
	}
	b.WriteString("))")
}

func printCase(b *strings.Builder, e *Case) {
	b.WriteString("CASE")
	for _, w := range e.Whens {
		b.WriteString(" WHEN ")
		printExpr(b, w.Cond)
		b.WriteString(" THEN ")
		printExpr(b, w.Then)
	}
	if e.Else != nil {
		b.WriteString(" ELSE ")
		printExpr(b, e.Else)
	}
	b.WriteString(" END")
}

func printSubquery(b *strings.Builder, e *Subquery) {
	name := [...]string{"", "EXISTS", "ANY", "ALL", "ARRAY"}[e.Kind]
	if e.Arg != nil {
		printExpr(b, e.Arg)
		if e.Op != nil {
			b.WriteString(" " + e.Op.Name + " ")
		}
	}
	b.WriteString(name + "(SubPlan")
	if e.Correlated {
		b.WriteString(" per row")
	}
	b.WriteByte(')')
}

// aggString prints an aggregation.
func aggString(c *AggCall) string {
	var b strings.Builder
	b.WriteString(c.Spec.Name + "(")
	if c.Spec.Distinct {
		b.WriteString("DISTINCT ")
	}
	if len(c.Args) == 0 {
		b.WriteByte('*')
	}
	printList(&b, c.Args)
	params := c.Params
	if params == nil {
		for _, p := range c.Spec.Params {
			params = append(params, &Const{Value: p})
		}
	}
	if len(params) > 0 && len(c.Args) > 0 {
		b.WriteString(", ")
	}
	printList(&b, params)
	if len(c.OrderBy) > 0 {
		b.WriteString(" ORDER BY " + keysString(c.OrderBy))
	}
	b.WriteByte(')')
	if c.Filter != nil {
		b.WriteString(" FILTER (WHERE ")
		printExpr(&b, c.Filter)
		b.WriteByte(')')
	}
	return b.String()
}

func keysString(keys []SortKey) string {
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		printExpr(&b, k.Expr)
		if k.Desc {
			b.WriteString(" DESC")
		}
		if k.NullsFirst != k.Desc {
			b.WriteString(map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[k.NullsFirst])
		}
	}
	return b.String()
}
