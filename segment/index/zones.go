package index

import (
	"math"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// A zone map is, for each block of segment.BlockRows documents, the smallest
// and the largest value. Its buffer holds all minima, then all maxima, as int64
// (integers, dictionary ids) or float64.

func zoneCount(docs int) int { return (docs + segment.BlockRows - 1) / segment.BlockRows }

// OpenZones returns the zone map over docs documents in buf, used in place.
func OpenZones(buf []byte, docs int, float bool) (*segment.Zones, error) {
	n := zoneCount(docs)
	if len(buf) != 16*n {
		return nil, segment.Corruptf("zone map of %d blocks in %d bytes", n, len(buf))
	}
	if float {
		v := encoding.View[float64](buf)
		return &segment.Zones{MinFloat: v[:n:n], MaxFloat: v[n:]}, nil
	}
	v := encoding.View[int64](buf)
	return &segment.Zones{MinInt: v[:n:n], MaxInt: v[n:]}, nil
}

// AppendIntZones appends the zone map of v; documents for which null reports
// true do not count.
func AppendIntZones[T int32 | int64 | uint32](dst []byte, v []T, null func(uint32) bool) []byte {
	n := zoneCount(len(v))
	zones := make([]int64, 2*n)
	for b := range n {
		lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
		at := b * segment.BlockRows
		for i, x := range v[at:min(len(v), at+segment.BlockRows)] {
			if null == nil || !null(uint32(at+i)) {
				lo, hi = min(lo, int64(x)), max(hi, int64(x))
			}
		}
		zones[b], zones[n+b] = lo, hi
	}
	return append(dst, encoding.Bytes(zones)...)
}

// AppendFloatZones is AppendIntZones for floats; NaN is above all numbers.
func AppendFloatZones[T float32 | float64](dst []byte, v []T, null func(uint32) bool) []byte {
	n := zoneCount(len(v))
	zones := make([]float64, 2*n)
	for b := range n {
		lo, hi, seen := math.Inf(1), math.Inf(-1), false
		at := b * segment.BlockRows
		for i, x := range v[at:min(len(v), at+segment.BlockRows)] {
			if null != nil && null(uint32(at+i)) {
				continue
			}
			f := float64(x)
			if !seen || segment.CompareFloat(f, lo) < 0 {
				lo = f
			}
			if !seen || segment.CompareFloat(f, hi) > 0 {
				hi = f
			}
			seen = true
		}
		zones[b], zones[n+b] = lo, hi
	}
	return append(dst, encoding.Bytes(zones)...)
}
