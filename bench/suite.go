package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alluviumdb/alluvium/bench/data"
)

// Options configures the benchmarks that compare engines.
type Options struct {
	Rows int
	// Rounds is how often each engine comes back to each query, Runs the number
	// of timed runs then.
	Rounds, Runs int
	// Python is the interpreter with the peers' packages, Peers the folder of
	// their runners.
	Python, Peers string
	// Only names the peers that take part; empty means all.
	Only []string
	// Cache is the folder of generated files and of results; Scratch that of
	// everything else, empty for the system's.
	Cache, Scratch string
	// ReusePeers takes the peers' figures from the last run on the same rows.
	ReusePeers bool
	// Docs is a Markdown file whose section of this benchmark is replaced.
	Docs string
}

// suite is a set of queries over one generated table.
type suite struct {
	Name, Title string
	Table       data.Table
	Queries     []query
	// Pinot holds medians of Apache Pinot for a table of PinotRows rows.
	Pinot     map[string]float64
	PinotRows int
	Variants  []variant
	Notes     string
}

// variant is a second measurement of Alluvium under other settings.
type variant struct {
	Name     string
	Settings [][2]string
	// Config is the table config of a store of its own, nil stands for the
	// store, and segments, of the main measurement.
	Config []byte
	// Queries limits the variant to queries whose names it holds; nil means all.
	Queries func(name string) bool
	// Peer holds figures to compare with, PeerName says whose.
	Peer     map[string]float64
	PeerName string
}

// plainSettings switch off what answers without reading rows.
var plainSettings = [][2]string{{"star_tree", "off"}, {"result_cache", "off"}}

// engineResult holds the figures of one engine.
type engineResult struct {
	Name   string           `json:"name"`
	Load   loadFigures      `json:"load"`
	Blocks map[string]block `json:"blocks"`
}

// failure is a query that an engine could not answer, or answered otherwise
// than DuckDB.
type failure struct {
	Engine string `json:"engine"`
	Query  string `json:"query"`
	Text   string `json:"text"`
}

// result is what a suite measured.
type result struct {
	Name     string         `json:"name"`
	Rows     int            `json:"rows"`
	Machine  string         `json:"machine"`
	Source   int64          `json:"source_bytes"`
	Engines  []engineResult `json:"engines"`
	Variants []engineResult `json:"variants"`
	Failures []failure      `json:"failures"`
	Notes    []string       `json:"notes"`
	// Checked is the number of answers that were compared.
	Checked int `json:"checked"`
}

func (r *result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// engine returns the figures of an engine, or nil.
func (r *result) engine(name string) *engineResult {
	for i := range r.Engines {
		if r.Engines[i].Name == name {
			return &r.Engines[i]
		}
	}
	return nil
}

// errFailed is returned when an engine failed a query or answers differed.
var errFailed = errors.New("queries failed or answers differ")

// runSuite measures a suite and writes its report; answers that differ fail it
// after the report was written.
func runSuite(ctx context.Context, w io.Writer, s *suite, o *Options) error {
	r := runner{suite: s, opts: o, result: &result{Name: s.Name, Rows: o.Rows, Machine: machine()}}
	defer r.close()
	for _, step := range []func(context.Context) error{r.open, r.reuse, r.startPeers, r.load, r.check, r.measure, r.variants} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := r.save(); err != nil {
		return err
	}
	if err := writeSuite(w, s, r.result, o); err != nil {
		return err
	}
	if n := len(r.result.Failures); n > 0 {
		return fmt.Errorf("%s: %w (%d)", s.Name, errFailed, n)
	}
	return nil
}

// runner holds the engines of a run.
type runner struct {
	suite   *suite
	opts    *Options
	result  *result
	data    *dataset
	self    *alluvium
	engines []engine
	// reused are the peers' figures of an earlier run.
	reused []engineResult
	// answers are Alluvium's, by query.
	answers map[string][][]*string
}

func (r *runner) close() {
	for _, e := range r.engines {
		e.close()
	}
}

func (r *runner) open(ctx context.Context) (err error) {
	if r.data, err = openDataset(r.opts.Cache, r.suite.Table, r.opts.Rows); err != nil {
		return err
	}
	r.result.Source = r.data.Bytes
	if r.self, err = startAlluvium(ctx); err != nil {
		return err
	}
	r.engines = append(r.engines, r.self)
	return nil
}

func (r *runner) path() string {
	return filepath.Join(r.opts.Cache, "results", fmt.Sprintf("%s-%d.json", r.suite.Name, r.opts.Rows))
}

// reuse takes the peers' figures from the last run, when asked to.
func (r *runner) reuse(context.Context) error {
	if !r.opts.ReusePeers {
		return nil
	}
	raw, err := os.ReadFile(r.path())
	if err != nil {
		return fmt.Errorf("--reuse-peers: %w", err)
	}
	var last result
	if err := json.Unmarshal(raw, &last); err != nil {
		return fmt.Errorf("--reuse-peers: %s: %w", r.path(), err)
	}
	for _, e := range last.Engines {
		if e.Name != r.self.name() {
			r.reused = append(r.reused, e)
		}
	}
	r.result.note("The peers' figures are of an earlier run; answers were not compared.")
	return nil
}

// save keeps the figures for --reuse-peers.
func (r *runner) save() error {
	if len(r.result.Engines) < 2 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(r.path()), 0o755); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(r.result, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.path(), raw, 0o644)
}

