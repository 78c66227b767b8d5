package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment/inspect"
)

func newSegment() *cobra.Command {
	cmd := &cobra.Command{Use: "segment", Short: "Look into segment files, make and convert them"}
	cmd.AddCommand(segmentDump(), segmentVerify(), segmentBench(), segmentBuild(), segmentConvert())
	return cmd
}

func segmentDump() *cobra.Command {
	var asJSON bool
	opt := inspect.Options{}
	cmd := &cobra.Command{
		Use: "dump FILE…", Short: "Print the layout, properties and columns of segment files", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			for _, f := range files {
				r, err := inspect.Describe(vfs.OS, f, opt)
				if err != nil {
					return fmt.Errorf("%s: %w", f, err)
				}
				write := r.WriteText
				if asJSON {
					write = r.WriteJSON
				}
				if err := write(cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func segmentVerify() *cobra.Command {
	return &cobra.Command{
		Use: "verify FILE…", Short: "Check every checksum and structure of segment files", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			bad := 0
			for _, f := range files {
				v, err := inspect.Verify(cmd.Context(), vfs.OS, f)
				if err != nil {
					bad++
					fmt.Fprintf(os.Stderr, "%s: %v\n", f, err)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ok, %d documents, %d columns, %d bytes, crc %08x\n", f, v.Docs, v.Columns, v.Bytes, v.CRC)
			}
			if bad > 0 {
				return &exitError{1}
			}
			return nil
		},
	}
}
