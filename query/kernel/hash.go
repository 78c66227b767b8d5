package kernel

import "math/bits"

const (
	mixA = 0x9E3779B97F4A7C15
	mixB = 0xD6E8FEB86659FD93
)

// HashWord mixes 64 bits so that both halves of the result are usable.
func HashWord(x uint64) uint64 {
	hi, lo := bits.Mul64(x^mixA, mixB)
	return hi ^ lo
}

// HashPair mixes a group and a word.
func HashPair(g uint32, w uint64) uint64 {
	hi, lo := bits.Mul64(w^mixA, uint64(g)*2+mixB)
	return HashWord(hi ^ lo)
}
