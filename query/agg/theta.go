package agg

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// thetaDef is Pinot's DISTINCTCOUNTTHETASKETCH(x [, 'nominalEntries=k']): the
// theta sketch of Dasgupta, Lang, Rhodes and Thaler (2016) with the threshold
// of a k minimum values sketch, k from 16 to 65536 and by default 4096 (a
// standard error of 1/√k, 1.6 %). Up to k distinct values are counted exactly.
//
// The sketch is the k least hashes and theta, the one after them: it depends on
// the set of values only, not on their order or how the rows are split.
//
// The state is one bytes column: the header, uvarint k, theta (u64
// little-endian, all ones for none), the uvarint number of hashes, and these in
// ascending order, each as the uvarint distance to the one before (the first:
// to 0).
var thetaDef = definition{
	id:              idTheta,
	names:           []string{"distinctcountthetasketch"},
	bind:            one(func(t schema.Type) bool { return t.Kind() != schema.KindInvalid }),
	ignoresDistinct: true,
	rowArgs:         1,
	paramTypes:      []schema.Type{schema.Text},
	params:          thetaParams,
	result:          fixed(schema.Int64),
	states:          fixedStates(schema.Bytea),
	open: func(s *Spec) Accumulator {
		a := &theta{sketches: sketches[thetaSketch, *thetaSketch]{spec: s, size: thetaEntries, width: int64(unsafe.Sizeof(thetaSketch{}))}}
		if len(s.Params) > 0 {
			a.size = int(s.Params[0].I)
		}
		return a
	},
}

const (
	thetaEntries    = 4096
	thetaMinEntries = 16
	thetaMaxEntries = 65536
)

// thetaParams takes a number, or Pinot's 'nominalEntries=…'.
func thetaParams(s *Spec, params []column.Value) ([]column.Value, error) {
	if len(params) == 0 {
		return nil, nil
	}
	if len(params) > 1 {
		return nil, sqlerr.Unsupported("the predicates of " + s.Name)
	}
	p := params[0]
	if p.Type.Kind() == schema.KindBytes && !p.Null {
		text := string(p.B)
		if name, value, ok := strings.Cut(text, "="); ok && strings.EqualFold(strings.TrimSpace(name), "nominalEntries") {
			text = strings.TrimSpace(value)
		}
		k, err := strconv.Atoi(text)
		if err != nil {
			return nil, sqlerr.Unsupported("the parameter '" + string(p.B) + "' of " + s.Name)
		}
		p = column.IntValue(schema.Int32, int64(k))
	}
	p, err := sizeParam(s, p, "nominalEntries", thetaMinEntries, thetaMaxEntries)
	return []column.Value{p}, err
}

// theta is a theta sketch per group.
type theta struct {
	sketches[thetaSketch, *thetaSketch]
	hasher hasher
}

// thetaSketch keeps the hashes below theta in an open-addressing table, in
// which 0 is a free slot. It holds more than the k+1 least ones between two
// rebuilds.
type thetaSketch struct {
	slots []uint64
	n     int
	// theta is the least hash that is known not to count, 0 for none.
	theta uint64
}

func (s *thetaSketch) heldBytes() int64 { return int64(cap(s.slots)) * 8 }

func (a *theta) Update(groups []uint32, n int, args []*column.Vector) error {
	hashes, groups := a.hasher.hash(groups, n, args[0])
	if groups == nil {
		a.change(0, func(s *thetaSketch) { s.addAll(hashes, a.size) })
		return nil
	}
	for i, g := range groups[:len(hashes)] {
		s, h := &a.st[g], hashes[i]
		if h < s.limit() && !s.insert(h) {
			a.change(g, func(s *thetaSketch) { s.add(h, a.size) })
		}
	}
	return nil
}

// limit is the hash from which on hashes are dropped.
func (s *thetaSketch) limit() uint64 {
	if s.theta == 0 {
		return math.MaxUint64
	}
	return s.theta
}

func (s *thetaSketch) addAll(hashes []uint64, k int) {
	limit := s.limit()
	for _, h := range hashes {
		if h < limit && !s.insert(h) {
			s.add(h, k)
			limit = s.limit()
		}
	}
}

