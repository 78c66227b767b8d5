package file

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/apache/arrow/go/v17/parquet"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// readDeltas reads DELTA_BINARY_PACKED numbers, at most limit, and returns
// what follows them.
func readDeltas(b []byte, limit int) (values []int64, rest []byte, err error) {
	var head [3]uint64
	for i := range head {
		if head[i], b, err = uvarint(b); err != nil {
			return nil, nil, err
		}
	}
	block, minis, count := head[0], head[1], head[2]
	first, b, err := zigzag(b)
	if err != nil {
		return nil, nil, err
	}
	if block == 0 || block > 1<<20 || minis == 0 || block%minis != 0 || block/minis%8 != 0 || count > uint64(limit) {
		return nil, nil, errPage("bad header of deltas")
	}
	if count == 0 {
		return nil, b, nil
	}
	values = append(make([]int64, 0, count), first)
	perMini := int(block / minis)
	for uint64(len(values)) < count {
		var low int64
		if low, b, err = zigzag(b); err != nil {
			return nil, nil, err
		}
		if uint64(len(b)) < minis {
			return nil, nil, errPage("deltas end early")
		}
		widths := b[:minis]
		b = b[minis:]
		for _, w := range widths {
			if uint64(len(values)) == count {
				break // the rest of the block is not there
			}
			size := perMini / 8 * int(w)
			if w > 64 || len(b) < size {
				return nil, nil, errPage("deltas end early")
			}
			values = appendDeltas(values, b[:size], int(w), min(perMini, int(count)-len(values)), low)
			b = b[size:]
		}
	}
	return values, b, nil
}

// appendDeltas appends n values, each its delta of width bits plus low beyond
// the one before.
func appendDeltas(values []int64, b []byte, width, n int, low int64) []int64 {
	last := values[len(values)-1]
	for i := range n {
		last += low + int64(bitsAt(b, i*width, width))
		values = append(values, last)
	}
	return values
}

// bitsAt reads width bits (≤ 64) at a bit position, least significant first.
func bitsAt(b []byte, bit, width int) uint64 {
	if width == 0 {
		return 0
	}
	var word [9]byte
	copy(word[:], b[bit>>3:])
	shift := bit & 7
	v := binary.LittleEndian.Uint64(word[:]) >> shift
	if shift > 0 {
		v |= uint64(word[8]) << (64 - shift)
	}
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}

func uvarint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, errPage("bad number")
	}
	return v, b[n:], nil
}

func zigzag(b []byte) (int64, []byte, error) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, errPage("bad number")
	}
	return v, b[n:], nil
}

// appendDeltaInts appends n DELTA_BINARY_PACKED integers.
func appendDeltaInts(v *column.Vector, b []byte, n int) error {
	values, _, err := readDeltas(b, n)
	if err != nil {
		return err
	}
	if len(values) != n {
		return errPage("%d deltas for %d values", len(values), n)
	}
	switch v.Kind() {
	case schema.KindInt64:
		v.Int64s = append(v.Int64s, values...)
	case schema.KindInt32:
		for _, x := range values {
			v.Int32s = append(v.Int32s, int32(x))
		}
	default:
		return errPage("deltas of %v", v.Kind())
	}
	v.N += n
	return nil
}

// appendDeltaLengths appends n DELTA_LENGTH_BYTE_ARRAY values.
func appendDeltaLengths(v *column.Vector, b []byte, n int) error {
	lengths, b, err := readDeltas(b, n)
	if err != nil {
		return err
	}
	if len(lengths) != n {
		return errPage("%d lengths for %d values", len(lengths), n)
	}
	for _, l := range lengths {
		if l < 0 || l > int64(len(b)) {
			return errPage("byte array of %d bytes in %d bytes", l, len(b))
		}
		if uint64(len(v.Data))+uint64(l) > math.MaxUint32 {
			return errTooMuchText
		}
		v.AppendBytes(b[:l])
		b = b[l:]
	}
	return nil
}

// appendDeltaStrings appends n DELTA_BYTE_ARRAY values, each a prefix of the
// one before and a suffix.
func appendDeltaStrings(v *column.Vector, b []byte, n int) error {
	prefixes, b, err := readDeltas(b, n)
	if err != nil {
		return err
	}
	suffixes := column.New(schema.Bytea, n)
	if err := appendDeltaLengths(suffixes, b, n); err != nil {
		return err
	}
	if len(prefixes) != n {
		return errPage("%d prefixes for %d values", len(prefixes), n)
	}
	var last []byte
	for i, p := range prefixes {
		if p < 0 || p > int64(len(last)) {
			return errPage("prefix of %d bytes of a value of %d", p, len(last))
		}
		last = append(last[:p], suffixes.Bytes(i)...)
		if uint64(len(v.Data))+uint64(len(last)) > math.MaxUint32 {
			return errTooMuchText
		}
		v.AppendBytes(last)
	}
	return nil
}

// appendSplit appends n BYTE_STREAM_SPLIT values: the first bytes of all, the
// second bytes of all, and so on.
func appendSplit(v *column.Vector, b []byte, n int, t parquet.Type, length int) error {
	width := fixedWidth(t, length)
	if width <= 0 || bits.Len(uint(n)) > 31 || len(b) != n*width {
		return errPage("%d split values of %d bytes in %d bytes", n, width, len(b))
	}
	joined := make([]byte, len(b))
	for k := range width {
		for i, c := range b[k*n : (k+1)*n] {
			joined[i*width+k] = c
		}
	}
	return appendPlain(v, joined, n, t, length)
}
