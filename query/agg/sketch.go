package agg

import (
	"encoding/binary"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// summary is a sketch of one group's values, empty as a zero value. size is the
// accumulator's parameter: K, the number of entries or the compression.
type summary[S any] interface {
	*S
	// heldBytes is the memory behind the struct.
	heldBytes() int64
	// encode appends the payload of the state, without header and size.
	encode(dst []byte, size int) []byte
	// decode folds an encoded sketch in; bytes that encode cannot have written
	// fail d.
	decode(d *decoder, size int)
	// absorb folds other in, which is not used afterwards.
	absorb(other *S, size int)
}

// sketches holds a sketch per group. Its state is one bytes column: the header,
// the uvarint size, and what the sketch writes.
type sketches[S any, P summary[S]] struct {
	spec *Spec
	size int
	st   []S
	// width is the size of S itself, held what the sketches hold besides.
	width int64
	held  int64
}

func (a *sketches[S, P]) Grow(n int) { a.st = extend(a.st, n) }

func (a *sketches[S, P]) Bytes() int64 { return int64(cap(a.st))*a.width + a.held }

// change calls f with a sketch and accounts for what it grew or shrank.
func (a *sketches[S, P]) change(g uint32, f func(P)) {
	s := P(&a.st[g])
	before := s.heldBytes()
	f(s)
	a.held += s.heldBytes() - before
}

func (a *sketches[S, P]) State(from, to int, dst []*column.Vector) error {
	var buf []byte
	for g := from; g < to; g++ {
		a.change(uint32(g), func(s P) {
			buf = binary.AppendUvarint(appendHeader(buf[:0], a.spec.ID), uint64(a.size))
			buf = s.encode(buf, a.size)
		})
		dst[0].AppendBytes(buf)
	}
	return nil
}

func (a *sketches[S, P]) Merge(groups []uint32, n int, states []*column.Vector) error {
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
		d.failed = d.uvarint() != uint64(a.size) || d.failed
		a.change(group(groups, i), func(s P) { s.decode(&d, a.size) })
		d.failed = d.failed || len(d.b) > 0
		if err := d.err("sketch of " + a.spec.Name); err != nil {
			return err
		}
	}
	return nil
}

// Absorb implements Absorber.
func (a *sketches[S, P]) Absorb(groups []uint32, other Accumulator) error {
	o := other.(interface{ at(g int) *S })
	for i, g := range groups {
		a.change(g, func(s P) { s.absorb(o.at(i), a.size) })
	}
	return nil
}

func (a *sketches[S, P]) at(g int) *S { return &a.st[g] }

// sizeParam returns the optional last parameter of a sketch, its size, as a
// whole number from lo to hi.
func sizeParam(s *Spec, v column.Value, what string, lo, hi int) (column.Value, error) {
	f, ok := floatOf(v)
	if !ok || f != float64(int(f)) || f < float64(lo) || f > float64(hi) {
		return v, sqlerr.New(sqlerr.InvalidParameter, "the %s of %s is a whole number from %d to %d", what, s.Name, lo, hi)
	}
	return column.IntValue(schema.Int32, int64(f)), nil
}
