//go:build goexperiment.simd && amd64

package kernel

import (
	"math/bits"
	"simd/archsimd"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
)

// wideWords is the number of words in a register.
const wideWords = 8

func load8(b []uint64) archsimd.Uint64x8 { return archsimd.LoadUint64x8((*[wideWords]uint64)(b)) }

func andAVX512(dst, src []uint64) int {
	n := len(dst) &^ (wideWords - 1)
	for i := 0; i < n; i += wideWords {
		load8(dst[i:]).And(load8(src[i:])).Store((*[wideWords]uint64)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}

func orAVX512(dst, src []uint64) int {
	n := len(dst) &^ (wideWords - 1)
	for i := 0; i < n; i += wideWords {
		load8(dst[i:]).Or(load8(src[i:])).Store((*[wideWords]uint64)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}

func andNotAVX512(dst, src []uint64) int {
	n := len(dst) &^ (wideWords - 1)
	for i := 0; i < n; i += wideWords {
		load8(dst[i:]).AndNot(load8(src[i:])).Store((*[wideWords]uint64)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}

var iota16 = [16]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// compressBits is the number of bits in a word from which compressing beats
// taking them one by one.
const compressBits = 12

// positionsAVX512 compresses sixteen positions at a time. Each store writes a
// whole register, of which what lies beyond the set bits is overwritten by the
// next one.
func positionsAVX512(b column.Bitmap, base uint32, dst []uint32) []uint32 {
	dst = slices.Grow(dst, b.Count()+16)
	out, n := dst[:cap(dst)], len(dst)
	first, step := archsimd.LoadUint32x16(&iota16), archsimd.BroadcastUint32x16(16)
	for i, w := range b {
		if w == 0 {
			continue
		}
		from := base + uint32(i)<<6
		if bits.OnesCount64(w) < compressBits {
			for ; w != 0; w &= w - 1 {
				out[n] = from + uint32(bits.TrailingZeros64(w))
				n++
			}
			continue
		}
		at := archsimd.BroadcastUint32x16(from).Add(first)
		for range 4 {
			at.Compress(archsimd.Mask32x16FromBits(uint16(w))).Store((*[16]uint32)(out[n:]))
			n += bits.OnesCount16(uint16(w))
			at = at.Add(step)
			w >>= 16
		}
	}
	archsimd.ClearAVXUpperBits()
	return out[:n]
}
