//go:build goexperiment.simd && amd64

package kernel

import "simd/archsimd"

// Tables of up to four registers are looked up by permuting these: two permute
// instructions give an element of either half, and the next bit of the index
// chooses between them.

const (
	// smallTable32 and smallTable64 are the largest tables of 32 and 64-bit
	// elements that registers hold.
	smallTable32 = 64
	smallTable64 = 32
	// smallTableRows is the number of rows from which loading the registers pays.
	smallTableRows = 64
)

// regTable32 is a table of 32-bit elements in registers.
type regTable32 struct{ a, b, c, d, half archsimd.Uint32x16 }

func newRegTable32(table []uint32) regTable32 {
	var t [smallTable32]uint32
	copy(t[:], table)
	return regTable32{load16(t[:]), load16(t[16:]), load16(t[32:]), load16(t[48:]), archsimd.BroadcastUint32x16(32)}
}

func (t *regTable32) at(id archsimd.Uint32x16) archsimd.Uint32x16 {
	upper := id.GreaterEqual(t.half)
	return t.c.ConcatPermute(t.d, id).Merge(t.a.ConcatPermute(t.b, id), upper)
}

func setTableAVX512(dst, ids, table []uint32) int {
	if len(table) > smallTable32 || len(ids) < smallTableRows {
		return 0
	}
	n := len(ids) &^ 15
	t := newRegTable32(table)
	for i := 0; i < n; i += 16 {
		t.at(load16(ids[i:])).Store((*[16]uint32)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}

func addTableAVX512(dst, ids, table []uint32) int {
	if len(table) > smallTable32 || len(ids) < smallTableRows {
		return 0
	}
	n := len(ids) &^ 15
	t := newRegTable32(table)
	for i := 0; i < n; i += 16 {
		t.at(load16(ids[i:])).Add(load16(dst[i:])).Store((*[16]uint32)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}

// gather64AVX512 is setTableAVX512 for 64-bit elements.
func gather64AVX512(dst []uint64, ids []uint32, table []uint64) int {
	if len(table) > smallTable64 || len(ids) < smallTableRows {
		return 0
	}
	var t [smallTable64]uint64
	copy(t[:], table)
	a, b, c, d := load8(t[:]), load8(t[8:]), load8(t[16:]), load8(t[24:])
	half := archsimd.BroadcastUint64x8(16)
	n := len(ids) &^ 7
	for i := 0; i < n; i += 8 {
		id := archsimd.LoadUint32x8((*[8]uint32)(ids[i:])).ExtendToUint64()
		c.ConcatPermute(d, id).Merge(a.ConcatPermute(b, id), id.GreaterEqual(half)).Store((*[8]uint64)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}
