package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

// The states of a consumer as it is reported.
const (
	consumerCatchingUp = "CATCHING_UP"
	consumerConsuming  = "CONSUMING"
	consumerRetrying   = "RETRYING"
	consumerStoppedGap = "STOPPED_GAP"
	consumerEnded      = "ENDED"
)

// consumer reads one partition into one consuming segment, from the segment's
// start offset until its end is fixed. One goroutine runs it; other goroutines
// read its report.
//
// Nothing is lost because the offset and the rows are published in one step,
// and the next segment begins where the Raft log says that this one ended.
// When the answer to EndSegment is lost, consumption goes on; each proposal
// keeps a view of the rows as they were, so that whichever proposal turns out
// to have won, its rows are at hand and no others are in the segment.
type consumer struct {
	srv     *Server
	rt      *tableRuntime
	table   *schema.Table
	seg     *pb.Segment
	h       *holder
	live    *mutable.Segment
	dec     ingest.Decoder
	started time.Time
	cancel  context.CancelFunc
	done    chan struct{}
	seen    atomic.Bool // the view has shown the segment
	// fixed is set when the state shows the segment's end before an answer
	// told it; interrupt ends the fetch that is under way.
	fixed     atomic.Pointer[pb.Segment]
	interrupt atomic.Pointer[context.CancelFunc]

	// These belong to the consumer's goroutine.
	src       *tableStream // nil until the first connection
	reader    ingest.Reader
	out       ingest.Decoded
	rowErrs   []segment.RowError
	next      ingest.Offset
	records   uint64
	rejected  uint64
	full      bool
	proposals []proposal
	lastTry   time.Time
	gap       *ingest.OutOfRangeError
	stopped   bool  // by a gap that the table does not skip
	first     int64 // stream timestamp of the first record, µs, 0 until there is one

	forced atomic.Bool // to be sealed early, for the memory that it holds

	mu     sync.Mutex // guards report
	report pb.ConsumerReport
	rate   rateMeter
	newest int64     // stream timestamp of the newest visible record, µs
	asOf   time.Time // when the stream last told how far behind the consumer is
}

// proposal is an end that was proposed, with the rows up to it.
type proposal struct {
	end  ingest.Offset
	view segment.Segment
}

// hardBound is how far beyond its thresholds a segment may grow while the
// controller does not answer; then the consumer waits.
const hardBound = 2

// startConsumer begins to consume a segment that the state places here. It
// waits while the partition's previous segment still consumes: its end is fixed,
// and rows behind that end must not be seen twice.
// A segment that cannot be opened (its schema or config is beyond this version)
// is reported and tried again now and then.
func (s *Server) startConsumer(t *clusterview.Table, seg *pb.Segment) {
	rt := s.tables.runtime(t.Def.ID)
	if rt == nil || s.tables.consumes(seg.TableId, seg.Partition) || !s.tasks.begin(seg.Name) {
		return
	}
	err := failed(stepOpen, s.launch(rt, t, seg))
	s.tasks.end(seg.Name, err)
	if err != nil {
		s.taskFailed(seg.Name, err)
	}
}

