package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/startree"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
	"github.com/alluviumdb/alluvium/server/export"
)

// conversion is one run of alluvium segment convert.
type conversion struct {
	to, out             string
	schema, tableConfig string
}

func segmentConvert() *cobra.Command {
	c := &conversion{}
	cmd := &cobra.Command{
		Use:   "convert FILE --out FILE",
		Short: "Rebuild a segment with another table config, or write its rows as Parquet, CSV or JSON",
		Long: `Rebuild a segment file with the encodings and indexes of another table config (--to segment), or write its rows as
Parquet, CSV or JSON. Columns of a --schema are found by their names; one that the segment lacks is all NULL, one that
the schema lacks is left out. Without --schema the columns are those of the segment.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := c.run(cmd.Context(), cmd.OutOrStdout(), files[0]); err != nil {
				return fmt.Errorf("%s: %w", files[0], err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.to, "to", "segment", "segment, parquet, csv or json")
	f.StringVar(&c.out, "out", "", "file to write; - is the standard output, for rows")
	f.StringVar(&c.schema, "schema", "", "Pinot schema of the new segment")
	f.StringVar(&c.tableConfig, "table-config", "", "Pinot table config of the new segment")
	cmd.MarkFlagRequired("out")
	return cmd
}

func (c *conversion) run(ctx context.Context, out io.Writer, path string) error {
	seg, err := immutable.Open(vfs.OS, path, immutable.Options{})
	if err != nil {
		return err
	}
	defer seg.Release()
	if c.to == "segment" {
		return c.rebuild(ctx, out, seg)
	}
	if c.schema != "" || c.tableConfig != "" {
		return errors.New("--schema and --table-config belong to --to segment")
	}
	format, err := export.ParseFormat(c.to)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	if c.out == "-" {
		return export.Write(ctx, out, format, seg)
	}
	return writeWhole(c.out, func(w io.Writer) error { return export.Write(ctx, w, format, seg) })
}

// writeWhole writes a file that is complete or not there.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) // the first error is the one that matters
	}
	return err
}

// rebuild writes the rows as a segment with the documents' columns and indexes.
func (c *conversion) rebuild(ctx context.Context, out io.Writer, seg *immutable.Segment) error {
	if c.out == "-" {
		return errors.New("a segment is not written to the standard output")
	}
	table, err := c.table(seg.Metadata())
	if err != nil {
		return err
	}
	res, err := build.Segment(ctx, vfs.OS, c.out, seg, build.Config{Table: table, StarTrees: startree.Compiler{}})
	if err != nil {
		return err
	}
	old := seg.SizeBytes()
	fmt.Fprintf(out, "%s: %s rows, %s (%.2f × %s), crc %08x\n", c.out, grouped(int64(res.Metadata.NumDocs)),
		size(int64(res.Bytes)), float64(res.Bytes)/float64(old), size(int64(old)), res.CRC)
	if c.schema == "" && res.Metadata.RowSum != seg.Metadata().RowSum {
		return fmt.Errorf("%w: the rows of %s are not those of the segment", segment.ErrCorrupt, c.out)
	}
	return nil
}

// table is the table of the new segment: columns keep their ids.
func (c *conversion) table(m *segment.Metadata) (*schema.Table, error) {
	sch, err := readDocument(c.schema)
	if err != nil {
		return nil, err
	}
	conf, err := readDocument(c.tableConfig)
	if err != nil {
		return nil, err
	}
	s := export.SchemaOf(m)
	if sch != nil {
		old := s
		if s, _, err = schema.ParsePinotSchema(sch); err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		s.Version = old.Version
		renumber(s, old)
	}
	cfg := &schema.TableConfig{}
	if conf != nil {
		if cfg, _, _, _, err = schema.ParsePinotTable(conf); err != nil {
			return nil, fmt.Errorf("table config: %w", err)
		}
		if err := schema.Validate(cfg, s); err != nil {
			return nil, fmt.Errorf("table config: %w", err)
		}
	} else if m.HasTime {
		if i := columnByID(s, m.TimeColumn); i >= 0 {
			cfg.TimeColumn = s.Fields[i].Name
		}
	}
	return schema.NewTable(m.TableID, 1, m.Table, schema.Offline, s, cfg), nil
}

func columnByID(s *schema.Schema, id uint32) int {
	for i := range s.Fields {
		if s.Fields[i].ID == id {
			return i
		}
	}
	return -1
}

// renumber gives the columns of s the ids that old has for their names, others
// ids that old has not.
func renumber(s, old *schema.Schema) {
	next := uint32(1)
	for i := range old.Fields {
		next = max(next, old.Fields[i].ID+1)
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if k := old.Index(f.Name); k >= 0 {
			f.ID = old.Fields[k].ID
			continue
		}
		f.ID = next
		next++
	}
}
