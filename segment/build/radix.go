package build

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// keyed is a row with the leading 64 bits of its sort key.
type keyed struct {
	key uint64
	row uint32
}

const (
	// radixLeast is the number of rows from which counting beats comparing.
	radixLeast = 256
	// textDepth is the length of a common prefix beyond which texts are compared.
	textDepth = 128
)

// sortByKey orders rows by key; rows of one key keep their order. tmp is at
// least as long as rows.
func sortByKey(rows, tmp []keyed) {
	if len(rows) < radixLeast {
		slices.SortStableFunc(rows, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		return
	}
	var differ uint64
	for i := range rows {
		differ |= rows[i].key ^ rows[0].key
	}
	from, to := rows, tmp[:len(rows)]
	for shift := 0; shift < 64; shift += 8 {
		if byte(differ>>shift) != 0 {
			scatter(to, from, shift)
			from, to = to, from
		}
	}
	if &from[0] != &rows[0] {
		copy(rows, from)
	}
}

// scatter orders from by one byte of the keys into to.
func scatter(to, from []keyed, shift int) {
	var at [256]uint32
	for i := range from {
		at[byte(from[i].key>>shift)]++
	}
	sum := uint32(0)
	for i, n := range at {
		at[i] = sum
		sum += n
	}
	for _, r := range from {
		b := byte(r.key >> shift)
		to[at[b]] = r
		at[b]++
	}
}

// sortTexts orders rows, which agree in their first depth bytes, by their
// bytes; rows of equal texts keep their order.
func sortTexts(v vector, rows, tmp []keyed, depth int) {
	if depth >= textDepth {
		slices.SortStableFunc(rows, func(a, b keyed) int { return bytes.Compare(v.Bytes(int(a.row)), v.Bytes(int(b.row))) })
		return
	}
	for i := range rows {
		b := v.Bytes(int(rows[i].row))
		rows[i].key = prefixKey(b[min(depth, len(b)):])
	}
	sortByKey(rows, tmp)
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && rows[j].key == rows[i].key {
			j++
		}
		if j-i > 1 {
			sortAlike(v, rows[i:j], tmp, depth+8)
		}
		i = j
	}
}

// sortAlike orders rows whose bytes before depth are equal when zeros follow
// them: those that end there are prefixes of each other and of the rest.
func sortAlike(v vector, rows, tmp []keyed, depth int) {
	for i := range rows {
		rows[i].key = uint64(min(len(v.Bytes(int(rows[i].row))), depth+1))
	}
	sortByKey(rows, tmp)
	longer := len(rows)
	for longer > 0 && rows[longer-1].key > uint64(depth) {
		longer--
	}
	if rest := rows[longer:]; len(rest) > 1 {
		sortTexts(v, rest, tmp, depth)
	}
}

func prefixKey(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var k [8]byte
	copy(k[:], b)
	return binary.BigEndian.Uint64(k[:])
}
