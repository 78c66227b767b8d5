package kernel

// The arithmetic of whole columns wraps and tells whether a row may have left
// the type; the caller then looks at the rows one by one. An operand of one
// value stands for all rows.

// WidenInt32 sets dst[i] to src[i].
func WidenInt32(dst []int64, src []int32) {
	src = src[:len(dst)]
	for i := widenInt32Wide(dst, src); i < len(dst); i++ {
		dst[i] = int64(src[i])
	}
}

// stepOf is how far an operand moves with the row.
func stepOf(v []int64) int {
	if len(v) == 1 {
		return 0
	}
	return 1
}

// AddInt64 sets dst[i] to a[i] + b[i].
func AddInt64(dst, a, b []int64) (suspect bool) {
	n, suspect := addInt64Wide(dst, a, b)
	return addInt64(dst, a, b, n) || suspect
}

// addInt64 adds from row i on.
func addInt64(dst, a, b []int64, i int) (suspect bool) {
	sa, sb := stepOf(a), stepOf(b)
	var over int64 // negative once a sign says overflow
	for ; i < len(dst); i++ {
		x, y := a[i*sa], b[i*sb]
		s := x + y
		over |= (x ^ s) & (y ^ s)
		dst[i] = s
	}
	return over < 0
}

// SubInt64 sets dst[i] to a[i] - b[i].
func SubInt64(dst, a, b []int64) (suspect bool) {
	n, suspect := subInt64Wide(dst, a, b)
	return subInt64(dst, a, b, n) || suspect
}

func subInt64(dst, a, b []int64, i int) (suspect bool) {
	sa, sb := stepOf(a), stepOf(b)
	var over int64
	for ; i < len(dst); i++ {
		x, y := a[i*sa], b[i*sb]
		s := x - y
		over |= (x ^ y) & (x ^ s)
		dst[i] = s
	}
	return over < 0
}

// MulInt64 sets dst[i] to a[i]·b[i]. Factors of more than 32 bits are
// suspicious.
func MulInt64(dst, a, b []int64) (suspect bool) {
	n, suspect := mulInt64Wide(dst, a, b)
	return mulInt64(dst, a, b, n) || suspect
}

func mulInt64(dst, a, b []int64, i int) (suspect bool) {
	sa, sb := stepOf(a), stepOf(b)
	var wide uint64
	for ; i < len(dst); i++ {
		x, y := a[i*sa], b[i*sb]
		wide |= uint64(x+1<<31) | uint64(y+1<<31)
		dst[i] = x * y
	}
	return wide >= 1<<32
}
