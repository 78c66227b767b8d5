package plan

import (
	"fmt"
	"strings"
)

// ExplainOptions say what Explain prints beside the plan.
type ExplainOptions struct {
	// LeafLines returns lines to print below a leaf, such as what EXPLAIN
	// ANALYZE learnt of it. It may be nil.
	LeafLines func(*Leaf) []string
	// NodeLines returns lines to print below any other operator. It may be nil.
	NodeLines func(Node) []string
}

// Explain prints a plan as indented text in the style of PostgreSQL's EXPLAIN.
func Explain(root Node, opt ExplainOptions) []string {
	p := explainer{opt: opt, seen: map[*CTE]bool{}}
	p.node(root, 0, "")
	return p.lines
}

// explainer collects lines.
type explainer struct {
	opt   ExplainOptions
	lines []string
	seen  map[*CTE]bool
}

func (p *explainer) line(depth int, format string, args ...any) {
	p.lines = append(p.lines, strings.Repeat(" ", depth)+fmt.Sprintf(format, args...))
}

// node prints an operator and its inputs; label names its part in its parent.
func (p *explainer) node(n Node, depth int, label string) {
	head := describe(n)
	if depth > 0 {
		head = "->  " + head
	}
	if label != "" {
		p.line(depth, "%s", label)
	}
	p.line(depth, "%s", head)
	in := depth + 2
	if depth > 0 {
		in = depth + 6
	}
	p.details(n, in)
	for _, e := range nodeExprs(n) {
		p.subqueries(e, in)
	}
	for _, i := range n.Inputs() {
		p.node(i, in, "")
	}
	if s, ok := n.(*CTEScan); ok && !p.seen[s.CTE] {
		p.seen[s.CTE] = true
		p.node(s.CTE, in, "")
	}
}

func (p *explainer) details(n Node, in int) {
	for _, l := range detailLines(n) {
		p.line(in, "%s", l)
	}
	if l, ok := n.(*Leaf); ok {
		if p.opt.LeafLines != nil {
			for _, s := range p.opt.LeafLines(l) {
				p.line(in, "%s", s)
			}
		}
	} else if p.opt.NodeLines != nil {
		for _, s := range p.opt.NodeLines(n) {
			p.line(in, "%s", s)
		}
	}
}

func (p *explainer) subqueries(e Expr, in int) {
	walk(e, func(x Expr) bool {
		if s, ok := x.(*Subquery); ok {
			p.node(s.Plan, in, "SubPlan")
		}
		return true
	})
}

var joinNames = [...]string{"Inner", "Left", "Right", "Full", "Cross", "Semi", "Anti"}

// describe is the first line of an operator.
func describe(n Node) string {
	switch n := n.(type) {
	case *Leaf:
		if n.Aggregate {
			return "Partial Aggregate on " + n.Table.Name
		}
		return "Scan on " + n.Table.Name
	case *MergeAgg:
		return "Merge Aggregate"
	case *Aggregate:
		return "Aggregate"
	case *Filter:
		return "Filter"
	case *Project:
		return "Project"
	case *Sort:
		return "Sort"
	case *Limit:
		return "Limit"
	case *Distinct:
		return "Distinct"
	case *Join:
		return describeJoin(n)
	case *SetOp:
		name := [...]string{"Union", "Intersect", "Except"}[n.Kind]
		if n.All {
			name += " All"
		}
		return name
	case *Values:
		return fmt.Sprintf("Values (%d rows)", len(n.Rows))
	case *VirtualScan:
		return "Virtual Scan on " + n.Rel.Schema + "." + n.Rel.Name
	case *FunctionScan:
		return "Function Scan on " + n.Call.Fn.Name
	case *CTE:
		if n.Recursive {
			return "Recursive CTE " + n.Name
		}
		return "CTE " + n.Name
	case *CTEScan:
		return "CTE Scan on " + n.CTE.Name
	case *Window:
		return "Window"
	}
	return fmt.Sprintf("%T", n)
}

func describeJoin(n *Join) string {
	method := "Nested Loop"
	if len(n.LeftKeys) > 0 {
		method = "Hash"
	}
	name := method + " " + joinNames[n.Kind] + " Join"
	if n.Kind == JoinInner {
		name = method + " Join"
	}
	if n.Lateral {
		name = "Lateral " + name
	}
	return name
}

