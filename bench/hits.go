package bench

import (
	"context"
	"io"

	"github.com/alluviumdb/alluvium/bench/hits"
)

// Hits measures 43 queries of ClickBench's shapes over a generated table of
// page views.
func Hits(ctx context.Context, w io.Writer, o Options) error {
	s := &suite{Name: "hits", Title: "Web analytics, 43 queries over 105 columns", Table: hits.Table()}
	for _, q := range hits.Queries(o.Rows) {
		s.Queries = append(s.Queries, query{Name: q.Name, SQL: q.SQL, Check: q.Check, ClickHouse: q.ClickHouse})
	}
	return runSuite(ctx, w, s, &o)
}
