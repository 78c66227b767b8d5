package schema

import (
	"errors"
	"fmt"
	"strings"
)

// Role says what a field is for, as in Pinot's schema.
type Role uint8

// The roles of a field.
const (
	Dimension Role = iota
	Metric
	DateTime
)

func (r Role) String() string { return [...]string{"DIMENSION", "METRIC", "DATE_TIME"}[r%3] }

// TimeUnit is the unit of an EPOCH date-time format.
type TimeUnit uint8

// The units of an epoch.
const (
	UnitMillis TimeUnit = iota
	UnitNanos
	UnitMicros
	UnitSeconds
	UnitMinutes
	UnitHours
	UnitDays
)

// TimeFormatKind says how a date-time is written in the input record.
type TimeFormatKind uint8

// The formats of a date-time field.
const (
	FormatTimestamp  TimeFormatKind = iota // ISO 8601 / SQL timestamp text, or epoch ms as a number
	FormatEpoch                            // a number of Size × Unit since 1970
	FormatSimpleDate                       // Pattern (Java SimpleDateFormat letters) in Zone
)

// TimeFormat is the parsed `format` of a date-time field spec. The zero value
// is TIMESTAMP.
type TimeFormat struct {
	Kind    TimeFormatKind
	Unit    TimeUnit
	Size    int64  // units per tick; 0 means 1
	Pattern string // FormatSimpleDate: the Java pattern
	Zone    string // IANA name; empty means UTC
}

// Field is one column of a schema.
type Field struct {
	// ID is the stable column id: assigned by the controller, rising, never
	// reused. 0 means not yet assigned.
	ID   uint32
	Name string
	Type Type
	Role Role
	// NotNull refuses rows without a value for the field (they go to the error log).
	NotNull bool
	// Default is the value of `defaultNullValue` as text; HasDefault tells
	// whether one was given. It stands in for NULL only where null handling is
	// switched off (Pinot clients); SQL sees NULL.
	Default    string
	HasDefault bool
	// MaxLength bounds text in characters; 0 means the default of 512 for
	// Pinot STRING does not apply: text is unbounded.
	MaxLength int
	// Format says how a DateTime field is written in records.
	Format TimeFormat
	// Path is the JSON path in the record, "" means the field's own name.
	Path string
	// FromArrival makes the field the stream's record timestamp (never the
	// wall clock of a server: replicas must agree).
	FromArrival bool
	Comment     string
}

// Schema is a versioned list of fields. A Schema is immutable once published.
type Schema struct {
	Name       string
	Version    uint32 // rises with each change
	Fields     []Field
	PrimaryKey []string
	// NextColumnID is the id the next added column gets.
	NextColumnID uint32
}

// ErrAmbiguousName is returned by Lookup when an unquoted name matches several
// columns that differ only by case.
var ErrAmbiguousName = errors.New("ambiguous column name")

// Index returns the position of the field with exactly that name, or -1.
func (s *Schema) Index(name string) int {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// IndexID returns the position of the field with that column id, or -1.
func (s *Schema) IndexID(id uint32) int {
	for i := range s.Fields {
		if s.Fields[i].ID == id {
			return i
		}
	}
	return -1
}

// Lookup resolves an identifier: exact if quoted; otherwise an exact
// lower-case match, else the only case-insensitive match. It returns -1
// without an error when nothing matches.
func (s *Schema) Lookup(name string, quoted bool) (int, error) {
	if quoted {
		return s.Index(name), nil
	}
	if i := s.Index(strings.ToLower(name)); i >= 0 {
		return i, nil
	}
	found := -1
	for i := range s.Fields {
		if strings.EqualFold(s.Fields[i].Name, name) {
			if found >= 0 {
				return -1, fmt.Errorf("%w: %q", ErrAmbiguousName, name)
			}
			found = i
		}
	}
	return found, nil
}

// Validate checks names, duplicates (also by case) and the primary key. It
// reports all faults at once.
func (s *Schema) Validate() error {
	var errs []error
	if s.Name == "" {
		errs = append(errs, errors.New("schemaName is missing"))
	}
	if len(s.Fields) == 0 {
		errs = append(errs, errors.New("schema has no fields"))
	}
	seen := map[string]string{}
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Name == "" {
			errs = append(errs, fmt.Errorf("field %d has no name", i))
			continue
		}
		if strings.HasPrefix(f.Name, "_") || strings.HasPrefix(f.Name, "$") {
			errs = append(errs, fmt.Errorf("field %q: names beginning with _ or $ are reserved", f.Name))
		}
		if len(f.Name) > 63*4 {
			errs = append(errs, fmt.Errorf("field %.40q…: name longer than 252 bytes", f.Name))
		}
		low := strings.ToLower(f.Name)
		if other, dup := seen[low]; dup {
			errs = append(errs, fmt.Errorf("fields %q and %q have the same name or differ only by case", other, f.Name))
		}
		seen[low] = f.Name
		if f.Type.Kind() == KindInvalid {
			errs = append(errs, fmt.Errorf("field %q has no data type", f.Name))
		}
	}
	for _, k := range s.PrimaryKey {
		if s.Index(k) < 0 {
			errs = append(errs, fmt.Errorf("primaryKeyColumns: no field %q", k))
		}
	}
	return errors.Join(errs...)
}
