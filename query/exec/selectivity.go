package exec

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// The costs that decide how a predicate is applied, in nanoseconds. They are
// rough: they only have to tell an index of a few bitmaps from a scan of
// millions of ids.
const (
	costScanID        = 1.0  // compare one packed id, in order
	costScanWide      = 0.15 // the same for a range, with vector instructions
	costGatherID      = 6.0  // read and compare one id, here and there
	costScanValue     = 1.0  // compare one raw value
	costScanValueWide = 0.3  // the same with vector instructions
	costBucketDoc     = 1.5  // set the bit of a document of a range index
	costCutDoc        = 25   // look at one of a cut bucket
	costBucketBlock   = 150  // a block of a range index
	costExpr          = 30.0 // evaluate an expression for one row
	costPosting       = 2.0  // add one document of a sparse posting list
	costContainer     = 1000 // combine one dense container of 65,536 documents
	sparseFraction    = 64   // documents per posting from which a list is sparse
	// unknownShare is the share of rows that an expression of which nothing is
	// known is taken to pass.
	unknownShare = 0.25
)

// selectivity estimates the share of rows for which a predicate is TRUE.
func (sp *segPlan) selectivity(p predicate) float64 {
	switch p := p.(type) {
	case predConst:
		if p {
			return 1
		}
		return 0
	case *predIDs:
		return sp.idsShare(p)
	case *predRange:
		return sp.rangeShare(p)
	case *predDocs:
		return sp.docsShare(p)
	case *predNull:
		s := sp.nullShare(p.col)
		if p.negated {
			return 1 - s
		}
		return s
	case predAnd:
		s := 1.0
		for _, q := range p {
			s *= sp.selectivity(q)
		}
		return s
	case predOr:
		s := 1.0
		for _, q := range p {
			s *= 1 - sp.selectivity(q)
		}
		return 1 - s
	}
	return unknownShare
}

func (sp *segPlan) nullShare(col int) float64 {
	c := sp.cols[col]
	if !c.hasNulls() || c.col == nil || sp.docs == 0 {
		return 0
	}
	return float64(c.col.Nulls().GetCardinality()) / float64(sp.docs)
}

// countedIDs is the number of ids up to which an inverted index is asked for
// each one's documents.
const countedIDs = 4096

// idsShare is the share of rows that pass, which is estimated once.
func (sp *segPlan) idsShare(p *predIDs) float64 {
	if p.sharePlan != sp {
		p.share, p.sharePlan = sp.estimateIDs(p), sp
	}
	return p.share
}

// estimateIDs counts documents by the index where there is one, else takes ids
// to be equally frequent.
func (sp *segPlan) estimateIDs(p *predIDs) float64 {
	c := sp.cols[p.col]
	nulls := 0.0
	if p.nulls {
		nulls = sp.nullShare(p.col)
	}
	if p.set.n == 0 || sp.docs == 0 {
		return nulls
	}
	if p.set.n <= countedIDs {
		if n, ok := sp.countDocs(c, &p.set); ok {
			return min(1, float64(n)/float64(sp.docs)+nulls)
		}
	}
	return float64(p.set.n)/float64(p.set.size)*(1-sp.nullShare(p.col)) + nulls
}

// countDocs returns the exact number of documents with an id of the set, if an
// index knows.
func (sp *segPlan) countDocs(c *segCol, s *idSet) (int64, bool) {
	if r := c.col.Ranges(); r != nil {
		var n int64
		eachRun(s, func(lo, hi uint32) {
			from, to := r.Range(lo, hi)
			n += int64(to) - int64(from)
		})
		return n, true
	}
	inv := c.col.Inverted()
	if inv == nil {
		return 0, false
	}
	var n int64
	s.each(func(id uint32) bool {
		n += int64(inv.Count(id))
		return true
	})
	return n, true
}

// eachRun calls f for the runs of consecutive ids of a set.
func eachRun(s *idSet, f func(lo, hi uint32)) {
	if s.bits == nil {
		if s.n > 0 {
			f(s.lo, s.hi)
		}
		return
	}
	var lo, hi uint32
	open := false
	s.each(func(id uint32) bool {
		if open && id == hi+1 {
			hi = id
			return true
		}
		if open {
			f(lo, hi)
		}
		lo, hi, open = id, id, true
		return true
	})
	if open {
		f(lo, hi)
	}
}

// rangeShare asks the range index, or takes raw values to be spread evenly
// between the column's bounds.
func (sp *segPlan) rangeShare(p *predRange) float64 {
	c := sp.cols[p.col]
	m := c.meta
	if c.ranges != nil {
		return indexedShare(c.ranges, p.r, sp.docs)
	}
	if !m.HasRange {
		return unknownShare
	}
	lo, hi := float64(m.Min.I), float64(m.Max.I)
	from, to := float64(p.r.LoInt), float64(p.r.HiInt)
	if k := c.typ.Kind(); k == schema.KindFloat32 || k == schema.KindFloat64 {
		lo, hi, from, to = m.Min.F, m.Max.F, p.r.LoFloat, p.r.HiFloat
	}
	if math.IsNaN(to) {
		to = math.Inf(1)
	}
	from, to = max(from, lo), min(to, hi)
	switch {
	case !(from <= to):
		return 0
	case !(hi > lo):
		return 1
	}
	whole := 1.0 // whole numbers: a range of one value is not empty
	if c.typ.Kind() == schema.KindFloat32 || c.typ.Kind() == schema.KindFloat64 {
		whole = 0
	}
	return min(1, max((to-from+whole)/(hi-lo+whole), 1/float64(max(sp.docs, 1))))
}
