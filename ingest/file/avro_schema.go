package file

import (
	"encoding/json"
	"fmt"
)

// avroKind is the form of an Avro value.
type avroKind uint8

const (
	avroNull avroKind = iota
	avroBool
	avroInt
	avroLong
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroRecord
	avroEnum
	avroArray
	avroMap
	avroUnion
	avroFixed
)

var avroPrimitives = map[string]avroKind{
	"null": avroNull, "boolean": avroBool, "int": avroInt, "long": avroLong, "float": avroFloat,
	"double": avroDouble, "bytes": avroBytes, "string": avroString,
}

// avroType is a type of an Avro schema. Types with a name may refer to
// themselves.
type avroType struct {
	kind    avroKind
	fields  []avroField // records
	items   *avroType   // arrays, maps
	options []*avroType // unions
	symbols []string    // enums
	size    int         // fixed
	logical string
	scale   int // decimals
	prec    int
}

type avroField struct {
	name string
	typ  *avroType
}

// avroParser reads a schema; names holds the types that were given names.
type avroParser struct{ names map[string]*avroType }

func parseAvroSchema(text []byte) (*avroType, error) {
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%w: schema: %w", ErrCorrupt, err)
	}
	p := avroParser{names: map[string]*avroType{}}
	return p.parse(doc, "", 0)
}

func (p *avroParser) parse(doc any, space string, depth int) (*avroType, error) {
	if depth > maxAvroDepth {
		return nil, errPage("schema is nested too deeply")
	}
	switch d := doc.(type) {
	case string:
		if k, ok := avroPrimitives[d]; ok {
			return &avroType{kind: k}, nil
		}
		for _, name := range []string{space + "." + d, d} {
			if t := p.names[name]; t != nil {
				return t, nil
			}
		}
		return nil, errPage("schema: unknown type %q", d)
	case []any:
		t := &avroType{kind: avroUnion}
		for _, o := range d {
			option, err := p.parse(o, space, depth+1)
			if err != nil {
				return nil, err
			}
			t.options = append(t.options, option)
		}
		return t, nil
	case map[string]any:
		return p.object(d, space, depth)
	}
	return nil, errPage("schema: %v is no type", doc)
}

func (p *avroParser) object(d map[string]any, space string, depth int) (*avroType, error) {
	kind, ok := d["type"].(string)
	if !ok {
		return p.parse(d["type"], space, depth+1)
	}
	if s, ok := d["namespace"].(string); ok {
		space = s
	}
	t := &avroType{}
	t.logical, _ = d["logicalType"].(string)
	t.scale, t.prec = number(d["scale"]), number(d["precision"])
	if name, ok := d["name"].(string); ok {
		p.names[name] = t
		p.names[space+"."+name] = t
	}
	var err error
	switch kind {
	case "record", "error":
		t.kind = avroRecord
		return t, p.record(t, d, space, depth)
	case "enum":
		t.kind = avroEnum
		symbols, _ := d["symbols"].([]any)
		for _, s := range symbols {
			t.symbols = append(t.symbols, fmt.Sprint(s))
		}
	case "array":
		t.kind = avroArray
		t.items, err = p.parse(d["items"], space, depth+1)
	case "map":
		t.kind = avroMap
		t.items, err = p.parse(d["values"], space, depth+1)
	case "fixed":
		t.kind, t.size = avroFixed, number(d["size"])
		if t.size < 0 || t.size > maxRecordBytes {
			return nil, errPage("schema: fixed of %d bytes", t.size)
		}
	default:
		k, ok := avroPrimitives[kind]
		if !ok {
			return p.parse(kind, space, depth+1)
		}
		t.kind = k
	}
	return t, err
}

func number(v any) int {
	f, ok := v.(float64)
	if !ok || f != float64(int32(f)) {
		return 0
	}
	return int(f)
}

func (p *avroParser) record(t *avroType, d map[string]any, space string, depth int) error {
	fields, _ := d["fields"].([]any)
	for _, f := range fields {
		m, _ := f.(map[string]any)
		name, ok := m["name"].(string)
		if !ok {
			return errPage("schema: a field has no name")
		}
		typ, err := p.parse(m["type"], space, depth+1)
		if err != nil {
			return err
		}
		t.fields = append(t.fields, avroField{name, typ})
	}
	return nil
}
