package segment

// Identified is implemented by segments whose rows never change, so that what
// was computed from them stays true.
type Identified interface {
	// Identity is the same as long as the segment is open and belongs to no
	// other segment, also not to one that is opened from the same file later.
	Identity() *Identity
}
