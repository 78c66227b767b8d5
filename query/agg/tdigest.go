package agg

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"unsafe"
)

// digest is the centroids of one group in ascending order, and values that
// were not folded in yet. A centroid may hold as many values as lie between two
// whole numbers of k(q) = compression / 2π · asin(2q - 1): many in the middle,
// one at the ends. Values that are not finite are only counted.
type digest struct {
	centroids       []centroid
	pending         []float64
	n               int64 // values in centroids
	least, greatest float64
	low, high, nan  int64 // -Infinity, Infinity, NaN
}

// centroid is the mean of n values.
type centroid struct {
	mean float64
	n    int64
}

// pendingPerCentroid bounds the values that wait to be folded in.
const pendingPerCentroid = 5

// centroidLists holds lists that centroids are merged in.
var centroidLists = sync.Pool{New: func() any { return new([]centroid) }}

func (s *digest) heldBytes() int64 {
	return int64(cap(s.centroids))*int64(unsafe.Sizeof(centroid{})) + int64(cap(s.pending))*8
}

func (s *digest) count() int64 { return s.n + int64(len(s.pending)) + s.low + s.high + s.nan }

// add takes a value; false if there is no room for it.
func (s *digest) add(x float64) bool {
	if x-x != 0 {
		s.addSpecial(x)
		return true
	}
	if len(s.pending) == cap(s.pending) {
		return false
	}
	s.pending = append(s.pending, x)
	return true
}

func (s *digest) addSpecial(x float64) {
	switch {
	case x != x:
		s.nan++
	case x < 0:
		s.low++
	default:
		s.high++
	}
}

// makeRoom takes a value for which there was no room.
func (s *digest) makeRoom(x float64, size int) {
	most := pendingPerCentroid * size
	if len(s.pending) >= most {
		s.fold(size)
	} else {
		pending := make([]float64, len(s.pending), min(max(8, 2*len(s.pending)), most))
		copy(pending, s.pending)
		s.pending = pending
	}
	s.pending = append(s.pending, x)
}

// fold makes centroids of the pending values.
func (s *digest) fold(size int) {
	if len(s.pending) == 0 {
		return
	}
	slices.Sort(s.pending)
	s.widen(s.pending[0], s.pending[len(s.pending)-1])
	list := centroidLists.Get().(*[]centroid)
	in := slices.Grow((*list)[:0], len(s.centroids)+len(s.pending))
	i := 0
	for _, x := range s.pending {
		for i < len(s.centroids) && s.centroids[i].mean <= x {
			in = append(in, s.centroids[i])
			i++
		}
		in = append(in, centroid{x, 1})
	}
	in = append(in, s.centroids[i:]...)
	s.n += int64(len(s.pending))
	s.pending = s.pending[:0]
	s.compress(in, size)
	*list = in
	centroidLists.Put(list)
}

// widen extends the range of the values; it is called before they are counted.
func (s *digest) widen(least, greatest float64) {
	if s.n == 0 {
		s.least, s.greatest = least, greatest
	}
	s.least, s.greatest = min(s.least, least), max(s.greatest, greatest)
}

// compress makes the centroids of those of in, which ascend and hold all n
// values.
func (s *digest) compress(in []centroid, size int) {
	out, total := s.centroids[:0], float64(s.n)
	cur, done := in[0], int64(0)
	limit := total * nextQuantile(0, size)
	for _, c := range in[1:] {
		if float64(done+cur.n+c.n) <= limit {
			cur = cur.plus(c)
			continue
		}
		done += cur.n
		limit = total * nextQuantile(float64(done)/total, size)
		out = append(out, cur)
		cur = c
	}
	s.centroids = append(out, cur)
}

// nextQuantile is the quantile at which k is one greater than at q.
func nextQuantile(q float64, size int) float64 {
	angle := math.Asin(2*q-1) + 2*math.Pi/float64(size)
	return (math.Sin(min(angle, math.Pi/2)) + 1) / 2
}

