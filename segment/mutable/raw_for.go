package mutable

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// forValues are integers of a closed block in frame of reference.
type forValues[T encoding.Integer] struct {
	packed *encoding.FOR[T]
	slot   func(*column.Vector) *[]T
}

func packInts[T encoding.Integer](f *fixedValues[T]) (values, int64) {
	buf := encoding.AppendFOR(nil, f.vals)
	packed, err := encoding.NewFOR[T](buf, len(f.vals))
	if err != nil {
		panic("mutable: packed integers do not read back: " + err.Error()) // our own bytes
	}
	return &forValues[T]{packed: packed, slot: f.slot}, int64(cap(buf))
}

func (f *forValues[T]) read(from, n int, dst *column.Vector) {
	s := f.slot(dst)
	at := len(*s)
	*s = extend(*s, n)
	f.packed.Read(uint32(from), (*s)[at:])
	dst.N += n
}

func (f *forValues[T]) gather(docs []uint32, base uint32, dst *column.Vector) {
	s := f.slot(dst)
	var rows [256]uint32
	for len(docs) > 0 {
		n := min(len(docs), len(rows))
		for i, doc := range docs[:n] {
			rows[i] = doc - base
		}
		at := len(*s)
		*s = extend(*s, n)
		f.packed.Gather(rows[:n], (*s)[at:])
		dst.N += n
		docs = docs[n:]
	}
}

func (f *forValues[T]) match(from uint32, n int, r segment.ValueRange, dst column.Bitmap) bool {
	lo, hi, some := rangeOf[T](r)
	if !some {
		clearPrefix(dst, n)
		return true
	}
	f.packed.Match(from, n, lo, hi, dst)
	return true
}
