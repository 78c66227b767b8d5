package schema

import (
	"fmt"
	"maps"
	"slices"

	"github.com/alluviumdb/alluvium/internal/jsonmatch"
)

// JSONIndexConfig is Pinot's configuration of a JSON index: what it leaves out.
type JSONIndexConfig struct {
	MaxLevels     int // steps of a path, members and arrays alike; 0 means any number
	ExcludeArrays bool
	// IncludePaths and ExcludePaths are paths such as $.a.b[*]; what is below
	// them counts as well. Only one of the two may be given.
	IncludePaths, ExcludePaths []string
	ExcludeFields              []string
}

// readJSONIndexes reads jsonIndexColumns and jsonIndexConfigs of
// tableIndexConfig.
func (r *tableReader) readJSONIndexes(o *object) {
	for _, column := range o.names("jsonIndexColumns") {
		r.addJSON(column, JSONIndexConfig{})
	}
	configs := o.child("jsonIndexConfigs")
	if configs == nil {
		return
	}
	for _, column := range slices.Sorted(maps.Keys(configs.keys)) {
		if c := configs.child(column); c != nil {
			r.readJSONIndex(c, column)
		}
	}
}

func (r *tableReader) addJSON(column string, c JSONIndexConfig) {
	ix := &r.cfg.Indexing
	if ix.JSON == nil {
		ix.JSON = map[string]JSONIndexConfig{}
	}
	ix.JSON[column] = c
}

// readJSONIndex reads the object that configures one index.
func (r *tableReader) readJSONIndex(o *object, column string) {
	if o.boolean("disabled", false) {
		o.silent("maxLevels", "excludeArray", "disableCrossArrayUnnest", "includePaths", "excludePaths", "excludeFields",
			"indexPaths", "maxValueLength", "skipInvalidJson", "maxBytesSize")
		o.done()
		return
	}
	var c JSONIndexConfig
	if n, ok := o.integer("maxLevels", -1); ok {
		c.MaxLevels = max(n, 0)
	}
	c.ExcludeArrays = o.boolean("excludeArray", false)
	c.IncludePaths, c.ExcludePaths = o.names("includePaths"), o.names("excludePaths")
	c.ExcludeFields = o.names("excludeFields")
	if len(c.IncludePaths) > 0 && len(c.ExcludePaths) > 0 {
		o.fail("excludePaths", "cannot be given beside includePaths")
	}
	if o.boolean("disableCrossArrayUnnest", false) {
		o.warn("disableCrossArrayUnnest", "arrays beside each other are never multiplied in the index, and conditions over both are answered")
	}
	if n, ok := o.integer("maxValueLength", 0); ok && n > 0 {
		o.fail("maxValueLength", "is not supported: values are indexed whole")
	}
	o.refuse("indexPaths")
	o.ignore("skipInvalidJson", "maxBytesSize")
	o.done()
	r.addJSON(column, c)
}

func (v *validator) jsonIndexes(ix *IndexingConfig) {
	const path = "tableIndexConfig.jsonIndexColumns"
	names := slices.Sorted(maps.Keys(ix.JSON))
	v.columns(path, names)
	for _, n := range names {
		if i := v.schema.Index(n); i >= 0 {
			if err := CheckJSONIndex(v.schema.Fields[i].Type); err != nil {
				v.fail("%s: %q: %w", path, n, err)
			}
		}
		c := ix.JSON[n]
		for _, p := range slices.Concat(c.IncludePaths, c.ExcludePaths) {
			if _, err := jsonmatch.ParsePath(p); err != nil {
				v.fail("%s: %q: %w", path, n, err)
			}
		}
	}
}

// CheckJSONIndex tells why columns of a type cannot have a JSON index, nil if
// they can.
func CheckJSONIndex(t Type) error {
	if !t.List && (t.ID == TypeJSON || t.ID == TypeJSONB || t.ID == TypeText || t.ID == TypeVarchar) {
		return nil
	}
	return fmt.Errorf("a column of type %s holds no JSON documents; a JSON index needs JSON or STRING", dataTypeName(t))
}
