package file

import (
	"encoding/binary"
	"fmt"
)

// errPage returns a fault of a page's bytes.
func errPage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// appendHybrid appends n numbers of width bits from Parquet's mix of runs and
// bit-packed groups, and returns the largest.
func appendHybrid(dst []uint32, b []byte, width, n int) ([]uint32, uint32, error) {
	if width > 32 {
		return dst, 0, errPage("numbers of %d bits", width)
	}
	var top uint32
	for n > 0 {
		head, size := binary.Uvarint(b)
		if size <= 0 {
			return dst, 0, errPage("runs end %d values early", n)
		}
		b = b[size:]
		if head&1 == 0 {
			run := min(uint64(n), head>>1)
			bytes := (width + 7) / 8
			if run == 0 || len(b) < bytes {
				return dst, 0, errPage("bad run")
			}
			v := littleEndian(b[:bytes])
			b = b[bytes:]
			top = max(top, v)
			dst = appendRun(dst, v, int(run))
			n -= int(run)
			continue
		}
		groups := head >> 1
		if groups == 0 || width > 0 && groups > uint64(len(b)/width) {
			return dst, 0, errPage("bit-packed values end early")
		}
		count := int(min(uint64(n), groups*8))
		var m uint32
		dst, m = appendPacked(dst, b[:int(groups)*width], width, count)
		top = max(top, m)
		b = b[int(groups)*width:]
		n -= count
	}
	return dst, top, nil
}

func littleEndian(b []byte) (v uint32) {
	for i, c := range b {
		v |= uint32(c) << (8 * i)
	}
	return v
}

func appendRun(dst []uint32, v uint32, n int) []uint32 {
	at := len(dst)
	dst = extend(dst, n)
	run := dst[at:]
	for i := range run {
		run[i] = v
	}
	return dst
}

// extend lengthens s by n elements of any value.
func extend[T any](s []T, n int) []T {
	if cap(s)-len(s) < n {
		grown := make([]T, len(s), max(len(s)+n, 2*cap(s)))
		copy(grown, s)
		s = grown
	}
	return s[:len(s)+n]
}

// appendPacked unpacks n numbers of width bits, least significant bit first;
// b has them all.
func appendPacked(dst []uint32, b []byte, width, n int) ([]uint32, uint32) {
	at := len(dst)
	dst = extend(dst, n)
	out := dst[at:]
	mask := uint64(1)<<width - 1
	var top uint64
	bit, i := 0, 0
	for ; i < len(out) && bit>>3+8 <= len(b); i++ {
		v := binary.LittleEndian.Uint64(b[bit>>3:]) >> (bit & 7) & mask
		out[i] = uint32(v)
		top = max(top, v)
		bit += width
	}
	for ; i < len(out); i++ {
		var last [8]byte
		copy(last[:], b[min(bit>>3, len(b)):])
		v := binary.LittleEndian.Uint64(last[:]) >> (bit & 7) & mask
		out[i] = uint32(v)
		top = max(top, v)
		bit += width
	}
	return dst, uint32(top)
}
