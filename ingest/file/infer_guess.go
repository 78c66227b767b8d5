package file

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/parquet"

	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// shape is what one value could be, as bits so that a column is the union of
// its values.
type shape uint16

const (
	shapeInt shape = 1 << iota
	shapeBig       // a whole number beyond 64 bits
	shapeDouble
	shapeBool
	shapeDate
	shapeTimestamp
	shapeText
	shapeJSON
)

// guess is what is known of a column's type.
type guess struct {
	shapes   shape
	list     bool // all values were lists of scalars, or NULL
	single   bool // a value was no list
	declared schema.Type
	mixed    bool // files declare different types
}

// declare notes the type that a file states.
func (g *guess) declare(t schema.Type) {
	if g.declared.ID != schema.TypeInvalid && g.declared != t {
		g.mixed = true
		g.shapes |= shapeOf(g.declared) | shapeOf(t)
		return
	}
	g.declared = t
}

// shapeOf is the shape of a declared type, for files that disagree.
func shapeOf(t schema.Type) shape {
	switch {
	case t.IsInteger():
		return shapeInt
	case t.IsNumeric():
		return shapeDouble
	case t.ID == schema.TypeBool && !t.List:
		return shapeBool
	case t.ID == schema.TypeDate && !t.List:
		return shapeDate
	case t.IsTime():
		return shapeTimestamp
	}
	return shapeText
}

// cell notes a cell of CSV.
func (g *guess) cell(b []byte) {
	g.single = true
	g.shapes |= cellShape(b)
}

func cellShape(b []byte) shape {
	t := bytes.TrimSpace(b)
	switch {
	case len(t) == 0:
		return shapeText
	case bytes.EqualFold(t, []byte("true")) || bytes.EqualFold(t, []byte("false")):
		return shapeBool
	case (t[0] == '{' || t[0] == '[') && json.Valid(t):
		return shapeJSON
	case numeric(t):
		return numberShape(string(t))
	}
	return timeShape(t)
}

// numeric tells digits that are a number rather than a code: no leading zeros,
// no plus sign.
func numeric(t []byte) bool {
	digits := bytes.TrimPrefix(t, []byte("-"))
	if len(digits) == 0 || digits[0] < '0' || digits[0] > '9' {
		return false
	}
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return false
	}
	_, err := strconv.ParseFloat(string(t), 64)
	return err == nil && !bytes.ContainsAny(t, "xX_pP")
}

func numberShape(s string) shape {
	if strings.ContainsAny(s, ".eE") {
		return shapeDouble
	}
	if _, err := strconv.ParseInt(s, 10, 64); err != nil {
		return shapeBig
	}
	return shapeInt
}

func timeShape(t []byte) shape {
	if _, ok := decode.ParseDate(t); ok {
		return shapeDate
	}
	if _, ok := decode.ParseTimestamp(t, nil); ok {
		return shapeTimestamp
	}
	return shapeText
}

// value notes a value of JSON.
func (g *guess) value(v any) {
	list, ok := v.([]any)
	if v == nil {
		return
	}
	if !ok {
		g.single = true
		g.shapes |= jsonShape(v)
		return
	}
	g.list = true
	for _, e := range list {
		if e == nil {
			continue
		}
		g.shapes |= jsonShape(e)
	}
}

func jsonShape(v any) shape {
	switch x := v.(type) {
	case bool:
		return shapeBool
	case json.Number:
		return numberShape(string(x))
	case string:
		return timeShape([]byte(x))
	}
	return shapeJSON
}

// typ is the type that takes all values.
func (g *guess) typ() schema.Type {
	if g.declared.ID != schema.TypeInvalid && !g.mixed {
		return g.declared
	}
	if g.list && (g.single || g.shapes&shapeJSON != 0) {
		return schema.JSON
	}
	t := g.shapes.typ()
	if g.list {
		return t.AsList()
	}
	return t
}

func (s shape) typ() schema.Type {
	switch {
	case s == 0:
		return schema.Text
	case s == shapeInt:
		return schema.Int64
	case s&^(shapeInt|shapeBig) == 0:
		return schema.Numeric
	case s&^(shapeInt|shapeBig|shapeDouble) == 0:
		return schema.Float64
	case s == shapeBool:
		return schema.Bool
	case s == shapeDate:
		return schema.Date
	case s&^(shapeDate|shapeTimestamp) == 0:
		return schema.Timestamp
	case s == shapeJSON:
		return schema.JSON
	}
	return schema.Text
}

// fieldType is the type of a field for a column of Parquet, TypeInvalid if
// there is none.
func (l *leaf) fieldType() schema.Type {
	t := l.scalarType()
	if l.list && t.ID != schema.TypeInvalid {
		return t.AsList()
	}
	return t
}

func (l *leaf) scalarType() schema.Type {
	g := &l.logical
	switch g.kind {
	case logicalBool:
		return schema.Bool
	case logicalInt:
		if l.physical == parquet.Types.Int32 {
			return schema.Int32
		}
		return schema.Int64
	case logicalUnsigned:
		switch {
		case g.bits < 32:
			return schema.Int32
		case g.bits == 32:
			return schema.Int64
		}
		return schema.Numeric
	case logicalFloat:
		if l.physical == parquet.Types.Float {
			return schema.Float32
		}
		return schema.Float64
	case logicalDecimal:
		return schema.Type{ID: schema.TypeNumeric, Precision: g.precision, Scale: g.scale}
	case logicalDate:
		return schema.Date
	case logicalTime:
		return schema.Time
	case logicalTimestamp:
		if g.utc {
			return schema.TimestampTZ
		}
		return schema.Timestamp
	case logicalText:
		return schema.Text
	case logicalJSON:
		return schema.JSON
	case logicalUUID:
		return schema.UUID
	case logicalBinary:
		return schema.Bytea
	}
	return schema.Type{}
}

// fieldType is the type of a field for values of an Avro type.
func (t *avroType) fieldType() schema.Type {
	switch t.kind {
	case avroUnion:
		var only *avroType
		for _, o := range t.options {
			if o.kind == avroNull {
				continue
			}
			if only != nil && only.fieldType() != o.fieldType() {
				return schema.Text
			}
			only = o
		}
		if only == nil {
			return schema.Text
		}
		return only.fieldType()
	case avroArray:
		e := t.items.fieldType()
		if e.List || e.ID == schema.TypeJSON {
			return schema.JSON
		}
		return e.AsList()
	case avroRecord, avroMap:
		return schema.JSON
	}
	return t.scalarType()
}

func (t *avroType) scalarType() schema.Type {
	switch t.logical {
	case "date":
		return schema.Date
	case "time-millis", "time-micros":
		return schema.Time
	case "timestamp-millis", "timestamp-micros", "timestamp-nanos":
		return schema.TimestampTZ
	case "local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos":
		return schema.Timestamp
	case "uuid":
		return schema.UUID
	case "decimal":
		if t.prec < 1 || t.prec > schema.MaxPrecision || t.scale < 0 || t.scale > t.prec {
			return schema.Numeric
		}
		return schema.Type{ID: schema.TypeNumeric, Precision: uint8(t.prec), Scale: uint8(t.scale)}
	}
	switch t.kind {
	case avroBool:
		return schema.Bool
	case avroInt:
		return schema.Int32
	case avroLong:
		return schema.Int64
	case avroFloat:
		return schema.Float32
	case avroDouble:
		return schema.Float64
	case avroBytes, avroFixed:
		return schema.Bytea
	}
	return schema.Text
}
