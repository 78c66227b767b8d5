package agg

// CountsRows reports whether the result is the number of rows.
func (s *Spec) CountsRows() bool { return s.ID == idCount && !s.Distinct && len(s.Args) == 0 }

// RowSource is an Accumulator that counts the rows whose argument is not NULL
// beside what it is for.
type RowSource interface {
	// Rows sets rows[g] to the number of such rows of each group g, which are
	// fewer than 2^32.
	Rows(rows []uint32)
}

// ShiftedSum is an Accumulator of sums that can be made from another's.
type ShiftedSum interface {
	// AddShifted adds to each group 0..n-1 the sum of the values of the same
	// group of other, an Accumulator of the same kind, after adding x to each.
	AddShifted(other Accumulator, n int, x int64)
}

// RowCounter is the Accumulator of a Spec that CountsRows.
type RowCounter interface {
	// AddRows adds rows[g] rows to each group g.
	AddRows(rows []uint32)
}

// CountsDistinct reports whether the result is the number of distinct values
// of one argument, NULL not counted.
func (s *Spec) CountsDistinct() bool { return s.ID == idCount && s.Distinct && len(s.Args) == 1 }
