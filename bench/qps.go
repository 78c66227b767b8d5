package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"github.com/alluviumdb/alluvium/bench/ssb"
)

// QPSOptions configures QPS.
type QPSOptions struct {
	Rows    int
	Clients []int
	// Length is the time of each measurement.
	Length time.Duration
	Cache  string
	Docs   string
}

// workload is a query that many clients send.
type workload struct {
	name, short, sql string
	keys             int
	// pinot holds the figures of Apache Pinot by the number of clients.
	pinot map[int]pinotLoad
}

// pinotLoad is what Apache Pinot 1.5.1 reached over HTTP on a machine with two
// cores, which its clients shared: queries a second, and times in ms.
type pinotLoad struct{ qps, p50, p99 float64 }

// workloads returns d01 with one and with many keys, d02 and d03.
func workloads(rows int) []workload {
	sql := map[string]string{}
	for _, q := range ssb.Dashboard {
		sql[q.Name] = q.SQL
	}
	point := map[int]pinotLoad{1: {209, 4.0, 32}, 8: {601, 11.5, 96}, 32: {1261, 23, 96}}
	return []workload{
		{"d01", "d01", sql["d01"], 0, point},
		{"d01, a key each", "d01 k", "SELECT count(*) AS cnt, sum(lo_revenue) AS revenue, max(lo_orderdate) AS last_order FROM lineorder_flat WHERE lo_custkey = $1",
			ssb.Customers(rows), point},
		{"d02", "d02", sql["d02"], 0, map[int]pinotLoad{1: {3.0, 300, 437}, 8: {2.7, 2887, 3061}, 32: {3.2, 6469, 10064}}},
		{"d03", "d03", sql["d03"], 0, map[int]pinotLoad{1: {29, 32, 68}, 8: {43, 176, 298}, 32: {45, 677, 862}}},
	}
}

// protocols are all protocols of a load.
var protocols = []string{protoHTTP, protoSimple, protoPrepared}

// QPS measures how many queries a second many clients get answered, over HTTP
// and the PostgreSQL wire. The clients run on the same machine, in a process of
// their own.
func QPS(ctx context.Context, w io.Writer, o QPSOptions) error {
	d, err := openDataset(o.Cache, ssb.Table(), o.Rows)
	if err != nil {
		return err
	}
	a, err := startAlluvium(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	if _, err := a.load(ctx, d); err != nil {
		return err
	}
	q := qpsReport{opts: &o, plot: plot{Title: "Queries a second", Unit: "QPS"}}
	for _, proto := range protocols {
		q.plot.Series = append(q.plot.Series, series{Name: proto})
	}
	settings, notes := a.plainly(ctx)
	q.head()
	for _, l := range workloads(o.Rows) {
		for _, clients := range o.Clients {
			if err := q.measure(ctx, a, l, clients, settings); err != nil {
				return fmt.Errorf("%s, %d clients: %w", l.name, clients, err)
			}
		}
	}
	return q.publish(w, notes)
}

// qpsReport collects the figures of a run.
type qpsReport struct {
	opts   *QPSOptions
	text   bytes.Buffer
	plot   plot
	failed int
}

func (q *qpsReport) head() {
	fmt.Fprintf(&q.text, "%s. %d rows; %v each; the clients share the cores.\n\n", machine(), q.opts.Rows, q.opts.Length)
	fmt.Fprint(&q.text, "| query | protocol | clients | QPS | p50 ms | p99 ms | max ms | errors | Pinot¹ QPS | p50 | p99 | × Pinot |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n")
}

// measure runs a workload over each protocol.
func (q *qpsReport) measure(ctx context.Context, a *alluvium, l workload, clients int, settings [][2]string) error {
	q.plot.Rows = append(q.plot.Rows, fmt.Sprintf("%s ×%d", l.short, clients))
	for i, proto := range protocols {
		r, err := runLoad(ctx, loadJob{Protocol: proto, Addr: a.addr(proto), Clients: clients, Warm: q.opts.Length / 10,
			Length: q.opts.Length, SQL: l.sql, Keys: l.keys, Settings: settings})
		if err != nil {
			return fmt.Errorf("%s: %w", proto, err)
		}
		q.failed += r.Errors
		q.plot.Series[i].Values = append(q.plot.Series[i].Values, r.QPS)
		writeLoad(&q.text, l, proto, clients, r, q.opts.Rows)
	}
	return nil
}

func (q *qpsReport) publish(w io.Writer, notes []string) error {
	fmt.Fprintf(&q.text, "\n¹ Apache Pinot 1.5.1 over HTTP, measured on another machine of this kind with 12M rows; of d01 with one key.\n")
	for _, n := range notes {
		fmt.Fprintf(&q.text, "\n%s\n", n)
	}
	if docs := q.opts.Docs; docs != "" {
		if err := writePlot(filepath.Join(filepath.Dir(docs), "plots", "qps.svg"), q.plot); err != nil {
			return err
		}
		fmt.Fprint(&q.text, "\n![Queries a second](plots/qps.svg)\n")
	}
	if err := publish(w, q.opts.Docs, "qps", q.text.Bytes()); err != nil {
		return err
	}
	if q.failed > 0 {
		return fmt.Errorf("qps: %w (%d)", errFailed, q.failed)
	}
	return nil
}

// plainly switches off what answers without reading rows, as far as the store
// has it, and returns the settings that do so, and notes on what was
// refused.
func (a *alluvium) plainly(ctx context.Context) (accepted [][2]string, notes []string) {
	for _, kv := range plainSettings {
		if err := a.set(ctx, kv[0], kv[1]); err != nil {
			notes = append(notes, fmt.Sprintf("`SET %s = %s` was refused: %v.", kv[0], kv[1], err))
			continue
		}
		accepted = append(accepted, kv)
	}
	return accepted, notes
}

// addr is where a protocol is served.
func (s *store) addr(proto string) string {
	if proto == protoHTTP {
		return s.broker
	}
	return s.pg
}

func writeLoad(w io.Writer, l workload, proto string, clients int, r loadResult, rows int) {
	p, ok := l.pinot[clients]
	ok = ok && rows == ssb.PinotRows
	fmt.Fprintf(w, "| %s | %s | %d | %.0f | %.2f | %.2f | %.2f | %s | %s | %s | %s | %s |\n", l.name, proto, clients, r.QPS,
		ms(r.P50), ms(r.P99), ms(r.Max), showErrors(r), whole(p.qps, ok), whole(p.p50, ok), whole(p.p99, ok), number(r.QPS/p.qps, ok))
}

func showErrors(r loadResult) string {
	if r.Errors == 0 {
		return "0"
	}
	return fmt.Sprintf("%d: %s", r.Errors, r.Error)
}

// whole prints a figure that was measured roughly.
func whole(v float64, ok bool) string {
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%g", math.Round(v*10)/10)
}
