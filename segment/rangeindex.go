package segment

// RangeIndex holds the documents of buckets of ascending values. A range of
// values covers some buckets wholly and cuts at most two.
type RangeIndex interface {
	// Span returns the buckets that hold values of a range. For a column with
	// a dictionary the Int bounds are ids.
	Span(r ValueRange) RangeSpan
	// Docs returns the documents of buckets first..end-1 in one block of
	// BlockRows documents, as offsets into the block: bucket by bucket,
	// ascending within each. NULLs are in none. Read-only; it may share the
	// segment's memory.
	Docs(block, first, end int) []uint16
	// Count returns the number of documents of buckets first..end-1.
	Count(first, end int) int
}

// RangeSpan is the buckets First..End-1 of a range. Those of FullFirst..FullEnd-1
// lie wholly inside; the others hold documents on both sides.
type RangeSpan struct{ First, FullFirst, FullEnd, End int }

// RangeIndexed is a column that may have a range index.
type RangeIndexed interface {
	// RangeIndex returns the index, nil if the column has none, and ErrCorrupt
	// when its buffer is damaged.
	RangeIndex() (RangeIndex, error)
}
