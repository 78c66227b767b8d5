package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/parquet"
	pq "github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func unsupported(err error) error { return fmt.Errorf("%w: %w", ErrUnsupported, err) }

// logicalKind says what the values of a Parquet column mean.
type logicalKind uint8

const (
	logicalUnknown logicalKind = iota
	logicalBool
	logicalInt
	logicalUnsigned
	logicalFloat
	logicalDecimal
	logicalDate
	logicalTime
	logicalTimestamp
	logicalText
	logicalJSON
	logicalBinary
	logicalUUID
)

// logical is a logical type. nanos is the length of a tick of times and
// timestamps, scale that of decimals.
type logical struct {
	kind      logicalKind
	nanos     int64
	utc       bool
	scale     uint8
	precision uint8
	julian    bool // INT96: a day and a time of day
	bits      int  // of integers
}

func logicalOf(c *pq.Column) logical {
	switch t := c.LogicalType().(type) {
	case pq.StringLogicalType, pq.EnumLogicalType:
		return logical{kind: logicalText}
	case pq.JSONLogicalType:
		return logical{kind: logicalJSON}
	case pq.UUIDLogicalType:
		return logical{kind: logicalUUID}
	case pq.DateLogicalType:
		return logical{kind: logicalDate}
	case *pq.TimeLogicalType:
		return logical{kind: logicalTime, nanos: tick(t.TimeUnit())}
	case *pq.TimestampLogicalType:
		return logical{kind: logicalTimestamp, nanos: tick(t.TimeUnit()), utc: t.IsAdjustedToUTC()}
	case *pq.DecimalLogicalType:
		if t.Scale() < 0 || t.Scale() > schema.MaxPrecision || t.Precision() < 1 || t.Precision() > schema.MaxPrecision {
			return logical{}
		}
		return logical{kind: logicalDecimal, scale: uint8(t.Scale()), precision: uint8(t.Precision())}
	case *pq.IntLogicalType:
		if !t.IsSigned() {
			return logical{kind: logicalUnsigned, bits: int(t.BitWidth())}
		}
		return logical{kind: logicalInt, bits: int(t.BitWidth())}
	case pq.IntervalLogicalType, pq.Float16LogicalType:
		return logical{}
	}
	return physicalLogical(c.PhysicalType())
}

func tick(u pq.TimeUnitType) int64 {
	switch u {
	case pq.TimeUnitMillis:
		return 1_000_000
	case pq.TimeUnitMicros:
		return 1000
	}
	return 1
}

// physicalLogical is what a column without a logical type means.
func physicalLogical(t parquet.Type) logical {
	switch t {
	case parquet.Types.Boolean:
		return logical{kind: logicalBool}
	case parquet.Types.Int32:
		return logical{kind: logicalInt, bits: 32}
	case parquet.Types.Int64:
		return logical{kind: logicalInt, bits: 64}
	case parquet.Types.Int96:
		return logical{kind: logicalTimestamp, julian: true}
	case parquet.Types.Float, parquet.Types.Double:
		return logical{kind: logicalFloat}
	}
	return logical{kind: logicalBinary}
}

// fault is a value that does not fit the field.
type fault struct {
	at     int
	reason string
}

// converter turns values as the file has them into values of the field. It
// works on the dictionary where there is one, so mostly once per distinct
// value.
type converter struct {
	leaf     *leaf
	field    *schema.Field
	elem     schema.Type
	opt      decode.Options
	filler   *decode.Filler // of a field with single values
	required string
	fast     func(*column.Vector) (*column.Vector, bool)
}

func (c *converter) init(l *leaf, f *schema.Field, opt Options) error {
	c.leaf, c.field, c.elem, c.required = l, f, f.Type.Elem(), ""
	c.opt = opt.Decode
	c.opt.TimeColumn = ""
	if err := c.renew(); err != nil {
		return err
	}
	switch {
	case f.Name == opt.Decode.TimeColumn:
		c.required = "missing time value"
	case f.NotNull:
		c.required = "missing value (the field is NOT NULL)"
	}
	c.fast = c.fastPath()
	return nil
}

