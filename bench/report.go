package bench

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// writeSuite prints a suite's report and, when asked to, puts it with its plot
// into the documents.
func writeSuite(w io.Writer, s *suite, r *result, o *Options) error {
	var b bytes.Buffer
	t := table{suite: s, result: r}
	fmt.Fprintf(&b, "%s\n\n", t.preamble(o))
	t.queries(&b)
	t.variants(&b)
	t.loads(&b)
	t.remarks(&b)
	if o.Docs != "" {
		plot := filepath.Join(filepath.Dir(o.Docs), "plots", s.Name+".svg")
		if err := writePlot(plot, t.plot()); err != nil {
			return err
		}
		fmt.Fprintf(&b, "\n![%s, ms per query](plots/%s.svg)\n", s.Title, s.Name)
	}
	return publish(w, o.Docs, s.Name, b.Bytes())
}

// publish prints a section and, when docs names a file, replaces the lines
// between its markers there.
func publish(w io.Writer, docs, section string, body []byte) error {
	if _, err := w.Write(body); err != nil || docs == "" {
		return err
	}
	raw, err := os.ReadFile(docs)
	if err != nil {
		return err
	}
	out, err := replaceSection(raw, section, body)
	if err != nil {
		return fmt.Errorf("%s: %w", docs, err)
	}
	return os.WriteFile(docs, out, 0o644)
}

// replaceSection puts body between <!-- bench:NAME --> and <!-- /bench:NAME -->.
func replaceSection(doc []byte, name string, body []byte) ([]byte, error) {
	begin, end := fmt.Sprintf("<!-- bench:%s -->\n", name), fmt.Sprintf("<!-- /bench:%s -->", name)
	before, rest, ok1 := bytes.Cut(doc, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("no lines %q and %q", strings.TrimSpace(begin), end)
	}
	return bytes.Join([][]byte{before, []byte(begin), []byte("\n"), bytes.TrimSpace(body), []byte("\n\n"), []byte(end), after}, nil), nil
}

// machine describes where figures were taken.
func machine() string {
	model := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(raw), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			model = strings.TrimSpace(strings.TrimLeft(line, "\t :"))
		}
	}
	return fmt.Sprintf("%s, %d cores (%s)%s", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), model, busy())
}

// busy tells of a machine that does other work, which lengthens all times.
func busy() string {
	raw, err := os.ReadFile("/proc/loadavg")
	var load float64
	if _, e := fmt.Sscan(string(raw), &load); err != nil || e != nil || load < float64(runtime.NumCPU()+1) {
		return ""
	}
	return fmt.Sprintf(", busy with other work (load average %.1f)", load)
}

// table makes the tables of a report.
type table struct {
	suite  *suite
	result *result
}

// pinot returns Pinot's figure for a query, if it is for this number of rows.
func (t *table) pinot(query string) (float64, bool) {
	if t.result.Rows != t.suite.PinotRows {
		return 0, false
	}
	v, ok := t.suite.Pinot[query]
	return v, ok
}

func (t *table) preamble(o *Options) string {
	text := fmt.Sprintf("%s. %d rows; %d × %d warm runs of each query, taken in turn with the peers'.",
		t.result.Machine, t.result.Rows, o.Rounds, o.Runs)
	if t.result.Checked > 0 {
		text += fmt.Sprintf(" %d answers were compared with DuckDB's, row by row.", t.result.Checked)
	}
	return text
}

// cell returns the median of an engine's block.
func cell(e *engineResult, query string) (float64, bool) {
	if e == nil {
		return 0, false
	}
	b, ok := e.Blocks[query]
	if !ok || len(b.Millis) == 0 {
		return 0, false
	}
	return median(b.Millis), true
}

func number(v float64, ok bool) string {
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.2f", v)
}

