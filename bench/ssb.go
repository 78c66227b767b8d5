package bench

import (
	"context"
	"io"
	"strings"

	"github.com/alluviumdb/alluvium/bench/ssb"
)

// SSB measures the 13 queries of the flat star schema benchmark.
func SSB(ctx context.Context, w io.Writer, o Options) error {
	return runSuite(ctx, w, flat("ssb", "Star schema benchmark, flat table", ssb.Queries), &o)
}

// Dash measures 12 queries as dashboards send them, on the same table.
func Dash(ctx context.Context, w io.Writer, o Options) error {
	return runSuite(ctx, w, flat("dash", "Dashboards over the flat table", ssb.Dashboard), &o)
}

// Flat measures the queries of SSB and Dash on one table that is loaded once.
func Flat(ctx context.Context, w io.Writer, o Options) error {
	all := append(append([]ssb.Query{}, ssb.Queries...), ssb.Dashboard...)
	return runSuite(ctx, w, flat("flat", "Star schema benchmark and dashboards, flat table", all), &o)
}

func flat(name, title string, queries []ssb.Query) *suite {
	s := &suite{Name: name, Title: title, Table: ssb.Table(), Pinot: ssb.Pinot, PinotRows: ssb.PinotRows}
	for _, q := range queries {
		s.Queries = append(s.Queries, query{Name: q.Name, SQL: q.SQL, ClickHouse: ssb.ClickHouse[q.Name]})
	}
	s.Variants = []variant{
		{Name: "Alluvium with star-tree", Settings: [][2]string{{"star_tree", "on"}}, Config: ssb.StarTreeConfig(),
			Queries: func(name string) bool { return strings.HasPrefix(name, "q") },
			Peer:    ssb.PinotStarTree, PeerName: "Pinot with star-tree¹"},
		{Name: "Alluvium with result cache", Settings: [][2]string{{"result_cache", "on"}}},
	}
	return s
}