// convert returns the values as those of the field's (element) type. It may
// reuse the memory of v, but no memory of results before.
func (c *converter) convert(v *column.Vector) (*column.Vector, []fault, error) {
	if c.fast != nil {
		if out, ok := c.fast(v); ok {
			return out, nil, nil
		}
	}
	c.filler.Reset()
	var faults []fault
	for i := range v.N {
		if reason := c.fill(v, i); reason != "" {
			faults = append(faults, fault{i, reason})
			c.filler.Truncate(i)
			if len(faults) > 1 && len(faults) > v.N/2 && v.N > 1<<16 {
				return nil, nil, fmt.Errorf("%w: %s", ErrMismatch, reason)
			}
			appendZero(c.filler)
		}
	}
	// The filler is used for the next page while a dictionary must stay.
	out := *c.filler.Finish()
	out.Nulls = nil
	if err := c.renew(); err != nil {
		return nil, nil, err
	}
	return &out, faults, nil
}

// appendZero stands in for a refused value.
func appendZero(f *decode.Filler) {
	f.Null() // a field of single values that need not be there takes NULL
}

// renew gives the converter a filler with memory of its own.
func (c *converter) renew() error {
	single := *c.field
	single.Type, single.NotNull = c.elem, false
	var err error
	c.filler, err = decode.NewFiller(&single, c.opt)
	return err
}

// fastPath returns a conversion of whole vectors, nil if each value has to be
// looked at.
func (c *converter) fastPath() func(*column.Vector) (*column.Vector, bool) {
	l, t := c.leaf, c.elem
	switch l.logical.kind {
	case logicalBool:
		if t.ID == schema.TypeBool {
			return c.relabel
		}
	case logicalInt:
		return c.fastInts()
	case logicalFloat:
		if l.physical == parquet.Types.Double && t.ID == schema.TypeFloat64 || l.physical == parquet.Types.Float && t.ID == schema.TypeFloat32 {
			return c.relabel
		}
	case logicalDate:
		if t.ID == schema.TypeDate && l.physical == parquet.Types.Int32 {
			return c.relabel
		}
	case logicalTimestamp:
		if (t.ID == schema.TypeTimestamp || t.ID == schema.TypeTimestampTZ) && l.physical == parquet.Types.Int64 {
			return c.instants
		}
	case logicalText, logicalBinary:
		if (t.ID == schema.TypeText || t.ID == schema.TypeSymbol) && c.field.MaxLength == 0 {
			return c.text
		}
		if t.ID == schema.TypeBytea {
			return c.relabel
		}
	case logicalDecimal:
		if t.Kind() == schema.KindInt64 && t.ID == schema.TypeNumeric && t.Scale == l.logical.scale && t.Precision >= l.logical.precision {
			return c.scaled
		}
	}
	return nil
}

func (c *converter) fastInts() func(*column.Vector) (*column.Vector, bool) {
	is32 := c.leaf.physical == parquet.Types.Int32
	switch {
	case c.elem.ID == schema.TypeInt32 && is32, c.elem.ID == schema.TypeInt64 && !is32:
		return c.relabel
	case c.elem.ID == schema.TypeInt64:
		return c.widen
	}
	return nil
}

// relabel takes over the memory.
func (c *converter) relabel(v *column.Vector) (*column.Vector, bool) {
	out := *v
	out.Type, out.Nulls = c.elem, nil
	return &out, true
}

func (c *converter) widen(v *column.Vector) (*column.Vector, bool) {
	out := column.New(c.elem, 0)
	out.Resize(v.N)
	out.Nulls = nil
	for i, x := range v.Int32s[:v.N] {
		out.Int64s[i] = int64(x)
	}
	return out, true
}

// scaled takes decimals as scaled integers.
func (c *converter) scaled(v *column.Vector) (*column.Vector, bool) {
	switch v.Kind() {
	case schema.KindInt32:
		return c.widen(v)
	case schema.KindInt64:
		return c.relabel(v)
	}
	return nil, false
}

// instants scales timestamps to µs; it gives up on one that is out of range.
func (c *converter) instants(v *column.Vector) (*column.Vector, bool) {
	in := v.Int64s[:v.N]
	switch c.leaf.logical.nanos {
	case 1_000_000:
		for _, x := range in {
			if x > math.MaxInt64/1000 || x < math.MinInt64/1000 {
				return nil, false
			}
		}
		for i, x := range in {
			in[i] = x * 1000
		}
	case 1:
		for i, x := range in {
			in[i] = nanosToMicros(x)
		}
	}
	return c.relabel(v)
}

