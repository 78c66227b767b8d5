package schema

import (
	"encoding/json"
	"strconv"
)

// fieldSpec is a field as Pinot writes it.
type fieldSpec struct {
	Name        string `json:"name"`
	DataType    string `json:"dataType"`
	SingleValue *bool  `json:"singleValueField,omitempty"`
	NotNull     bool   `json:"notNull,omitempty"`
	Default     any    `json:"defaultNullValue,omitempty"`
	MaxLength   int    `json:"maxLength,omitempty"`
	Format      string `json:"format,omitempty"`
	Granularity string `json:"granularity,omitempty"`
	Path        string `json:"path,omitempty"`
	Comment     string `json:"description,omitempty"`
}

type schemaDocument struct {
	Name       string      `json:"schemaName"`
	Dimensions []fieldSpec `json:"dimensionFieldSpecs"`
	Metrics    []fieldSpec `json:"metricFieldSpecs"`
	DateTimes  []fieldSpec `json:"dateTimeFieldSpecs"`
	PrimaryKey []string    `json:"primaryKeyColumns,omitempty"`
}

// PinotJSON writes the schema as a Pinot schema document that ParsePinotSchema
// reads back. Types that Pinot does not have keep their name.
func (s *Schema) PinotJSON() ([]byte, error) {
	return s.document(dataTypeName)
}

// PinotClientJSON is PinotJSON for Pinot's clients, which know only Pinot's
// types: others are shown as the type that query answers give them.
func (s *Schema) PinotClientJSON() ([]byte, error) {
	return s.document(func(t Type) string { return t.Elem().info().pinot })
}

func (s *Schema) document(typeName func(Type) string) ([]byte, error) {
	doc := schemaDocument{
		Name: s.Name, PrimaryKey: s.PrimaryKey,
		Dimensions: []fieldSpec{}, Metrics: []fieldSpec{}, DateTimes: []fieldSpec{},
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		spec := specOf(f, typeName)
		switch f.Role {
		case Metric:
			doc.Metrics = append(doc.Metrics, spec)
		case DateTime:
			doc.DateTimes = append(doc.DateTimes, spec)
		default:
			doc.Dimensions = append(doc.Dimensions, spec)
		}
	}
	return json.MarshalIndent(doc, "", "  ")
}

func specOf(f *Field, typeName func(Type) string) fieldSpec {
	spec := fieldSpec{
		Name: f.Name, DataType: typeName(f.Type), NotNull: f.NotNull,
		MaxLength: f.MaxLength, Path: f.Path, Comment: f.Comment,
	}
	if f.Type.List {
		single := false
		spec.SingleValue = &single
	}
	if f.Role == DateTime {
		spec.Format, spec.Granularity = f.Format.String(), granularity(f.Format)
	}
	if f.HasDefault {
		spec.Default = defaultValue(f)
	}
	return spec
}

func granularity(f TimeFormat) string {
	if f.Kind != FormatEpoch {
		return "1:MILLISECONDS"
	}
	return strconv.FormatInt(max(f.Size, 1), 10) + ":" + unitName(f.Unit)
}

// defaultValue keeps numbers as numbers where JSON can spell them.
func defaultValue(f *Field) any {
	if n := json.Number(f.Default); f.Type.Elem().IsNumeric() && json.Valid([]byte(f.Default)) {
		return n
	}
	return f.Default
}
