package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/alluviumdb/alluvium/bench/ssb"
	"github.com/alluviumdb/alluvium/internal/column"
)

// SSBOptions configures SSB.
type SSBOptions struct {
	Rows int
	Runs int
	// Python is the interpreter with duckdb installed.
	Python string
	// Peers is the folder of the peers' runners.
	Peers string
}

// SSB loads the flat table through a stream, runs its 13 queries over the
// PostgreSQL wire, and the same in DuckDB on the same rows; answers must agree.
func SSB(ctx context.Context, w io.Writer, o SSBOptions) error {
	dir, err := os.MkdirTemp("", "alluvium-ssb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := startStore(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	load, err := s.loadSSB(ctx, o.Rows)
	if err != nil {
		return err
	}
	ours, err := s.runQueries(ctx, ssb.Queries, o.Runs)
	if err != nil {
		return err
	}
	parquet := filepath.Join(dir, "lineorder_flat.parquet")
	if err := writeParquet(parquet, o.Rows); err != nil {
		return err
	}
	peer, err := runDuckDB(ctx, o, parquet, ssb.Queries)
	if err != nil {
		return err
	}
	return report(w, o, load, ours, peer)
}

type measured struct {
	Name   string      `json:"name"`
	Median float64     `json:"median_ms"`
	Rows   [][]*string `json:"rows"`
}

type peerResult struct {
	Version string     `json:"version"`
	Load    float64    `json:"load_seconds"`
	Results []measured `json:"results"`
}

func writeParquet(path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := ssb.WriteParquet(f, ssb.New(rows)); err != nil {
		f.Close()
		return err
	}
	return nil // the Parquet writer closed the file
}

// loadSSB produces the rows as JSON records and waits until all are visible and
// sealed.
func (s *store) loadSSB(ctx context.Context, rows int) (time.Duration, error) {
	broker, stop, err := streamFor(ctx, "")
	if err != nil {
		return 0, err
	}
	defer stop()
	const parts = 2
	if err := createTopic(ctx, broker, "ssb", parts); err != nil {
		return 0, err
	}
	sc, err := ssb.PinotSchema()
	if err != nil {
		return 0, err
	}
	if err := s.post(ctx, "/schemas", sc); err != nil {
		return 0, err
	}
	if err := s.post(ctx, "/tables", ssb.StreamTable(broker, "ssb", rows/4+1)); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := produceSSB(ctx, broker, rows); err != nil {
		return 0, err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	if err := waitCount(ctx, conn, "lineorder_flat", rows); err != nil {
		return 0, err
	}
	took := time.Since(start)
	return took, s.waitSealed(ctx, "lineorder_flat")
}

// waitSealed waits until all rows of a table are in sealed segments.
func (s *store) waitSealed(ctx context.Context, table string) error {
	var doc struct {
		Segments []struct {
			Status   string
			Replicas []struct{ Rows int64 }
		}
	}
	for ctx.Err() == nil {
		if err := s.get(ctx, "/v1/tables/"+table+"/segments", &doc); err != nil {
			return err
		}
		open := 0
		for _, g := range doc.Segments {
			held := len(g.Replicas) > 0 && g.Replicas[0].Rows > 0
			if g.Status == "ENDED" || g.Status == "COMMITTED" || g.Status == "CONSUMING" && held {
				open++
			}
		}
		if open == 0 {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return ctx.Err()
}

func produceSSB(ctx context.Context, broker string, rows int) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic("ssb"),
		kgo.MaxBufferedRecords(200_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer cl.Close()
	var failed atomic.Pointer[error]
	g := ssb.New(rows)
	var b column.Batch
	for g.Next(4096, &b) {
		for i := range b.N {
			cl.Produce(ctx, &kgo.Record{Value: ssb.AppendJSON(nil, &b, i)}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Store(&err)
				}
			})
		}
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// runQueries measures each query at a client: one warm-up, then runs times.
func (s *store) runQueries(ctx context.Context, qs []ssb.Query, runs int) ([]measured, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	var out []measured
	for _, q := range qs {
		m := measured{Name: q.Name}
		var times []float64
		for i := range runs + 1 {
			start := time.Now()
			rows, err := fetchText(ctx, conn, q.SQL)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", q.Name, err)
			}
			if i > 0 {
				times = append(times, ms(time.Since(start)))
			}
			m.Rows = rows
		}
		slices.Sort(times)
		m.Median = times[len(times)/2]
		out = append(out, m)
	}
	return out, nil
}

// fetchText runs a query by the simple protocol, whose values are text.
func fetchText(ctx context.Context, conn *pgx.Conn, sql string) ([][]*string, error) {
	res, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	var out [][]*string
	for _, row := range res[0].Rows {
		line := make([]*string, len(row))
		for i, v := range row {
			if v != nil {
				text := string(v)
				line[i] = &text
			}
		}
		out = append(out, line)
	}
	return out, nil
}

func runDuckDB(ctx context.Context, o SSBOptions, parquet string, qs []ssb.Query) (*peerResult, error) {
	type query struct {
		Name string `json:"name"`
		SQL  string `json:"sql"`
	}
	var list []query
	for _, q := range qs {
		list = append(list, query{q.Name, q.SQL})
	}
	in, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, o.Python, filepath.Join(o.Peers, "duckdb_ssb.py"), parquet,
		strconv.Itoa(runtime.NumCPU()), strconv.Itoa(o.Runs))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("duckdb (needs the Python package duckdb): %w", err)
	}
	var r peerResult
	return &r, json.Unmarshal(raw, &r)
}

func report(w io.Writer, o SSBOptions, load time.Duration, ours []measured, peer *peerResult) error {
	fmt.Fprintf(w, "SSB flat, %d rows, %d cores, median of %d warm runs; loaded through the stream in %.1f s; DuckDB %s loaded Parquet in %.1f s.\n\n",
		o.Rows, runtime.NumCPU(), o.Runs, load.Seconds(), peer.Version, peer.Load)
	fmt.Fprintf(w, "| query | Alluvium ms | DuckDB ms | ratio |\n|---|---|---|---|\n")
	logSum := 0.0
	for i, m := range ours {
		p := peer.Results[i]
		if err := sameRows(m.Rows, p.Rows); err != nil {
			return fmt.Errorf("%s: answers differ: %w", m.Name, err)
		}
		ratio := m.Median / p.Median
		logSum += math.Log(ratio)
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f |\n", m.Name, m.Median, p.Median, ratio)
	}
	fmt.Fprintf(w, "| **geometric mean of ratios** | | | **%.2f** |\n", math.Exp(logSum/float64(len(ours))))
	return nil
}

// sameRows compares answers as multisets of rows of text.
func sameRows(a, b [][]*string) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d rows and %d rows", len(a), len(b))
	}
	x, y := flatten(a), flatten(b)
	for i := range x {
		if x[i] != y[i] {
			return fmt.Errorf("row %q and row %q", x[i], y[i])
		}
	}
	return nil
}

func flatten(rows [][]*string) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		for _, v := range r {
			if v == nil {
				out[i] += "\x00NULL"
				continue
			}
			out[i] += "\x00" + *v
		}
	}
	slices.Sort(out)
	return out
}
