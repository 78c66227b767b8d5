package encoding

import "encoding/binary"

// RunLengths is a column cut into runs of equal neighbours, ready to be written.
type RunLengths[T uint32 | Number] struct {
	// Values has one value per run.
	Values  []T
	entries []runEntry
	maps    [][blockWords]uint64
}

// CutRuns cuts v into runs. It returns nil if these are more than limit, and
// then allocates nothing. No value is NaN.
func CutRuns[T uint32 | Number](v []T, limit int) *RunLengths[T] {
	runs, maps := countRuns(v, limit)
	if runs > limit {
		return nil
	}
	r := &RunLengths[T]{
		Values: make([]T, 0, runs), entries: make([]runEntry, 0, blocks(len(v))), maps: make([][blockWords]uint64, 0, maps),
	}
	for from := 0; from < len(v); from += BlockLen {
		r.cut(v[from:min(len(v), from+BlockLen)])
	}
	return r
}

// cut adds a block.
func (r *RunLengths[T]) cut(part []T) {
	if len(r.Values) == 0 || part[0] != r.Values[len(r.Values)-1] {
		r.Values = append(r.Values, part[0])
	}
	e := runEntry{First: uint32(len(r.Values) - 1)}
	var w [blockWords]uint64
	for i := 1; i < len(part); i++ {
		if part[i] != part[i-1] {
			w[i>>6] |= 1 << (uint(i) & 63)
			r.Values = append(r.Values, part[i])
		}
	}
	if int(e.First)+1 < len(r.Values) {
		r.maps = append(r.maps, w)
		e.Map = uint32(len(r.maps))
	}
	r.entries = append(r.entries, e)
}

// countRuns returns the number of runs and of blocks that hold more than one;
// it ends early when the former are more than limit.
func countRuns[T uint32 | Number](v []T, limit int) (runs, maps int) {
	for from := 0; from < len(v) && runs <= limit; from += BlockLen {
		part := v[from:min(len(v), from+BlockLen)]
		if from == 0 || part[0] != v[from-1] {
			runs++
		}
		if n := changes(part); n > 0 {
			runs += n
			maps++
		}
	}
	return runs, maps
}

// changes returns how many values differ from the one before them.
func changes[T uint32 | Number](v []T) int {
	n := 0
	for i := 1; i < len(v); i++ {
		if v[i] != v[i-1] {
			n++
		}
	}
	return n
}

// MapBytes returns the size of what is written before the values.
func (r *RunLengths[T]) MapBytes() int {
	return runHead + align64(len(r.entries)*runEntryBytes) + len(r.maps)*BlockLen/8
}

// AppendMap appends all but the values.
func (r *RunLengths[T]) AppendMap(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, r.MapBytes()-len(r.maps)*BlockLen/8)...)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(r.Values)))
	binary.LittleEndian.PutUint32(dst[at+4:], uint32(len(r.maps)))
	copy(dst[at+runHead:], Bytes(r.entries))
	for i := range r.maps {
		dst = append(dst, Bytes(r.maps[i][:])...)
	}
	return dst
}
