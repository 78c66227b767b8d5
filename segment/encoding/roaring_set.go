package encoding

import (
	"encoding/binary"
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// SetBitmap sets the bits of dst for the values of a serialized bitmap that
// OpenBitmap accepted before with a limit of at most the bits of dst. It makes
// no bitmap of the library.
func SetBitmap(buf []byte, dst column.Bitmap) error {
	h, err := readRoaringHeader(buf)
	if err != nil {
		return err
	}
	rest := buf[h.size:]
	for i := range h.containers {
		key := int(binary.LittleEndian.Uint16(h.keys[4*i:]))
		count := int(binary.LittleEndian.Uint16(h.keys[4*i+2:])) + 1
		if key<<10 >= len(dst) {
			return segment.Corruptf("bitmap container %d", i)
		}
		rest = setContainer(rest, count, h.isRun(i), dst[key<<10:])
	}
	return nil
}

// setContainer sets the bits of the container at the head of b and returns what
// follows it.
func setContainer(b []byte, count int, run bool, dst column.Bitmap) []byte {
	switch {
	case run:
		n := int(binary.LittleEndian.Uint16(b))
		for i := range n {
			start := int(binary.LittleEndian.Uint16(b[2+4*i:]))
			setRange(dst, start, start+int(binary.LittleEndian.Uint16(b[4+4*i:]))+1, true)
		}
		return b[2+4*n:]
	case count > roaringArrayMax:
		words := dst[:min(len(dst), roaringBitsBytes/8)]
		for i := range words {
			words[i] |= binary.LittleEndian.Uint64(b[8*i:])
		}
		return b[roaringBitsBytes:]
	}
	setListed(b[:2*count], dst)
	return b[2*count:]
}

// setListed sets the bits of 16-bit values.
func setListed(list []byte, dst column.Bitmap) {
	for ; len(list) >= 2; list = list[2:] {
		x := binary.LittleEndian.Uint16(list)
		dst[x>>6] |= 1 << (x & 63)
	}
}

// AppendValues appends the values of a serialized bitmap, ascending, under the
// conditions of SetBitmap.
func AppendValues(buf []byte, dst []uint32) ([]uint32, error) {
	h, err := readRoaringHeader(buf)
	if err != nil {
		return dst, err
	}
	rest := buf[h.size:]
	for i := range h.containers {
		base := uint32(binary.LittleEndian.Uint16(h.keys[4*i:])) << 16
		count := int(binary.LittleEndian.Uint16(h.keys[4*i+2:])) + 1
		rest, dst = appendContainer(rest, count, h.isRun(i), base, dst)
	}
	return dst, nil
}

// appendContainer appends the values of the container at the head of b and
// returns what follows it.
func appendContainer(b []byte, count int, run bool, base uint32, dst []uint32) (rest []byte, docs []uint32) {
	switch {
	case run:
		n := int(binary.LittleEndian.Uint16(b))
		for i := range n {
			start, more := base+uint32(binary.LittleEndian.Uint16(b[2+4*i:])), uint32(binary.LittleEndian.Uint16(b[4+4*i:]))
			for x := start; x <= start+more; x++ {
				dst = append(dst, x)
			}
		}
		return b[2+4*n:], dst
	case count > roaringArrayMax:
		for i := range roaringBitsBytes / 8 {
			for w := binary.LittleEndian.Uint64(b[8*i:]); w != 0; w &= w - 1 {
				dst = append(dst, base+uint32(i<<6+bits.TrailingZeros64(w)))
			}
		}
		return b[roaringBitsBytes:], dst
	}
	for i := range count {
		dst = append(dst, base+uint32(binary.LittleEndian.Uint16(b[2*i:])))
	}
	return b[2*count:], dst
}
