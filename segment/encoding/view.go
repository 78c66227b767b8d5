package encoding

import "unsafe"

// view is a fixed-width type without pointers whose memory may be viewed as
// bytes and back.
type view interface {
	uint8 | uint16 | uint32 | uint64 | int32 | int64 | float32 | float64 |
		forHeader | deltaHeader | chunkEntry | runEntry | alpEntry
}

// View returns b as a slice of T without copying. b must be aligned for T
// (segment buffers are aligned to 64 bytes); trailing bytes that do not fill a
// T are left out.
func View[T view](b []byte) []T {
	var t T
	n := len(b) / int(unsafe.Sizeof(t))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// Bytes returns the memory of s as bytes without copying.
func Bytes[T view](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	var t T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(t)))
}

// Aligned reports whether b begins at a multiple of 8 bytes.
func Aligned(b []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))&7 == 0
}

// AlignedCopy returns a copy of b that begins at a multiple of 8 bytes.
func AlignedCopy(b []byte) []byte {
	c := Bytes(make([]uint64, (len(b)+7)/8))[:len(b)]
	copy(c, b)
	return c
}

// pairs views a block of 32-bit values as 64-bit words of two.
func pairs(b *[BlockLen]uint32) *[BlockLen / 2]uint64 {
	return (*[BlockLen / 2]uint64)(unsafe.Pointer(b))
}
