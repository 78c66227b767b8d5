package exec

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// Conditions on lists are evaluated on the dictionary of their elements: once
// per distinct element, and then an index tells the documents of the elements
// that fulfil them, or a scan of the elements' ids.

const (
	costListRow     = 250.0 // evaluate a condition on one list
	costListElement = 1.5   // look at the id of one element
	costListPosting = 2.0   // merge one document of a posting list
)

// findElements answers conditions on one list column whose elements have a
// dictionary: constant op ANY (column), constant op ALL (column), BETWEEN and
// LIKE of Pinot's multi-value columns, column && constant, column @> constant.
func findElements(sp *segPlan, ctx *fn.Context, col int, e plan.Expr) (*found, error) {
	c := sp.cols[col]
	mv, ok := c.col.(segment.MultiValued)
	if !ok {
		return nil, nil
	}
	call, ok := e.(*plan.Call)
	if !ok || !aboutElements(call, col) {
		return nil, nil
	}
	els := mv.Elements()
	if els == nil {
		return nil, nil
	}
	s := &listSearch{sp: sp, c: c, els: els, elem: els.Column(), dict: els.Column().Dictionary()}
	if call.Fn.Name == "@>" {
		return s.containing(call)
	}
	return s.search(ctx, call, col)
}

// aboutElements reports whether a call of constants and the column is decided
// by each element alone.
func aboutElements(call *plan.Call, col int) bool {
	column := 0
	for _, a := range call.Args {
		switch a := a.(type) {
		case *plan.ColRef:
			column++
		case *plan.Const:
			if a.Value.Null {
				return false
			}
		default:
			return false
		}
	}
	name := call.Fn.Name
	return column == 1 && (name == "&&" || name == "@>" && isColumn(call.Args[0], col) ||
		strings.HasPrefix(name, plan.AnyPrefix) || strings.HasPrefix(name, plan.AllPrefix))
}

func isColumn(e plan.Expr, col int) bool {
	ref, ok := e.(*plan.ColRef)
	return ok && ref.Index == col
}

// listSearch finds lists by the dictionary ids of their elements.
type listSearch struct {
	sp   *segPlan
	c    *segCol
	els  segment.Elements
	elem segment.Column
	dict segment.Dictionary
}

// elementNulls reports whether some element is NULL. A comparison with it is
// NULL, so that lists without a hit are neither TRUE nor FALSE.
func (s *listSearch) elementNulls() bool {
	n := s.elem.Nulls()
	return n != nil && !n.IsEmpty()
}

// search answers a condition by the elements that fulfil it.
func (s *listSearch) search(ctx *fn.Context, call *plan.Call, col int) (*found, error) {
	all := strings.HasPrefix(call.Fn.Name, plan.AllPrefix)
	quantified := call.Fn.Name != "&&"
	if quantified && all && s.elementNulls() {
		return nil, nil
	}
	ids, ok := s.matching(ctx, call, col)
	if !ok {
		return nil, nil
	}
	if all { // no element that does not fulfil it
		ids = ids.complement()
	}
	docs, method, err := s.documents(ids)
	if err != nil || docs == nil {
		return nil, err
	}
	if all {
		docs.Flip(0, uint64(s.sp.docs))
		if s.c.hasNulls() {
			docs.AndNot(s.c.col.Nulls())
		}
	}
	// With NULL elements the negation of ANY is not TRUE for all other lists.
	exact := !quantified || !s.elementNulls()
	return &found{docs: docs, exact: exact, method: method}, nil
}

// matching returns the ids of elements for which the condition is TRUE: by
// look-up, or by evaluating it for a list of each value alone.
func (s *listSearch) matching(ctx *fn.Context, call *plan.Call, col int) (idSet, bool) {
	if ids, ok := s.lookup(call); ok {
		return ids, true
	}
	n := s.dict.Len()
	if float64(n) > max(lazyDictRows, s.sp.rowsHint) {
		return idSet{}, false
	}
	v, err := s.evalSingles(ctx, call, col)
	if err != nil {
		return idSet{}, false // it counts only for rows that other conditions let through
	}
	t := column.NewBitmap(n)
	kernel.PackBools(v.Bools[:n], t)
	kernel.AndNot(t, v.Nulls)
	return bitSet(uint32(n), t), true
}