// queries writes one line per query with all engines.
func (t *table) queries(w io.Writer) {
	self := t.result.engine("Alluvium")
	fmt.Fprint(w, "| query | Alluvium ms | p99 | CPU ms | anon MB |")
	rule := "|---|---|---|---|---|"
	peers := t.peers()
	for _, p := range peers {
		fmt.Fprintf(w, " %s |", p.name)
		rule += "---|"
	}
	fmt.Fprintf(w, " best peer | ratio | CPU ratio² |\n%s---|---|---|\n", rule)
	means := make([]geomean, len(peers)+4)
	for _, q := range t.suite.Queries {
		ours, ok := cell(self, q.Name)
		fmt.Fprintf(w, "| %s | %s |%s", q.Name, number(ours, ok), details(self, q.Name))
		best := math.Inf(1)
		for i, p := range peers {
			v, ok := p.median(q.Name)
			fmt.Fprintf(w, " %s |", number(v, ok))
			if ok {
				best = min(best, v)
				means[i].add(v)
			}
		}
		known := !math.IsInf(best, 1)
		cpu, measured := t.cpuRatio(q.Name)
		fmt.Fprintf(w, " %s | %s | %s |\n", number(best, known), number(ours/best, ok && known), number(cpu, measured))
		if measured {
			means[len(peers)+3].add(cpu)
		}
		if ok {
			means[len(peers)].add(ours)
		}
		if known && ok {
			means[len(peers)+1].add(best)
			means[len(peers)+2].add(ours / best)
		}
	}
	t.geomeans(w, means)
}

// geomeans writes the last line; means holds the peers, ours, best, ratio,
// ratio of processor time.
func (t *table) geomeans(w io.Writer, means []geomean) {
	n := len(means) - 4
	fmt.Fprintf(w, "| **geometric mean** | **%s** | | | |", number(means[n].value(), means[n].n > 0))
	for _, m := range means[:n] {
		fmt.Fprintf(w, " %s |", number(m.value(), m.n > 0))
	}
	fmt.Fprintf(w, " %s | **%s** | %s |\n", number(means[n+1].value(), means[n+1].n > 0), number(means[n+2].value(), means[n+2].n > 0),
		number(means[n+3].value(), means[n+3].n > 0))
}

// cpuRatio compares the processor time of a query with that of the peer that
// needs the least.
func (t *table) cpuRatio(query string) (float64, bool) {
	least := math.Inf(1)
	var ours float64
	for i := range t.result.Engines {
		e := &t.result.Engines[i]
		switch b := e.Blocks[query]; {
		case e.Name == "Alluvium":
			ours = b.CPUMillis
		case b.CPUMillis > 0:
			least = min(least, b.CPUMillis)
		}
	}
	return ours / least, ours > 0 && !math.IsInf(least, 1)
}

// details are the columns p99, CPU and memory of one query.
func details(e *engineResult, query string) string {
	b, ok := e.Blocks[query]
	if !ok {
		return " – | – | – |"
	}
	return fmt.Sprintf(" %.2f | %.2f | %d |", p99(b.Millis), b.CPUMillis, b.AnonBytes>>20)
}

// peerColumn is a column of figures to compare with.
type peerColumn struct {
	name   string
	median func(query string) (float64, bool)
}

func (t *table) peers() (out []peerColumn) {
	for i := range t.result.Engines {
		e := &t.result.Engines[i]
		if e.Name != "Alluvium" {
			out = append(out, peerColumn{e.Name, func(q string) (float64, bool) { return cell(e, q) }})
		}
	}
	if t.result.Rows == t.suite.PinotRows && t.suite.Pinot != nil {
		out = append(out, peerColumn{"Pinot¹", t.pinot})
	}
	return out
}

// variants writes a table per variant that was measured.
func (t *table) variants(w io.Writer) {
	for i := range t.result.Variants {
		v := &t.result.Variants[i]
		peer, peerName := t.peerOf(v.Name)
		fmt.Fprintf(w, "\n%s:\n\n| query | ms | p99 | CPU ms | anon MB | %s |\n|---|---|---|---|---|---|\n", v.Name, peerName)
		var ours, theirs geomean
		for _, q := range t.suite.Queries {
			m, ok := cell(v, q.Name)
			if !ok {
				continue
			}
			p, known := peer[q.Name]
			fmt.Fprintf(w, "| %s | %s |%s %s |\n", q.Name, number(m, ok), details(v, q.Name), number(p, known))
			ours.add(m)
			if known {
				theirs.add(p)
			}
		}
		fmt.Fprintf(w, "| **geometric mean** | **%s** | | | | %s |\n", number(ours.value(), ours.n > 0), number(theirs.value(), theirs.n > 0))
	}
}

