//go:build integration

package clustertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	ordersSchema = `{"schemaName":"orders","dimensionFieldSpecs":[{"name":"city","dataType":"STRING"},
 {"name":"id","dataType":"LONG"},{"name":"price","dataType":"LONG"}]}`
	ordersTable = `{"tableName":"orders","tableType":"OFFLINE","segmentsConfig":{"replication":"1"},
 "tableIndexConfig":{"noDictionaryColumns":["price"]%s},"tenants":{},"metadata":{}}`
)

// loads is the test of batch loads on a cluster.
type loads struct {
	*Cluster
	t       *testing.T
	rng     *rand.Rand
	brokers []string // PostgreSQL addresses; they stay, unlike the list of processes
	urls    string   // of the controllers

	mu      sync.Mutex // guards allowed
	allowed []Content  // what a query may see now
	asked   atomic.Int64
	failed  atomic.Int64
}

// TestLoads loads, replaces and indexes tables while processes are killed.
func TestLoads(t *testing.T) {
	c := Up(t, 23000, "CLUSTER_KAFKA=none")
	l := &loads{Cluster: c, t: t, rng: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))}
	for _, p := range c.Role("broker") {
		l.brokers = append(l.brokers, p.Addresses["pg"])
	}
	var urls []string
	for _, p := range c.Role("controller") {
		urls = append(urls, "http://"+p.Addresses["http"])
	}
	l.urls = strings.Join(urls, ",")
	must(t, c.Call(t.Context(), "POST", "/schemas", []byte(ordersSchema), nil))
	must(t, c.Call(t.Context(), "POST", "/tables", fmt.Appendf(nil, ordersTable, ""), nil))
	must(t, c.Call(t.Context(), "POST", "/cluster/configs", []byte(`{"alluvium.load.retired.keep":"2s"}`), nil))
	l.allow(Content{})
	l.settled(Content{})
	for _, step := range []func(){l.killLoop, l.liveIndexes, l.nothingLeft} {
		began := time.Now()
		step()
		t.Logf("took %v", time.Since(began))
	}
}

// killLoop makes loads one after the other while servers, controllers and the
// command are killed. A query sees the table before or after a load, never
// between. LOAD_KILLS is how long it takes, such as 10m.
func (l *loads) killLoop() {
	limit := 12 * time.Second
	if v, err := time.ParseDuration(os.Getenv("LOAD_KILLS")); err == nil {
		limit = v // the long form
	}
	ctx, stop := context.WithCancel(l.t.Context())
	var watchers sync.WaitGroup
	for _, pg := range l.brokers {
		watchers.Go(func() { l.watch(ctx, pg) })
	}
	orders, now := NewOrders(1), Content{}
	kills, runs, began := 0, 0, time.Now()
	for i := 0; time.Since(began) < limit; i++ {
		dir := filepath.Join(l.t.TempDir(), fmt.Sprint(i))
		next := orders.Write(l.t, dir, 1+l.rng.IntN(4), 3000)
		args := []string{dir}
		if i%3 == 2 {
			args = append(args, "--replace")
		} else {
			next.Rows, next.Sum = next.Rows+now.Rows, next.Sum+now.Sum
		}
		l.allow(now, next)
		k, r := l.load(args)
		kills, runs = kills+k, runs+r
		l.settled(next)
		l.allow(next)
		now = next
	}
	stop()
	watchers.Wait()
	l.t.Logf("%d runs of ingest, %d kills; %d queries, %d failed; at the end %+v", runs, kills, l.asked.Load(), l.failed.Load(), now)
	if l.asked.Load() == l.failed.Load() {
		l.t.Error("no query was answered")
	}
}

func (l *loads) allow(c ...Content) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowed = c
}

func (l *loads) seen() []Content {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.allowed
}