// insert puts a hash into the table; false if there is no room.
func (s *thetaSketch) insert(h uint64) bool {
	h = max(h, 1)
	mask := len(s.slots) - 1
	if mask < 0 {
		return false
	}
	for i := int(h) & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return true
		case 0:
			if s.n >= len(s.slots)/4*3 {
				return false
			}
			s.slots[i] = h
			s.n++
			return true
		}
	}
}

// add makes room and inserts a hash, if it is below the threshold then.
func (s *thetaSketch) add(h uint64, k int) {
	if s.n >= 2*k || len(s.slots) >= 4*k {
		s.trim(k)
	}
	if h >= s.limit() || s.insert(h) {
		return
	}
	s.rehash(max(16, 2*len(s.slots)))
	s.insert(h)
}

func (s *thetaSketch) rehash(size int) {
	old := s.slots
	s.slots, s.n = make([]uint64, size), 0
	for _, h := range old {
		if h != 0 {
			s.insert(h)
		}
	}
}

// trim keeps the k least hashes and makes theta the one after them.
func (s *thetaSketch) trim(k int) {
	if s.n <= k {
		return
	}
	hashes := s.sorted(k)
	clear(s.slots)
	s.n = 0
	for _, h := range hashes {
		s.insert(h)
	}
}

// sorted returns the k least hashes in ascending order, and lowers theta to
// the next one if there are more.
func (s *thetaSketch) sorted(k int) []uint64 {
	hashes := make([]uint64, 0, s.n)
	for _, h := range s.slots {
		if h != 0 {
			hashes = append(hashes, h)
		}
	}
	slices.Sort(hashes)
	if len(hashes) > k {
		s.theta = hashes[k]
		hashes = hashes[:k]
	}
	return hashes
}

func (s *thetaSketch) encode(dst []byte, k int) []byte {
	hashes := s.sorted(k)
	dst = binary.LittleEndian.AppendUint64(dst, s.limit())
	dst = binary.AppendUvarint(dst, uint64(len(hashes)))
	prev := uint64(0)
	for _, h := range hashes {
		dst = binary.AppendUvarint(dst, h-prev)
		prev = h
	}
	return dst
}

func (s *thetaSketch) decode(d *decoder, k int) {
	limit, n := binary.LittleEndian.Uint64(d.take(8)), d.count()
	if d.failed = d.failed || n > k || limit == 0 || limit < math.MaxUint64 && n < k; d.failed {
		return
	}
	s.lower(limit)
	prev := uint64(0)
	for range n {
		h := prev + d.uvarint()
		if d.failed = d.failed || h <= prev || h >= limit; d.failed {
			return
		}
		if h < s.limit() && !s.insert(h) {
			s.add(h, k)
		}
		prev = h
	}
}

// lower makes theta at most limit.
func (s *thetaSketch) lower(limit uint64) {
	if limit < s.limit() {
		s.theta = limit
		s.drop()
	}
}

// drop removes the hashes from theta on.
func (s *thetaSketch) drop() {
	old := s.slots
	s.slots, s.n = make([]uint64, len(old)), 0
	for _, h := range old {
		if h != 0 && h < s.theta {
			s.insert(h)
		}
	}
}

func (s *thetaSketch) absorb(other *thetaSketch, k int) {
	if s.n == 0 && s.theta == 0 {
		*s = *other
		return
	}
	s.lower(other.limit())
	for _, h := range other.slots {
		if h != 0 && h < s.limit() && !s.insert(h) {
			s.add(h, k)
		}
	}
}

func (a *theta) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		a.change(uint32(g), func(s *thetaSketch) {
			dst.Append(column.IntValue(schema.Int64, int64(math.Round(s.estimate(a.size)))))
		})
	}
	return nil
}

// estimate is the number of kept hashes over the part of all that are below
// theta.
func (s *thetaSketch) estimate(k int) float64 {
	n := s.n
	if n > k {
		n = len(s.sorted(k))
	}
	if s.theta == 0 {
		return float64(n)
	}
	return float64(k) / math.Ldexp(float64(s.theta), -64)
}
