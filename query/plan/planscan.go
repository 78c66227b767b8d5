package plan

import (
	"github.com/alluviumdb/alluvium/internal/schema"
)

// schemaType is short for schema.Type.
type schemaType = schema.Type

// scan plans one relation and the conditions on it.
func (p *planner) scan(r *relation, where []Expr, outer *outerLink) (Node, *layout, error) {
	switch {
	case r.table != nil && r.table.Table != nil:
		return p.scanTable(r, where, outer)
	case r.table != nil:
		return p.scanVirtual(r, where, outer)
	}
	var n Node
	var err error
	switch {
	case r.query != nil:
		n, err = p.query(r.query, outer)
	case r.cte != nil:
		n, err = p.scanCTE(r, outer)
	default:
		n, err = p.scanFunction(r, outer)
	}
	if err != nil {
		return nil, nil, err
	}
	l := r.layout(outer)
	n, err = p.filter(n, l, where)
	return n, l, err
}

// layout is that of all columns in order.
func (r *relation) layout(outer *outerLink) *layout {
	exprs := make([]Expr, len(r.cols))
	for i := range r.cols {
		exprs[i] = &colVar{rel: r, col: i, typ: r.cols[i].typ}
	}
	return newLayout(exprs, outer)
}

// scanTable makes a leaf over the columns that are used. Conditions that
// servers can check become its filter; a column that only they use is not
// returned.
func (p *planner) scanTable(r *relation, where []Expr, outer *outerLink) (Node, *layout, error) {
	leaf := &Leaf{Table: r.table.Table, TableOID: r.table.OID, Limit: -1}
	var all []Expr
	for i := range r.cols {
		if p.uses.count(r, i) > 0 {
			leaf.Cols = append(leaf.Cols, r.leafCol(i))
			all = append(all, &colVar{rel: r, col: i, typ: r.cols[i].typ})
		}
	}
	scan := newLayout(all, outer)
	var pushed, rest []Expr
	for _, c := range where {
		if !leafSafe(c, p.dialect) || refersOutside(c, r) {
			rest = append(rest, c)
			continue
		}
		x, err := p.lower(c, scan)
		if err != nil {
			return nil, nil, err
		}
		pushed = append(pushed, x)
		p.uses.drop(c)
	}
	leaf.Filter = conjoin(pushed)
	var kept []Expr
	for i, e := range all {
		v := e.(*colVar)
		if p.uses.count(r, v.col) <= 0 {
			continue
		}
		c := &r.cols[v.col]
		kept = append(kept, e)
		leaf.Output = append(leaf.Output, &ColRef{Index: i, Name: c.name, Typ: c.typ})
		leaf.OutNames = append(leaf.OutNames, c.name)
		leaf.Out = append(leaf.Out, OutCol{Name: c.name, Type: c.typ, TableOID: c.tableOID, AttNum: c.attNum})
	}
	l := newLayout(kept, outer)
	n, err := p.filter(leaf, l, rest)
	return n, l, err
}

// refersOutside reports whether an expression has columns of other relations.
func refersOutside(e Expr, r *relation) bool {
	return contains(e, func(x Expr) bool { v, ok := x.(*colVar); return ok && v.rel != r })
}

func (r *relation) leafCol(i int) LeafCol {
	c := &r.cols[i]
	if c.pseudo != "" {
		return LeafCol{Name: c.pseudo, Type: c.typ, Pseudo: c.pseudo}
	}
	f := &r.table.Table.Schema.Fields[c.source]
	return LeafCol{ID: f.ID, Name: f.Name, Type: c.typ}
}

// scanVirtual reads a virtual table. Its output has all columns; only those of
// Need are filled.
func (p *planner) scanVirtual(r *relation, where []Expr, outer *outerLink) (Node, *layout, error) {
	v := &VirtualScan{Rel: r.table.Virtual, Need: []int{}}
	for i, c := range r.cols {
		v.Out = append(v.Out, OutCol{Name: c.name, Type: c.typ, TableOID: c.tableOID, AttNum: c.attNum})
		if p.uses.count(r, i) > 0 {
			v.Need = append(v.Need, i)
		}
	}
	l := r.layout(outer)
	isSub := func(e Expr) bool { _, sub := e.(*subExpr); return sub || unmergeable(e) }
	var own, rest []Expr
	for _, c := range where {
		if contains(c, isSub) {
			rest = append(rest, c)
		} else {
			own = append(own, c)
		}
	}
	list, err := p.lowerAll(own, l)
	if err != nil {
		return nil, nil, err
	}
	v.Filter = conjoin(list)
	n, err := p.filter(v, l, rest)
	return n, l, err
}

func (p *planner) scanFunction(r *relation, outer *outerLink) (Node, error) {
	args, err := p.lowerAll(r.call.Args, newLayout(nil, outer))
	if err != nil {
		return nil, err
	}
	out := make([]OutCol, len(r.cols))
	for i, c := range r.cols {
		out[i] = OutCol{Name: c.name, Type: c.typ}
	}
	return &FunctionScan{Call: &Call{Fn: r.call.Fn, Args: args, Typ: r.call.Typ}, Ordinality: r.ordinal, Out: out}, nil
}

// scanCTE reads a common table expression, which is planned where it is first
// read, in the surroundings in which it is defined.
func (p *planner) scanCTE(r *relation, outer *outerLink) (Node, error) {
	c := r.cte
	if c.node == nil {
		if err := p.planCTE(c); err != nil {
			return nil, err
		}
	}
	out := make([]OutCol, len(r.cols))
	for i, col := range r.cols {
		out[i] = OutCol{Name: col.name, Type: col.typ}
	}
	s := &CTEScan{CTE: c.node, Out: out, Up: levels(outer, p.ctes[c])}
	if c.node.Correlated || c.link != nil && c.link.used {
		markUsed(outer, p.ctes[c])
	}
	return s, nil
}

// levels counts the subqueries between a place and an enclosing one.
func levels(from, to *outerLink) int {
	n := 0
	for o := from; o != nil && o != to; o = o.layout.outer {
		n++
	}
	return n
}

// markUsed marks the links between a place and an enclosing one as correlated:
// what they lead to decides what the place reads.
func markUsed(from, to *outerLink) {
	for o := from; o != nil; o = o.layout.outer {
		o.used = true
		if o == to {
			return
		}
	}
}

func (p *planner) planCTE(c *cteDef) error {
	defined := p.ctes[c]
	c.node = &CTE{Name: c.name, Recursive: c.recursive, All: c.all, Out: outCols(c.cols)}
	// A probe in the place of the surroundings tells whether the CTE refers
	// to them.
	var probe *outerLink
	if defined != nil {
		probe = &outerLink{layout: defined.layout}
	}
	c.link = probe
	n, err := p.query(c.query, probe)
	if err != nil {
		return err
	}
	if !c.recursive {
		c.node.Plan = n
	} else {
		c.node.Base = n
		if c.node.Step, err = p.query(c.step, probe); err != nil {
			return err
		}
	}
	c.node.Correlated = probe != nil && probe.used
	return nil
}
