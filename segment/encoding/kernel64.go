package encoding

const (
	lanes64 = 8  // 64-bit lanes in a row
	slots64 = 64 // values per lane of a 64-bit block
)

// lowMask64 returns w one-bits, w <= 64.
func lowMask64(w uint) uint64 {
	if w >= 64 {
		return ^uint64(0)
	}
	return 1<<w - 1
}

func unpack64Plain(dst *[BlockLen]uint64, src []uint64, w uint) {
	if w == 0 {
		clear(dst[:])
		return
	}
	mask := lowMask64(w)
	for s := range uint(slots64) {
		bit := s * w
		row, sh := bit>>6, bit&63
		a := (*[lanes64]uint64)(src[row*lanes64:])
		d := (*[lanes64]uint64)(dst[s*lanes64:])
		if sh+w <= 64 {
			for j := range d {
				d[j] = a[j] >> sh & mask
			}
			continue
		}
		b := (*[lanes64]uint64)(src[row*lanes64+lanes64:])
		for j := range d {
			d[j] = (a[j]>>sh | b[j]<<(64-sh)) & mask
		}
	}
}

// pack64 packs 512 values of at most w <= 64 bits into 8·w zeroed words.
func pack64(dst []uint64, src *[BlockLen]uint64, w uint) {
	if w == 0 {
		return
	}
	for s := range uint(slots64) {
		bit := s * w
		row, sh := bit>>6, bit&63
		for j := range uint(lanes64) {
			v := src[s*lanes64+j]
			dst[row*lanes64+j] |= v << sh
			if sh+w > 64 {
				dst[(row+1)*lanes64+j] |= v >> (64 - sh)
			}
		}
	}
}

// get64 returns value i of a block packed by pack64.
func get64(src []uint64, i, w uint) uint64 {
	if w == 0 {
		return 0
	}
	lane, bit := i&7, (i>>3)*w
	row, sh := bit>>6, bit&63
	at := row*lanes64 + lane
	x := src[at] >> sh
	if sh+w > 64 {
		x |= src[at+lanes64] << (64 - sh)
	}
	return x & lowMask64(w)
}

// packInts packs 512 values with the layout for their width.
func packInts(dst []uint64, src *[BlockLen]uint64, w uint, tmp *[BlockLen]uint32) {
	if w > 32 {
		pack64(dst, src, w)
		return
	}
	for i, x := range src {
		tmp[i] = uint32(x)
	}
	pack32(dst, tmp, w)
}
