package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alluviumdb/alluvium/bench/data"
)

// The protocols of a load.
const (
	protoHTTP     = "HTTP"
	protoSimple   = "PostgreSQL simple"
	protoPrepared = "PostgreSQL prepared"
)

// loadJob says what the load generator does, in a process of its own so that
// its time is not the store's.
type loadJob struct {
	Protocol string
	Addr     string // host:port
	Clients  int
	Warm     time.Duration
	Length   time.Duration
	// SQL may hold $1, a key that is drawn anew from 1..Keys for each query.
	SQL  string
	Keys int
	// KeyFormat makes the text of a key, empty means a number.
	KeyFormat string
	// Settings are what each client sets first, over HTTP in each request.
	Settings [][2]string
}

// loadResult is what a load came to.
type loadResult struct {
	Queries  int
	Errors   int
	Error    string // the first one
	QPS      float64
	P50, P99 time.Duration
	Max      time.Duration
}

// runLoad runs a job in a process of its own.
func runLoad(ctx context.Context, j loadJob) (r loadResult, err error) {
	exe, err := os.Executable()
	if err != nil {
		return r, err
	}
	in, err := json.Marshal(j)
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, exe, "bench", "load")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("load generator: %w", err)
	}
	return r, json.Unmarshal(out, &r)
}

// Load reads a job as JSON, runs it and writes the result as JSON.
func Load(ctx context.Context, r io.Reader, w io.Writer) error {
	var j loadJob
	if err := json.NewDecoder(r).Decode(&j); err != nil {
		return err
	}
	out, err := j.run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(out)
}

// asker sends one query and reads all of its answer.
type asker interface {
	ask(ctx context.Context, key string) error
	close()
}

func (j *loadJob) connect(ctx context.Context) (asker, error) {
	if j.Protocol == protoHTTP {
		return newHTTPAsker(j)
	}
	return newPGAsker(ctx, j)
}

// client is one of the concurrent clients of a load.
type client struct {
	took []time.Duration
	errs int
	err  error
}

func (j *loadJob) run(ctx context.Context) (r loadResult, err error) {
	askers := make([]asker, j.Clients)
	for i := range askers {
		if askers[i], err = j.connect(ctx); err != nil {
			return r, err
		}
		defer askers[i].close()
	}
	begin := time.Now().Add(j.Warm)
	end := begin.Add(j.Length)
	clients := make([]client, j.Clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { clients[i].loop(ctx, j, askers[i], data.Rand(i), begin, end) })
	}
	wg.Wait()
	return summarise(clients, j.Length), ctx.Err()
}

// loop asks until end and keeps the times of queries sent after begin.
func (c *client) loop(ctx context.Context, j *loadJob, a asker, r data.Rand, begin, end time.Time) {
	for ctx.Err() == nil {
		start := time.Now()
		if start.After(end) {
			return
		}
		err := a.ask(ctx, j.key(&r))
		if start.Before(begin) && err == nil {
			continue
		}
		if err != nil {
			c.errs++
			if c.err == nil {
				c.err = err
			}
			if c.errs > 100 {
				return // a broken connection fails at once, for ever
			}
			continue
		}
		c.took = append(c.took, time.Since(start))
	}
}

func (j *loadJob) key(r *data.Rand) string {
	if j.Keys == 0 {
		return ""
	}
	k := 1 + r.Below(j.Keys)
	if j.KeyFormat == "" {
		return strconv.Itoa(k)
	}
	return fmt.Sprintf(j.KeyFormat, k)
}

func summarise(clients []client, length time.Duration) (r loadResult) {
	var all []time.Duration
	for _, c := range clients {
		all = append(all, c.took...)
		r.Errors += c.errs
		if c.err != nil && r.Error == "" {
			r.Error = c.err.Error()
		}
	}
	r.Queries = len(all)
	if len(all) == 0 {
		return r
	}
	slices.Sort(all)
	r.QPS = float64(len(all)) / length.Seconds()
	r.P50, r.P99, r.Max = quantile(all, 0.5), quantile(all, 0.99), all[len(all)-1]
	return r
}

// pgAsker asks over one PostgreSQL connection.
type pgAsker struct {
	conn *pgconn.PgConn
	job  *loadJob
}

func newPGAsker(ctx context.Context, j *loadJob) (*pgAsker, error) {
	conn, err := pgconn.Connect(ctx, "postgres://admin:"+password+"@"+j.Addr+"/alluvium?sslmode=disable")
	if err != nil {
		return nil, err
	}
	for _, kv := range j.Settings {
		if _, err := conn.Exec(ctx, fmt.Sprintf("SET %s = '%s'", kv[0], kv[1])).ReadAll(); err != nil {
			return nil, err
		}
	}
	if j.Protocol == protoPrepared {
		if _, err := conn.Prepare(ctx, "q", j.SQL, nil); err != nil {
			return nil, err
		}
	}
	return &pgAsker{conn, j}, nil
}

func (a *pgAsker) ask(ctx context.Context, key string) error {
	if a.job.Protocol == protoPrepared {
		var params [][]byte
		if key != "" {
			params = [][]byte{[]byte(key)}
		}
		return drain(a.conn.ExecPrepared(ctx, "q", params, nil, nil))
	}
	m := a.conn.Exec(ctx, a.job.text(key))
	for m.NextResult() {
		if err := drain(m.ResultReader()); err != nil {
			return err
		}
	}
	return m.Close()
}

func drain(r *pgconn.ResultReader) error {
	for r.NextRow() {
		r.Values()
	}
	_, err := r.Close()
	return err
}

func (a *pgAsker) close() { a.conn.Close(context.Background()) }

// text puts a key into the statement.
func (j *loadJob) text(key string) string {
	if key == "" {
		return j.SQL
	}
	if j.KeyFormat != "" {
		key = "'" + key + "'"
	}
	return strings.Replace(j.SQL, "$1", key, 1)
}

// httpAsker asks Pinot's endpoint over one connection. It does without
// net/http's client, whose goroutines would take time from the store.
type httpAsker struct {
	conn net.Conn
	in   *bufio.Reader
	job  *loadJob
	// head is the request up to its length, options its query options.
	head, options string
}

func newHTTPAsker(j *loadJob) (*httpAsker, error) {
	conn, err := net.Dial("tcp", j.Addr)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest("POST", "http://"+j.Addr, nil)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth("admin", password)
	head := "POST /query/sql HTTP/1.1\r\nHost: " + j.Addr + "\r\nContent-Type: application/json\r\nAuthorization: " +
		req.Header.Get("Authorization") + "\r\nContent-Length: "
	var options []string
	for _, kv := range j.Settings {
		options = append(options, kv[0]+"="+kv[1])
	}
	return &httpAsker{conn, bufio.NewReader(conn), j, head, strings.Join(options, ";")}, nil
}

func (a *httpAsker) ask(_ context.Context, key string) error {
	body, err := json.Marshal(map[string]string{"sql": a.job.text(key), "queryOptions": a.options})
	if err != nil {
		return err
	}
	if _, err := a.conn.Write(fmt.Appendf(nil, "%s%d\r\n\r\n%s", a.head, len(body), body)); err != nil {
		return err
	}
	res, err := http.ReadResponse(a.in, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !bytes.Contains(raw, []byte(`"exceptions":[]`)) {
		return fmt.Errorf("%s: %.300s", res.Status, raw)
	}
	return nil
}

func (a *httpAsker) close() { a.conn.Close() }