// nanosToMicros rounds half up, as text with nine fraction digits is rounded.
func nanosToMicros(x int64) int64 {
	q, r := x/1000, x%1000
	if r < 0 {
		q, r = q-1, r+1000
	}
	if r >= 500 {
		q++
	}
	return q
}

// text takes over text that is valid; it gives up on other text.
func (c *converter) text(v *column.Vector) (*column.Vector, bool) {
	if bytes.IndexByte(v.Data, 0) >= 0 {
		return nil, false
	}
	if !ascii(v.Data) {
		for i := range v.N {
			if !utf8.Valid(v.Bytes(i)) {
				return nil, false
			}
		}
	}
	return c.relabel(v)
}

func ascii(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fill converts one value.
func (c *converter) fill(v *column.Vector, i int) string {
	f := c.filler
	switch v.Kind() {
	case schema.KindBool:
		return f.Bool(v.Bools[i])
	case schema.KindInt32:
		return c.fillInt(int64(v.Int32s[i]), uint64(uint32(v.Int32s[i])))
	case schema.KindInt64:
		return c.fillInt(v.Int64s[i], uint64(v.Int64s[i]))
	case schema.KindFloat32:
		return f.Float(float64(v.Float32s[i]), 32)
	case schema.KindFloat64:
		return f.Float(v.Float64s[i], 64)
	}
	return c.fillBytes(v.Bytes(i))
}

func (c *converter) fillInt(x int64, unsigned uint64) string {
	f, l := c.filler, &c.leaf.logical
	switch l.kind {
	case logicalUnsigned:
		if unsigned > math.MaxInt64 {
			return f.Number(fmt.Appendf(nil, "%d", unsigned))
		}
		return f.Int(int64(unsigned))
	case logicalDate:
		if int64(int32(x)) != x {
			return "the date is out of range"
		}
		return f.Date(int32(x))
	case logicalTime:
		return f.TimeOfDay(ticksToMicros(x, l.nanos))
	case logicalTimestamp:
		if l.nanos == 1_000_000 && (x > math.MaxInt64/1000 || x < math.MinInt64/1000) {
			return "the timestamp is out of range"
		}
		return f.Instant(ticksToMicros(x, l.nanos))
	case logicalDecimal:
		return f.Decimal(column.DecimalFromInt64(x, l.scale))
	}
	return f.Int(x)
}

func ticksToMicros(x, nanos int64) int64 {
	switch nanos {
	case 1_000_000:
		return x * 1000
	case 1:
		return nanosToMicros(x)
	}
	return x
}

func (c *converter) fillBytes(b []byte) string {
	f, l := c.filler, &c.leaf.logical
	switch {
	case l.julian:
		return f.Instant(julianMicros(b))
	case l.kind == logicalDecimal:
		d, err := bigEndianDecimal(b, l.scale)
		if err != nil {
			return err.Error()
		}
		return f.Decimal(d)
	case l.kind == logicalUUID:
		if c.elem.ID == schema.TypeUUID || c.elem.ID == schema.TypeBytea {
			return f.Binary(b)
		}
		return f.Text(formatUUID(b))
	case l.kind == logicalBinary && (c.elem.ID == schema.TypeBytea || c.elem.ID == schema.TypeUUID):
		return f.Binary(b)
	case !utf8.Valid(b):
		return "text is not valid UTF-8"
	case l.kind == logicalJSON:
		return f.Untyped(b)
	}
	return f.Text(b)
}

func formatUUID(b []byte) []byte {
	if len(b) != 16 {
		return b
	}
	return fmt.Appendf(nil, "%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// julianMicros reads INT96: ns of the day, then the Julian day.
func julianMicros(b []byte) int64 {
	const epoch = 2_440_588 // 1970-01-01
	if len(b) != 12 {
		return 0 // INT96 always has 12 bytes
	}
	nanos := int64(binary.LittleEndian.Uint64(b))
	days := int64(binary.LittleEndian.Uint32(b[8:])) - epoch
	return days*86_400_000_000 + nanosToMicros(nanos)
}

var errDecimal = errors.New("the decimal has more than 38 digits")

func bigEndianDecimal(b []byte, scale uint8) (column.Decimal, error) {
	if len(b) > 64 {
		return column.Decimal{}, errDecimal
	}
	x := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	coef, err := column.Int128FromBig(x)
	if err != nil {
		return column.Decimal{}, errDecimal
	}
	return column.Decimal{Coef: coef, Scale: scale}, nil
}
