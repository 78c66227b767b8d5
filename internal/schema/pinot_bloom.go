package schema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// readBlooms reads bloomFilterColumns and bloomFilterConfigs of
// tableIndexConfig.
func (r *tableReader) readBlooms(o *object) {
	for _, column := range o.names("bloomFilterColumns") {
		r.setBloom(column, BloomConfig{})
	}
	configs := o.child("bloomFilterConfigs")
	if configs == nil {
		return
	}
	for _, column := range slices.Sorted(maps.Keys(configs.keys)) {
		if c := configs.child(column); c != nil {
			r.readBloom(c, column)
		}
	}
}

// readBloom reads the parameters of one column's filter.
func (r *tableReader) readBloom(o *object, column string) {
	var c BloomConfig
	if fpp, ok := o.share("fpp"); ok {
		c.FPP = fpp
	}
	if n, ok := o.integer("maxSizeInBytes", 0); ok {
		c.MaxBytes = n
	}
	disabled := o.boolean("disabled", false)
	o.ignore("loadOnHeap")
	o.done()
	if !disabled && column != "" {
		r.setBloom(column, c)
	}
}

// share reads a number between 0 and 1, both excluded.
func (o *object) share(key string) (float64, bool) {
	s, ok := o.str(key)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(f > 0 && f < 1) {
		o.fail(key, "must be a number between 0 and 1, not %q", s)
		return 0, false
	}
	return f, true
}

// setBloom adds a filter; parameters replace the lack of any.
func (r *tableReader) setBloom(column string, c BloomConfig) {
	ix := &r.cfg.Indexing
	if ix.Bloom == nil {
		ix.Bloom = map[string]BloomConfig{}
	}
	if old, ok := ix.Bloom[column]; ok && c == (BloomConfig{}) {
		c = old
	}
	ix.Bloom[column] = c
}

// blooms checks the columns of Bloom filters.
func (v *validator) blooms(ix *IndexingConfig) {
	const path = "tableIndexConfig.bloomFilterColumns"
	names := slices.Sorted(maps.Keys(ix.Bloom))
	v.columns(path, names)
	for _, n := range names {
		if i := v.schema.Index(n); i >= 0 {
			if err := CheckBloom(v.schema.Fields[i].Type); err != nil {
				v.fail("%s: %q: %w", path, n, err)
			}
		}
	}
}

// CheckBloom tells why columns of a type cannot have a Bloom filter, nil if
// they can.
func CheckBloom(t Type) error {
	switch {
	case t.List:
		return errors.New("a bloom filter on a multi-value column is not supported")
	case t.Kind() == KindBool:
		return errors.New("a bloom filter on BOOLEAN would let both values pass")
	case t.ID == TypeJSON || t.ID == TypeJSONB || t.ID == TypeInterval || t.ID == TypeChar:
		return fmt.Errorf("a bloom filter looks values up by their bytes, which equal values of %s need not share", dataTypeName(t))
	}
	return nil
}
