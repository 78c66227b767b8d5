package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment/inspect"
)

func segmentBench() *cobra.Command {
	var asJSON bool
	opt := inspect.BenchOptions{}
	cmd := &cobra.Command{
		Use: "bench FILE…", Short: "Measure size and speed of the columns of segment files", Args: cobra.MinimumNArgs(1),
		Long: `Measure the columns of segment files: their encodings and bytes, and how many rows a second one core reads in
order, gathers (one row in 61) and compares with a range.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			for _, f := range files {
				cols, err := inspect.Bench(cmd.Context(), vfs.OS, f, opt)
				if err != nil {
					return fmt.Errorf("%s: %w", f, err)
				}
				if asJSON {
					err = json.NewEncoder(cmd.OutOrStdout()).Encode(cols)
				} else {
					err = inspect.WriteBench(cmd.OutOrStdout(), cols)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringSliceVar(&opt.Columns, "columns", nil, "only these columns")
	cmd.Flags().DurationVar(&opt.Time, "time", 50*time.Millisecond, "how long each rate is measured at least")
	return cmd
}
