package index

// AppendInvertedLists appends the index of a column of lists: document d holds
// ids[starts[d]:starts[d+1]]; elements for which null reports true are left
// out. The buffer is that of AppendInverted: a document is once in the posting
// of each id that it holds.
func AppendInvertedLists(dst []byte, ids []uint32, starts []int64, cardinality int, null func(element uint32) bool) []byte {
	docs, ends := groupElements(ids, starts, cardinality, null)
	at, from := make([]uint32, cardinality+1), uint32(0)
	out := docs[:0]
	for id := range cardinality {
		at[id] = uint32(len(out))
		part := docs[from:ends[id]]
		from = ends[id]
		for i, d := range part {
			if i == 0 || d != part[i-1] {
				out = append(out, d)
			}
		}
	}
	at[cardinality] = uint32(len(out))
	return appendPostings(dst, out, at)
}

// groupElements returns the document of each element, ordered by id and then by
// document, and where each id's end.
func groupElements(ids []uint32, starts []int64, cardinality int, null func(uint32) bool) (docs, ends []uint32) {
	next := make([]uint32, cardinality+1)
	for i, id := range ids {
		if null == nil || !null(uint32(i)) {
			next[id+1]++
		}
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	docs = make([]uint32, next[cardinality])
	for d := range len(starts) - 1 {
		for i := starts[d]; i < starts[d+1]; i++ {
			if null == nil || !null(uint32(i)) {
				docs[next[ids[i]]] = uint32(d)
				next[ids[i]]++
			}
		}
	}
	return docs, next[:cardinality]
}
