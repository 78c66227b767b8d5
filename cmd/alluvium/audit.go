package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/controller/ledger"
)

// tableAudit proves that every record is in the table exactly once: the ledger
// of the cluster's state, and per partition the rows that queries count.
func tableAudit(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "audit TABLE", Short: "Prove per partition that every record is in the table exactly once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var doc struct {
				Partitions []ledger.Partition `json:"partitions"`
			}
			if err := c.do(cmd.Context(), "GET", "/v1/tables/"+url.PathEscape(args[0])+"/audit", nil, &doc); err != nil {
				return err
			}
			counted, err := countByPartition(cmd, c, args[0])
			if err != nil {
				return err
			}
			if err := addStopped(cmd, c, args[0], doc.Partitions); err != nil {
				return err
			}
			return printAudit(cmd, doc.Partitions, counted)
		},
	}
}

// sqlAnswer is Pinot's response as far as it is needed here, with rows of type R.
type sqlAnswer[R any] struct {
	ResultTable struct {
		Rows []R `json:"rows"`
	} `json:"resultTable"`
	Exceptions []struct {
		Message string `json:"message"`
	} `json:"exceptions"`
}

// querySQL runs a statement by way of the controller.
func querySQL[R any](cmd *cobra.Command, c *client, sql string) ([]R, error) {
	body, err := json.Marshal(map[string]string{"sql": sql})
	if err != nil {
		return nil, err
	}
	var a sqlAnswer[R]
	if err := c.do(cmd.Context(), "POST", "/sql", body, &a); err != nil {
		return nil, err
	}
	if len(a.Exceptions) > 0 {
		return nil, errors.New(a.Exceptions[0].Message)
	}
	return a.ResultTable.Rows, nil
}

func countByPartition(cmd *cobra.Command, c *client, table string) (map[uint32]uint64, error) {
	rows, err := querySQL[[2]uint64](cmd, c, fmt.Sprintf(`SELECT _partition, count(*) FROM "%s" GROUP BY _partition LIMIT 100000`,
		strings.ReplaceAll(table, `"`, `""`)))
	if err != nil {
		return nil, fmt.Errorf("counting rows: %w", err)
	}
	out := map[uint32]uint64{}
	for _, r := range rows {
		out[uint32(r[0])] = r[1]
	}
	return out, nil
}

// addStopped makes a fault of each partition that stopped consuming: what it
// has is sound, but the records behind do not come.
func addStopped(cmd *cobra.Command, c *client, table string, parts []ledger.Partition) error {
	rows, err := querySQL[[2]any](cmd, c, fmt.Sprintf(
		`SELECT "partition", error FROM system.consumers WHERE table_name = '%s' AND state LIKE 'STOPPED%%' LIMIT 100000`,
		strings.ReplaceAll(table, "'", "''")))
	if err != nil {
		return fmt.Errorf("looking for stopped partitions: %w", err)
	}
	for _, r := range rows {
		for i := range parts {
			if p := &parts[i]; fmt.Sprint(r[0]) == fmt.Sprint(p.Partition) {
				p.Faults = append(p.Faults, fmt.Sprintf("consuming stopped: %v", r[1]))
			}
		}
	}
	return nil
}

// printAudit prints the account and fails when it does not balance. The rows
// of consuming segments are counted but not in the ledger yet, so a partition
// may hold more rows than its sealed segments, never fewer.
func printAudit(cmd *cobra.Command, parts []ledger.Partition, counted map[uint32]uint64) error {
	w := newTabWriter(cmd)
	fmt.Fprintln(w, "partition\tsegments\tsealed rows\trecords\trejected\tgaps\tmissing\tsealed to\tcounted rows\tresult\t")
	bad := 0
	var faults []string
	for _, p := range parts {
		list := p.Faults
		if n := counted[p.Partition]; n < p.Rows {
			list = append(list, fmt.Sprintf("queries count %d rows, sealed segments alone hold %d", n, p.Rows))
		}
		result := "ok"
		if len(list) > 0 {
			result = "FAULT"
			bad++
		}
		for _, f := range list {
			faults = append(faults, fmt.Sprintf("partition %d: %s", p.Partition, f))
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%s\t\n", p.Partition, p.Segments, p.Rows, p.Records, p.Rejected,
			p.Gaps, p.Missing, p.End, counted[p.Partition], result)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range faults {
		fmt.Fprintln(cmd.OutOrStdout(), f)
	}
	if bad > 0 {
		return &exitError{1}
	}
	return nil
}
