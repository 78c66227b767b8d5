package segment

// MultiValued is implemented by columns of lists that know the dictionary of
// their elements.
type MultiValued interface {
	// Elements returns nil where the elements have no dictionary.
	Elements() Elements
}

// Elements reads the elements of all lists of a column, one list after the
// other. It is safe for concurrent use.
type Elements interface {
	// Column is the column of the elements: its documents are their positions,
	// and it has a dictionary.
	Column() Column
	// Starts fills dst with the positions at which the lists of documents from,
	// from+1, … begin. The document behind the last has the number of elements.
	Starts(from uint32, dst []int64)
	// Inverted returns the documents whose list holds each id, nil without an
	// index.
	Inverted() InvertedIndex
}
