package server

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// tableRuntime is what a server runs for one table: its stream and the search
// for partitions.
type tableRuntime struct {
	srv    *Server
	def    *schema.Table
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	mu        sync.Mutex // guards the fields below
	source    ingest.Source
	retention int64 // ms the stream keeps records, -1 unknown
	asked     time.Time
}

// tableSet holds the runtimes and consumers of this server.
type tableSet struct {
	srv *Server

	mu        sync.Mutex
	tables    map[uint32]*tableRuntime
	consumers map[string]*consumer
}

func newTableSet(s *Server) *tableSet {
	return &tableSet{srv: s, tables: map[uint32]*tableRuntime{}, consumers: map[string]*consumer{}}
}

// ensure makes the runtime of a table, anew when its definition changed.
func (ts *tableSet) ensure(t *clusterview.Table) {
	if t.Def.Config.Stream == nil {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	old := ts.tables[t.Def.ID]
	if old != nil && old.def.Version == t.Def.Version {
		return
	}
	if old != nil {
		old.cancel()
	}
	ctx, cancel := context.WithCancel(ts.srv.ctx)
	rt := &tableRuntime{srv: ts.srv, def: t.Def, ctx: ctx, cancel: cancel, done: make(chan struct{}), retention: -1}
	ts.tables[t.Def.ID] = rt
	ts.srv.wg.Go(rt.run)
}

func (ts *tableSet) runtime(id uint32) *tableRuntime {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.tables[id]
}

// retain stops the runtimes of tables that no longer exist.
func (ts *tableSet) retain(st *clusterview.State) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for id, rt := range ts.tables {
		if st.Tables[id] == nil {
			rt.cancel()
			delete(ts.tables, id)
			ts.srv.health.drop("stream " + rt.def.Name)
		}
	}
}

// close closes the streams; everything that reads them has ended before.
func (ts *tableSet) close() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, rt := range ts.tables {
		rt.closeSource()
	}
}

// addConsumer makes c the consumer of its segment; false means that there is
// one already.
func (ts *tableSet) addConsumer(c *consumer) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.consumers[c.name()] != nil {
		return false
	}
	ts.consumers[c.name()] = c
	return true
}

// consumes tells whether a segment of a partition is being consumed here.
func (ts *tableSet) consumes(tableID, partition uint32) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, c := range ts.consumers {
		if c.table.ID == tableID && c.seg.Partition == partition {
			return true
		}
	}
	return false
}

func (ts *tableSet) removeConsumer(c *consumer) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.consumers[c.name()] == c {
		delete(ts.consumers, c.name())
	}
}

func (ts *tableSet) consumer(name string) *consumer {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.consumers[name]
}

func (ts *tableSet) allConsumers() []*consumer {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	out := make([]*consumer, 0, len(ts.consumers))
	for _, c := range ts.consumers {
		out = append(out, c)
	}
	return out
}

// stopConsumer ends the consumer of a segment, if any, and waits for it.
func (ts *tableSet) stopConsumer(name string) {
	if c := ts.consumer(name); c != nil {
		c.cancel()
		<-c.done
	}
}

// run looks for partitions until the table is gone.
func (rt *tableRuntime) run() {
	defer close(rt.done)
	var wait backoff
	for rt.ctx.Err() == nil {
		pause := rt.srv.cfg.DiscoveryInterval
		if err := rt.discover(rt.ctx); err != nil && rt.ctx.Err() == nil {
			rt.srv.log.Warn("partitions of the stream could not be listed", "table", rt.def.Name, "err", err)
			rt.srv.health.set("stream "+rt.def.Name, err.Error())
			pause = wait.next()
		} else {
			rt.srv.health.set("stream "+rt.def.Name, "ok")
			wait.reset()
		}
		if !sleep(rt.ctx, pause) {
			return
		}
	}
}

// open returns the table's stream, opened at first use.
func (rt *tableRuntime) open(ctx context.Context) (ingest.Source, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.source != nil {
		return rt.source, nil
	}
	src, warnings, err := rt.srv.cfg.OpenSource(ctx, rt.def.Config.Stream, streamEvents{rt})
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		rt.srv.log.Info("stream configuration", "table", rt.def.Name, "warning", w)
	}
	rt.source = src
	return src, nil
}

func (rt *tableRuntime) closeSource() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.source != nil {
		rt.source.Close()
		rt.source = nil
	}
}

