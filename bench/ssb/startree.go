package ssb

import (
	_ "embed" // the config is a document that a table config can take over
	"fmt"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// StarTreesJSON is the starTreeIndexConfigs of a table config whose trees
// answer all of Queries.
//
//go:embed startrees.json
var StarTreesJSON string

// StarTrees returns StarTreesJSON as the table config's reader understands it.
func StarTrees() ([]schema.StarTreeConfig, error) {
	doc := fmt.Appendf(nil, `{"tableName":"lineorder_flat","tableType":"OFFLINE","tableIndexConfig":{"starTreeIndexConfigs":%s}}`, StarTreesJSON)
	cfg, _, _, _, err := schema.ParsePinotTable(doc)
	if err != nil {
		return nil, err
	}
	return cfg.Indexing.StarTrees, schema.Validate(cfg, Schema())
}
