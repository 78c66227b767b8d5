package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/ingest/file"
)

// ingestOptions are the flags of alluvium ingest.
type ingestOptions struct {
	table, key              string
	create, again           bool
	format, delimiter, null string
	header                  []string
	replace                 string
	tableConfig, schemaFile string
	rowsPerSegment, workers int
	s3Endpoint, tempDir     string
	patience                time.Duration
}

func newIngest() *cobra.Command {
	c := &client{}
	o := &ingestOptions{}
	cmd := &cobra.Command{
		Use:   "ingest --table TABLE PATH…",
		Short: "Load files into an OFFLINE table, all of them or nothing",
		Long: `Load files into an OFFLINE table. Paths are files, folders, globs, and s3:// addresses.

The segments are built here, uploaded by way of the controller, and loaded by the servers; then all of them become
visible in one step. When something fails nothing does, and the exit code is not 0. A run that was killed is taken
up by the same command: what was uploaded is not built again. The same files are not loaded twice into a table
unless --again says so.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error { return runIngest(cmd, c, o, paths) },
	}
	addClientFlags(cmd, c)
	o.flags(cmd)
	return cmd
}

func (o *ingestOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.table, "table", "", "table to load into")
	f.BoolVar(&o.create, "create", false, "create the table if there is none: with the given documents, or with what the files suggest")
	f.StringVar(&o.schemaFile, "schema", "", "Pinot schema for --create; without it the files suggest one")
	f.StringVar(&o.tableConfig, "table-config", "", "Pinot config of an OFFLINE table for --create; without it the files suggest one")
	o.fileFlags(cmd)
	f.StringVar(&o.replace, "replace", "", "replace all rows, or with --replace=FROM..TO those of a range of time (TO is excluded)")
	f.Lookup("replace").NoOptDefVal = "all"
	f.IntVar(&o.rowsPerSegment, "rows-per-segment", 0, "rows of a segment (default: what the table config says, else 3000000)")
	f.IntVar(&o.workers, "workers", 0, "segments built at once (default: the number of cores)")
	f.StringVar(&o.tempDir, "temp-dir", "", "folder for segments on their way (default: the system's)")
	f.StringVar(&o.key, "key", "", "name of the load: the same key is the same load (default: made of the files and options)")
	f.BoolVar(&o.again, "again", false, "load files that were loaded before once more")
	f.DurationVar(&o.patience, "patience", 10*time.Minute, "how long to wait for controllers and servers that are away or busy")
	cmd.MarkFlagRequired("table")
}

// fileFlags are the flags that say how files are read.
func (o *ingestOptions) fileFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "", "parquet, csv, json or avro (default: the names of the files tell)")
	f.StringVar(&o.delimiter, "csv-delimiter", "", "byte between the fields of CSV (default: comma, tab for .tsv)")
	f.StringVar(&o.null, "csv-null", "", "how CSV spells NULL (default: empty)")
	f.StringSliceVar(&o.header, "csv-header", nil, "names of the columns of CSV files that have no header row")
	f.StringVar(&o.s3Endpoint, "s3-endpoint", "", "S3 endpoint other than AWS's, for s3:// paths")
}

// fileOptions says how the inputs are read.
func (o *ingestOptions) fileOptions() (file.Options, error) {
	format, err := file.ParseFormat(o.format)
	if err != nil {
		return file.Options{}, fmt.Errorf("--format: %w", err)
	}
	opt := file.Options{Format: format, Null: o.null, Header: o.header}
	switch {
	case o.delimiter == `\t`:
		opt.Delimiter = '\t'
	case len(o.delimiter) == 1:
		opt.Delimiter = o.delimiter[0]
	case o.delimiter != "":
		return opt, fmt.Errorf("--csv-delimiter must be one byte, not %q", o.delimiter)
	}
	opt.S3.S3Endpoint = o.s3Endpoint
	return opt, nil
}

// request returns what the load does, without its key.
func (o *ingestOptions) request() (loadRequest, error) {
	switch o.replace {
	case "":
		return loadRequest{Mode: "append"}, nil
	case "all":
		return loadRequest{Mode: "replace"}, nil
	}
	from, to, ok := strings.Cut(o.replace, "..")
	if !ok || from == "" || to == "" {
		return loadRequest{}, fmt.Errorf("--replace must be all or FROM..TO, such as 2024-01-01..2024-02-01, not %q", o.replace)
	}
	return loadRequest{Mode: "replace-range", From: from, To: to}, nil
}

// check refuses options that contradict each other.
func (o *ingestOptions) check() error {
	switch {
	case !o.create && (o.schemaFile != "" || o.tableConfig != ""):
		return errors.New("--schema and --table-config belong to --create")
	case o.key != "" && o.again:
		return errors.New("--again makes a key of its own; it does not go with --key")
	case o.rowsPerSegment < 0 || o.workers < 0:
		return errors.New("--rows-per-segment and --workers are not negative")
	}
	return nil
}

func runIngest(cmd *cobra.Command, c *client, o *ingestOptions, paths []string) error {
	if err := o.check(); err != nil {
		return err
	}
	opt, err := o.fileOptions()
	if err != nil {
		return err
	}
	req, err := o.request()
	if err != nil {
		return err
	}
	lc, err := newLoadClient(c)
	if err != nil {
		return err
	}
	in := &ingestion{opt: o, file: opt, req: req, out: cmd.OutOrStdout(), progress: newProgress(cmd.ErrOrStderr()), c: lc}
	in.c.waiting = in.progress.waiting
	return in.run(cmd.Context(), paths)
}

// readDocument reads a JSON document, nil for no name.
func readDocument(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return os.ReadFile(path)
}