func (t *table) peerOf(name string) (map[string]float64, string) {
	for _, v := range t.suite.Variants {
		if v.Name == name && v.Peer != nil && t.result.Rows == t.suite.PinotRows {
			return v.Peer, v.PeerName
		}
	}
	return nil, "peer"
}

// loads writes what loading cost.
func (t *table) loads(w io.Writer) {
	fmt.Fprintf(w, "\n| | load s | rows/s | CPU s | rows per CPU-second | merge s | CPU s | on disk MB | peak MB loading | peak MB in a query |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, e := range append(slices.Clone(t.result.Engines), t.result.Variants...) {
		l := e.Load
		if l.Seconds == 0 {
			continue
		}
		name := e.Name
		if l.Version != "" {
			name += " " + l.Version
		}
		var peak int64
		for _, b := range e.Blocks {
			peak = max(peak, b.PeakBytes)
		}
		fmt.Fprintf(w, "| %s | %.1f | %.0f | %.1f | %s | %.1f | %.1f | %d | %d | %d |\n", name, l.Seconds, float64(t.result.Rows)/l.Seconds,
			l.CPUSeconds, perCPUSecond(t.result.Rows, l.CPUSeconds), l.MergeSeconds, l.MergeCPUSeconds, l.Bytes>>20, l.PeakBytes>>20, peak>>20)
	}
	fmt.Fprintf(w, "| Parquet files | | | | | | | %d | | |\n", t.result.Source>>20)
}

// perCPUSecond returns the rows for a second of processor time, a dash where
// that was not measured.
func perCPUSecond(rows int, seconds float64) string {
	if seconds == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", float64(rows)/seconds)
}

// remarks writes failures and notes.
func (t *table) remarks(w io.Writer) {
	if len(t.result.Failures) > 0 {
		fmt.Fprintf(w, "\nFailures:\n\n")
	}
	for _, f := range t.result.Failures {
		fmt.Fprintf(w, "- %s, %s %s\n", f.Query, f.Engine, f.Text)
	}
	if t.suite.Notes != "" {
		fmt.Fprintf(w, "\n%s\n", t.suite.Notes)
	}
	if t.result.Rows == t.suite.PinotRows && t.suite.Pinot != nil {
		fmt.Fprintf(w, "\n¹ Apache Pinot 1.5.1 was measured on another machine of this kind, on the same number of rows.\n")
	}
	if len(t.peers()) > 0 {
		fmt.Fprintf(w, "\n² Processor time against that of the peer which needs the least; other work on the machine hardly changes it.\n")
	}
	for _, n := range t.result.Notes {
		fmt.Fprintf(w, "\n%s\n", n)
	}
}

// plot returns the medians as a plot.
func (t *table) plot() plot {
	p := plot{Title: t.suite.Title, Unit: "ms"}
	for _, q := range t.suite.Queries {
		p.Rows = append(p.Rows, q.Name)
	}
	add := func(name string, median func(string) (float64, bool)) {
		s := series{Name: name}
		for _, q := range t.suite.Queries {
			v, ok := median(q.Name)
			if !ok {
				v = math.NaN()
			}
			s.Values = append(s.Values, v)
		}
		p.Series = append(p.Series, s)
	}
	self := t.result.engine("Alluvium")
	add("Alluvium", func(q string) (float64, bool) { return cell(self, q) })
	for _, c := range t.peers() {
		add(c.name, c.median)
	}
	for i := range t.result.Variants {
		v := &t.result.Variants[i]
		add(v.Name, func(q string) (float64, bool) { return cell(v, q) })
	}
	return p
}