// evalSingles computes the condition for lists of one dictionary value each.
func (s *listSearch) evalSingles(ctx *fn.Context, call *plan.Call, col int) (*column.Vector, error) {
	vals := s.dict.Values()
	lists := column.New(s.c.typ, 0)
	lists.Elems, lists.N = vals, vals.N
	for i := range vals.N {
		lists.Offsets = append(lists.Offsets, uint32(i+1))
	}
	p, err := eval.Compile(call, nil)
	if err != nil {
		return nil, err
	}
	in := column.Batch{Cols: make([]*column.Vector, len(s.sp.cols))}
	out := column.New(call.Type(), vals.N)
	for from := 0; from < vals.N; from += chunkRows {
		if err := canceled(ctx); err != nil {
			return nil, err
		}
		part := lists.Slice(from, min(from+chunkRows, vals.N))
		in.N, in.Cols[col] = part.N, part
		v, err := p.Eval(ctx, &in, nil)
		if err != nil {
			return nil, err
		}
		kernel.Concat(out, v)
	}
	return out, nil
}

// lookup handles comparisons with = and ranges, and &&, of kinds that are found
// by their values.
func (s *listSearch) lookup(call *plan.Call) (idSet, bool) {
	typ := s.c.typ.Elem()
	if !exactLookup(typ.Kind()) || !plainOrder(typ) {
		return idSet{}, false
	}
	if len(call.Args) == 3 {
		return s.between(call)
	}
	if call.Fn.Name == "&&" {
		k := constOf(call)
		if !sameValues(k.Type.Elem(), typ) {
			return idSet{}, false
		}
		return s.lookupAll(k.List), true
	}
	op, isAny := strings.CutPrefix(call.Fn.Name, plan.AnyPrefix)
	if !isAny {
		op = strings.TrimPrefix(call.Fn.Name, plan.AllPrefix)
	}
	if mirrored[op] == "" {
		return idSet{}, false
	}
	return s.compare(mirrored[op], constOf(call))
}

// compare returns the ids whose value stands in a relation to a constant.
func (s *listSearch) compare(op string, k column.Value) (idSet, bool) {
	if k.Type.List || !sameValues(k.Type, s.c.typ.Elem()) {
		return idSet{}, false
	}
	size := uint32(s.dict.Len())
	if op != "=" && op != "<>" {
		if !s.dict.Sorted() {
			return idSet{}, false
		}
		return orderedSet(&segCol{dict: s.dict}, comparison{op: op, v: k}, size), true
	}
	set := rangeSet(size, 0, 0)
	if id, ok := s.dict.Lookup(k); ok {
		set = rangeSet(size, id, id+1)
	}
	if op == "<>" {
		set = set.complement()
	}
	return set, true
}

// between returns the ids of values from one constant to another.
func (s *listSearch) between(call *plan.Call) (idSet, bool) {
	lo, isLo := call.Args[1].(*plan.Const)
	hi, isHi := call.Args[2].(*plan.Const)
	if !isLo || !isHi {
		return idSet{}, false
	}
	from, ok := s.compare(">=", lo.Value)
	if !ok {
		return idSet{}, false
	}
	to, ok := s.compare("<=", hi.Value)
	if !ok {
		return idSet{}, false
	}
	return from.intersect(&to), true
}

// constOf returns the constant among the arguments of a call that has one.
func constOf(call *plan.Call) column.Value {
	for _, a := range call.Args {
		if k, ok := a.(*plan.Const); ok {
			return k.Value
		}
	}
	return column.Value{}
}

func (s *listSearch) lookupAll(list *column.Vector) idSet {
	b := column.NewBitmap(s.dict.Len())
	for i := range list.N {
		if list.IsNull(i) {
			continue
		}
		if id, ok := s.dict.Lookup(list.Value(i)); ok {
			b.Set(int(id))
		}
	}
	return bitSet(uint32(s.dict.Len()), b)
}

