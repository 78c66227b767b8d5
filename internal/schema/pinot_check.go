package schema

import (
	"errors"
	"fmt"
	"slices"
)

// Validate checks a table config against the schema: every named column
// exists, once, and has a type that suits its use. It reports all faults.
func Validate(cfg *TableConfig, s *Schema) error {
	v := validator{schema: s}
	ix := &cfg.Indexing
	v.columns("tableIndexConfig.invertedIndexColumns", ix.Inverted)
	v.columns("tableIndexConfig.noDictionaryColumns", ix.NoDictionary)
	if ix.SortedColumn != "" {
		v.columns("tableIndexConfig.sortedColumn", []string{ix.SortedColumn})
	}
	for column := range ix.Compression {
		v.columns("fieldConfigList", []string{column})
	}
	v.indexes(ix)
	v.jsonIndexes(ix)
	v.textIndexes(ix)
	v.fstIndexes(ix)
	v.geoIndexes(ix)
	v.blooms(ix)
	v.ranges(ix)
	v.starTrees(ix)
	v.timestamps(ix)
	v.timeColumn(cfg)
	v.arrivals(cfg.ArrivalColumns)
	slices.SortFunc(v.errs, func(a, b error) int { return compareText(a.Error(), b.Error()) })
	return errors.Join(v.errs...)
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

type validator struct {
	schema *Schema
	errs   []error
}

func (v *validator) fail(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}

func (v *validator) columns(path string, names []string) {
	for _, n := range names {
		if v.schema.Index(n) < 0 {
			v.fail("%s: no column %q in the schema%s", path, n, v.hint(n))
		}
	}
}

// hint names a column that was perhaps meant.
func (v *validator) hint(name string) string {
	var names []string
	for i := range v.schema.Fields {
		names = append(names, v.schema.Fields[i].Name)
	}
	if near, ok := nearest(name, names); ok {
		return fmt.Sprintf(", did you mean %s?", near)
	}
	return ""
}

func (v *validator) indexes(ix *IndexingConfig) {
	for _, n := range ix.Inverted {
		if slices.Contains(ix.NoDictionary, n) {
			v.fail("tableIndexConfig.invertedIndexColumns: %q has no dictionary (noDictionaryColumns), which an inverted index needs", n)
		}
	}
	for _, n := range ix.NoDictionary {
		if i := v.schema.Index(n); i >= 0 && needsDictionary(v.schema.Fields[i].Type) {
			v.fail("tableIndexConfig.noDictionaryColumns: %q of type %s always has a dictionary", n, dataTypeName(v.schema.Fields[i].Type))
		}
	}
	if i := v.schema.Index(ix.SortedColumn); i >= 0 && v.schema.Fields[i].Type.List {
		v.fail("tableIndexConfig.sortedColumn: %q has several values", ix.SortedColumn)
	}
}

func needsDictionary(t Type) bool { return !t.List && t.ID == TypeSymbol }

func (v *validator) timeColumn(cfg *TableConfig) {
	if cfg.TimeColumn == "" {
		if cfg.Retention > 0 {
			v.fail("segmentsConfig.timeColumnName: is missing, but retentionTimeValue needs it")
		}
		return
	}
	const path = "segmentsConfig.timeColumnName"
	i := v.schema.Index(cfg.TimeColumn)
	if i < 0 {
		v.fail("%s: no column %q in the schema%s", path, cfg.TimeColumn, v.hint(cfg.TimeColumn))
		return
	}
	f := &v.schema.Fields[i]
	if f.Role != DateTime {
		v.fail("%s: %q is not one of dateTimeFieldSpecs", path, f.Name)
	}
}

func (v *validator) arrivals(names []string) {
	const path = "ingestionConfig.transformConfigs"
	v.columns(path, names)
	for _, n := range names {
		i := v.schema.Index(n)
		if i < 0 {
			continue
		}
		f := &v.schema.Fields[i]
		fits := f.Type.IsTime() || f.Type.IsInteger() && f.Type.ID != TypeInt16 && f.Format.Kind != FormatSimpleDate
		if !fits || f.Type.List {
			v.fail("%s: %q of type %s cannot hold the record timestamp", path, n, dataTypeName(f.Type))
		}
	}
}