// discover proposes partitions that the cluster does not know yet. The first
// ones begin where the table's config says, later ones at their first record,
// so that nothing between two looks is lost.
func (rt *tableRuntime) discover(ctx context.Context) error {
	src, err := rt.open(ctx)
	if err != nil {
		return err
	}
	parts, err := src.Partitions(ctx)
	if err != nil {
		return err
	}
	table := rt.srv.view.State().Tables[rt.def.ID]
	if table == nil {
		return nil
	}
	start, err := startOf(rt.def.Config.Stream)
	if err != nil {
		return err
	}
	if len(table.Partitions) > 0 {
		start = ingest.Start{Kind: ingest.StartEarliest}
	}
	var fresh []*pb.Partition
	for _, p := range parts {
		if table.Partitions[p.ID] != nil {
			continue
		}
		at := start
		if len(p.Parents) > 0 {
			at = ingest.Start{Kind: ingest.StartEarliest}
		}
		off, err := src.Resolve(ctx, p.ID, at)
		if err != nil {
			return fmt.Errorf("start of partition %s: %w", p.Name, err)
		}
		fresh = append(fresh, &pb.Partition{TableId: rt.def.ID, Id: p.ID, Name: p.Name, Parents: p.Parents,
			StartOffset: []byte(off), StartOffsetText: src.FormatOffset(off)})
	}
	if len(fresh) == 0 {
		return nil
	}
	_, err = rt.srv.cfg.Controller.ProposePartitions(ctx, &pb.ProposePartitionsRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: rt.srv.cfg.Instance.Id, TableId: rt.def.ID,
		Partitions: fresh, TimeMicros: rt.srv.cfg.Now().UnixMicro(),
	})
	return err
}

// startOf reads the start position of a stream config.
func startOf(cfg *schema.StreamConfig) (ingest.Start, error) {
	switch cfg.Start {
	case "", "smallest", "earliest", "TRIM_HORIZON":
		return ingest.Start{Kind: ingest.StartEarliest}, nil
	case "largest", "latest", "LATEST":
		return ingest.Start{Kind: ingest.StartLatest}, nil
	}
	if off, ok := cutPrefix(cfg.Start, "offset:"); ok {
		return ingest.Start{Kind: ingest.StartExplicit, Offset: off}, nil
	}
	if ms, err := strconv.ParseInt(cfg.Start, 10, 64); err == nil {
		return ingest.Start{Kind: ingest.StartTimestamp, Timestamp: ms}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, cfg.Start)
	if err != nil {
		return ingest.Start{}, fmt.Errorf("stream start %q is neither smallest, largest, offset:N, a time nor epoch milliseconds", cfg.Start)
	}
	return ingest.Start{Kind: ingest.StartTimestamp, Timestamp: t.UnixMilli()}, nil
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return "", false
}

// retentionMillis returns how long the stream keeps records, asked at most
// once a minute.
func (rt *tableRuntime) retentionMillis(ctx context.Context, src ingest.Source) int64 {
	rt.mu.Lock()
	fresh := !rt.asked.IsZero() && rt.srv.cfg.Now().Sub(rt.asked) < time.Minute
	ms := rt.retention
	rt.mu.Unlock()
	if fresh {
		return ms
	}
	got, err := src.RetentionMillis(ctx)
	if err != nil {
		got = -1
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.retention, rt.asked = got, rt.srv.cfg.Now()
	return got
}

// streamEvents turns what a source reports into metrics and logs.
type streamEvents struct{ rt *tableRuntime }

var _ ingest.Events = streamEvents{}

// FetchRetry implements ingest.Events.
func (e streamEvents) FetchRetry(partition uint32, attempt int, err error) {
	s := e.rt.srv
	s.metrics.retries.WithLabelValues(e.rt.def.Name).Inc()
	s.health.set("stream "+e.rt.def.Name, err.Error())
	for _, c := range s.tables.allConsumers() {
		if c.table.ID == e.rt.def.ID && c.seg.Partition == partition {
			c.setState(consumerRetrying, err)
		}
	}
	if attempt == 1 || attempt%10 == 0 {
		s.log.Warn("fetch failed and is tried again", "table", e.rt.def.Name, "partition", partition, "attempt", attempt, "err", err)
	}
}

// PartitionsChanged implements ingest.Events.
func (e streamEvents) PartitionsChanged(count int) {
	e.rt.srv.log.Info("the stream's partitions changed", "table", e.rt.def.Name, "partitions", count)
}

// Throttled implements ingest.Events.
func (e streamEvents) Throttled(partition uint32) {
	e.rt.srv.metrics.stepErrors.WithLabelValues(stepFetch).Inc()
}
