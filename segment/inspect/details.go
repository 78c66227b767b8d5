package inspect

import (
	"fmt"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/index"
)

// indexDetails tells what the JSON, text and geo indexes of a column hold.
func indexDetails(c segment.Column) []string {
	var out []string
	if x, ok := c.(segment.JSONIndexed); ok {
		if j, ok := x.JSON().(*index.JSON); ok {
			paths, terms, forms := j.Sizes()
			out = append(out, fmt.Sprintf("json index: %d paths, %d values, %d flat forms", paths, terms, forms))
		}
	}
	if x, ok := c.(segment.TextIndexed); ok {
		if t, ok := x.Text().(*index.Text); ok {
			out = append(out, fmt.Sprintf("text index: %d words", t.Words()))
		}
	}
	if x, ok := c.(segment.GeoIndexed); ok {
		if g, ok := x.Geo().(*index.Geo); ok {
			out = append(out, geoDetails(g))
		}
	}
	return out
}

func geoDetails(g *index.Geo) string {
	level, geography := g.Level()
	kind := "geometries"
	if geography {
		kind = "geographies"
	}
	return fmt.Sprintf("geo index: %d cells of level %d, %s, %d documents without such a point", g.Len(), level, kind, g.Others())
}
