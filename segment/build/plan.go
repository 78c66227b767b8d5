package build

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// plan is how one column shall be stored.
type plan struct {
	field         *schema.Field
	sorted        bool // the sort column
	inverted      bool
	dict          bool // a dictionary whatever it costs
	noDict        bool
	ranges        bool
	granularities []schema.Granularity
	bloom         *schema.BloomConfig // nil for no filter
	json          *segment.JSONOptions
	text          bool
	geo           bool
	geoLevel      int // of the cells of the geo index
	codec         encoding.Codec
	hasCodec      bool
	elements      elementPlan // of a list column
	bases         *bases      // the columns before this one, nil where it stands alone
}

// CheckConfig returns an error for each thing that the table's schema and
// indexing config ask for and that a build would refuse.
func CheckConfig(t *schema.Table) error {
	_, err := planColumns(t)
	return err
}

// planColumns returns the plan of each field in the order of the schema.
func planColumns(t *schema.Table) ([]plan, error) {
	if t == nil || t.Schema == nil {
		return nil, errors.New("build: no schema")
	}
	var ix schema.IndexingConfig
	if t.Config != nil {
		ix = t.Config.Indexing
	}
	errs := []error{checkNames(t.Schema, &ix)}
	plans := make([]plan, len(t.Schema.Fields))
	ids := map[uint32]bool{0: true, segment.SeqColumnID: true}
	for i := range plans {
		f := &t.Schema.Fields[i]
		if ids[f.ID] {
			errs = append(errs, fmt.Errorf("build: column %q has no id of its own (%d)", f.Name, f.ID))
		}
		ids[f.ID] = true
		p, err := planColumn(f, &ix)
		plans[i], errs = p, append(errs, err)
	}
	return plans, errors.Join(errs...)
}

// checkNames refuses names of no column.
func checkNames(s *schema.Schema, ix *schema.IndexingConfig) error {
	var errs []error
	check := func(what string, names ...string) {
		for _, n := range names {
			if n != "" && s.Index(n) < 0 {
				errs = append(errs, fmt.Errorf("build: %s: no column %q", what, n))
			}
		}
	}
	check("sortedColumn", ix.SortedColumn)
	check("invertedIndexColumns", ix.Inverted...)
	check("noDictionaryColumns", ix.NoDictionary...)
	check("dictionary columns", ix.Dictionary...)
	check("rangeIndexColumns", ix.Range...)
	check("text index", ix.Text...)
	check("H3 index", slices.Collect(maps.Keys(ix.Geo))...)
	check("jsonIndexColumns", slices.Collect(maps.Keys(ix.JSON))...)
	check("timestampConfig", slices.Collect(maps.Keys(ix.Timestamps))...)
	check("bloomFilterColumns", slices.Collect(maps.Keys(ix.Bloom))...)
	return errors.Join(errs...)
}

func planColumn(f *schema.Field, ix *schema.IndexingConfig) (plan, error) {
	p := plan{
		field:    f,
		sorted:   f.Name == ix.SortedColumn,
		inverted: slices.Contains(ix.Inverted, f.Name),
		noDict:   slices.Contains(ix.NoDictionary, f.Name),
		dict:     slices.Contains(ix.Dictionary, f.Name) || slices.Contains(ix.FST, f.Name) || f.Type.ID == schema.TypeSymbol,
		codec:    encoding.CodecLZ4,
	}
	p.dict = p.dict || p.inverted || forceDictionary(ix, f.Name) || f.Type.Kind() == schema.KindBool
	if slices.Contains(ix.Range, f.Name) {
		if err := schema.CheckRange(f.Type, p.noDict); err != nil {
			return p, segment.Unsupportedf("range index of column %q: %v", f.Name, err)
		}
		p.ranges = true
		p.dict = p.dict || !hasRangeKey(f.Type.Kind())
	}
	if p.granularities = ix.Timestamps[f.Name]; len(p.granularities) > 0 {
		if err := schema.CheckTimestampIndex(f.Type); err != nil {
			return p, segment.Unsupportedf("timestamp index of column %q: %v", f.Name, err)
		}
	}
	if c, ok := ix.Bloom[f.Name]; ok {
		if err := schema.CheckBloom(f.Type); err != nil {
			return p, segment.Unsupportedf("bloom filter of column %q: %v", f.Name, err)
		}
		p.bloom = &c
	}
	if name, ok := ix.Compression[f.Name]; ok {
		c, err := encoding.ParseCodec(name)
		if err != nil {
			return p, fmt.Errorf("column %q: %w", f.Name, err)
		}
		p.codec, p.hasCodec = c, true
	}
	var err error
	if p.json, err = planJSON(f, ix); err != nil {
		return p, err
	}
	if p.text, err = planText(f, ix); err != nil {
		return p, err
	}
	if p.geoLevel, p.geo, err = planGeo(f, ix); err != nil {
		return p, err
	}
	k := f.Type.Kind()
	if k == schema.KindList {
		return p, p.planList()
	}
	if noDictKind(k) {
		p.noDict = true
	}
	switch {
	case k == schema.KindInvalid:
		return p, fmt.Errorf("build: column %q has no type", f.Name)
	case p.noDict && p.inverted:
		return p, segment.Unsupportedf("inverted index of column %q, which has no dictionary", f.Name)
	case p.noDict && p.dict && k != schema.KindBool:
		return p, segment.Unsupportedf("dictionary of column %q of type %v or without dictionary", f.Name, f.Type)
	}
	if k == schema.KindBool {
		p.noDict = false // a bit a row either way
	}
	// A codec on text asks for compressed chunks, which excludes a dictionary
	// unless something else needs one.
	if p.hasCodec && k == schema.KindBytes && !p.dict {
		p.noDict = true
	}
	return p, nil
}

// noDictKind reports whether a kind is never dictionary-encoded at the level of
// the column: different intervals may compare equal, and lists have no order
// of their own (their elements may have a dictionary).
func noDictKind(k schema.Kind) bool { return k == schema.KindInterval || k == schema.KindList }

// cardinalityLimit returns the most distinct values for which a dictionary is
// considered. It depends on the rows alone, so that it does not matter whether
// the source had a dictionary.
func (p *plan) cardinalityLimit(rows int) int {
	if p.dict || p.field.Type.Kind() == schema.KindBytes {
		return rows
	}
	if p.sorted {
		return max(256, rows/2)
	}
	return max(256, rows/4)
}
