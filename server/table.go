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
	asked     time.Time    // when the retention was asked for; run's

	mu     sync.Mutex // guards the fields below
	stream *tableStream
	gone   bool // the table was deleted or the server closes

	healthMu sync.Mutex // guards silent
	silent   bool       // the stream is no longer in the health
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

// ensure makes the runtime of a table, or shows it the table's definition. Only
// reconcile calls it.
func (ts *tableSet) ensure(t *clusterview.Table) {
	if t.Def.Config.Stream == nil {
		return
	}
	if old := ts.runtime(t.Def.ID); old != nil {
		if old.update(t.Def) {
			ts.interrupt(t.Def.ID)
		}
		return
	}
	ctx, cancel := context.WithCancel(ts.srv.ctx)
	rt := &tableRuntime{srv: ts.srv, ctx: ctx, cancel: cancel, changed: make(chan struct{}, 1)}
	rt.def.Store(t.Def)
	rt.retention.Store(-1)
	ts.mu.Lock()
	ts.tables[t.Def.ID] = rt
	ts.mu.Unlock()
	ts.srv.wg.Go(rt.run)
}

// update takes up a newer definition. A stream that is configured otherwise is
// opened anew; its readers notice at their next fetch.
// Only reconcile calls it.
func (rt *tableRuntime) update(def *schema.Table) (changed bool) {
	old := rt.table()
	if def.Version <= old.Version {
		return false
	}
	rt.mu.Lock()
	rt.def.Store(def)
	closeUnused := func() {}
	if !sameStream(old.Config.Stream, def.Config.Stream) {
		closeUnused = rt.retire()
	}
	rt.mu.Unlock()
	closeUnused()
	select {
	case rt.changed <- struct{}{}:
	default:
	}
	return true
}

// interrupt lets the consumers of a table look at its definition at once,
// instead of after the fetch that is under way.
func (ts *tableSet) interrupt(tableID uint32) {
	for _, c := range ts.allConsumers() {
		if c.table.ID == tableID {
			c.wake()
		}
	}
}

// sameStream tells whether two configs read the same stream in the same way.
func sameStream(a, b *schema.StreamConfig) bool {
	return a.Kind == b.Kind && a.Topic == b.Topic && maps.Equal(a.Properties, b.Properties)
}

func (ts *tableSet) runtime(id uint32) *tableRuntime {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.tables[id]
}

// retain stops the runtimes of tables that no longer exist.
func (ts *tableSet) retain(st *clusterview.State) {
	for _, rt := range ts.take(func(id uint32) bool { return st.Tables[id] == nil }) {
		rt.stop()
		ts.srv.metrics.forgetTable(rt.table().Name)
	}
}

// close closes the streams; everything that reads them has ended before.
func (ts *tableSet) close() {
	for _, rt := range ts.take(func(uint32) bool { return true }) {
		rt.stop()
	}
}

// take takes runtimes out. They are stopped outside of mu: a stream that closes
// may wait for events that look for consumers.
func (ts *tableSet) take(which func(id uint32) bool) (out []*tableRuntime) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for id, rt := range ts.tables {
		if which(id) {
			out = append(out, rt)
			delete(ts.tables, id)
		}
	}
	return out
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
	for rt.ctx.Err() == nil {
		pause := rt.srv.cfg.DiscoveryInterval
		if err := rt.look(); err != nil {
			rt.srv.log.Warn("partitions of the stream could not be listed", "table", rt.table().Name, "err", err)
			rt.show(err.Error())
			pause = min(pause, wait.next())
		} else {
			rt.show("ok")
			wait.reset()
		}
		rt.pause(pause)
	}
}

// look asks the stream for its partitions, and now and then for its retention.
func (rt *tableRuntime) look() error {
	src, err := rt.open(rt.ctx)
	if err != nil {
		return err
	}
	defer rt.release(src)
	if err := rt.discover(rt.ctx, src); err != nil {
		return err
	}
	if time.Since(rt.asked) > time.Minute {
		rt.asked = time.Now()
		rt.askRetention(rt.ctx, src)
	}
	return nil
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

func (rt *tableRuntime) askRetention(ctx context.Context, src ingest.Source) {
	ms, err := src.RetentionMillis(ctx)
	if err != nil {
		ms = -1
	}
	rt.retention.Store(ms)
}

// discover proposes partitions that the cluster does not know yet. The first
// ones begin where the table's config says, later ones at their first record,
// so that nothing between two looks is lost.
func (rt *tableRuntime) discover(ctx context.Context, src ingest.Source) error {
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
	e.rt.show(err.Error())
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
