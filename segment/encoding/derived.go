package encoding

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// A column whose value follows from that of another one, as a customer's name
// from the customer's key, needs no ids of its own: a table maps the ids of the
// other column, its base. The buffer holds
//
//	column id of the base (uint32)
//	bytes of an entry: 1, 2, 4, or 0 when both columns have the same ids
//	zeros to 64 bytes
//	per id of the base the id of this column
const derivedHead = 64

// tableEntry is an entry of a table of ids.
type tableEntry interface{ uint8 | uint16 | uint32 }

// DerivedIDs reads ids through the ids of another column.
type DerivedIDs[T tableEntry] struct {
	base  IDs
	table []T
}

var _ IDs = (*DerivedIDs[uint8])(nil)

// DerivedBase returns the column id of the base.
func DerivedBase(buf []byte) (uint32, error) {
	if len(buf) < derivedHead {
		return 0, segment.Corruptf("derived ids in %d bytes", len(buf))
	}
	return binary.LittleEndian.Uint32(buf), nil
}

// NewDerived returns a reader of ids below card which follow from those of
// base, below baseCard.
func NewDerived(buf []byte, base IDs, baseCard, card int) (IDs, error) {
	if len(buf) < derivedHead {
		return nil, segment.Corruptf("derived ids in %d bytes", len(buf))
	}
	width, body := buf[4], buf[derivedHead:]
	switch {
	case width == 0 && baseCard == card && len(body) == 0:
		return base, nil
	case width == 1:
		return newDerived[uint8](body, base, baseCard, card)
	case width == 2:
		return newDerived[uint16](body, base, baseCard, card)
	case width == 4:
		return newDerived[uint32](body, base, baseCard, card)
	}
	return nil, segment.Corruptf("table of %d bytes an entry", width)
}

func newDerived[T tableEntry](body []byte, base IDs, baseCard, card int) (IDs, error) {
	var t T
	if len(body) != baseCard*int(unsafe.Sizeof(t)) {
		return nil, segment.Corruptf("table of %d ids in %d bytes", baseCard, len(body))
	}
	d := &DerivedIDs[T]{base, View[T](body)}
	for _, id := range d.table {
		if uint64(id) >= uint64(card) {
			return nil, segment.Corruptf("id beyond the dictionary of %d values", card)
		}
	}
	return d, nil
}

func (d *DerivedIDs[T]) lookUp(ids []uint32) {
	for i, id := range ids {
		ids[i] = uint32(d.table[id])
	}
}

// Read implements IDs.
func (d *DerivedIDs[T]) Read(from uint32, dst []uint32) {
	d.base.Read(from, dst)
	d.lookUp(dst)
}

// Gather implements IDs.
func (d *DerivedIDs[T]) Gather(docs []uint32, dst []uint32) {
	dst = dst[:len(docs)]
	d.base.Gather(docs, dst)
	d.lookUp(dst)
}

// Match implements IDs.
func (d *DerivedIDs[T]) Match(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	s := getScratch()
	defer putScratch(s)
	for at := 0; at < n; {
		// To the end of a block of the base, which unpacks whole ones.
		k := min(BlockLen-(int(from)+at)%BlockLen, n-at)
		d.Read(from+uint32(at), s.u32[:k])
		if set.Bits != nil {
			matchSet32(&s.bits, &s.u32, set.Bits)
		} else {
			lo, hi := min(set.Lo, math.MaxInt32), min(set.Hi, math.MaxInt32)
			matchInt32s(View[int32](Bytes(s.u32[:])), int32(lo), int32(hi), s.bits[:])
		}
		putBits(dst, at, &s.bits, 0, k)
		at += k
	}
}

// AppendDerived appends a table from the ids of a base column to those below
// card.
func AppendDerived(dst []byte, base uint32, table []uint32, card int) []byte {
	head := make([]byte, derivedHead)
	binary.LittleEndian.PutUint32(head, base)
	head[4] = entryWidth(table, card)
	dst = append(dst, head...)
	switch head[4] {
	case 1:
		for _, id := range table {
			dst = append(dst, uint8(id))
		}
	case 2:
		for _, id := range table {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(id))
		}
	case 4:
		dst = append(dst, Bytes(table)...)
	}
	return dst
}

func entryWidth(table []uint32, card int) uint8 {
	same := len(table) == card
	for i, id := range table {
		same = same && id == uint32(i)
	}
	switch {
	case same:
		return 0
	case card <= math.MaxUint8+1:
		return 1
	case card <= math.MaxUint16+1:
		return 2
	}
	return 4
}
