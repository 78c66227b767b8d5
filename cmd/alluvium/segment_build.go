package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/ingest/file"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/server/load"
)

// segmentExt is the extension of segment files.
const segmentExt = ".seg"

func segmentBuild() *cobra.Command {
	o := &ingestOptions{}
	var dir string
	cmd := &cobra.Command{
		Use:   "build --out DIR PATH…",
		Short: "Build segment files from Parquet, CSV, JSON or Avro files",
		Long: `Build segment files from files, as alluvium ingest does, without a cluster. Paths are files, folders, globs, and
s3:// addresses. Without --schema the files suggest one, and without --table-config too the indexes. The segments appear in the folder
when all of them are built, or none does.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return buildSegments(cmd.Context(), cmd.OutOrStdout(), o, dir, paths)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "out", "", "folder for the segment files")
	f.StringVar(&o.table, "table", "", "name of the table (default: that of the table config, else of the schema, else files)")
	f.StringVar(&o.schemaFile, "schema", "", "Pinot schema; without it the files suggest one")
	f.StringVar(&o.tableConfig, "table-config", "", "Pinot table config; without it and a schema the files suggest one")
	o.fileFlags(cmd)
	f.IntVar(&o.rowsPerSegment, "rows-per-segment", 0, "rows of a segment (default: what the table config says, else 3000000)")
	f.IntVar(&o.workers, "workers", 0, "segments built at once (default: the number of cores)")
	cmd.MarkFlagRequired("out")
	return cmd
}

func buildSegments(ctx context.Context, out io.Writer, o *ingestOptions, dir string, paths []string) error {
	opt, err := o.fileOptions()
	if err != nil {
		return err
	}
	inputs, err := file.Find(ctx, paths, opt)
	if err != nil {
		return err
	}
	table, err := localTable(ctx, out, o, opt, inputs)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(dir, ".build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	defer ballast()()
	var built []load.Built
	_, err = load.Build(ctx, load.Options{
		Table: table, Dir: tmp, RowsPerSegment: o.rowsPerSegment, Workers: o.workers, File: opt,
	}, inputs, func(_ context.Context, b load.Built) error {
		built = append(built, b)
		return nil
	})
	if err != nil {
		return err
	}
	for _, b := range built {
		path := filepath.Join(dir, b.Name+segmentExt)
		if err := os.Rename(b.Path, path); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s rows, %s, crc %08x\n", path, grouped(int64(b.Metadata.NumDocs)), size(b.Bytes), b.CRC)
	}
	return nil
}

// localTable makes a table of documents without a cluster; what is not given is
// taken from the files, and printed.
func localTable(ctx context.Context, out io.Writer, o *ingestOptions, opt file.Options, inputs []file.Input) (*schema.Table, error) {
	sch, err := readDocument(o.schemaFile)
	if err != nil {
		return nil, err
	}
	conf, err := readDocument(o.tableConfig)
	if err != nil {
		return nil, err
	}
	if sch == nil {
		name := o.table
		if name == "" {
			name = "files"
		}
		inf, err := file.Infer(ctx, inputs, file.InferOptions{Table: name, File: opt})
		if err != nil {
			return nil, err
		}
		for _, n := range inf.Notes {
			fmt.Fprintln(out, "note:", n)
		}
		sch = suggestedDocument(out, "schema", inf.SchemaJSON)
		if conf == nil {
			conf = suggestedDocument(out, "table config", inf.TableJSON)
		}
	}
	return parseTable(o, sch, conf)
}

// parseTable reads a schema and a table config, which may be nil, and numbers
// the columns.
func parseTable(o *ingestOptions, sch, conf []byte) (*schema.Table, error) {
	s, _, err := schema.ParsePinotSchema(sch)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	for i := range s.Fields {
		s.Fields[i].ID = uint32(i + 1)
	}
	s.Version = 1
	name, cfg := s.Name, &schema.TableConfig{}
	if conf != nil {
		if cfg, name, _, _, err = schema.ParsePinotTable(conf); err != nil {
			return nil, fmt.Errorf("table config: %w", err)
		}
		if err := schema.Validate(cfg, s); err != nil {
			return nil, fmt.Errorf("table config: %w", err)
		}
	}
	if o.table != "" {
		name, _ = schema.SplitTableName(o.table)
	}
	return schema.NewTable(1, 1, name, schema.Offline, s, cfg), nil
}

// suggestedDocument prints a document that files suggest.
func suggestedDocument(out io.Writer, what string, doc json.RawMessage) []byte {
	var pretty bytes.Buffer
	if json.Indent(&pretty, doc, "", "  ") == nil {
		fmt.Fprintf(out, "%s from the files:\n%s\n", what, pretty.Bytes())
	}
	return doc
}
