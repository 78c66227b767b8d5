package build

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/startree"
)

// treeDimension is a dimension of star-trees as the columns' encoding left it.
type treeDimension struct {
	field *schema.Field
	ids   []uint32
	nulls column.Bitmap
	card  int
}

// starTrees builds the star-trees of one segment. Columns are written one by
// one; those that are dimensions of a tree leave their ids here. Metrics are
// folded one after the other, for which their columns are loaded again.
type starTrees struct {
	configs []schema.StarTreeConfig
	auto    bool
	wanted  map[uint32]bool // ids of the columns to keep
	kept    map[uint32]*treeDimension
}

// starTreePlan returns the star-trees that the table asks for, nil for none.
func starTreePlan(cfg Config) (*starTrees, error) {
	if cfg.Table.Config == nil {
		return nil, nil
	}
	ix := &cfg.Table.Config.Indexing
	if len(ix.StarTrees) == 0 && !ix.DefaultStarTree {
		return nil, nil
	}
	if cfg.StarTrees == nil {
		return nil, segment.Unsupportedf("star-trees without a compiler of their aggregations")
	}
	t := &starTrees{configs: ix.StarTrees, auto: ix.DefaultStarTree, wanted: map[uint32]bool{}, kept: map[uint32]*treeDimension{}}
	for i := range t.configs {
		for _, n := range t.configs[i].Dimensions {
			if at := cfg.Table.Schema.Index(n); at >= 0 {
				t.wanted[cfg.Table.Schema.Fields[at].ID] = true
			}
		}
	}
	return t, nil
}

// forceDictionary reports whether a column needs a dictionary for a tree.
func forceDictionary(ix *schema.IndexingConfig, name string) bool {
	return slices.ContainsFunc(ix.StarTrees, func(t schema.StarTreeConfig) bool { return slices.Contains(t.Dimensions, name) })
}

// autoCardinality is the most values of a dimension of the default tree.
const autoCardinality = 10_000

// keep remembers an encoded column if a tree may be built of it.
func (t *starTrees) keep(f *schema.Field, d *data) {
	if t == nil {
		return
	}
	auto := t.auto && f.Role != schema.Metric && schema.CanSplitStarTree(f.Type) && d.dict != nil && d.dict.N <= autoCardinality
	if !t.wanted[f.ID] && !auto || d.dict == nil && !d.allNull {
		return
	}
	k := &treeDimension{field: f, nulls: d.nullBits()}
	if d.allNull {
		k.nulls = column.NewBitmap(d.n)
		k.nulls.SetAll(d.n)
	} else {
		k.ids, k.card = d.ids, d.dict.N
	}
	t.kept[f.ID] = k
}

// defaultTree is enableDefaultStarTree: count(*) and the sums of all numeric
// metrics by all dimensions of few values, those of many first.
func (t *starTrees) defaultTree(s *schema.Schema) (schema.StarTreeConfig, bool) {
	var dims []*treeDimension
	for i := range s.Fields {
		if k := t.kept[s.Fields[i].ID]; k != nil && k.field.Role != schema.Metric && k.card <= autoCardinality {
			dims = append(dims, k)
		}
	}
	slices.SortStableFunc(dims, func(a, b *treeDimension) int { return cmp.Compare(b.card, a.card) })
	var c schema.StarTreeConfig
	for _, k := range dims[:min(len(dims), schema.MaxStarTreeDimensions)] {
		c.Dimensions = append(c.Dimensions, k.field.Name)
	}
	for i := range s.Fields {
		if f := &s.Fields[i]; f.Role == schema.Metric && f.Type.IsNumeric() && !f.Type.List {
			c.Metrics = append(c.Metrics, schema.StarTreeMetric{Function: "SUM", Column: f.Name})
		}
	}
	return c, len(dims) > 0
}

// starTrees builds and writes all trees.
func (b *builder) starTrees() error {
	if b.trees == nil || b.rows == 0 {
		return nil
	}
	configs := slices.Clone(b.trees.configs)
	if b.trees.auto {
		if c, ok := b.trees.defaultTree(b.cfg.Table.Schema); ok {
			configs = append(configs, c)
		}
	}
	for i := range configs {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		t, err := b.starTree(&configs[i])
		if err != nil {
			return fmt.Errorf("star-tree %d: %w", i, err)
		}
		if t != nil {
			b.footer.StarTrees = append(b.footer.StarTrees, *t)
		}
	}
	return nil
}

