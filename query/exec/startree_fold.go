package exec

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// treeCall returns how the open segment's tree answers the aggregation, nil
// when values are folded.
func (a *aggState) treeCall(sp *segPlan) *treeCall {
	if sp.tree == nil {
		return nil
	}
	if c := sp.tree.calls[a.call]; len(c.terms) > 0 {
		return c
	}
	return nil
}

// foldStates merges the states of a chunk of records.
func (a *aggState) foldStates(groups []uint32, c *chunk) error {
	for _, term := range a.tree.terms {
		for len(a.states) < len(term.cols) {
			a.states = append(a.states, &column.Vector{})
		}
		for k, col := range term.cols {
			var err error
			if c.docs == nil {
				err = col.Read(c.from, c.n, a.states[k])
			} else {
				err = col.Gather(c.docs, a.states[k])
			}
			if err != nil {
				return fmt.Errorf("star-tree: %w", err)
			}
		}
		if term.negate {
			negateSums(a.states[0])
		}
		if err := a.acc.Merge(groups, c.n, a.states[:len(term.cols)]); err != nil {
			return fmt.Errorf("star-tree: %w", err)
		}
	}
	return nil
}

// negateSums changes the sign of sums of whole numbers.
func negateSums(v *column.Vector) {
	switch v.Kind() {
	case schema.KindInt64:
		for i, x := range v.Int64s[:v.N] {
			v.Int64s[i] = -x
		}
	case schema.KindDecimal:
		for i := range v.Decimals[:v.N] {
			v.Decimals[i].Coef = v.Decimals[i].Coef.Neg()
		}
	}
}
