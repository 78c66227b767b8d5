package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ParsePinotSchema reads a Pinot schema document. Keys without effect are
// named in the warnings. All faults are told at once, each with the path of
// its field; then the schema is nil. Column ids are left 0.
func ParsePinotSchema(b []byte) (*Schema, []string, error) {
	d := &document{}
	root, err := d.parseObject(b)
	if err != nil {
		return nil, nil, err
	}
	s := readSchema(root)
	warnings, err := d.result()
	if err == nil {
		err = s.Validate()
	}
	if err != nil {
		return nil, warnings, err
	}
	return s, warnings, nil
}

func readSchema(o *object) *Schema {
	s := &Schema{}
	s.Name, _ = o.str("schemaName")
	for _, part := range []struct {
		key  string
		role Role
	}{{"dimensionFieldSpecs", Dimension}, {"metricFieldSpecs", Metric}, {"dateTimeFieldSpecs", DateTime}} {
		for _, f := range o.children(part.key) {
			s.Fields = append(s.Fields, readField(f, part.role))
		}
	}
	s.PrimaryKey = o.names("primaryKeyColumns")
	if v, ok := o.take("timeFieldSpec"); ok && !isEmpty(v) {
		o.fail("timeFieldSpec", "is not supported; write the column as one of dateTimeFieldSpecs")
	}
	o.refuse("complexFieldSpecs")
	o.ignore("enableColumnBasedNullHandling")
	o.silent("description", "tags")
	o.done()
	return s
}

func readField(o *object, role Role) Field {
	f := Field{Role: role, Path: "", NotNull: o.boolean("notNull", false)}
	f.Name, _ = o.str("name")
	if f.Name == "" {
		o.fail("name", "is missing")
	}
	f.Type = readType(o)
	if !o.boolean("singleValueField", true) {
		if role != Dimension {
			o.fail("singleValueField", "only dimensions can have several values")
		}
		f.Type = f.Type.AsList()
	}
	f.MaxLength, _ = o.integer("maxLength", 0)
	f.Path, _ = o.str("path")
	f.Comment, _ = o.str("description")
	readFormat(o, role, &f)
	readDefault(o, &f)
	o.refuse("transformFunction")
	o.ignore("virtualColumnProvider", "maxLengthExceedStrategy", "allowTrailingZeros")
	if kind, ok := o.str("fieldType"); ok && !strings.EqualFold(kind, role.String()) {
		o.fail("fieldType", "%q contradicts the list that the field stands in", kind)
	}
	o.silent("tags")
	o.done()
	return f
}

func readType(o *object) Type {
	text, ok := o.str("dataType")
	if !ok {
		if _, given := o.keys["dataType"]; !given {
			o.fail("dataType", "is missing")
		}
		return Type{}
	}
	t, err := parseDataType(text)
	if err != nil {
		o.fail("dataType", "%v", err)
	}
	return t
}

// readFormat reads format and granularity of a date-time field. The
// granularity describes the values and does nothing, so it is only checked.
func readFormat(o *object, role Role, f *Field) {
	text, ok := o.str("format")
	switch {
	case !ok && role == DateTime:
		o.fail("format", "is missing")
	case ok && role != DateTime:
		o.warn("format", "has no effect on a field that is not one of dateTimeFieldSpecs")
	case ok:
		format, err := parseTimeFormat(text)
		if err != nil {
			o.fail("format", "%v", err)
		}
		f.Format = format
		checkFormatType(o, f)
	}
	if g, ok := o.str("granularity"); ok {
		if err := checkGranularity(g); err != nil {
			o.fail("granularity", "%v", err)
		}
	}
}

func checkFormatType(o *object, f *Field) {
	t := f.Type
	if t.ID == TypeInvalid {
		return
	}
	number := t.IsInteger()
	switch {
	case t.List:
		o.fail("singleValueField", "a date-time field has one value")
	case f.Format.Kind == FormatEpoch && !(number || t.IsTime() || t.IsText()):
		o.fail("format", "%s does not fit the type %s", f.Format, dataTypeName(t))
	case f.Format.Kind == FormatTimestamp && !(t.IsTime() || t.IsText() || t.ID == TypeInt64):
		o.fail("format", "%s does not fit the type %s", f.Format, dataTypeName(t))
	case f.Format.Kind == FormatSimpleDate && !(t.IsTime() || t.IsText() || number):
		o.fail("format", "%s does not fit the type %s", f.Format, dataTypeName(t))
	}
}

// checkGranularity reads size:unit or unit|size.
func checkGranularity(g string) error {
	size, unit, ok := strings.Cut(g, ":")
	if !ok {
		unit, size, ok = strings.Cut(g, "|")
	}
	if !ok {
		unit, size = g, "1"
	}
	_, err := epochFormat(g, unit, size)
	if err != nil {
		return fmt.Errorf("%q is neither size:unit nor unit|size", g)
	}
	return nil
}

// readDefault reads defaultNullValue, which must be a value of the type.
func readDefault(o *object, f *Field) {
	v, ok := o.take("defaultNullValue")
	if !ok {
		return
	}
	text, ok := scalarText(v)
	if !ok { // JSON columns may have a document as default
		if f.Type.ID != TypeJSON {
			o.fail("defaultNullValue", "must be a value of type %s, not %s", dataTypeName(f.Type.Elem()), jsonKind(v))
			return
		}
		raw, err := json.Marshal(v)
		if err != nil {
			o.fail("defaultNullValue", "%v", err)
			return
		}
		text = string(raw)
	}
	if err := checkDefault(f.Type.Elem(), text); err != nil {
		o.fail("defaultNullValue", "%q is no value of type %s", text, dataTypeName(f.Type.Elem()))
		return
	}
	f.Default, f.HasDefault = text, true
}

func checkDefault(t Type, text string) (err error) {
	switch t.ID {
	case TypeInt16, TypeInt32, TypeInt64:
		_, err = strconv.ParseInt(text, 10, map[TypeID]int{TypeInt16: 16, TypeInt32: 32, TypeInt64: 64}[t.ID])
	case TypeFloat32:
		_, err = strconv.ParseFloat(text, 32)
	case TypeFloat64, TypeNumeric:
		_, err = strconv.ParseFloat(text, 64)
	case TypeBool:
		_, err = strconv.ParseBool(strings.ToLower(text))
	}
	return err
}
