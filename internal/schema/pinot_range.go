package schema

import (
	"errors"
	"fmt"
	"slices"
)

// ranges checks the columns of range indexes.
func (v *validator) ranges(ix *IndexingConfig) {
	const path = "tableIndexConfig.rangeIndexColumns"
	v.columns(path, ix.Range)
	for _, n := range ix.Range {
		if i := v.schema.Index(n); i >= 0 {
			if err := CheckRange(v.schema.Fields[i].Type, slices.Contains(ix.NoDictionary, n)); err != nil {
				v.fail("%s: %q: %w", path, n, err)
			}
		}
	}
}

// CheckRange tells why columns of a type (kept without a dictionary if raw)
// cannot have a range index, nil if they can.
func CheckRange(t Type, raw bool) error {
	switch t.Kind() {
	case KindInt32, KindInt64, KindFloat32, KindFloat64:
		return nil
	case KindList:
		return errors.New("a range index on a multi-value column is not supported")
	case KindBool:
		return errors.New("a range index on BOOLEAN would have two buckets; an inverted index serves it")
	}
	switch {
	case t.ID == TypeJSON || t.ID == TypeJSONB || t.ID == TypeInterval || t.ID == TypeChar:
		return fmt.Errorf("a range index needs values that are ordered as they are stored, which %s is not", dataTypeName(t))
	case raw:
		return fmt.Errorf("a range index on %s needs a dictionary, which noDictionaryColumns excludes", dataTypeName(t))
	}
	return nil
}