// startPeers starts those that are wanted and installed.
func (r *runner) startPeers(ctx context.Context) error {
	if r.opts.ReusePeers {
		return nil
	}
	for _, kind := range peerKinds {
		if !wanted(r.opts.Only, kind.name) {
			continue
		}
		p, err := startPeer(ctx, kind, r.opts)
		if errors.Is(err, errNotInstalled) {
			r.result.note("%s took no part: %v.", kind.name, err)
			continue
		}
		if err != nil {
			return err
		}
		r.engines = append(r.engines, p)
	}
	return nil
}

func wanted(only []string, name string) bool {
	for _, o := range only {
		if strings.EqualFold(o, name) {
			return true
		}
	}
	return len(only) == 0
}

// load loads the dataset into one engine after the other.
func (r *runner) load(ctx context.Context) error {
	for _, e := range r.engines {
		f, err := e.load(ctx, r.data)
		if err != nil {
			return fmt.Errorf("loading into %s: %w", e.name(), err)
		}
		r.result.Engines = append(r.result.Engines, engineResult{Name: e.name(), Load: f, Blocks: map[string]block{}})
	}
	_, notes := r.self.plainly(ctx)
	r.result.Notes = append(r.result.Notes, notes...)
	return nil
}

// check compares every engine's answers with DuckDB's.
func (r *runner) check(ctx context.Context) error {
	r.answers = map[string][][]*string{}
	for i := range r.suite.Queries {
		q := &r.suite.Queries[i]
		answers := map[string][][]*string{}
		for _, e := range r.engines {
			rows, err := e.rows(ctx, q)
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				r.fail(e.name(), q, "fails: %v", err)
				continue
			}
			answers[e.name()] = rows
		}
		if own, ok := answers[r.self.name()]; ok {
			r.answers[q.Name] = own
		}
		r.compare(q, answers)
	}
	if r.result.Checked == 0 && !r.opts.ReusePeers {
		r.result.note("Answers were not compared: DuckDB took no part.")
	}
	return nil
}

func (r *runner) compare(q *query, answers map[string][][]*string) {
	want, ok := answers[peerKinds[0].name]
	if !ok {
		return
	}
	for name, rows := range answers {
		if name == peerKinds[0].name {
			continue
		}
		r.result.Checked++
		if err := sameRows(rows, want); err != nil {
			r.fail(name, q, "answers otherwise than %s: %v", peerKinds[0].name, err)
		}
	}
}

func (r *runner) fail(engine string, q *query, format string, args ...any) {
	r.result.Failures = append(r.result.Failures, failure{engine, q.Name, fmt.Sprintf(format, args...)})
}

// failed reports whether an engine cannot run a query.
func (r *runner) failed(engine, query string) bool {
	for _, f := range r.result.Failures {
		if f.Engine == engine && f.Query == query && strings.HasPrefix(f.Text, "fails") {
			return true
		}
	}
	return false
}

// measure takes blocks of runs of one query from each engine in turn, so that
// what else happens on the machine hits all alike.
func (r *runner) measure(ctx context.Context) error {
	for range r.opts.Rounds {
		for i := range r.suite.Queries {
			for k, e := range r.engines {
				if err := r.block(ctx, e, &r.suite.Queries[i], r.result.Engines[k].Blocks); err != nil {
					return err
				}
			}
		}
	}
	r.result.Engines = append(r.result.Engines, r.reused...)
	return nil
}

func (r *runner) block(ctx context.Context, e engine, q *query, into map[string]block) error {
	if r.failed(e.name(), q.Name) {
		return nil
	}
	b, err := measure(ctx, e, q, r.opts.Runs)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", e.name(), q.Name, err)
	}
	sum := into[q.Name]
	sum.add(b)
	into[q.Name] = sum
	return nil
}

// variants measures Alluvium under other settings; one that does not exist
// leaves its section out.
func (r *runner) variants(ctx context.Context) error {
	for i := range r.suite.Variants {
		v := &r.suite.Variants[i]
		if err := r.variant(ctx, v); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.result.note("No figures for %s: %v.", v.Name, err)
		}
	}
	return nil
}

func (r *runner) variant(ctx context.Context, v *variant) error {
	out := engineResult{Name: v.Name, Blocks: map[string]block{}}
	self := r.self
	if v.Config != nil {
		var err error
		if self, err = startAlluvium(ctx); err != nil {
			return err
		}
		defer self.close()
		if out.Load, err = self.loadDataset(ctx, r.data, v.Config); err != nil {
			return err
		}
		self.plainly(ctx)
	}
	for _, kv := range v.Settings {
		if err := self.set(ctx, kv[0], kv[1]); err != nil {
			return err
		}
	}
	for range r.opts.Rounds {
		for i := range r.suite.Queries {
			q := &r.suite.Queries[i]
			if v.Queries != nil && !v.Queries(q.Name) {
				continue
			}
			if err := r.sameAnswer(ctx, self, q); err != nil {
				return err
			}
			if err := r.block(ctx, self, q, out.Blocks); err != nil {
				return err
			}
		}
	}
	r.result.Variants = append(r.result.Variants, out)
	return nil
}

// sameAnswer compares a variant's answer with that of the main measurement,
// whose own were compared with DuckDB's.
func (r *runner) sameAnswer(ctx context.Context, self *alluvium, q *query) error {
	if r.failed(self.name(), q.Name) {
		return nil
	}
	want, ok := r.answers[q.Name]
	if !ok {
		return nil
	}
	got, err := self.rows(ctx, q)
	if err != nil {
		return err
	}
	r.result.Checked++
	if err := sameRows(got, want); err != nil {
		r.fail(self.name(), q, "answers otherwise than with other settings: %v", err)
	}
	return nil
}
