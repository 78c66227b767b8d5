package ssb

import (
	_ "embed" // the table configs

	"github.com/alluviumdb/alluvium/bench/data"
)

// config is the table config of the benchmark: sorted by the order date, with
// inverted indexes on the dimensions that queries filter by.
//
//go:embed lineorder_flat.table.json
var config []byte

// starTreeConfig is config with star-trees for the queries of SSB.
//
//go:embed lineorder_flat.startree.json
var starTreeConfig []byte

// StarTreeConfig returns the table config with star-trees. It is shared:
// read-only.
func StarTreeConfig() []byte { return starTreeConfig }

// Table describes lineorder_flat.
func Table() data.Table {
	return data.Table{
		Schema: Schema(), New: func(rows int) data.Source { return New(rows) }, Config: config, SortedBy: "lo_orderdate",
		LowCardinality: []string{
			"lo_orderpriority", "lo_shipmode", "c_city", "c_nation", "c_region", "c_mktsegment",
			"s_city", "s_nation", "s_region", "p_mfgr", "p_category", "p_brand", "p_color", "p_type", "p_container",
		},
	}
}
