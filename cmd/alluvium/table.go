package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func newTable() *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{Use: "table", Short: "Create, list, describe, delete and audit tables"}
	addClientFlags(cmd, c)
	cmd.AddCommand(tableCreate(c), tableList(c), tableDescribe(c), tableDelete(c), tableAudit(c))
	return cmd
}

func tableCreate(c *client) *cobra.Command {
	var schemaFile, tableFile string
	cmd := &cobra.Command{
		Use:   "create --schema FILE --table FILE",
		Short: "Create a table from a schema and a table config, both Pinot's JSON",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schemaFile != "" {
				if err := post(cmd, c, "/schemas", schemaFile); err != nil {
					return err
				}
			}
			return post(cmd, c, "/tables", tableFile)
		},
	}
	cmd.Flags().StringVar(&schemaFile, "schema", "", "schema file; not needed when the schema exists")
	cmd.Flags().StringVar(&tableFile, "table", "", "table config file")
	cmd.MarkFlagRequired("table")
	return cmd
}

func post(cmd *cobra.Command, c *client, path, file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var res change
	if err := c.do(cmd.Context(), "POST", path, body, &res); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	res.print(cmd.OutOrStdout())
	return nil
}

func tableList(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tables with their type and size", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var res struct {
				Tables []struct {
					Name     string `json:"name"`
					Type     string `json:"type"`
					Segments int    `json:"segments"`
					Rows     int64  `json:"rows"`
					Bytes    int64  `json:"bytes"`
				} `json:"tables"`
			}
			if err := c.do(cmd.Context(), "GET", "/v1/overview", nil, &res); err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			for _, t := range res.Tables {
				fmt.Fprintf(w, "%s\t%s\t%d segments\t%s rows\t%s\n", t.Name, t.Type, t.Segments, grouped(t.Rows), size(t.Bytes))
			}
			return w.Flush()
		},
	}
}

func tableDescribe(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "describe TABLE", Short: "Print the schema and config of a table", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := url.PathEscape(args[0])
			doc := map[string]json.RawMessage{}
			for key, path := range map[string]string{"schema": "/tables/" + name + "/schema", "config": "/tables/" + name} {
				var raw json.RawMessage
				if err := c.do(cmd.Context(), "GET", path, nil, &raw); err != nil {
					return err
				}
				doc[key] = raw
			}
			out, err := json.MarshalIndent(doc, "", "  ")
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), string(out))
			return nil
		},
	}
}

func tableDelete(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "delete TABLE", Short: "Delete a table with its segments", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var res change
			if err := c.do(cmd.Context(), "DELETE", "/tables/"+url.PathEscape(args[0]), nil, &res); err != nil {
				return err
			}
			res.print(cmd.OutOrStdout())
			return nil
		},
	}
}

func newSchema() *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{Use: "schema", Short: "Create, list, describe and delete schemas"}
	addClientFlags(cmd, c)
	var file string
	create := &cobra.Command{
		Use: "create --file FILE", Short: "Create or change a schema from Pinot's JSON", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return post(cmd, c, "/schemas", file) },
	}
	create.Flags().StringVar(&file, "file", "", "schema file")
	create.MarkFlagRequired("file")
	cmd.AddCommand(create, &cobra.Command{
		Use: "list", Short: "List the schemas", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var names []string
			if err := c.do(cmd.Context(), "GET", "/schemas", nil, &names); err != nil {
				return err
			}
			for _, n := range names {
				fmt.Fprintln(cmd.OutOrStdout(), n)
			}
			return nil
		},
	}, &cobra.Command{
		Use: "describe SCHEMA", Short: "Print a schema", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var raw json.RawMessage
			if err := c.do(cmd.Context(), "GET", "/schemas/"+url.PathEscape(args[0]), nil, &raw); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), string(raw))
			return nil
		},
	}, &cobra.Command{
		Use: "delete SCHEMA", Short: "Delete a schema that no table uses", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var res change
			if err := c.do(cmd.Context(), "DELETE", "/schemas/"+url.PathEscape(args[0]), nil, &res); err != nil {
				return err
			}
			res.print(cmd.OutOrStdout())
			return nil
		},
	})
	return cmd
}

// newTabWriter aligns columns for people.
func newTabWriter(cmd *cobra.Command) *tabwriter.Writer {
	return tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', tabwriter.AlignRight)
}
