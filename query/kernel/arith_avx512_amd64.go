//go:build goexperiment.simd && amd64

package kernel

import "simd/archsimd"

func widenInt32AVX512(dst []int64, src []int32) int {
	n := len(dst) &^ 7
	for i := 0; i < n; i += 8 {
		archsimd.LoadInt32x8((*[8]int32)(src[i:])).ExtendToInt64().Store((*[8]int64)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}

// operand reads a column of numbers or, again and again, one number.
type operand struct {
	v []int64
	x archsimd.Int64x8
}

func operandOf(v []int64) operand {
	if len(v) == 1 {
		return operand{x: archsimd.BroadcastInt64x8(v[0])}
	}
	return operand{v: v}
}

func (o *operand) at(i int) archsimd.Int64x8 {
	if o.v == nil {
		return o.x
	}
	return archsimd.LoadInt64x8((*[8]int64)(o.v[i:]))
}

func anyNegative(v archsimd.Int64x8) bool {
	return v.Less(archsimd.Int64x8{}).ToBits() != 0
}

func addInt64AVX512(dst, a, b []int64) (n int, suspect bool) {
	n = len(dst) &^ 7
	l, r := operandOf(a), operandOf(b)
	var over archsimd.Int64x8
	for i := 0; i < n; i += 8 {
		x, y := l.at(i), r.at(i)
		s := x.Add(y)
		over = over.Or(x.Xor(s).And(y.Xor(s)))
		s.Store((*[8]int64)(dst[i:]))
	}
	suspect = anyNegative(over)
	archsimd.ClearAVXUpperBits()
	return n, suspect
}

func subInt64AVX512(dst, a, b []int64) (n int, suspect bool) {
	n = len(dst) &^ 7
	l, r := operandOf(a), operandOf(b)
	var over archsimd.Int64x8
	for i := 0; i < n; i += 8 {
		x, y := l.at(i), r.at(i)
		s := x.Sub(y)
		over = over.Or(x.Xor(y).And(x.Xor(s)))
		s.Store((*[8]int64)(dst[i:]))
	}
	suspect = anyNegative(over)
	archsimd.ClearAVXUpperBits()
	return n, suspect
}

// mulInt64AVX512 suspects factors that do not fit 32 bits: those whose distance
// from -2^31 has a bit above.
func mulInt64AVX512(dst, a, b []int64) (n int, suspect bool) {
	n = len(dst) &^ 7
	l, r := operandOf(a), operandOf(b)
	half := archsimd.BroadcastInt64x8(1 << 31)
	var wide archsimd.Int64x8
	for i := 0; i < n; i += 8 {
		x, y := l.at(i), r.at(i)
		wide = wide.Or(x.Add(half).Or(y.Add(half)))
		x.Mul(y).Store((*[8]int64)(dst[i:]))
	}
	suspect = wide.AsUint64x8().Greater(archsimd.BroadcastUint64x8(1<<32-1)).ToBits() != 0
	archsimd.ClearAVXUpperBits()
	return n, suspect
}
