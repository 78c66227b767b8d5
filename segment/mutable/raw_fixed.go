package mutable

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// fixedWriter keeps the open block of a fixed-width kind without order.
type fixedWriter[T any] struct {
	slot   func(*column.Vector) *[]T
	size   int64 // bytes of a value
	vals   []T
	reader *fixedValues[T]
}

func newFixedWriter[T any](size int64, slot func(*column.Vector) *[]T) *fixedWriter[T] {
	return &fixedWriter[T]{slot: slot, size: size}
}

func (w *fixedWriter[T]) append(v *column.Vector, from, n int) {
	if cap(w.vals)-len(w.vals) < n {
		w.vals = grow(w.vals, n, segment.BlockRows)
		w.reader = nil
	}
	w.vals = append(w.vals, (*w.slot(v))[from:from+n]...)
}

func (w *fixedWriter[T]) values() values {
	if w.reader == nil {
		w.reader = &fixedValues[T]{vals: w.vals[:cap(w.vals)], slot: w.slot}
	}
	return w.reader
}

// take hands the full array over and begins the next block.
func (w *fixedWriter[T]) take() *fixedValues[T] {
	full := &fixedValues[T]{vals: w.vals, slot: w.slot}
	w.vals, w.reader = make([]T, 0, segment.BlockRows), nil
	return full
}

func (w *fixedWriter[T]) close() (values, int64) {
	full := w.take()
	return full, int64(cap(full.vals)) * w.size
}

func (w *fixedWriter[T]) zone() *zone        { return nil }
func (w *fixedWriter[T]) heldBytes() int64   { return int64(cap(w.vals)) * w.size }
func (w *fixedWriter[T]) packedBytes() int64 { return int64(len(w.vals)) * w.size }

// numberWriter is a fixedWriter for numbers: it keeps bounds, and packs whole
// numbers when a block closes.
type numberWriter[T encoding.Number] struct {
	fixedWriter[T]
	bounds bounds[T]
	reader *numberValues[T]
	pack   func(*fixedValues[T]) (values, int64) // nil for floats
}

func newIntWriter[T encoding.Integer](size int64, slot func(*column.Vector) *[]T) *numberWriter[T] {
	return &numberWriter[T]{fixedWriter: fixedWriter[T]{slot: slot, size: size}, pack: packInts[T]}
}

func newFloatWriter[T float32 | float64](size int64, slot func(*column.Vector) *[]T) *numberWriter[T] {
	return &numberWriter[T]{fixedWriter: fixedWriter[T]{slot: slot, size: size}}
}

func (w *numberWriter[T]) append(v *column.Vector, from, n int) {
	w.fixedWriter.append(v, from, n)
	vals := (*w.slot(v))[from : from+n]
	if !v.HasNulls() {
		for _, x := range vals {
			w.bounds.add(x)
		}
		return
	}
	for i, x := range vals {
		if !v.Nulls.Get(from + i) {
			w.bounds.add(x)
		}
	}
}

func (w *numberWriter[T]) values() values {
	if w.reader == nil || cap(w.reader.vals) != cap(w.vals) {
		w.reader = &numberValues[T]{fixedValues[T]{vals: w.vals[:cap(w.vals)], slot: w.slot}}
	}
	return w.reader
}

func (w *numberWriter[T]) close() (values, int64) {
	full := w.take()
	w.reader, w.bounds = nil, bounds[T]{}
	if w.pack != nil {
		return w.pack(full)
	}
	return &numberValues[T]{*full}, int64(cap(full.vals)) * w.size
}

func (w *numberWriter[T]) zone() *zone { return w.bounds.zone() }
