package main

import (
	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/bench"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure this binary on this machine; figures are printed as Markdown"}
	cmd.AddCommand(benchIngest(), benchFreshness(), &cobra.Command{
		Use: "kfake", Short: "Serve an in-memory Kafka stand-in for the other benchmarks", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return bench.ServeKfake(cmd.Context()) },
	})
	cmd.AddCommand(append(benchSuites(), benchKernels(), benchQPS(), benchLatest(), benchWide(), benchLoad())...)
	return cmd
}

func benchIngest() *cobra.Command {
	o := bench.IngestOptions{}
	cmd := &cobra.Command{
		Use: "ingest", Short: "Backlog of the demo event from Kafka to queryable", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return bench.Ingest(cmd.Context(), cmd.OutOrStdout(), o) },
	}
	cmd.Flags().IntVar(&o.Rows, "rows", 4_000_000, "records in the backlog")
	cmd.Flags().IntVar(&o.Partitions, "partitions", 2, "partitions of the topic")
	cmd.Flags().StringVar(&o.Kafka, "kafka", "", "address of a broker; empty starts an in-memory one")
	return cmd
}

func benchFreshness() *cobra.Command {
	o := bench.FreshnessOptions{}
	cmd := &cobra.Command{
		Use: "freshness", Short: "Time from the producer's acknowledgement to a visible row", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Freshness(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	cmd.Flags().IntVar(&o.Rate, "rate", 5000, "background records per second")
	cmd.Flags().IntVar(&o.Seconds, "seconds", 20, "length of the measurement")
	cmd.Flags().StringVar(&o.Kafka, "kafka", "", "address of a broker; empty starts an in-memory one")
	return cmd
}