// launch begins to consume a segment, unless somebody does already.
func (s *Server) launch(rt *tableRuntime, t *clusterview.Table, seg *pb.Segment) error {
	if s.draining.Load() {
		return nil
	}
	table, live, dec, err := newConsuming(t, seg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(rt.ctx)
	c := &consumer{
		srv: s, rt: rt, table: table, seg: seg, live: live, dec: dec, started: s.cfg.Now(), cancel: cancel,
		done: make(chan struct{}), next: ingest.Offset(seg.StartOffset),
		h: s.newHolder(t, seg, stateConsuming),
	}
	c.h.live = live
	c.h.account(live.Bytes())
	c.report = pb.ConsumerReport{TableId: table.ID, Partition: seg.Partition, Segment: seg.Name, State: consumerCatchingUp,
		OffsetText: seg.StartOffsetText, LagRecords: -1, LagMillis: -1, FreshnessMillis: -1, LossHorizonMillis: -1}
	if !s.tables.addConsumer(c) {
		cancel()
		c.h.drop()
		return nil
	}
	s.set.add(c.h)
	s.wg.Go(func() {
		defer s.poke()
		defer close(c.done)
		c.run(ctx)
		c.finish()
	})
	return nil
}

// finish gives back what the consumer holds and takes it out of the reports.
func (c *consumer) finish() {
	c.closeReader()
	c.releaseStream()
	for _, p := range c.proposals {
		p.view.Release()
	}
	if c.stopped {
		c.srv.health.drop(c.gapKey())
	}
	ts := c.srv.tables
	ts.removeConsumer(c)
	if !ts.consumes(c.table.ID, c.seg.Partition) {
		c.srv.metrics.forgetPartition(c.table.Name, c.seg.Partition)
	}
}

// newConsuming makes the memory of a consuming segment and its decoder, by the
// schema that the segment was opened with: whoever reads its records, now or
// after a crash, gets the same rows.
func newConsuming(t *clusterview.Table, seg *pb.Segment) (*schema.Table, *mutable.Segment, ingest.Decoder, error) {
	table, err := t.At(seg.SchemaVersion)
	if err != nil {
		return nil, nil, nil, err
	}
	cfg := table.Config
	if cfg.Stream == nil {
		return nil, nil, nil, fmt.Errorf("table %q has no stream", table.Name)
	}
	dec, err := decode.New(cfg.Stream.Decoder, table.Schema, decode.Options{TimeColumn: cfg.TimeColumn, MaxRecordBytes: cfg.MaxRecordSize})
	if err != nil {
		return nil, nil, nil, err
	}
	live, err := mutable.New(mutable.Config{
		Name: seg.Name, Table: table, Partition: seg.Partition, FirstSeq: seg.FirstSeq,
		StartOffset: string(seg.StartOffset), CreatedMicros: seg.CreatedMicros,
	})
	return table, live, dec, err
}

// fix tells the consumer that the state shows its segment's end.
func (c *consumer) fix(seg *pb.Segment) {
	if c.fixed.CompareAndSwap(nil, seg) {
		c.wake()
	}
}

// wake ends the fetch or pause that is under way.
func (c *consumer) wake() {
	if cancel := c.interrupt.Load(); cancel != nil {
		(*cancel)()
	}
}

func (c *consumer) name() string { return c.seg.Name }

// observe tells whether a state shows the segment, and remembers it.
func (c *consumer) observe(st *clusterview.State) bool {
	if st.Segment(c.table.ID, c.seg.Name) != nil {
		c.seen.Store(true)
		return true
	}
	return false
}

// run consumes until the segment's end is fixed, the table goes or the server
// closes; faults of the stream are waited out.
func (c *consumer) run(ctx context.Context) {
	c.srv.log.Info("consuming", "table", c.table.Name, "partition", c.seg.Partition, "segment", c.seg.Name, "offset", c.seg.StartOffsetText)
	var wait backoff
	for ctx.Err() == nil {
		before := c.next
		done, err := c.consume(ctx)
		switch {
		case done || ctx.Err() != nil:
			return
		case err == nil || errors.Is(err, errStopped):
			continue
		}
		if c.next != before {
			wait.reset()
		}
		c.closeReader()
		c.setState(consumerRetrying, err)
		c.srv.metrics.stepErrors.WithLabelValues(stepFetch).Inc()
		c.srv.log.Warn("consumption interrupted", "table", c.table.Name, "partition", c.seg.Partition, "err", err)
		c.pause(ctx, wait.next())
	}
}

// pause waits, but not beyond the moment when the segment's end is known.
func (c *consumer) pause(ctx context.Context, d time.Duration) {
	pctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	c.interrupt.Store(&cancel)
	if c.fixed.Load() == nil {
		<-pctx.Done()
	}
}

func (c *consumer) closeReader() {
	if c.reader != nil {
		c.reader.Close()
		c.reader = nil
	}
}

func (c *consumer) releaseStream() {
	if c.src != nil {
		c.rt.release(c.src)
	}
}

// consume opens the reader where the segment stands and reads until the end is
// fixed (done), something fails, or the stream must be opened anew (no error).
func (c *consumer) consume(ctx context.Context) (done bool, err error) {
	if c.observedEnd() {
		return true, nil
	}
	if err := c.connect(ctx); err != nil {
		return false, err
	}
	for ctx.Err() == nil {
		if c.observedEnd() {
			return true, nil
		}
		if !c.rt.serves(c.src) {
			c.closeReader()
			return false, nil
		}
		if reason := c.due(); reason != "" && c.end(ctx, reason, false) {
			return true, nil
		}
		if c.mustWait(ctx) {
			continue
		}
		batch, err := c.fetch(ctx)
		switch {
		case err != nil:
			return c.fetchFailed(ctx, err)
		case batch == nil:
			continue
		}
		if err := c.take(batch); err != nil {
			return false, err
		}
	}
	return false, ctx.Err()
}

func (c *consumer) connect(ctx context.Context) error {
	src, err := c.rt.open(ctx)
	if err != nil {
		return err
	}
	if c.src != src {
		c.closeReader()
	}
	c.releaseStream()
	c.src = src
	if c.reader == nil {
		c.reader, err = c.src.Open(ctx, c.seg.Partition, c.next)
	}
	return err
}

func (c *consumer) fetchFailed(ctx context.Context, err error) (done bool, _ error) {
	var out *ingest.OutOfRangeError
	switch {
	case errors.Is(err, ingest.ErrEndOfPartition):
		return c.endPartition(ctx), nil
	case errors.As(err, &out):
		return c.fellBehind(ctx, out)
	}
	return false, err
}

// observedEnd takes up an end that the state showed before any answer did.
func (c *consumer) observedEnd() bool {
	f := c.fixed.Load()
	if f == nil {
		return false
	}
	c.ended(&pb.EndSegmentResponse{Ended: f}, "observed")
	return true
}

// fetch waits for records, but not past the moment when the segment is due; it
// returns nil without an error then.
func (c *consumer) fetch(ctx context.Context) (*ingest.RawBatch, error) {
	wait := time.Second
	if c.records > 0 {
		wait = min(wait, max(c.deadline().Sub(c.srv.cfg.Now()), 10*time.Millisecond))
	}
	fctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	c.interrupt.Store(&cancel)
	if c.fixed.Load() != nil {
		return nil, nil
	}
	start := time.Now()
	b, err := c.reader.Fetch(fctx)
	if err != nil && fctx.Err() != nil && ctx.Err() == nil && errors.Is(err, fctx.Err()) {
		c.idle()
		return nil, nil
	}
	if err == nil {
		c.srv.metrics.steps.WithLabelValues(stepFetch).Observe(time.Since(start).Seconds())
	}
	return b, err
}

// stream returns the table's stream config as it is now: thresholds may change
// while a segment consumes.
func (c *consumer) stream() *schema.StreamConfig { return c.rt.table().Config.Stream }

// deadline is when the segment is due by time: counted from its creation, or
// from its first record where the partition was quiet before.
func (c *consumer) deadline() time.Time {
	d := c.stream().FlushTime
	if d == 0 {
		d = schema.DefaultFlushTime
	}
	return time.UnixMicro(max(c.seg.CreatedMicros, c.first)).Add(d)
}

// due names the threshold that the segment has reached, "" for none. After a
// proposal without an answer it is due again a little later.
func (c *consumer) due() string {
	if !c.lastTry.IsZero() && time.Since(c.lastTry) < 500*time.Millisecond && !c.beyond(hardBound) {
		return ""
	}
	cfg := c.stream()
	switch {
	case c.full:
		return "full"
	case c.rt.table().Schema.Version > c.seg.SchemaVersion:
		return "schema"
	case c.records == 0:
		return ""
	case c.forced.Load():
		return "memory"
	case c.live.Rows() >= uint32(flushRows(cfg)):
		return "rows"
	case c.live.PackedBytes() >= flushBytes(cfg):
		return "bytes"
	case !c.srv.cfg.Now().Before(c.deadline()):
		return "time"
	}
	return ""
}

func flushRows(cfg *schema.StreamConfig) int {
	if cfg.FlushRows > 0 {
		return cfg.FlushRows
	}
	return schema.DefaultFlushRows
}

func flushBytes(cfg *schema.StreamConfig) int64 {
	if cfg.FlushBytes > 0 {
		return cfg.FlushBytes
	}
	return schema.DefaultFlushBytes
}

// beyond tells whether the segment is past times its thresholds.
func (c *consumer) beyond(times int) bool {
	cfg := c.stream()
	return c.full || int64(c.live.Rows()) >= int64(times)*int64(flushRows(cfg)) || c.live.PackedBytes() >= int64(times)*flushBytes(cfg)
}

// take decodes a batch, makes its rows visible together with its offset, and
// reports.
func (c *consumer) take(b *ingest.RawBatch) error {
	if err := c.append(b); err != nil {
		return err
	}
	if c.first == 0 && len(b.Records) > 0 {
		c.first = min(b.Records[0].Timestamp, c.srv.cfg.Now().UnixMicro())
	}
	c.h.account(c.live.Bytes())
	c.observeBatch(b, newestArrival(b))
	if c.stopped {
		c.stopped = false
		c.srv.health.drop(c.gapKey())
	}
	return nil
}

func (c *consumer) append(b *ingest.RawBatch) error {
	m := c.srv.metrics
	start := time.Now()
	c.dec.Decode(b.Records, &c.out)
	decoded := time.Now()
	m.steps.WithLabelValues(stepDecode).Observe(decoded.Sub(start).Seconds())
	if err := c.live.Append(&c.out.Rows); err != nil {
		// Nothing of the batch was taken. If the segment is full, the batch is
		// read again by the next one.
		c.full = errors.Is(err, mutable.ErrFull)
		c.closeReader()
		return fmt.Errorf("segment %s: %w", c.seg.Name, err)
	}
	commit := mutable.Commit{
		NextOffset: string(b.Next), Records: uint64(len(b.Records)), Rejected: uint64(len(c.out.Rejected)),
		Errors: c.errors(b), MaxArrivalMicros: newestArrival(b),
	}
	if err := c.live.Commit(commit); err != nil {
		return err
	}
	m.steps.WithLabelValues(stepAppend).Observe(time.Since(decoded).Seconds())
	c.next = b.Next
	c.records += commit.Records
	c.rejected += commit.Rejected
	return nil
}

func newestArrival(b *ingest.RawBatch) int64 {
	if len(b.Records) == 0 {
		return 0
	}
	return b.Records[len(b.Records)-1].Timestamp
}
