package exec

// anyLimit bounds the LIMIT without ORDER BY for which the groups that come
// first are the only ones that are kept.
const anyLimit = 10_000

// findAny decides whether the answer may be any groups, so many of them, that a
// worker may stop making groups once it has enough. Rows of other groups are
// then folded into one that is thrown away.
func (op *aggregate) findAny() {
	w := op.q.opt.Wanted
	if w == nil || w.Having != nil || len(w.OrderBy) > 0 || w.Limit < 1 || w.Limit > anyLimit {
		return
	}
	switch op.plan.kind {
	case tableDirect, tablePacked, tableWide:
	default:
		return
	}
	for i := range op.calls {
		if op.calls[i].onlyValues() {
			return
		}
	}
	op.any = int(w.Limit)
}

// fixGroups runs morsels with the first worker until it has the groups, gives
// these to the other workers, and returns the morsels that are left.
func (op *aggregate) fixGroups(q *query, morsels []morsel, workers int) ([]morsel, error) {
	first, err := q.worker(0)
	if err != nil || op.any == 0 {
		return morsels, err
	}
	base := first.sink.(*aggSink)
	for ; len(morsels) > 0 && !base.table.frozen; morsels = morsels[1:] {
		if err := first.do(&morsels[0]); err != nil {
			return nil, err
		}
	}
	for i := 1; i < min(workers, len(morsels)); i++ {
		w, err := q.worker(i)
		if err != nil {
			return nil, err
		}
		s := w.sink.(*aggSink)
		if _, err := s.table.absorb(base.table, func(int) error { return nil }); err != nil {
			return nil, err
		}
		s.freeze()
	}
	return morsels, nil
}

// freeze has no more groups made; the group beyond the last takes other rows.
func (s *aggSink) freeze() {
	s.table.frozen = true
	if n := s.table.n + 1; n > s.grown {
		s.growTo(n)
	}
}
