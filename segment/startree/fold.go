package startree

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// foldRows is the number of rows that are folded at a time.
const foldRows = 4096

// Fold returns the states of a metric in all records, one vector per state
// column. rows gives the metric's columns of rows from..to-1.
func (s *Shape) Fold(m segment.StarTreeMetric, rows func(from, to int) ([]*column.Vector, error)) ([]*column.Vector, error) {
	acc := m.New()
	acc.Grow(len(s.keys))
	for from := 0; from < len(s.RowRecord); from += foldRows {
		to := min(from+foldRows, len(s.RowRecord))
		cols, err := rows(from, to)
		if err != nil {
			return nil, err
		}
		args, err := m.Args(to-from, cols)
		if err != nil {
			return nil, err
		}
		if err := acc.Update(s.RowRecord[from:to], to-from, args); err != nil {
			return nil, err
		}
	}
	if err := s.foldSteps(m, acc); err != nil {
		return nil, err
	}
	return statesOf(m, acc, 0, len(s.keys))
}

// foldSteps makes the records after the base.
func (s *Shape) foldSteps(m segment.StarTreeMetric, acc segment.StarTreeAccumulator) error {
	single := make([]uint32, foldRows)
	for i := range s.Steps {
		step := &s.Steps[i]
		for from := step.From; from < step.To; from += foldRows {
			to := min(from+foldRows, step.To)
			states, err := statesOf(m, acc, int(from), int(to))
			if err != nil {
				return err
			}
			n := int(to - from)
			into := single[:n]
			if step.Into != nil {
				into = step.Into[from-step.From : to-step.From]
			} else {
				for k := range into {
					into[k] = step.Single
				}
			}
			if err := acc.Merge(into, n, states); err != nil {
				return err
			}
		}
	}
	return nil
}

func statesOf(m segment.StarTreeMetric, acc segment.StarTreeAccumulator, from, to int) ([]*column.Vector, error) {
	var out []*column.Vector
	for _, t := range m.StateTypes() {
		out = append(out, column.New(t, to-from))
	}
	return out, acc.State(from, to, out)
}
