package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/bench/wide"
)

// WideOptions configures Wide.
type WideOptions struct {
	// Columns and ColumnRows are the size of the table with many columns, Values
	// the number of values, and rows, of that with a large dictionary.
	Columns, ColumnRows int
	Values              int
	Runs                int
	Cache, Docs         string
}

// Wide measures loading, opening and asking a table of thousands of columns and
// one with a dictionary of millions of values.
func Wide(ctx context.Context, w io.Writer, o WideOptions) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s.\n", machine())
	for _, t := range []struct {
		title   string
		table   data.Table
		rows    int
		queries []wide.Query
	}{
		{fmt.Sprintf("%d columns, %d rows", o.Columns, o.ColumnRows), wide.Columns(o.Columns), o.ColumnRows, wide.ColumnQueries},
		{fmt.Sprintf("A text column of %d values", o.Values), wide.Names(), o.Values, wide.NameQueries},
	} {
		fmt.Fprintf(&b, "\n%s:\n\n", t.title)
		d, err := openDataset(o.Cache, t.table, t.rows)
		if err != nil {
			return err
		}
		if err := wideTable(ctx, &b, d, t.queries, o.Runs); err != nil {
			return fmt.Errorf("%s: %w", t.title, err)
		}
	}
	return publish(w, o.Docs, "wide", b.Bytes())
}

// wideTable loads one table, starts the store again and asks: the first answer
// tells what opening a column costs.
func wideTable(ctx context.Context, w io.Writer, d *dataset, queries []wide.Query, runs int) error {
	a, err := startAlluvium(ctx)
	if err != nil {
		return err
	}
	defer func() { a.close() }()
	f, err := a.load(ctx, d)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Loaded and sealed in %.1f s (peak %d MB), %d MB on disk, from %d MB of Parquet files.", f.Seconds, f.PeakBytes>>20, f.Bytes>>20, d.Bytes>>20)
	opened, err := a.reopen(ctx, d)
	if err != nil {
		return err
	}
	_, notes := a.plainly(ctx)
	for _, n := range notes {
		fmt.Fprintf(w, " %s", n)
	}
	idle := memory(a.pid())
	fmt.Fprintf(w, " After a restart: complete in %d ms, %d MB resident, %d MB of them anonymous.\n\n", opened.Milliseconds(), idle.Now>>20, idle.Anon>>20)
	fmt.Fprint(w, "| query | first ms | median ms | CPU ms | anon MB | resident MB |\n|---|---|---|---|---|---|\n")
	for _, q := range queries {
		if err := a.askWide(ctx, w, q, runs); err != nil {
			return fmt.Errorf("%s: %w", q.Name, err)
		}
	}
	return nil
}

// reopen starts the store again and returns the time until it answers from all
// rows.
func (a *alluvium) reopen(ctx context.Context, d *dataset) (time.Duration, error) {
	a.conn.Close(ctx)
	start := time.Now()
	if err := a.restart(ctx); err != nil {
		return 0, err
	}
	var err error
	if a.conn, err = a.store.connect(ctx); err != nil {
		return 0, err
	}
	for rows := 0; ; time.Sleep(5 * time.Millisecond) {
		err = a.conn.QueryRow(ctx, "SELECT count(*) FROM "+d.Schema.Name).Scan(&rows)
		if took := time.Since(start); err == nil && rows == d.Rows {
			return took, nil
		} else if took > time.Minute {
			return 0, fmt.Errorf("a minute after the restart the table has %d rows: %w", rows, errors.Join(err, ctx.Err()))
		}
	}
}

func (a *alluvium) askWide(ctx context.Context, w io.Writer, q wide.Query, runs int) error {
	first, err := a.run(ctx, &query{SQL: q.SQL}, 1)
	if err != nil {
		return err
	}
	b, err := measure(ctx, a, &query{SQL: q.SQL}, runs)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f | %d | %d |\n", q.Name, first[0], median(b.Millis), b.CPUMillis, b.AnonBytes>>20, memory(a.pid()).Now>>20)
	return nil
}