// starTree builds one tree, nil when the segment's dimensions have too many
// values for it.
func (b *builder) starTree(c *schema.StarTreeConfig) (*format.StarTree, error) {
	var dims []startree.Dimension
	var kept []*treeDimension
	for _, n := range c.Dimensions {
		i := b.cfg.Table.Schema.Index(n)
		if i < 0 || b.trees.kept[b.cfg.Table.Schema.Fields[i].ID] == nil {
			return nil, segment.Unsupportedf("dimension %q", n)
		}
		k := b.trees.kept[b.cfg.Table.Schema.Fields[i].ID]
		kept = append(kept, k)
		dims = append(dims, startree.Dimension{IDs: k.ids, Nulls: k.nulls, Cardinality: k.card, NoStar: slices.Contains(c.SkipStar, n)})
	}
	maxLeaf := cmp.Or(c.MaxLeaf, schema.DefaultMaxLeaf)
	shape := startree.New(dims, b.rows, maxLeaf)
	if shape == nil {
		return nil, nil
	}
	t := &format.StarTree{Meta: segment.StarTreeMeta{
		MaxLeaf: uint32(maxLeaf), Base: uint32(shape.Base), Records: uint32(shape.Records()), Nodes: uint32(shape.Nodes()),
	}}
	var err error
	if t.Nodes, err = b.file.buffer(pending{role: format.RoleNodes, bytes: shape.AppendNodes(nil)}); err != nil {
		return nil, err
	}
	for i, k := range kept {
		col, err := b.treeDimension(shape, i, k)
		if err != nil {
			return nil, err
		}
		t.Meta.NoStar = append(t.Meta.NoStar, dims[i].NoStar)
		t.Dimensions = append(t.Dimensions, col)
	}
	return t, b.treeMetrics(t, shape, c)
}

// treeDimension writes the ids of one dimension of the records.
func (b *builder) treeDimension(shape *startree.Shape, i int, k *treeDimension) (format.Column, error) {
	ids, nulls := shape.IDs(i)
	e := &encoded{entry: format.Column{Meta: &segment.ColumnMeta{
		ID: k.field.ID, Name: k.field.Name, Type: k.field.Type, Encoding: segment.EncodingDict, Cardinality: uint32(k.card),
	}}}
	if nulls != nil {
		m := roaring.New()
		m.AddMany(nulls.Positions(0, nil))
		m.RunOptimize()
		raw, err := encoding.AppendBitmap(nil, m)
		if err != nil {
			return format.Column{}, err
		}
		e.entry.Meta.Nulls = uint32(m.GetCardinality())
		e.buffer(format.RoleNulls, raw)
	}
	e.buffer(format.RoleForward, encoding.AppendPacked(nil, ids, encoding.Width(k.card)))
	return b.place(e)
}

// treeMetrics folds and writes the metrics of a tree, count(*) and those of
// the config, by their keys.
func (b *builder) treeMetrics(t *format.StarTree, shape *startree.Shape, c *schema.StarTreeConfig) error {
	metrics := map[string]segment.StarTreeMetric{}
	for _, m := range append([]schema.StarTreeMetric{{Function: "COUNT"}}, c.Metrics...) {
		x, err := b.cfg.StarTrees.CompileStarTreeMetric(b.cfg.Table, &m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.String(), err)
		}
		metrics[x.Key()] = x
	}
	for _, key := range sortedKeys(metrics) {
		states, err := b.foldMetric(shape, metrics[key])
		if err != nil {
			return err
		}
		if states == nil {
			continue
		}
		var cols []format.Column
		for _, v := range states {
			col, err := b.treeState(v)
			if err != nil {
				return err
			}
			cols = append(cols, col)
		}
		t.Metrics = append(t.Metrics, cols)
		t.Meta.Metrics = append(t.Meta.Metrics, segment.StarTreeMetricMeta{Key: key, States: len(cols)})
	}
	return nil
}

func sortedKeys(m map[string]segment.StarTreeMetric) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// foldMetric computes the states of a metric. It returns nil when computing it
// fails for some row, as an overflow does: then queries read the rows and meet
// the error if they want that row.
func (b *builder) foldMetric(shape *startree.Shape, m segment.StarTreeMetric) ([]*column.Vector, error) {
	var cols []*column.Vector
	for _, id := range m.Columns() {
		v, err := b.values(id)
		if err != nil {
			return nil, err
		}
		cols = append(cols, v)
	}
	part := make([]*column.Vector, len(cols))
	states, err := shape.Fold(m, func(from, to int) ([]*column.Vector, error) {
		if err := b.ctx.Err(); err != nil {
			return nil, err
		}
		for i, v := range cols {
			part[i] = v.Slice(from, to)
		}
		return part, nil
	})
	if err != nil {
		return nil, b.ctx.Err()
	}
	return states, nil
}

// values loads all rows of a column in their new order.
func (b *builder) values(id uint32) (*column.Vector, error) {
	i := slices.IndexFunc(b.plans, func(p plan) bool { return p.field.ID == id })
	if i < 0 {
		return nil, segment.Unsupportedf("aggregating column %d, which the schema lacks", id)
	}
	f := b.plans[i].field
	d, err := b.src.load(f)
	if err != nil {
		return nil, err
	}
	if d == nil || d.allNull {
		return column.NewConst(column.NullValue(f.Type), b.rows), nil
	}
	if b.perm != nil {
		d.reorder(b.perm)
	}
	d.materialise()
	v := *d.values
	v.Nulls = d.nullBits()
	return &v, nil
}

// treeState writes one column of states.
func (b *builder) treeState(v *column.Vector) (format.Column, error) {
	d := &data{typ: v.Type, n: v.N, values: column.New(v.Type, v.N)}
	d.addNulls(v, 0)
	if err := appendRows(d.values, v); err != nil {
		return format.Column{}, err
	}
	d.normalise()
	f := schema.Field{Type: v.Type, Role: schema.Metric}
	e, err := encode(d, &plan{field: &f, noDict: true, codec: encoding.CodecLZ4})
	if err != nil {
		return format.Column{}, err
	}
	return b.place(e)
}
