package file

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/parquet"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// nativeType is the type of the vector that holds a physical type's values as
// they are in the file. INT96 is kept as 12 bytes, as are all fixed lengths.
func nativeType(t parquet.Type) schema.Type {
	switch t {
	case parquet.Types.Boolean:
		return schema.Bool
	case parquet.Types.Int32:
		return schema.Int32
	case parquet.Types.Int64:
		return schema.Int64
	case parquet.Types.Float:
		return schema.Float32
	case parquet.Types.Double:
		return schema.Float64
	}
	return schema.Bytea
}

// fixedWidth returns the bytes of one PLAIN value, 0 for those of any length.
func fixedWidth(t parquet.Type, length int) int {
	switch t {
	case parquet.Types.Int32, parquet.Types.Float:
		return 4
	case parquet.Types.Int64, parquet.Types.Double:
		return 8
	case parquet.Types.Int96:
		return 12
	case parquet.Types.FixedLenByteArray:
		return length
	}
	return 0
}

// appendPlain appends n PLAIN values to v, whose type is nativeType(t).
func appendPlain(v *column.Vector, b []byte, n int, t parquet.Type, length int) error {
	if t == parquet.Types.Boolean {
		return appendPlainBools(v, b, n)
	}
	if t == parquet.Types.ByteArray {
		return appendByteArrays(v, b, n)
	}
	width := fixedWidth(t, length)
	if width <= 0 || n > len(b)/width {
		return errPage("%d values of %d bytes in %d bytes", n, width, len(b))
	}
	b = b[:n*width]
	switch v.Kind() {
	case schema.KindInt32:
		at := len(v.Int32s)
		v.Int32s = extend(v.Int32s, n)
		for i := range v.Int32s[at:] {
			v.Int32s[at+i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case schema.KindInt64:
		at := len(v.Int64s)
		v.Int64s = extend(v.Int64s, n)
		for i := range v.Int64s[at:] {
			v.Int64s[at+i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
	case schema.KindFloat32:
		for i := range n {
			v.Float32s = append(v.Float32s, math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		}
	case schema.KindFloat64:
		for i := range n {
			v.Float64s = append(v.Float64s, math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		}
	default:
		return appendFixedBytes(v, b, n, width)
	}
	v.N += n
	return nil
}

func appendPlainBools(v *column.Vector, b []byte, n int) error {
	if n > 8*len(b) {
		return errPage("%d booleans in %d bytes", n, len(b))
	}
	for i := range n {
		v.Bools = append(v.Bools, b[i>>3]>>(i&7)&1 != 0)
	}
	v.N += n
	return nil
}

func appendFixedBytes(v *column.Vector, b []byte, n, width int) error {
	if uint64(len(v.Data))+uint64(len(b)) > math.MaxUint32 {
		return errTooMuchText
	}
	at := len(v.Data)
	v.Data = append(v.Data, b...)
	for range n {
		at += width
		v.Offsets = append(v.Offsets, uint32(at))
	}
	v.N += n
	return nil
}

// appendByteArrays appends values that have their length in front.
func appendByteArrays(v *column.Vector, b []byte, n int) error {
	if n > len(b)/4 {
		return errPage("%d byte arrays in %d bytes", n, len(b))
	}
	if uint64(len(v.Data))+uint64(len(b)) > math.MaxUint32 {
		return errTooMuchText
	}
	at := len(v.Offsets)
	v.Offsets = extend(v.Offsets, n)
	offsets := v.Offsets[at:]
	data := v.Data
	if need := len(data) + len(b) - 4*n; cap(data) < need {
		data = append(make([]byte, 0, max(need, 2*cap(data))), data...)
	}
	for i := range offsets {
		if len(b) < 4 {
			return errPage("byte arrays end %d values early", n-i)
		}
		size := binary.LittleEndian.Uint32(b)
		b = b[4:]
		if uint64(size) > uint64(len(b)) {
			return errPage("byte array of %d bytes in %d bytes", size, len(b))
		}
		data = append(data, b[:size]...)
		b = b[size:]
		offsets[i] = uint32(len(data))
	}
	v.Data = data
	v.N += n
	return nil
}
