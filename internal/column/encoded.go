package column

// Encoded is a run of N rows of one column in the form in which a file has
// them: plain values, or positions in a dictionary of the run.
//
// With IDs nil, Values has N rows and its own Nulls say which are NULL.
// Otherwise row i is row IDs[i] of Values, which holds no NULL, may hold values
// that no row has and may hold a value twice; Nulls has a bit per row, set for
// NULL, nil when no row is NULL, and the id of a NULL row is 0 even when Values
// is empty. Runs with the same Values pointer share a dictionary.
type Encoded struct {
	N      int
	Values *Vector
	IDs    []uint32
	Nulls  Bitmap
}
