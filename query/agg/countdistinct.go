package agg

// CountsDistinct reports whether the result is the number of distinct values
// of one argument, NULL not counted.
func (s *Spec) CountsDistinct() bool { return s.ID == idCount && s.Distinct && len(s.Args) == 1 }
