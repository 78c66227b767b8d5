package plan

import (
	"fmt"
	"strings"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/query/sql"
)

// noName is the name of an output column that has none.
const noName = "?column?"

// targetName is the name of an output column without an alias, by PostgreSQL's
// rules; in the Pinot dialect expressions are named by their text, as Pinot
// does.
func (b *binder) targetName(n *pg.Node) string {
	if b.pinot() {
		if s, ok := b.pinotName(n); ok {
			return s
		}
	}
	if s, strength := b.figureName(n); strength > 0 {
		return s
	}
	return noName
}

// figureName returns a name and how good it is: 2 for a column or function, 1
// for a type or construct, 0 for none.
func (b *binder) figureName(n *pg.Node) (string, int) {
	if n == nil {
		return "", 0
	}
	switch x := n.Node.(type) {
	case *pg.Node_ColumnRef:
		if parts := names(x.ColumnRef.Fields); len(parts) > 0 {
			return parts[len(parts)-1], 2
		}
	case *pg.Node_AIndirection:
		for i := len(x.AIndirection.Indirection) - 1; i >= 0; i-- {
			if s := x.AIndirection.Indirection[i].GetString_(); s != nil {
				return s.Sval, 2
			}
		}
		return b.figureName(x.AIndirection.Arg)
	case *pg.Node_FuncCall:
		parts := names(x.FuncCall.Funcname)
		return parts[len(parts)-1], 2
	case *pg.Node_GroupingFunc:
		return "grouping", 2
	case *pg.Node_AExpr:
		if x.AExpr.Kind == pg.A_Expr_Kind_AEXPR_NULLIF {
			return "nullif", 2
		}
	case *pg.Node_TypeCast:
		if s, k := b.figureName(x.TypeCast.Arg); k > 1 {
			return s, k
		}
		if parts := names(x.TypeCast.TypeName.Names); len(parts) > 0 {
			return parts[len(parts)-1], 1
		}
	case *pg.Node_CollateClause:
		return b.figureName(x.CollateClause.Arg)
	case *pg.Node_SubLink:
		return b.subLinkName(x.SubLink)
	case *pg.Node_CaseExpr:
		if s, k := b.figureName(x.CaseExpr.Defresult); k > 1 {
			return s, k
		}
		return "case", 1
	case *pg.Node_AArrayExpr:
		return "array", 2
	case *pg.Node_RowExpr:
		return "row", 2
	case *pg.Node_CoalesceExpr:
		return "coalesce", 2
	case *pg.Node_MinMaxExpr:
		if x.MinMaxExpr.Op == pg.MinMaxOp_IS_LEAST {
			return "least", 2
		}
		return "greatest", 2
	case *pg.Node_SqlvalueFunction:
		if s, ok := valueFunctions[x.SqlvalueFunction.Op]; ok {
			return s.name, 2
		}
	}
	return "", 0
}

func (b *binder) subLinkName(s *pg.SubLink) (string, int) {
	switch s.SubLinkType {
	case pg.SubLinkType_EXISTS_SUBLINK:
		return "exists", 2
	case pg.SubLinkType_ARRAY_SUBLINK:
		return "array", 2
	case pg.SubLinkType_EXPR_SUBLINK:
		sel := s.Subselect.GetSelectStmt()
		for sel.GetLarg() != nil {
			sel = sel.Larg
		}
		if len(sel.GetTargetList()) > 0 {
			t := sel.TargetList[0].GetResTarget()
			if t.Name != "" {
				return t.Name, 2
			}
			return b.figureName(t.Val)
		}
	}
	return "", 0
}

// pinotName prints simple expressions as Pinot's header does: count(*),
// sum(price).
func (b *binder) pinotName(n *pg.Node) (string, bool) {
	switch x := n.GetNode().(type) {
	case *pg.Node_ColumnRef:
		ids := b.idents(x.ColumnRef)
		if len(ids) == 0 {
			return "", false
		}
		return ids[len(ids)-1].Name, true
	case *pg.Node_AConst:
		if x.AConst.Isnull {
			return "null", true
		}
		s := sql.ConstText(x.AConst)
		if x.AConst.GetSval() != nil {
			s = "'" + s + "'"
		}
		return s, true
	case *pg.Node_FuncCall:
		return b.pinotCallName(x.FuncCall)
	case *pg.Node_AExpr:
		if x.AExpr.Kind == pg.A_Expr_Kind_AEXPR_OP && x.AExpr.Lexpr != nil {
			l, ok1 := b.pinotName(x.AExpr.Lexpr)
			r, ok2 := b.pinotName(x.AExpr.Rexpr)
			parts := names(x.AExpr.Name)
			return fmt.Sprintf("%s %s %s", l, parts[len(parts)-1], r), ok1 && ok2
		}
	}
	return "", false
}

func (b *binder) pinotCallName(f *pg.FuncCall) (string, bool) {
	parts := names(f.Funcname)
	if f.Over != nil || f.AggFilter != nil {
		return "", false
	}
	args := make([]string, 0, len(f.Args))
	if f.AggStar {
		args = append(args, "*")
	}
	for _, a := range f.Args {
		s, ok := b.pinotName(a)
		if !ok {
			return "", false
		}
		args = append(args, s)
	}
	list := strings.Join(args, ",")
	if f.AggDistinct {
		list = "distinct " + list
	}
	return parts[len(parts)-1] + "(" + list + ")", true
}

// idents reads the spelling of a column reference back from the text.
func (b *binder) idents(c *pg.ColumnRef) []sql.Ident {
	parts := names(c.Fields)
	ids := b.stmt.Idents(int(c.Location))
	if !b.sameNames(ids, parts) {
		ids = make([]sql.Ident, len(parts))
		for i, p := range parts {
			ids[i] = sql.Ident{Name: p, Quoted: true}
		}
	}
	if b.pinot() {
		for i := range ids {
			ids[i].Quoted = false
		}
	}
	return ids
}

// sameNames checks identifiers read from the text against the tree, which has
// the last word.
func (b *binder) sameNames(ids []sql.Ident, parts []string) bool {
	if len(ids) != len(parts) {
		return false
	}
	for i, id := range ids {
		name := id.Name
		if !id.Quoted {
			name = lower(name)
		}
		if !strings.HasPrefix(name, parts[i]) && !strings.EqualFold(name, parts[i]) {
			return false
		}
	}
	return true
}

// identifier is short for sql.Ident.
type identifier = sql.Ident
