package schema

import (
	"fmt"
	"slices"
	"strings"
)

// StarTreeConfig is one star-tree of a table.
type StarTreeConfig struct {
	// Dimensions are the columns that the tree splits by, in that order.
	Dimensions []string
	// SkipStar are those of them over which records are never aggregated.
	SkipStar []string
	// Metrics are the aggregations that the tree holds; count(*) is always
	// among them.
	Metrics []StarTreeMetric
	// MaxLeaf is the number of records up to which a node is not split; 0
	// means DefaultMaxLeaf.
	MaxLeaf int
}

// StarTreeMetric is an aggregation of a star-tree.
type StarTreeMetric struct {
	// Function is the aggregation's name in upper case, as in SQL.
	Function string
	// Column is what is aggregated; "" for COUNT of all rows or when Expression
	// is set.
	Column string
	// Expression is an SQL expression over columns of the table.
	Expression string
	// Params are constant arguments after the column, as SQL literals.
	Params []string
}

// The bounds of star-trees.
const (
	DefaultMaxLeaf = 10_000
	// MaxStarTreeDimensions is the most dimensions of one tree.
	MaxStarTreeDimensions = 32
	maxStarTrees          = 32
)

// String returns the call as SQL writes it.
func (m *StarTreeMetric) String() string {
	arg := m.Expression
	switch {
	case m.Column != "":
		arg = `"` + strings.ReplaceAll(m.Column, `"`, `""`) + `"`
	case arg == "":
		arg = "*"
	}
	return m.Function + "(" + strings.Join(append([]string{arg}, m.Params...), ", ") + ")"
}

// readStarTrees reads starTreeIndexConfigs and enableDefaultStarTree.
func (r *tableReader) readStarTrees(o *object) {
	ix := &r.cfg.Indexing
	ix.DefaultStarTree = o.boolean("enableDefaultStarTree", false)
	trees := o.children("starTreeIndexConfigs")
	if len(trees) > maxStarTrees {
		o.fail("starTreeIndexConfigs", "a table has at most %d star-trees", maxStarTrees)
	}
	for _, t := range trees {
		ix.StarTrees = append(ix.StarTrees, readStarTree(t))
	}
}

func readStarTree(o *object) StarTreeConfig {
	t := StarTreeConfig{Dimensions: o.names("dimensionsSplitOrder"), SkipStar: o.names("skipStarNodeCreationForDimensions")}
	if len(t.Dimensions) == 0 {
		o.fail("dimensionsSplitOrder", "is missing")
	}
	if len(t.Dimensions) > MaxStarTreeDimensions {
		o.fail("dimensionsSplitOrder", "a star-tree has at most %d dimensions", MaxStarTreeDimensions)
	}
	t.MaxLeaf, _ = o.integer("maxLeafRecords", 1)
	for _, pair := range o.names("functionColumnPairs") {
		function, column, ok := strings.Cut(pair, "__")
		if !ok || function == "" || column == "" {
			o.fail("functionColumnPairs", "%q is not of the form FUNCTION__column", pair)
			continue
		}
		t.add(o, "functionColumnPairs", metricOf(function, column))
	}
	for _, a := range o.children("aggregationConfigs") {
		t.add(a, "aggregationFunction", readStarTreeMetric(a))
		a.done()
	}
	if len(t.Metrics) == 0 {
		o.fail("functionColumnPairs", "neither functionColumnPairs nor aggregationConfigs name an aggregation")
	}
	o.done()
	return t
}

func readStarTreeMetric(o *object) StarTreeMetric {
	function, _ := o.str("aggregationFunction")
	if function == "" {
		o.fail("aggregationFunction", "is missing")
	}
	column, _ := o.str("columnName")
	m := metricOf(function, column)
	m.Expression, _ = o.str("expression")
	switch {
	case column == "" && m.Expression == "" && m.Function != "COUNT":
		o.fail("columnName", "is missing, and so is expression")
	case column != "" && m.Expression != "":
		o.fail("expression", "stands beside columnName; one of them is enough")
	}
	if p := o.child("functionParameters"); p != nil {
		m.Params = readParams(p)
	}
	o.ignore("compressionCodec", "deriveNumDocsPerChunk", "indexVersion", "targetMaxChunkSize", "targetDocsPerChunk")
	return m
}

// readParams reads Pinot's named parameters, of which each function has one.
func readParams(o *object) []string {
	var out []string
	for _, key := range []string{"log2m", "percentile", "precision"} {
		v, ok := o.str(key)
		if !ok {
			continue
		}
		if !isNumber(v) {
			o.fail(key, "%q is not a number", v)
			continue
		}
		out = append(out, v)
	}
	o.done()
	return out
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == "" && strings.Count(s, ".") <= 1
}

// metricOf returns the metric of a function and a column, "*" for all rows.
func metricOf(function, column string) StarTreeMetric {
	m := StarTreeMetric{Function: strings.ToUpper(function), Column: column}
	if column == "*" {
		m.Column = ""
	}
	return m
}

func (t *StarTreeConfig) add(o *object, key string, m StarTreeMetric) {
	same := func(x StarTreeMetric) bool { return x.String() == m.String() }
	if slices.ContainsFunc(t.Metrics, same) {
		o.fail(key, "%s is named twice", m.String())
		return
	}
	t.Metrics = append(t.Metrics, m)
}

// starTrees checks what the schema says of star-trees. Which aggregations there
// are and what types they take is left to the query engine.
func (v *validator) starTrees(ix *IndexingConfig) {
	for i := range ix.StarTrees {
		path := fmt.Sprintf("tableIndexConfig.starTreeIndexConfigs[%d]", i)
		t := &ix.StarTrees[i]
		v.columns(path+".dimensionsSplitOrder", t.Dimensions)
		for _, n := range t.Dimensions {
			v.starTreeDimension(path+".dimensionsSplitOrder", n, ix)
		}
		for _, n := range t.SkipStar {
			if !slices.Contains(t.Dimensions, n) {
				v.fail("%s.skipStarNodeCreationForDimensions: %q is not one of dimensionsSplitOrder", path, n)
			}
		}
		for k := range t.Metrics {
			m := &t.Metrics[k]
			if m.Column != "" && v.schema.Index(m.Column) < 0 {
				v.fail("%s: %s: no column %q in the schema%s", path, m.String(), m.Column, v.hint(m.Column))
			}
			if m.Column == "" && m.Expression == "" && m.Function != "COUNT" {
				v.fail("%s: %s needs a column", path, m.String())
			}
		}
	}
}

func (v *validator) starTreeDimension(path, name string, ix *IndexingConfig) {
	i := v.schema.Index(name)
	switch {
	case i < 0:
	case slices.Contains(ix.NoDictionary, name):
		v.fail("%s: %q has no dictionary (noDictionaryColumns), which a dimension of a star-tree needs", path, name)
	case !CanSplitStarTree(v.schema.Fields[i].Type):
		v.fail("%s: %q of type %s cannot be a dimension of a star-tree", path, name, dataTypeName(v.schema.Fields[i].Type))
	}
}

// CanSplitStarTree reports whether columns of a type can be dimensions: they
// have one value that a dictionary can hold.
func CanSplitStarTree(t Type) bool {
	return !t.List && t.Kind() != KindInterval && t.Kind() != KindInvalid && t.ID != TypeJSON && t.ID != TypeJSONB
}
