package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// orderWords fills dst with a word per row whose unsigned order is that of the
// values, for kinds of at most 64 bits; ok is false for wider ones. Words of
// NULLs mean nothing.
func orderWords(dst []uint64, v *column.Vector, n int) (words []uint64, ok bool) {
	dst = extend(dst[:0], n)
	switch v.Kind() {
	case schema.KindInt32:
		fillWords(dst, v.Int32s[:n], func(x int32) uint64 { return orderInt(int64(x)) })
	case schema.KindInt64:
		fillWords(dst, v.Int64s[:n], orderInt)
	case schema.KindFloat32:
		fillWords(dst, v.Float32s[:n], func(x float32) uint64 { return orderFloat(float64(x)) })
	case schema.KindFloat64:
		fillWords(dst, v.Float64s[:n], orderFloat)
	case schema.KindBool:
		fillWords(dst, v.Bools[:n], orderBool)
	default:
		return dst, false
	}
	return dst, true
}

func fillWords[T any](dst []uint64, vals []T, word func(T) uint64) {
	for i, x := range vals {
		dst[i] = word(x)
	}
}

// updateWords looks at the words of by first: most rows are worse than the best
// so far and cost one comparison.
func (a *argExtreme) updateWords(groups []uint32, n int, x, by *column.Vector) {
	flip := uint64(0) // turns the least into the greatest
	if a.sign < 0 {
		flip = ^flip
	}
	nulls := x.HasNulls() || by.HasNulls()
	for i, w := range a.words[:n] {
		g := group(groups, i)
		w ^= flip
		if a.best[g] > w || nulls && (x.IsNull(i) || by.IsNull(i)) {
			continue
		}
		a.take(&a.st[g], x, i, by.Value(i))
		a.best[g] = w
	}
}
