package data

import "math/bits"

// Rand is splitmix64: small, fast, and the same on every machine. Its value is
// the seed.
type Rand uint64

// Next returns 64 random bits.
func (r *Rand) Next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r))
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Hash returns 64 bits that depend on all of x, as if random.
func Hash(x uint64) uint64 { return mix(x + 0x9e3779b97f4a7c15) }

// Below returns a number in 0..n-1.
func (r *Rand) Below(n int) int {
	hi, _ := bits.Mul64(r.Next(), uint64(n))
	return int(hi)
}

// Between returns a number in lo..hi.
func (r *Rand) Between(lo, hi int) int { return lo + r.Below(hi-lo+1) }

// Chance is true once in n times.
func (r *Rand) Chance(n int) bool { return r.Below(n) == 0 }

// Zipf returns a rank in 0..n-1 whose frequency falls as 1/rank: each octave of
// ranks is as likely as any other. It uses whole numbers only, so that all
// machines agree.
func (r *Rand) Zipf(n int) int {
	octaves := bits.Len(uint(n))
	for {
		size := 1 << r.Below(octaves)
		if x := size + r.Below(size); x <= n {
			return x - 1
		}
	}
}
