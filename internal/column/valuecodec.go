package column

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// ErrValueCodec is returned when bytes are no encoded value or type.
var ErrValueCodec = errors.New("malformed encoded value")

// A type is encoded as its id with the high bit set when modifiers follow:
//
//	id      1 byte, bit 7 = modifiers follow
//	flags   1 byte, bit 0 = list            (only with modifiers)
//	p, s    1 byte each, precision, scale   (only with modifiers)
//	length  uvarint                         (only with modifiers)
//
// A value is its type, a byte (0 NULL, 1 present), and the payload by kind:
//
//	bool, int32, int64   zigzag varint
//	float32, float64     4 or 8 bytes, little-endian
//	decimal              scale 1 byte, coefficient 16 bytes (low word first)
//	interval             months, days, µs as zigzag varints
//	bytes                uvarint length, bytes
//	list                 uvarint count, then per element a present byte and payload
const (
	typeModified = 0x80
	typeIsList   = 1
)

// maxListDepth bounds nesting while decoding; lists of lists do not exist.
const maxListDepth = 2

// AppendType appends the encoding of t.
func AppendType(dst []byte, t schema.Type) []byte {
	if t == (schema.Type{ID: t.ID}) {
		return append(dst, byte(t.ID))
	}
	var flags byte
	if t.List {
		flags = typeIsList
	}
	dst = append(dst, byte(t.ID)|typeModified, flags, t.Precision, t.Scale)
	return binary.AppendUvarint(dst, uint64(t.Length))
}

// DecodeType reads a type and returns the number of bytes it took.
func DecodeType(src []byte) (schema.Type, int, error) {
	if len(src) == 0 {
		return schema.Type{}, 0, ErrValueCodec
	}
	t := schema.Type{ID: schema.TypeID(src[0] &^ typeModified)}
	n := 1
	if src[0]&typeModified != 0 {
		if len(src) < 5 || src[1]&^typeIsList != 0 {
			return schema.Type{}, 0, ErrValueCodec
		}
		length, k := binary.Uvarint(src[4:])
		if k <= 0 || length > math.MaxInt32 {
			return schema.Type{}, 0, ErrValueCodec
		}
		t.List, t.Precision, t.Scale, t.Length = src[1]&typeIsList != 0, src[2], src[3], int32(length)
		n = 4 + k
	}
	if t.Kind() == schema.KindInvalid {
		return schema.Type{}, 0, ErrValueCodec
	}
	return t, n, nil
}

// AppendValue appends the self-describing encoding of v.
func AppendValue(dst []byte, v Value) []byte {
	dst = AppendType(dst, v.Type)
	return AppendValueOf(dst, v)
}

// DecodeValue reads what AppendValue wrote and returns the number of bytes it
// took. The value shares no memory with src.
func DecodeValue(src []byte) (Value, int, error) {
	t, n, err := DecodeType(src)
	if err != nil {
		return Value{}, 0, err
	}
	v, m, err := DecodeValueOf(src[n:], t)
	return v, n + m, err
}

// AppendValueOf appends v without its type, for places where the reader knows it.
func AppendValueOf(dst []byte, v Value) []byte {
	if v.Null {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch v.Type.Kind() {
	case schema.KindBool, schema.KindInt32, schema.KindInt64:
		return binary.AppendVarint(dst, v.I)
	case schema.KindFloat32:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v.F)))
	case schema.KindFloat64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.F))
	case schema.KindDecimal:
		dst = append(dst, v.D.Scale)
		dst = binary.LittleEndian.AppendUint64(dst, v.D.Coef.Lo)
		return binary.LittleEndian.AppendUint64(dst, uint64(v.D.Coef.Hi))
	case schema.KindInterval:
		dst = binary.AppendVarint(dst, int64(v.Iv.Months))
		dst = binary.AppendVarint(dst, int64(v.Iv.Days))
		return binary.AppendVarint(dst, v.Iv.Micros)
	case schema.KindBytes:
		dst = binary.AppendUvarint(dst, uint64(len(v.B)))
		return append(dst, v.B...)
	case schema.KindList:
		return appendList(dst, v.List)
	}
	return dst
}

func appendList(dst []byte, l *Vector) []byte {
	if l == nil {
		return binary.AppendUvarint(dst, 0)
	}
	dst = binary.AppendUvarint(dst, uint64(l.N))
	for i := range l.N {
		dst = AppendValueOf(dst, l.Value(i))
	}
	return dst
}

// DecodeValueOf reads what AppendValueOf wrote for a value of type t.
func DecodeValueOf(src []byte, t schema.Type) (Value, int, error) {
	d := valueDecoder{src: src}
	v := d.value(t, 0)
	if d.bad {
		return Value{}, 0, ErrValueCodec
	}
	return v, d.pos, nil
}

// valueDecoder reads values and remembers the first fault.
type valueDecoder struct {
	src []byte
	pos int
	bad bool
}

func (d *valueDecoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.src)-d.pos {
		d.bad = true
		return nil
	}
	b := d.src[d.pos : d.pos+n]
	d.pos += n
	return b
}

func (d *valueDecoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *valueDecoder) varint() int64 {
	if d.bad {
		return 0
	}
	v, n := binary.Varint(d.src[d.pos:])
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.pos += n
	return v
}

func (d *valueDecoder) uvarint() uint64 {
	if d.bad {
		return 0
	}
	v, n := binary.Uvarint(d.src[d.pos:])
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.pos += n
	return v
}

// length reads a count of things that take at least one byte each.
func (d *valueDecoder) length() int {
	n := d.uvarint()
	if n > uint64(len(d.src)-d.pos) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *valueDecoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *valueDecoder) value(t schema.Type, depth int) Value {
	v := Value{Type: t}
	switch present := d.byte(); {
	case present > 1 || depth > maxListDepth:
		d.bad = true
		return v
	case present == 0:
		v.Null = true
		return v
	}
	switch t.Kind() {
	case schema.KindBool, schema.KindInt32, schema.KindInt64:
		v.I = d.integer(t.Kind())
	case schema.KindFloat32:
		if b := d.take(4); b != nil {
			v.F = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case schema.KindFloat64:
		v.F = math.Float64frombits(d.uint64())
	case schema.KindDecimal:
		v.D.Scale = d.byte()
		v.D.Coef.Lo = d.uint64()
		v.D.Coef.Hi = int64(d.uint64())
	case schema.KindInterval:
		v.Iv = Interval{Months: d.int32(), Days: d.int32(), Micros: d.varint()}
	case schema.KindBytes:
		v.B = append([]byte{}, d.take(d.length())...)
	case schema.KindList:
		v.List = d.list(t.Elem(), depth)
	default:
		d.bad = true
	}
	return v
}

func (d *valueDecoder) integer(k schema.Kind) int64 {
	switch k {
	case schema.KindInt32:
		return int64(d.int32())
	case schema.KindBool:
		x := d.varint()
		if x != 0 && x != 1 {
			d.bad = true
		}
		return x
	}
	return d.varint()
}

func (d *valueDecoder) int32() int32 {
	x := d.varint()
	if x != int64(int32(x)) {
		d.bad = true
	}
	return int32(x)
}

func (d *valueDecoder) list(elem schema.Type, depth int) *Vector {
	n := d.length()
	l := New(elem, 0)
	for i := 0; i < n && !d.bad; i++ {
		if x := d.value(elem, depth+1); !d.bad {
			l.Append(x)
		}
	}
	return l
}
