package schema

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// GeoIndexConfig is Pinot's configuration of an H3 index.
type GeoIndexConfig struct {
	Resolutions []int // of H3, 0 to 15
}

const finestH3 = 15

// addGeo notes the geo index of a column. Its resolutions follow.
func (r *tableReader) addGeo(column string) {
	ix := &r.cfg.Indexing
	if ix.Geo == nil {
		ix.Geo = map[string]GeoIndexConfig{}
	}
	ix.Geo[column] = GeoIndexConfig{}
}

// readGeoProperties reads the properties of a field with an H3 index.
func (r *tableReader) readGeoProperties(o *object, column string) {
	if c, ok := r.cfg.Indexing.Geo[column]; !ok || len(c.Resolutions) > 0 {
		return
	}
	p := o.child("properties")
	if p == nil {
		o.fail("properties", "resolutions is missing: an H3 index needs those of its cells, such as \"5,6\"")
		return
	}
	r.readResolutions(p, column, "resolutions")
	p.ignoreFilled(p.untaken()...)
}

// readGeoIndex reads the object that configures an H3 index.
func (r *tableReader) readGeoIndex(o *object, column string) {
	key := "resolutions"
	if o.keys[key] == nil {
		key = "resolution"
	}
	if o.boolean("disabled", false) {
		o.silent(key)
	} else {
		r.addGeo(column)
		r.readResolutions(o, column, key)
	}
	o.done()
}

// readResolutions reads "5,6", 5 or [5, 6].
func (r *tableReader) readResolutions(o *object, column, key string) {
	var texts []string
	if _, isArray := o.keys[key].([]any); isArray {
		for _, v := range o.list(key) {
			s, _ := scalarText(v)
			texts = append(texts, s)
		}
	} else if s, ok := o.str(key); ok {
		texts = strings.Split(s, ",")
	}
	if len(texts) == 0 {
		o.fail(key, "is missing: an H3 index needs the resolutions of its cells, such as \"5,6\"")
		return
	}
	var c GeoIndexConfig
	for _, s := range texts {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 0 || n > finestH3 {
			o.fail(key, "%q is no resolution of H3; they are 0 to %d", s, finestH3)
			return
		}
		c.Resolutions = append(c.Resolutions, n)
	}
	slices.Sort(c.Resolutions)
	c.Resolutions = slices.Compact(c.Resolutions)
	r.cfg.Indexing.Geo[column] = c
	o.warn(key, "the geo index of %q has cells of S2 of about the size of H3's at resolution %d; coarser ones are ranges of these", column, c.Resolutions[len(c.Resolutions)-1])
}

func (v *validator) geoIndexes(ix *IndexingConfig) {
	const path = "fieldConfigList: H3 index"
	names := slices.Sorted(maps.Keys(ix.Geo))
	v.columns(path, names)
	for _, n := range names {
		if i := v.schema.Index(n); i >= 0 {
			if err := CheckGeoIndex(v.schema.Fields[i].Type); err != nil {
				v.fail("%s: %q: %w", path, n, err)
			}
		}
	}
}

// CheckGeoIndex tells why columns of a type cannot have a geo index, nil if
// they can.
func CheckGeoIndex(t Type) error {
	if t.ID == TypeBytea && !t.List {
		return nil
	}
	return fmt.Errorf("a column of type %s has no points; an H3 index needs BYTES, as ST_POINT gives them", dataTypeName(t))
}
