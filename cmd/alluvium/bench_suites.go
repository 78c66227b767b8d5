package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/bench"
)

// suiteFunc runs a benchmark that compares engines.
type suiteFunc func(context.Context, io.Writer, bench.Options) error

// benchSuites are the benchmarks that load generated tables into this binary
// and its peers.
func benchSuites() []*cobra.Command {
	return []*cobra.Command{
		benchSuite("ssb", "The 13 queries of the flat star schema benchmark, beside DuckDB and ClickHouse", 12_000_000, 240_000, bench.SSB),
		benchSuite("dash", "12 dashboard queries over the same table, beside DuckDB and ClickHouse", 12_000_000, 240_000, bench.Dash),
		benchSuite("flat", "The queries of ssb and dash over a table loaded once", 12_000_000, 240_000, bench.Flat),
		benchSuite("hits", "43 ClickBench-shaped queries over a generated table, beside DuckDB and ClickHouse", 5_000_000, 100_000, bench.Hits),
	}
}

func benchSuite(use, short string, rows, quickRows int, run suiteFunc) *cobra.Command {
	var o bench.Options
	var quick bool
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick {
				quicken(cmd, &o, quickRows)
			}
			return run(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Rows, "rows", rows, "rows of the table")
	f.IntVar(&o.Rounds, "rounds", 3, "how often each engine comes back to each query")
	f.IntVar(&o.Runs, "runs", 7, "timed runs of each query in a round")
	f.StringVar(&o.Python, "python", "python3", "Python interpreter with the packages duckdb and chdb")
	f.StringVar(&o.Peers, "peers", "bench/peers", "folder of the peers' runners")
	f.StringSliceVar(&o.Only, "peer", nil, "peers that take part: duckdb, clickhouse, none; all by default")
	f.StringVar(&o.Cache, "cache", benchCache(), "folder of generated files and results")
	f.StringVar(&o.Scratch, "scratch", "", "folder of the peers' databases; the system's by default")
	f.BoolVar(&o.ReusePeers, "reuse-peers", false, "take the peers' figures from the last run on the same rows")
	f.StringVar(&o.Docs, "docs", "", "Markdown file whose section of this benchmark is replaced, with its plot beside it")
	f.BoolVar(&quick, "quick", false, "few rows and runs: a check of answers rather than a measurement")
	return cmd
}

// quicken makes a run small, except where flags say otherwise.
func quicken(cmd *cobra.Command, o *bench.Options, rows int) {
	for name, set := range map[string]func(){
		"rows": func() { o.Rows = rows }, "rounds": func() { o.Rounds = 1 }, "runs": func() { o.Runs = 2 },
	} {
		if !cmd.Flags().Changed(name) {
			set()
		}
	}
}

// benchCache is the folder of generated files unless one is given.
func benchCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "alluvium-bench")
}

func benchKernels() *cobra.Command {
	var o bench.KernelOptions
	cmd := &cobra.Command{
		Use: "kernels", Short: "The loops over column data, beside the same loops in C", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Kernels(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	cmd.Flags().StringVar(&o.Peers, "peers", "bench/peers", "folder of the peers' sources")
	cmd.Flags().StringVar(&o.CC, "cc", "gcc", "C compiler; without one there are no figures to compare with")
	cmd.Flags().StringVar(&o.Docs, "docs", "", "Markdown file whose section of this benchmark is replaced")
	return cmd
}

func benchQPS() *cobra.Command {
	var o bench.QPSOptions
	var quick bool
	cmd := &cobra.Command{
		Use: "qps", Short: "Queries a second of many clients over HTTP and the PostgreSQL wire", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick {
				o.Rows, o.Clients, o.Length = min(o.Rows, 240_000), []int{1, 32}, time.Second
			}
			return bench.QPS(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Rows, "rows", 12_000_000, "rows of the table")
	f.IntSliceVar(&o.Clients, "clients", []int{1, 8, 32, 128}, "numbers of concurrent clients")
	f.DurationVar(&o.Length, "length", 5*time.Second, "time of each measurement")
	f.StringVar(&o.Cache, "cache", benchCache(), "folder of generated files")
	f.StringVar(&o.Docs, "docs", "", "Markdown file whose section of this benchmark is replaced, with its plot beside it")
	f.BoolVar(&quick, "quick", false, "few rows and a second each")
	return cmd
}

// benchLoad is the load generator of benchQPS in a process of its own.
func benchLoad() *cobra.Command {
	return &cobra.Command{
		Use: "load", Short: "Run a load that is described on standard input", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Load(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

func benchLatest() *cobra.Command {
	var o bench.LatestOptions
	cmd := &cobra.Command{
		Use: "latest", Short: "The last row of one key among many, during ingestion", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Latest(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Rows, "rows", 10_000_000, "rows of the table when queries begin")
	f.IntVar(&o.Keys, "keys", 1_000_000, "different keys")
	f.IntVar(&o.Clients, "clients", 32, "concurrent clients")
	f.IntVar(&o.Rate, "rate", 5000, "records per second while queries run")
	f.DurationVar(&o.Length, "length", 10*time.Second, "time of the measurement")
	f.StringVar(&o.Docs, "docs", "", "Markdown file whose section of this benchmark is replaced")
	return cmd
}

func benchWide() *cobra.Command {
	var o bench.WideOptions
	cmd := &cobra.Command{
		Use: "wide", Short: "A table of thousands of columns and one with a dictionary of millions of values", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Wide(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Columns, "columns", 5000, "columns of the first table")
	f.IntVar(&o.ColumnRows, "rows", 20_000, "rows of the first table")
	f.IntVar(&o.Values, "values", 10_000_000, "values and rows of the second table")
	f.IntVar(&o.Runs, "runs", 7, "warm runs of each query")
	f.StringVar(&o.Cache, "cache", benchCache(), "folder of generated files")
	f.StringVar(&o.Docs, "docs", "", "Markdown file whose section of this benchmark is replaced")
	return cmd
}