// containing answers column @> constant: the lists that hold all elements.
func (s *listSearch) containing(call *plan.Call) (*found, error) {
	k, typ := constOf(call), s.c.typ.Elem()
	if !exactLookup(typ.Kind()) || !plainOrder(typ) || !sameValues(k.Type.Elem(), typ) || k.List.N == 0 {
		return nil, nil
	}
	var all *roaring.Bitmap
	used := ""
	for i := range k.List.N {
		ids := rangeSet(uint32(s.dict.Len()), 0, 0)
		if !k.List.IsNull(i) { // NULL is in no list
			if id, ok := s.dict.Lookup(k.List.Value(i)); ok {
				ids = rangeSet(ids.size, id, id+1)
			}
		}
		docs, method, err := s.documents(ids)
		if err != nil || docs == nil {
			return nil, err
		}
		used = method
		if all == nil {
			all = docs
		} else {
			all.And(docs)
		}
		if all.IsEmpty() {
			break
		}
	}
	return &found{docs: all, exact: true, method: used}, nil
}

// documents returns the documents whose list holds one of ids, nil if looking
// at the rows that other conditions leave is cheaper. The caller owns them.
func (s *listSearch) documents(ids idSet) (docs *roaring.Bitmap, method string, err error) {
	if ids.n == 0 {
		return roaring.New(), "elements", nil
	}
	rows := s.sp.rowsHint * costListRow
	scan := float64(s.count()) * costListElement
	if x := s.els.Inverted(); x != nil {
		if n := postingRows(x, &ids); float64(n)*costListPosting < min(rows, scan) {
			docs, err = unionPostings(x, &ids)
			return docs, "inverted", err
		}
	}
	if rows < scan {
		return nil, "", nil
	}
	return s.scan(ids), "elements", nil
}

// count returns the number of elements.
func (s *listSearch) count() int64 {
	var end [1]int64
	s.els.Starts(s.sp.docs, end[:])
	return end[0]
}

// postingRows returns the number of documents in the postings of ids.
func postingRows(x segment.InvertedIndex, ids *idSet) int {
	n := 0
	ids.each(func(id uint32) bool {
		n += int(x.Count(id))
		return true
	})
	return n
}

// unionPostings returns the documents of ids as a bitmap of the caller's.
func unionPostings(x segment.InvertedIndex, ids *idSet) (*roaring.Bitmap, error) {
	var maps []*roaring.Bitmap
	var err error
	ids.each(func(id uint32) bool {
		var m *roaring.Bitmap
		if m, err = x.Postings(id); err == nil {
			maps = append(maps, m)
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	if len(maps) == 1 {
		return maps[0].Clone(), nil
	}
	return roaring.FastOr(maps...), nil
}

// listChunk is the number of lists that are scanned at a time.
const listChunk = 4096

// scan compares the ids of all elements.
func (s *listSearch) scan(ids idSet) *roaring.Bitmap {
	set := ids.segmentSet()
	var starts [listChunk + 1]int64
	var hits column.Bitmap
	var docs []uint32
	for from := uint32(0); from < s.sp.docs; from += listChunk {
		n := min(listChunk, s.sp.docs-from)
		part := starts[:n+1]
		s.els.Starts(from, part)
		first, count := part[0], int(part[n]-part[0])
		if count == 0 {
			continue
		}
		if column.Words(count) > len(hits) {
			hits = column.NewBitmap(count)
		}
		hits[column.Words(count)-1] = 0 // MatchIDs leaves the bits behind count
		s.elem.MatchIDs(uint32(first), count, set, hits)
		s.clearNulls(hits, first, count)
		docs = appendLists(docs, part, hits[:column.Words(count)], from)
	}
	out := roaring.New()
	out.AddMany(docs)
	return out
}

// clearNulls removes NULL elements, whose ids mean nothing.
func (s *listSearch) clearNulls(hits column.Bitmap, first int64, count int) {
	nulls := s.elem.Nulls()
	if nulls == nil {
		return
	}
	it := nulls.Iterator()
	for it.AdvanceIfNeeded(uint32(first)); it.HasNext(); {
		at := int64(it.Next()) - first
		if at >= int64(count) {
			return
		}
		hits.Clear(int(at))
	}
}

// appendLists appends the documents whose list has a hit; starts are those of
// documents from, from+1, …, hits begin at the first of them.
func appendLists(docs []uint32, starts []int64, hits column.Bitmap, from uint32) []uint32 {
	list, first := 0, starts[0]
	for at := kernel.FirstSet(hits, 0); at >= 0; at = kernel.FirstSet(hits, int(starts[list]-first)) {
		for starts[list+1]-first <= int64(at) {
			list++
		}
		docs = append(docs, from+uint32(list))
		list++
		if list == len(starts)-1 {
			break
		}
	}
	return docs
}
