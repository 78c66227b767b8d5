package server

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// tableRuntime is what a server runs for one table: its stream and the search
// for partitions.
//
// It lives as long as the table: a changed definition takes effect in place, so
// that consuming segments and their rows outlive it.
type tableRuntime struct {
	srv     *Server
	def     atomic.Pointer[schema.Table] // the newest definition
	ctx     context.Context
	cancel  context.CancelFunc
	changed chan struct{} // gets a value when def was replaced
	// retention is how long the stream keeps records, ms, -1 unknown. Only run
	// asks the stream; reports must not wait for it.
	retention atomic.Int64
	lastFault atomic.Int64 // ms since 1970 of the latest failed fetch

	mu      sync.Mutex // guards the fields below
	source  ingest.Source
	retired []ingest.Source // of older definitions, closed with the table
}

func (rt *tableRuntime) table() *schema.Table { return rt.def.Load() }

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
	if old := ts.tables[t.Def.ID]; old != nil {
		if old.update(t.Def) {
			ts.interrupt(t.Def.ID)
		}
		return
	}
	ctx, cancel := context.WithCancel(ts.srv.ctx)
	rt := &tableRuntime{srv: ts.srv, ctx: ctx, cancel: cancel, changed: make(chan struct{}, 1)}
	rt.def.Store(t.Def)
	rt.retention.Store(-1)
	ts.tables[t.Def.ID] = rt
	ts.srv.wg.Go(rt.run)
}

// update takes up a newer definition. A stream that is configured otherwise is
// opened anew; its readers notice at their next fetch.
func (rt *tableRuntime) update(def *schema.Table) (changed bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	old := rt.def.Load()
	if def.Version <= old.Version {
		return false
	}
	rt.def.Store(def)
	if rt.source != nil && !sameStream(old.Config.Stream, def.Config.Stream) {
		rt.retired = append(rt.retired, rt.source)
		rt.source = nil
	}
	select {
	case rt.changed <- struct{}{}:
	default:
	}
	return true
}

// interrupt lets the consumers of a table look at its definition at once,
// instead of after the fetch that is under way. The caller holds mu.
func (ts *tableSet) interrupt(tableID uint32) {
	for _, c := range ts.consumers {
		if c.table.ID == tableID {
			c.wake()
		}
	}
}

// sameStream tells whether two configs read the same stream in the same way.
func sameStream(a, b *schema.StreamConfig) bool {
	return a.Kind == b.Kind && a.Topic == b.Topic && maps.Equal(a.Properties, b.Properties)
}

// serves tells whether src is still the table's stream.
func (rt *tableRuntime) serves(src ingest.Source) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.source == src
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
			ts.srv.health.drop("stream " + rt.table().Name)
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
	var wait backoff
	var asked time.Time
	for rt.ctx.Err() == nil {
		pause := rt.srv.cfg.DiscoveryInterval
		name := rt.table().Name
		if err := rt.discover(rt.ctx); err != nil && rt.ctx.Err() == nil {
			rt.srv.log.Warn("partitions of the stream could not be listed", "table", name, "err", err)
			rt.srv.health.set("stream "+name, err.Error())
			pause = min(pause, wait.next())
		} else {
			rt.srv.health.set("stream "+name, "ok")
			wait.reset()
			if time.Since(asked) > time.Minute {
				asked = time.Now()
				rt.askRetention(rt.ctx)
			}
		}
		rt.pause(pause)
	}
}

// pause waits for d, a change of the definition or the end.
func (rt *tableRuntime) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-rt.changed:
	case <-rt.ctx.Done():
	}
}

func (rt *tableRuntime) askRetention(ctx context.Context) {
	src, err := rt.open(ctx)
	if err != nil {
		return
	}
	ms, err := src.RetentionMillis(ctx)
	if err != nil {
		ms = -1
	}
	rt.retention.Store(ms)
}

// open returns the table's stream, opened at first use.
func (rt *tableRuntime) open(ctx context.Context) (ingest.Source, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.source != nil {
		return rt.source, nil
	}
	def := rt.table()
	src, warnings, err := rt.srv.cfg.OpenSource(ctx, def.Config.Stream, streamEvents{rt})
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		rt.srv.log.Info("stream configuration", "table", def.Name, "warning", w)
	}
	rt.source = src
	return src, nil
}

func (rt *tableRuntime) closeSource() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, src := range append(rt.retired, rt.source) {
		if src != nil {
			src.Close()
		}
	}
	rt.source, rt.retired = nil, nil
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
	def := rt.table()
	table := rt.srv.view.State().Tables[def.ID]
	if table == nil {
		return nil
	}
	start, err := startOf(def.Config.Stream)
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
		fresh = append(fresh, &pb.Partition{TableId: def.ID, Id: p.ID, Name: p.Name, Parents: p.Parents,
			StartOffset: []byte(off), StartOffsetText: src.FormatOffset(off)})
	}
	if len(fresh) == 0 {
		return nil
	}
	_, err = rt.srv.cfg.Controller.ProposePartitions(ctx, &pb.ProposePartitionsRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: rt.srv.cfg.Instance.Id, TableId: def.ID,
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
	if off, ok := strings.CutPrefix(cfg.Start, "offset:"); ok {
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

// streamEvents turns what a source reports into metrics and logs.
type streamEvents struct{ rt *tableRuntime }

var _ ingest.Events = streamEvents{}

// FetchRetry implements ingest.Events.
func (e streamEvents) FetchRetry(partition uint32, attempt int, err error) {
	s, def := e.rt.srv, e.rt.table()
	e.rt.lastFault.Store(time.Now().UnixMilli())
	s.metrics.retries.WithLabelValues(def.Name).Inc()
	s.health.set("stream "+def.Name, err.Error())
	for _, c := range s.tables.allConsumers() {
		if c.table.ID == def.ID && c.seg.Partition == partition {
			c.setState(consumerRetrying, err)
		}
	}
	if attempt == 1 || attempt%10 == 0 {
		s.log.Warn("fetch failed and is tried again", "table", def.Name, "partition", partition, "attempt", attempt, "err", err)
	}
}

// PartitionsChanged implements ingest.Events.
func (e streamEvents) PartitionsChanged(count int) {
	e.rt.srv.log.Info("the stream's partitions changed", "table", e.rt.table().Name, "partitions", count)
	select {
	case e.rt.changed <- struct{}{}:
	default:
	}
}

// Throttled implements ingest.Events.
func (e streamEvents) Throttled(partition uint32) {
	e.rt.srv.metrics.stepErrors.WithLabelValues(stepFetch).Inc()
}
