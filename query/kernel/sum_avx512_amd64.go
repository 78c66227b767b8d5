//go:build goexperiment.simd && amd64

package kernel

import (
	"math/bits"
	"simd/archsimd"

	"github.com/alluviumdb/alluvium/internal/column"
)

func total8(v archsimd.Int64x8) (sum int64) {
	var lanes [8]int64
	v.Store(&lanes)
	for _, x := range lanes {
		sum += x
	}
	return sum
}

func sumInt32AVX512(v []int32) int64 {
	var a, b archsimd.Int64x8
	for len(v) >= 16 {
		a = a.Add(archsimd.LoadInt32x8((*[8]int32)(v)).ExtendToInt64())
		b = b.Add(archsimd.LoadInt32x8((*[8]int32)(v[8:])).ExtendToInt64())
		v = v[16:]
	}
	sum := total8(a.Add(b))
	archsimd.ClearAVXUpperBits()
	return sum + sumInt32(v)
}

// halves128 returns hi·2^32 + lo.
func halves128(hi int64, lo uint64) column.Int128 {
	return column.Int128{Hi: hi >> 32, Lo: uint64(hi) << 32}.Add(column.Int128{Lo: lo})
}

// sumPart is a number of values whose halves can be added up in 64 bits.
const sumPart = 1 << 30

func sumInt64AVX512(v []int64) column.Int128 {
	var total column.Int128
	for len(v) >= 8 {
		n := min(len(v), sumPart) &^ 7
		var hi, lo archsimd.Int64x8
		low := archsimd.BroadcastInt64x8(1<<32 - 1)
		for part := v[:n]; len(part) >= 8; part = part[8:] {
			x := archsimd.LoadInt64x8((*[8]int64)(part))
			hi, lo = hi.Add(x.ShiftAllRight(32)), lo.Add(x.And(low))
		}
		total = total.Add(halves128(total8(hi), uint64(total8(lo))))
		v = v[n:]
	}
	archsimd.ClearAVXUpperBits()
	return total.Add(sumInt64(v))
}

func sumFloat64AVX512(v []float64) float64 {
	var a, b archsimd.Float64x8
	for len(v) >= 16 {
		a = a.Add(archsimd.LoadFloat64x8((*[8]float64)(v)))
		b = b.Add(archsimd.LoadFloat64x8((*[8]float64)(v[8:])))
		v = v[16:]
	}
	var lanes [8]float64
	a.Add(b).Store(&lanes)
	archsimd.ClearAVXUpperBits()
	return sumFloat64(lanes[:]) + sumFloat64(v)
}

func sumInt32ExceptAVX512(v []int32, nulls column.Bitmap) (sum int64, n int) {
	full := min(len(nulls), len(v)/64)
	var acc archsimd.Int64x8
	for i, w := range nulls[:full] {
		keep := ^w
		n += bits.OnesCount64(keep)
		part := (*[64]int32)(v[i*64:])
		for j := range 8 {
			x := archsimd.LoadInt32x8((*[8]int32)(part[j*8:])).ExtendToInt64()
			acc = acc.Add(x.Masked(archsimd.Mask64x8FromBits(uint8(keep >> (j * 8)))))
		}
	}
	sum = total8(acc)
	archsimd.ClearAVXUpperBits()
	s, k := sumInt32Except(v[full*64:], nulls[full:])
	return sum + s, n + k
}

func sumInt64ExceptAVX512(v []int64, nulls column.Bitmap) (sum column.Int128, n int) {
	full := min(len(nulls), len(v)/64, sumPart/64)
	var hi, lo archsimd.Int64x8
	low := archsimd.BroadcastInt64x8(1<<32 - 1)
	for i, w := range nulls[:full] {
		keep := ^w
		n += bits.OnesCount64(keep)
		part := (*[64]int64)(v[i*64:])
		for j := range 8 {
			x := archsimd.LoadInt64x8((*[8]int64)(part[j*8:])).Masked(archsimd.Mask64x8FromBits(uint8(keep >> (j * 8))))
			hi, lo = hi.Add(x.ShiftAllRight(32)), lo.Add(x.And(low))
		}
	}
	sum = halves128(total8(hi), uint64(total8(lo)))
	archsimd.ClearAVXUpperBits()
	s, k := sumInt64Except(v[full*64:], nulls[full:])
	return sum.Add(s), n + k
}

func minMaxInt32AVX512(v []int32) (lo, hi int32) {
	if len(v) < 16 {
		return minMax(v)
	}
	low := archsimd.LoadInt32x16((*[16]int32)(v))
	high := low
	rest := v[16:]
	for ; len(rest) >= 16; rest = rest[16:] {
		x := archsimd.LoadInt32x16((*[16]int32)(rest))
		low, high = low.Min(x), high.Max(x)
	}
	var lows, highs [16]int32
	low.Store(&lows)
	high.Store(&highs)
	archsimd.ClearAVXUpperBits()
	lo, _ = minMax(lows[:])
	_, hi = minMax(highs[:])
	for _, x := range rest {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

func minMaxInt64AVX512(v []int64) (lo, hi int64) {
	if len(v) < 8 {
		return minMax(v)
	}
	low := archsimd.LoadInt64x8((*[8]int64)(v))
	high := low
	rest := v[8:]
	for ; len(rest) >= 8; rest = rest[8:] {
		x := archsimd.LoadInt64x8((*[8]int64)(rest))
		low, high = low.Min(x), high.Max(x)
	}
	var lows, highs [8]int64
	low.Store(&lows)
	high.Store(&highs)
	archsimd.ClearAVXUpperBits()
	lo, _ = minMax(lows[:])
	_, hi = minMax(highs[:])
	for _, x := range rest {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}
