package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

func (e *Engine) runLeaf(ctx *fn.Context, leaf *plan.Leaf, segs []segment.Segment, opt Options, emit func(*column.Batch) error) (Stats, error) {
	return Stats{}, sqlerr.Unsupported("running a leaf")
}
