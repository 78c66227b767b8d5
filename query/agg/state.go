package agg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// ErrCorruptState is returned (wrapped) by Merge for state columns that do not
// have the aggregation's types or whose bytes do not decode.
var ErrCorruptState = errors.New("corrupt aggregation state")

// stateVersion is the version of all encoded states so far.
const stateVersion = 1

// checkStates verifies number, kinds and lengths of state columns.
func (s *Spec) checkStates(groups []uint32, n int, states []*column.Vector) error {
	types := s.StateTypes()
	if len(states) != len(types) {
		return fmt.Errorf("%w: %s has %d state columns, not %d", ErrCorruptState, s.Name, len(types), len(states))
	}
	for i, v := range states {
		if v.Kind() != types[i].Kind() || v.N < n {
			return fmt.Errorf("%w: state %d of %s is %d × %s", ErrCorruptState, i, s.Name, v.N, v.Type)
		}
	}
	if groups != nil && len(groups) < n {
		return fmt.Errorf("%w: %d groups for %d states", ErrCorruptState, len(groups), n)
	}
	return nil
}

// appendHeader begins an encoded state: aggregation id (u16 little-endian) and
// version (u8).
func appendHeader(dst []byte, id ID) []byte {
	return append(binary.LittleEndian.AppendUint16(dst, uint16(id)), stateVersion)
}

// readHeader checks the header of an encoded state and returns the payload.
func readHeader(b []byte, id ID) ([]byte, error) {
	if len(b) < 3 {
		return nil, fmt.Errorf("%w: %d bytes", ErrCorruptState, len(b))
	}
	if got := ID(binary.LittleEndian.Uint16(b)); got != id {
		return nil, fmt.Errorf("%w: aggregation %d, not %d", ErrCorruptState, got, id)
	}
	if b[2] != stateVersion {
		return nil, fmt.Errorf("%w: version %d", ErrCorruptState, b[2])
	}
	return b[3:], nil
}

// appendValue encodes row i of v, which is not NULL: fixed-width kinds in
// little-endian (bool 1, int32 and float32 4, int64 and float64 8, decimal
// scale + 16, interval 4+4+8 bytes), bytes after their uvarint length, lists as
// a uvarint length and per element a NULL byte (1 for NULL) and the value.
func appendValue(dst []byte, v *column.Vector, i int) []byte {
	le := binary.LittleEndian
	switch v.Kind() {
	case schema.KindBool:
		if v.Bools[i] {
			return append(dst, 1)
		}
		return append(dst, 0)
	case schema.KindInt32:
		return le.AppendUint32(dst, uint32(v.Int32s[i]))
	case schema.KindInt64:
		return le.AppendUint64(dst, uint64(v.Int64s[i]))
	case schema.KindFloat32:
		return le.AppendUint32(dst, math.Float32bits(v.Float32s[i]))
	case schema.KindFloat64:
		return le.AppendUint64(dst, math.Float64bits(v.Float64s[i]))
	case schema.KindDecimal:
		d := v.Decimals[i]
		dst = append(dst, d.Scale)
		return le.AppendUint64(le.AppendUint64(dst, d.Coef.Lo), uint64(d.Coef.Hi))
	case schema.KindInterval:
		iv := v.Intervals[i]
		dst = le.AppendUint32(le.AppendUint32(dst, uint32(iv.Months)), uint32(iv.Days))
		return le.AppendUint64(dst, uint64(iv.Micros))
	case schema.KindBytes:
		b := v.Bytes(i)
		return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
	case schema.KindList:
		return appendList(dst, v, i)
	}
	return dst
}

func appendList(dst []byte, v *column.Vector, i int) []byte {
	from, to := int(v.Offsets[i]), int(v.Offsets[i+1])
	dst = binary.AppendUvarint(dst, uint64(to-from))
	for j := from; j < to; j++ {
		if v.Elems.IsNull(j) {
			dst = append(dst, 1)
			continue
		}
		dst = appendValue(append(dst, 0), v.Elems, j)
	}
	return dst
}

// decoder reads encoded values; its first failure stays.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if d.failed || n < 0 || n > len(d.b) {
		d.failed = true
		return make([]byte, min(max(n, 0), 16))
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) uvarint() uint64 {
	x, n := binary.Uvarint(d.b)
	if d.failed || n <= 0 {
		d.failed = true
		return 0
	}
	d.b = d.b[n:]
	return x
}

// count reads a number of things that take at least one byte each.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.failed = true
		return 0
	}
	return int(n)
}

func (d *decoder) err(what string) error {
	if d.failed {
		return fmt.Errorf("%w: %s", ErrCorruptState, what)
	}
	return nil
}

// value appends one encoded value to v. After a failure it appends nothing.
func (d *decoder) value(v *column.Vector) {
	le := binary.LittleEndian
	x := column.Value{Type: v.Type}
	switch v.Kind() {
	case schema.KindBool:
		x.I = int64(d.take(1)[0] & 1)
	case schema.KindInt32:
		x.I = int64(int32(le.Uint32(d.take(4))))
	case schema.KindInt64:
		x.I = int64(le.Uint64(d.take(8)))
	case schema.KindFloat32:
		x.F = float64(math.Float32frombits(le.Uint32(d.take(4))))
	case schema.KindFloat64:
		x.F = math.Float64frombits(le.Uint64(d.take(8)))
	case schema.KindDecimal:
		x.D.Scale = d.take(1)[0]
		x.D.Coef.Lo = le.Uint64(d.take(8))
		x.D.Coef.Hi = int64(le.Uint64(d.take(8)))
	case schema.KindInterval:
		x.Iv.Months = int32(le.Uint32(d.take(4)))
		x.Iv.Days = int32(le.Uint32(d.take(4)))
		x.Iv.Micros = int64(le.Uint64(d.take(8)))
	case schema.KindBytes:
		x.B = d.take(d.count())
	case schema.KindList:
		x.List = d.list(v.Type.Elem())
	}
	if !d.failed {
		v.Append(x)
	}
}

func (d *decoder) list(elem schema.Type) *column.Vector {
	n := d.count()
	out := column.New(elem, 0)
	for range n {
		if d.failed {
			break
		}
		if d.take(1)[0] != 0 {
			out.AppendNull()
			continue
		}
		d.value(out)
	}
	return out
}

// flat returns v with one value per row.
func flat(v *column.Vector) *column.Vector { return v.Flatten() }

// group returns the group of row i.
func group(groups []uint32, i int) uint32 {
	if groups == nil {
		return 0
	}
	return groups[i]
}

// extend returns s with at least n elements; new ones are zero.
func extend[T any](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	if n <= cap(s) {
		old := len(s)
		s = s[:n]
		clear(s[old:])
		return s
	}
	out := make([]T, n, max(n, 2*cap(s)))
	copy(out, s)
	return out
}