// watch asks one broker all the time. A query may fail while a server is away,
// but not give another answer.
func (l *loads) watch(ctx context.Context, pg string) {
	for ctx.Err() == nil {
		may := l.seen()
		var c Content
		err := queryOne(ctx, pg, "SELECT count(*), coalesce(sum(id), 0)::bigint FROM orders", &c.Rows, &c.Sum)
		l.asked.Add(1)
		if may = append(slices.Clone(may), l.seen()...); err != nil {
			l.failed.Add(1)
		} else if !slices.Contains(may, c) {
			l.t.Errorf("a query saw %+v, none of %+v", c, may)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// settled waits until all brokers show the content.
func (l *loads) settled(want Content) {
	l.t.Helper()
	for _, pg := range l.brokers {
		var got Content
		var err error
		l.within(30*time.Second, func() bool {
			err = queryOne(l.t.Context(), pg, "SELECT count(*), coalesce(sum(id), 0)::bigint FROM orders", &got.Rows, &got.Sum)
			return err == nil && got == want
		}, func() string { return fmt.Sprintf("broker %s shows %+v, want %+v; %v", pg, got, want, err) })
	}
}

func (l *loads) within(limit time.Duration, ok func() bool, what func() string) {
	l.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	l.t.Fatal(what())
}

// command is a run of alluvium ingest.
func (l *loads) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(filepath.Join(l.Root, "bin/alluvium"), append([]string{"ingest", "--controller", l.urls, "--table", "orders",
		"--rows-per-segment", "1000", "--workers", "1", "--temp-dir", l.Dir}, args...)...)
	cmd.Env = append(os.Environ(), "ALLUVIUM_PASSWORD="+Password)
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	must(l.t, cmd.Start())
	return cmd, out
}

// load runs the command until it has done its work; it and the processes that
// it needs are killed meanwhile.
func (l *loads) load(args []string) (kills, runs int) {
	const most = 10
	for runs < most {
		runs++
		cmd, out := l.command(args...)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if runs < 4 { // then let it be
			time.Sleep(time.Duration(l.rng.IntN(400)) * time.Millisecond)
			kills++
			l.killOne(cmd)
		}
		err := <-ended
		if err == nil {
			return kills, runs
		}
		if text := out.String(); text != "" && !strings.Contains(text, "goes on from here") && cmd.ProcessState.ExitCode() != -1 && !strings.Contains(text, "refused") {
			l.t.Fatalf("ingest %v: %v\n%s", args, err, text)
		}
	}
	l.t.Fatalf("ingest %v: not done after %d runs", args, runs)
	return
}

// killOne kills the command, a server or a controller, and starts the latter
// again.
func (l *loads) killOne(cmd *exec.Cmd) {
	role := []string{"", "server", "controller"}[l.rng.IntN(3)]
	if role == "" {
		cmd.Process.Kill() // it may have ended
		return
	}
	list := l.Role(role)
	victim := list[l.rng.IntN(len(list))].Name
	l.Kill(l.t, victim)
	time.Sleep(time.Duration(l.rng.IntN(500)) * time.Millisecond)
	l.Start(l.t, victim)
}

// liveIndexes gives the table indexes under queries, kills servers while they
// build them, and finds them used.
func (l *loads) liveIndexes() {
	ctx := l.t.Context()
	const byCity = "SELECT count(*) FROM orders WHERE city = 'city 7'"
	dir := l.t.TempDir()
	large := NewOrders(3).Write(l.t, dir, 3, 100_000) // scans of small segments are as cheap as indexes
	cmd, out := l.command("--replace", "--rows-per-segment", "100000", dir)
	if err := cmd.Wait(); err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	l.settled(large)
	pg := l.brokers[0]
	var want int64
	must(l.t, queryOne(ctx, pg, byCity, &want))
	l.uses(byCity, "by inverted", false)

	qctx, stop := context.WithCancel(ctx)
	var queries sync.WaitGroup
	queries.Go(func() {
		for qctx.Err() == nil {
			var got int64
			if err := queryOne(qctx, pg, byCity, &got); err == nil && got != want {
				l.t.Errorf("%d rows of the city while indexes are built, want %d", got, want)
			}
		}
	})
	config := fmt.Appendf(nil, ordersTable, `,"invertedIndexColumns":["city"],"bloomFilterColumns":["city"],"rangeIndexColumns":["price"]`)
	must(l.t, l.Call(ctx, "PUT", "/tables/orders", config, nil))
	job := l.reload()
	for _, p := range l.Role("server") {
		l.Kill(l.t, p.Name)
		time.Sleep(time.Duration(l.rng.IntN(100)) * time.Millisecond)
		l.Start(l.t, p.Name)
	}
	var state struct {
		Total  int      `json:"totalSegmentCount"`
		Done   int      `json:"successCount"`
		Failed int      `json:"failureCount"`
		Errors []string `json:"errors"`
	}
	l.within(time.Minute, func() bool {
		err := l.Call(ctx, "GET", "/segments/segmentReloadStatus/"+job, nil, &state)
		return err == nil && state.Total > 0 && state.Done == state.Total
	}, func() string { return fmt.Sprintf("reload %s: %+v", job, state) })
	stop()
	queries.Wait()
	l.uses("SELECT count(*) FROM orders WHERE city = 'city 8'", "by inverted", true) // the other's results are kept
	l.uses("SELECT count(*) FROM orders WHERE price BETWEEN 1000000 AND 100000000", "by range index", true)
	l.uses("SELECT count(*) FROM orders WHERE city = 'city 35x'", "pruned by bloom filter", true)
	var got int64
	must(l.t, queryOne(ctx, pg, byCity, &got))
	if got != want {
		l.t.Errorf("%d rows of the city with indexes, %d without", got, want)
	}
	l.settled(large)
}

// reload begins a job that tells how far the indexes are.
func (l *loads) reload() string {
	var res struct{ Status string }
	must(l.t, l.Call(l.t.Context(), "POST", "/segments/orders/reload", nil, &res))
	var tables map[string]struct {
		Job string `json:"reloadJobId"`
	}
	must(l.t, json.Unmarshal([]byte(res.Status), &tables))
	return tables["orders_OFFLINE"].Job
}

// uses checks whether EXPLAIN ANALYZE names a method.
func (l *loads) uses(sql, method string, want bool) {
	l.t.Helper()
	lines, err := Texts(l.t.Context(), l.brokers[0], "EXPLAIN ANALYZE "+sql)
	must(l.t, err)
	if text := strings.Join(lines, "\n"); strings.Contains(text, method) != want {
		l.t.Errorf("%q is used: %v, want %v\n%s", method, !want, want, text)
	}
}

// nothingLeft abandons a load halfway and waits until nothing is left of it and
// of what was replaced, in the deep store or at the servers.
func (l *loads) nothingLeft() {
	ctx := l.t.Context()
	dir := l.t.TempDir()
	NewOrders(2).Write(l.t, dir, 30, 3000)
	cmd, _ := l.command("--key", "abandoned", dir)
	l.within(20*time.Second, func() bool { _, staged := l.loads(); return staged > 0 }, func() string { return "nothing is staged" })
	cmd.Process.Kill()
	cmd.Wait()
	must(l.t, l.Call(ctx, "POST", "/cluster/configs", []byte(`{"alluvium.load.expiry":"1s"}`), nil))
	var want, objects, files []string
	var status map[string]int
	l.within(time.Minute, func() bool {
		want = l.segments()
		objects, files = l.stored()
		status, _ = l.loads()
		return status["OPEN"] == 0 && status["ABORTED"] > 0 && slices.Equal(want, objects) && slices.Equal(want, files)
	}, func() string {
		return fmt.Sprintf("%v; %d segments; left in the deep store %v, at servers %v", status, len(want), without(objects, want), without(files, want))
	})
}

// loads counts the loads by status, and the segments of open ones.
func (l *loads) loads() (out map[string]int, staged int) {
	var doc struct {
		Loads []struct {
			Status   string
			Segments int
		}
	}
	out = map[string]int{}
	if err := l.Call(l.t.Context(), "GET", "/v1/tables/orders/loads", nil, &doc); err != nil {
		out["OPEN"] = -1 // unknown
	}
	for _, x := range doc.Loads {
		out[x.Status]++
		if x.Status == "OPEN" {
			staged += x.Segments
		}
	}
	return out, staged
}

// segments returns the names of the table's segments in order.
func (l *loads) segments() []string {
	var doc []map[string][]string
	if l.Call(l.t.Context(), "GET", "/segments/orders", nil, &doc) != nil || len(doc) != 1 {
		return nil
	}
	out := doc[0]["OFFLINE"]
	slices.Sort(out)
	return out
}

// stored returns the names of the segments that the deep store and the servers
// have files of, in order and as often as they have one.
func (l *loads) stored() (objects, files []string) {
	collect := func(dir string, out *[]string, name func(string) string) {
		filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error { // a file may go meanwhile
			if err == nil && !e.IsDir() && strings.HasPrefix(e.Name(), "orders_load_") {
				*out = append(*out, name(e.Name()))
			}
			return nil
		})
		slices.Sort(*out)
	}
	collect(filepath.Join(l.Dir, "s3", "data"), &objects, func(n string) string { return n[:strings.LastIndexByte(n, '-')] })
	for _, p := range l.Role("server") {
		collect(filepath.Join(l.Dir, p.Name, "data"), &files, func(n string) string { return strings.TrimSuffix(strings.TrimSuffix(n, ".derived"), ".seg") })
	}
	return objects, slices.Compact(files)
}

func without(list, known []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(known, s) })
}
