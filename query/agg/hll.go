package agg

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// hllDef is approx_count_distinct(x [, precision]) and Pinot's
// DISTINCTCOUNTHLL(x [, log2m]): HyperLogLog with 2^precision registers, 4 to
// 16, by default 12 (a standard error of 1.6 %, 4 KB per group at most).
//
// The state is one bytes column: the header, the precision (u8), the form (u8),
// and for form 0, sparse, the uvarint number of registers that are not zero
// and of each the uvarint distance to the register before it (the first: to -1)
// and its value (u8); for form 1, dense, all registers (u8 each).
var hllDef = definition{
	id:              idHLL,
	names:           []string{"approx_count_distinct", "distinctcounthll"},
	bind:            one(func(t schema.Type) bool { return t.Kind() != schema.KindInvalid }),
	ignoresDistinct: true,
	rowArgs:         1,
	paramTypes:      []schema.Type{schema.Int32},
	params:          hllParams,
	result:          fixed(schema.Int64),
	states:          fixedStates(schema.Bytea),
	open: func(s *Spec) Accumulator {
		a := &hll{spec: s, p: hllPrecision}
		if len(s.Params) > 0 {
			a.p = uint8(s.Params[0].I)
		}
		return a
	},
}

const (
	hllPrecision = 12
	hllMin       = 4
	hllMax       = 16

	hllSparse = 0
	hllDense  = 1
)

func hllParams(s *Spec, params []column.Value) ([]column.Value, error) {
	if len(params) == 0 {
		return nil, nil
	}
	f, ok := floatOf(params[0])
	if !ok || len(params) > 1 || f != math.Trunc(f) || f < hllMin || f > hllMax {
		return nil, sqlerr.New(sqlerr.InvalidParameter, "the precision of %s is a whole number from %d to %d", s.Name, hllMin, hllMax)
	}
	return []column.Value{column.IntValue(schema.Int32, int64(f))}, nil
}

// hll is a sketch per group.
type hll struct {
	spec   *Spec
	p      uint8
	st     []sketch
	hasher hasher
	bytes  int64
}

// sketch is the registers of one group: few as sorted entries of register<<8
// and value, many as an array.
type sketch struct {
	sparse []uint32
	dense  []uint8
}

func (a *hll) Grow(n int)   { a.st = extend(a.st, n) }
func (a *hll) Bytes() int64 { return int64(cap(a.st))*48 + a.bytes }

func (a *hll) Update(groups []uint32, n int, args []*column.Vector) error {
	hashes, groups := a.hasher.hash(groups, n, args[0])
	for i, h := range hashes {
		a.addHash(group(groups, i), h)
	}
	return nil
}

func (a *hll) addHash(g uint32, h uint64) {
	register := uint32(h >> (64 - a.p))
	rank := bits.LeadingZeros64(h<<a.p|1<<(a.p-1)) + 1
	a.raise(&a.st[g], register, uint8(rank))
}

// raise makes a register at least rank.
func (a *hll) raise(s *sketch, register uint32, rank uint8) {
	if s.dense != nil {
		s.dense[register] = max(s.dense[register], rank)
		return
	}
	i, _ := slices.BinarySearch(s.sparse, register<<8)
	if i < len(s.sparse) && s.sparse[i]>>8 == register {
		s.sparse[i] = register<<8 | max(s.sparse[i]&0xff, uint32(rank))
		return
	}
	before := cap(s.sparse)
	s.sparse = slices.Insert(s.sparse, i, register<<8|uint32(rank))
	a.bytes += int64(cap(s.sparse)-before) * 4
	if len(s.sparse) > 1<<a.p/8 {
		a.densify(s)
	}
}

func (a *hll) densify(s *sketch) {
	s.dense = make([]uint8, 1<<a.p)
	for _, e := range s.sparse {
		s.dense[e>>8] = uint8(e)
	}
	a.bytes += int64(len(s.dense)) - int64(cap(s.sparse))*4
	s.sparse = nil
}

func (a *hll) State(from, to int, dst []*column.Vector) error {
	var buf []byte
	for i := range a.st[from:to] {
		s := &a.st[from+i]
		buf = append(appendHeader(buf[:0], a.spec.ID), a.p)
		if s.dense != nil {
			dst[0].AppendBytes(append(append(buf, hllDense), s.dense...))
			continue
		}
		buf = binary.AppendUvarint(append(buf, hllSparse), uint64(len(s.sparse)))
		next := uint32(0)
		for _, e := range s.sparse {
			buf = append(binary.AppendUvarint(buf, uint64(e>>8+1-next)), uint8(e))
			next = e>>8 + 1
		}
		dst[0].AppendBytes(buf)
	}
	return nil
}

func (a *hll) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	for i := range n {
		if states[0].IsNull(i) {
			return ErrCorruptState
		}
		b, err := readHeader(states[0].Bytes(i), a.spec.ID)
		if err != nil {
			return err
		}
		d := decoder{b: b}
		a.mergeOne(&a.st[group(groups, i)], &d)
		if err := d.err("HyperLogLog sketch"); err != nil {
			return err
		}
	}
	return nil
}

func (a *hll) mergeOne(s *sketch, d *decoder) {
	head := d.take(2)
	if d.failed = d.failed || head[0] != a.p || head[1] > hllDense; d.failed {
		return
	}
	if head[1] == hllDense {
		for r, rank := range d.take(1 << a.p) {
			if d.failed = d.failed || rank > 65-a.p; d.failed {
				return
			}
			if rank > 0 {
				a.raise(s, uint32(r), rank)
			}
		}
	} else {
		a.mergeSparse(s, d)
	}
	d.failed = d.failed || len(d.b) > 0
}

func (a *hll) mergeSparse(s *sketch, d *decoder) {
	next := uint64(0) // the register after the last one
	for range d.count() {
		step, rank := d.uvarint(), d.take(1)[0]
		if step > 1<<a.p {
			step = 0
		}
		next += step
		if d.failed = d.failed || step == 0 || next > 1<<a.p || rank == 0 || rank > 65-a.p; d.failed {
			return
		}
		a.raise(s, uint32(next-1), rank)
	}
}

func (a *hll) Final(from, to int, dst *column.Vector) error {
	for i := range a.st[from:to] {
		n := a.st[from+i].estimate(1 << a.p)
		dst.Append(column.IntValue(schema.Int64, int64(math.Round(n))))
	}
	return nil
}

// estimate is HyperLogLog's raw estimate, and linear counting for as long as
// enough registers are empty.
func (s *sketch) estimate(registers int) float64 {
	m := float64(registers)
	zeros, sum := registers, 0.0
	count := func(rank uint8) {
		if rank > 0 {
			zeros--
			sum += math.Ldexp(1, -int(rank))
		}
	}
	for _, rank := range s.dense {
		count(rank)
	}
	for _, e := range s.sparse {
		count(uint8(e))
	}
	raw := hllAlpha(registers) * m * m / (sum + float64(zeros))
	if raw <= 2.5*m && zeros > 0 {
		return m * math.Log(m/float64(zeros))
	}
	return raw
}

// hllAlpha is the correction of the harmonic mean.
func hllAlpha(registers int) float64 {
	switch registers {
	case 16:
		return 0.673
	case 32:
		return 0.697
	case 64:
		return 0.709
	}
	return 0.7213 / (1 + 1.079/float64(registers))
}
