package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// modeDef is mode() WITHIN GROUP (ORDER BY x): the most frequent value, of
// several the first in the order asked for.
var modeDef = definition{
	id:         idMode,
	names:      []string{"mode"},
	bind:       one(isRanked),
	orderedSet: true,
	rowArgs:    1,
	params: func(s *Spec, params []column.Value) ([]column.Value, error) {
		if _, _, ok := descParam(params, 0); !ok {
			return nil, badParams(s)
		}
		return params, nil
	},
	result: argType,
	states: fixedStates(schema.Bytea),
	open:   func(s *Spec) Accumulator { return newCounted(s, appendMode) },
}

func appendMode(dst *column.Vector, r ranking) error {
	best := 0
	for i, c := range r.counts {
		if c > r.counts[best] {
			best = i
		}
	}
	dst.Append(r.value(r.words[best]))
	return nil
}