// plus is the centroid of both; other is not below c.
func (c centroid) plus(other centroid) centroid {
	n := c.n + other.n
	return centroid{between(c.mean, other.mean, float64(other.n)/float64(n)), n}
}

// between is the point at a fraction of the way from x to y, never beyond.
func between(x, y, fraction float64) float64 {
	if x == y {
		return x
	}
	way := y - x
	if math.IsInf(way, 0) {
		return x*(1-fraction) + y*fraction
	}
	return max(x, min(x+way*fraction, y))
}

// quantile is the value at a fraction of the way from the first to the last.
func (s *digest) quantile(p float64) float64 {
	at := p*float64(s.count()-1) - float64(s.low)
	switch {
	case at < 0 && s.low > 0:
		return math.Inf(-1)
	case at <= float64(s.n-1):
		return s.finite(at)
	case at <= float64(s.n+s.high-1):
		return math.Inf(1)
	}
	return math.NaN()
}

// finite is the value at a position among the finite ones. The mean of a
// centroid stands in the middle of its positions; between them it interpolates.
func (s *digest) finite(at float64) float64 {
	pos, val := 0.0, s.least
	before := int64(0)
	step := func(next, mean float64) (float64, bool) {
		if at > next {
			pos, val = next, mean
			return 0, false
		}
		if next == pos {
			return mean, true
		}
		return between(val, mean, (at-pos)/(next-pos)), true
	}
	for _, c := range s.centroids {
		if x, ok := step(float64(before)+float64(c.n-1)/2, c.mean); ok {
			return x
		}
		before += c.n
	}
	x, _ := step(float64(s.n-1), s.greatest)
	return x
}

func (s *digest) encode(dst []byte, size int) []byte {
	s.fold(size)
	for _, n := range []int64{s.low, s.high, s.nan, int64(len(s.centroids))} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	if len(s.centroids) == 0 {
		return dst
	}
	dst = appendFloat64(appendFloat64(dst, s.least), s.greatest)
	for _, c := range s.centroids {
		dst = binary.AppendUvarint(appendFloat64(dst, c.mean), uint64(c.n))
	}
	return dst
}

func appendFloat64(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// small reads a count that may be added to others without overflow.
func (d *decoder) small() int64 {
	n := d.uvarint()
	d.failed = d.failed || n > maxCount
	return int64(n)
}

func (d *decoder) float() float64 { return math.Float64frombits(binary.LittleEndian.Uint64(d.take(8))) }

func (s *digest) decode(d *decoder, size int) {
	o := digest{low: d.small(), high: d.small(), nan: d.small()}
	k := d.count()
	if k > 0 {
		o.least, o.greatest = d.float(), d.float()
	}
	prev := o.least
	for range k {
		c := centroid{d.float(), d.small()}
		o.n += c.n
		if d.failed = d.failed || c.n == 0 || o.n > maxCount || !(c.mean >= prev && c.mean <= o.greatest); d.failed {
			return
		}
		prev = c.mean
		o.centroids = append(o.centroids, c)
	}
	d.failed = d.failed || math.IsInf(o.least, 0) || math.IsInf(o.greatest, 0)
	if !d.failed {
		s.absorb(&o, size)
	}
}

func (s *digest) absorb(o *digest, size int) {
	o.fold(size)
	s.low, s.high, s.nan = s.low+o.low, s.high+o.high, s.nan+o.nan
	if o.n == 0 {
		return
	}
	s.fold(size)
	s.widen(o.least, o.greatest)
	in := make([]centroid, 0, len(s.centroids)+len(o.centroids))
	i := 0
	for _, c := range o.centroids {
		for i < len(s.centroids) && s.centroids[i].mean <= c.mean {
			in = append(in, s.centroids[i])
			i++
		}
		in = append(in, c)
	}
	in = append(in, s.centroids[i:]...)
	s.n += o.n
	s.compress(in, size)
}