// detailLines are the lines below the first.
func detailLines(n Node) []string {
	var d details
	switch n := n.(type) {
	case *Leaf:
		d.leaf(n)
	case *MergeAgg:
		d.groupNames(n)
		d.aggs(n.Aggs)
		d.wanted(&n.Wanted)
	case *Aggregate:
		d.list("Group Key", n.GroupBy)
		d.sets(n)
		d.aggs(n.Aggs)
	case *Filter:
		d.expr("Filter", n.Cond)
	case *Project:
		d.list("Output", n.Exprs)
	case *Sort:
		d.add("Sort Key: %s", keysString(n.Keys))
		if n.Limit >= 0 {
			d.add("Top: %d", n.Limit)
		}
	case *Limit:
		d.expr("Count", n.Count)
		d.expr("Offset", n.Offset)
	case *Distinct:
		d.list("On", n.On)
	case *Join:
		for i := range n.LeftKeys {
			d.add("Join Key: %s = %s", ExprString(n.LeftKeys[i]), ExprString(n.RightKeys[i]))
		}
		d.expr("Join Filter", n.Residual)
	case *VirtualScan:
		d.expr("Filter", n.Filter)
	case *FunctionScan:
		d.expr("Function Call", n.Call)
	case *Window:
		for i := range n.Calls {
			d.add("Call: %s", windowString(&n.Calls[i]))
		}
	}
	return d.lines
}

// details collects the lines below an operator's first.
type details struct{ lines []string }

func (d *details) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *details) expr(label string, e Expr) {
	if e != nil {
		d.add("%s: %s", label, ExprString(e))
	}
}

func (d *details) list(label string, list []Expr) {
	if len(list) == 0 {
		return
	}
	var b strings.Builder
	printList(&b, list)
	d.add("%s: %s", label, b.String())
}

func (d *details) aggs(list []AggCall) {
	for i := range list {
		d.add("Aggregate: %s", aggString(&list[i]))
	}
}

func (d *details) groupNames(n *MergeAgg) {
	if n.Groups == 0 {
		return
	}
	names := make([]string, n.Groups)
	for i := range names {
		names[i] = quoteName(n.Out[i].Name, i)
	}
	if n.GroupingSets == nil {
		d.add("Group Key: %s", strings.Join(names, ", "))
	}
	for _, set := range n.GroupingSets {
		list := make([]string, len(set))
		for i, k := range set {
			list[i] = names[k]
		}
		d.add("Grouping Set: (%s)", strings.Join(list, ", "))
	}
}

func (d *details) wanted(w *Wanted) {
	d.expr("Wanted", w.Having)
	if w.Limit >= 0 {
		if len(w.OrderBy) > 0 {
			d.add("Wanted Order: %s", keysString(w.OrderBy))
		}
		d.add("Wanted First: %d", w.Limit)
	}
}

func (d *details) sets(n *Aggregate) {
	for _, set := range n.GroupingSets {
		list := make([]Expr, len(set))
		for i, k := range set {
			list[i] = n.GroupBy[k]
		}
		var b strings.Builder
		printList(&b, list)
		d.add("Grouping Set: (%s)", b.String())
	}
}

func (d *details) leaf(l *Leaf) {
	if l.Aggregate {
		d.list("Group Key", l.GroupBy)
		d.aggs(l.Aggs)
	} else {
		d.list("Output", l.Output)
	}
	d.expr("Filter", l.Filter)
	if l.Limit >= 0 {
		if len(l.OrderBy) > 0 {
			d.add("Order By: %s", keysString(l.OrderBy))
		}
		d.add("Limit: %d", l.Limit)
	}
}

func windowString(c *WindowCall) string {
	var b strings.Builder
	if c.Agg != nil {
		b.WriteString(aggString(c.Agg))
	} else {
		b.WriteString(c.Func + "()")
	}
	b.WriteString(" OVER (")
	if len(c.PartitionBy) > 0 {
		b.WriteString("PARTITION BY ")
		printList(&b, c.PartitionBy)
	}
	if len(c.OrderBy) > 0 {
		if len(c.PartitionBy) > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("ORDER BY " + keysString(c.OrderBy))
	}
	b.WriteByte(')')
	return b.String()
}
