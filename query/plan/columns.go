package plan

// Columns implements Node for each of the operators.
func (n *Leaf) Columns() []OutCol         { return n.Out }
func (n *MergeAgg) Columns() []OutCol     { return n.Out }
func (n *Aggregate) Columns() []OutCol    { return n.Out }
func (n *Filter) Columns() []OutCol       { return n.Input.Columns() }
func (n *Project) Columns() []OutCol      { return n.Out }
func (n *Sort) Columns() []OutCol         { return n.Input.Columns() }
func (n *Limit) Columns() []OutCol        { return n.Input.Columns() }
func (n *Distinct) Columns() []OutCol     { return n.Input.Columns() }
func (n *Join) Columns() []OutCol         { return n.Out }
func (n *SetOp) Columns() []OutCol        { return n.Out }
func (n *Values) Columns() []OutCol       { return n.Out }
func (n *VirtualScan) Columns() []OutCol  { return n.Out }
func (n *FunctionScan) Columns() []OutCol { return n.Out }
func (n *CTE) Columns() []OutCol          { return n.Out }
func (n *CTEScan) Columns() []OutCol      { return n.Out }
func (n *Window) Columns() []OutCol       { return n.Out }

// Inputs implements Node for each of the operators. A CTEScan has none: its
// CTE is shared.
func (n *Leaf) Inputs() []Node         { return nil }
func (n *MergeAgg) Inputs() []Node     { return []Node{n.Input} }
func (n *Aggregate) Inputs() []Node    { return []Node{n.Input} }
func (n *Filter) Inputs() []Node       { return []Node{n.Input} }
func (n *Project) Inputs() []Node      { return []Node{n.Input} }
func (n *Sort) Inputs() []Node         { return []Node{n.Input} }
func (n *Limit) Inputs() []Node        { return []Node{n.Input} }
func (n *Distinct) Inputs() []Node     { return []Node{n.Input} }
func (n *Join) Inputs() []Node         { return []Node{n.Left, n.Right} }
func (n *SetOp) Inputs() []Node        { return []Node{n.Left, n.Right} }
func (n *Values) Inputs() []Node       { return nil }
func (n *VirtualScan) Inputs() []Node  { return nil }
func (n *FunctionScan) Inputs() []Node { return nil }
func (n *CTEScan) Inputs() []Node      { return nil }
func (n *Window) Inputs() []Node       { return []Node{n.Input} }

// Inputs returns the plan of a CTE, or its base and step.
func (n *CTE) Inputs() []Node {
	if n.Recursive {
		return []Node{n.Base, n.Step}
	}
	return []Node{n.Plan}
}
