package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
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
	src       ingest.Source
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
	forced    atomic.Bool

	mu     sync.Mutex // guards report
	report pb.ConsumerReport
	rate   rateMeter
	newest int64 // stream timestamp of the newest visible record, µs
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
func (s *Server) startConsumer(t *clusterview.Table, seg *pb.Segment) {
	rt := s.tables.runtime(t.Def.ID)
	if rt == nil || s.tables.consumes(seg.TableId, seg.Partition) {
		return
	}
	s.launch(rt, t.Def, seg)
}

func (s *Server) launch(rt *tableRuntime, table *schema.Table, seg *pb.Segment) {
	live, dec, err := newConsuming(table, seg)
	if err != nil {
		s.log.Error("consuming segment cannot be opened", "table", table.Name, "segment", seg.Name, "err", err)
		s.health.set("table "+table.Name, err.Error())
		return
	}
	ctx, cancel := context.WithCancel(rt.ctx)
	c := &consumer{
		srv: s, rt: rt, table: table, seg: seg, live: live, dec: dec, started: s.cfg.Now(), cancel: cancel,
		done: make(chan struct{}), next: ingest.Offset(seg.StartOffset),
		h: &holder{name: seg.Name, table: table.Name, tableID: table.ID, partition: seg.Partition, live: live, state: stateConsuming},
	}
	c.report = pb.ConsumerReport{TableId: table.ID, Partition: seg.Partition, Segment: seg.Name, State: consumerCatchingUp,
		OffsetText: seg.StartOffsetText, LagRecords: -1, LagMillis: -1, FreshnessMillis: -1, LossHorizonMillis: -1}
	if !s.tables.addConsumer(c) {
		cancel()
		return
	}
	s.set.add(c.h)
	s.wg.Go(func() {
		defer s.poke()
		defer close(c.done)
		defer s.tables.removeConsumer(c)
		defer c.closeReader()
		c.run(ctx)
	})
}

// newConsuming makes the memory of a consuming segment and its decoder.
func newConsuming(table *schema.Table, seg *pb.Segment) (*mutable.Segment, ingest.Decoder, error) {
	cfg := table.Config
	dec, err := decode.New(cfg.Stream.Decoder, table.Schema, decode.Options{TimeColumn: cfg.TimeColumn, MaxRecordBytes: cfg.MaxRecordSize})
	if err != nil {
		return nil, nil, err
	}
	live, err := mutable.New(mutable.Config{
		Name: seg.Name, Table: table, Partition: seg.Partition, FirstSeq: seg.FirstSeq,
		StartOffset: string(seg.StartOffset), CreatedMicros: seg.CreatedMicros,
	})
	return live, dec, err
}

// fix tells the consumer that the state shows its segment's end.
func (c *consumer) fix(seg *pb.Segment) {
	if !c.fixed.CompareAndSwap(nil, seg) {
		return
	}
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
		if done || ctx.Err() != nil {
			return
		}
		if c.next != before {
			wait.reset()
		}
		c.closeReader()
		c.setState(consumerRetrying, err)
		c.srv.metrics.stepErrors.WithLabelValues(stepFetch).Inc()
		c.srv.log.Warn("consumption interrupted", "table", c.table.Name, "partition", c.seg.Partition, "err", err)
		sleep(ctx, wait.next())
	}
}

func (c *consumer) closeReader() {
	if c.reader != nil {
		c.reader.Close()
		c.reader = nil
	}
}

// consume opens the reader where the segment stands and reads until the end is
// fixed (done) or something fails.
func (c *consumer) consume(ctx context.Context) (done bool, err error) {
	if c.src, err = c.rt.open(ctx); err != nil {
		return false, err
	}
	if c.reader == nil {
		if c.reader, err = c.src.Open(ctx, c.seg.Partition, c.next); err != nil {
			return false, err
		}
	}
	for ctx.Err() == nil {
		if f := c.fixed.Load(); f != nil {
			c.ended(&pb.EndSegmentResponse{Ended: f}, "observed")
			return true, nil
		}
		if reason := c.due(); reason != "" {
			if done := c.end(ctx, reason, false); done {
				return true, nil
			}
		}
		batch, err := c.fetch(ctx)
		switch {
		case err == nil && batch == nil:
			continue
		case errors.Is(err, ingest.ErrEndOfPartition):
			return c.endPartition(ctx), nil
		case err != nil:
			var out *ingest.OutOfRangeError
			if errors.As(err, &out) {
				return c.fellBehind(ctx, out)
			}
			return false, err
		}
		if err := c.take(batch); err != nil {
			return false, err
		}
	}
	return false, ctx.Err()
}

// fetch waits for records, but not past the moment when the segment is due; it
// returns nil without an error then.
func (c *consumer) fetch(ctx context.Context) (*ingest.RawBatch, error) {
	wait := time.Second
	if c.records > 0 {
		wait = min(wait, max(time.Until(c.deadline()), 10*time.Millisecond))
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

// idle notes that the stream had nothing new: the consumer is at its end.
func (c *consumer) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.report.State == consumerCatchingUp || c.report.State == consumerRetrying && c.report.Error == "" {
		c.report.State = consumerConsuming
	}
}

func (c *consumer) deadline() time.Time {
	d := c.table.Config.Stream.FlushTime
	if d == 0 {
		d = schema.DefaultFlushTime
	}
	return time.UnixMicro(c.seg.CreatedMicros).Add(d)
}

// due names the threshold that the segment has reached, "" for none. After a
// proposal without an answer it is due again a little later.
func (c *consumer) due() string {
	if !c.lastTry.IsZero() && time.Since(c.lastTry) < 500*time.Millisecond && !c.beyond(hardBound) {
		return ""
	}
	cfg := c.table.Config.Stream
	switch {
	case c.full:
		return "full"
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
	cfg := c.table.Config.Stream
	return c.full || int64(c.live.Rows()) >= int64(times)*int64(flushRows(cfg)) || c.live.PackedBytes() >= int64(times)*flushBytes(cfg)
}

// take decodes a batch and makes its rows visible together with its offset.
func (c *consumer) take(b *ingest.RawBatch) error {
	m := c.srv.metrics
	start := time.Now()
	c.dec.Decode(b.Records, &c.out)
	decoded := time.Now()
	m.steps.WithLabelValues(stepDecode).Observe(decoded.Sub(start).Seconds())
	if err := c.live.Append(&c.out.Rows); err != nil {
		if errors.Is(err, mutable.ErrFull) {
			// Nothing of the batch was taken: it is read again by the next segment.
			c.full = true
			c.closeReader()
			return fmt.Errorf("segment %s is full: %w", c.seg.Name, err)
		}
		return err
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
	m.records.WithLabelValues(c.table.Name).Add(float64(len(b.Records)))
	m.rows.WithLabelValues(c.table.Name).Add(float64(c.out.Rows.N))
	c.observeBatch(b, commit.MaxArrivalMicros)
	return nil
}

func newestArrival(b *ingest.RawBatch) int64 {
	if len(b.Records) == 0 {
		return 0
	}
	return b.Records[len(b.Records)-1].Timestamp
}

// sampleBytes bounds the part of a refused record that is kept.
const sampleBytes = 256

// errors describes the refused records of a batch.
func (c *consumer) errors(b *ingest.RawBatch) []segment.RowError {
	c.rowErrs = c.rowErrs[:0]
	if len(c.out.Rejected) == 0 {
		return nil
	}
	c.srv.metrics.rejected.WithLabelValues(c.table.Name, strconv.Itoa(int(c.seg.Partition))).Add(float64(len(c.out.Rejected)))
	for _, r := range c.out.Rejected[:min(len(c.out.Rejected), mutable.MaxErrors)] {
		rec := &b.Records[r.Record]
		sample := rec.Value[:min(len(rec.Value), sampleBytes)]
		quoted := strconv.Quote(string(sample))
		c.rowErrs = append(c.rowErrs, segment.RowError{
			Partition: c.seg.Partition, Offset: c.src.FormatOffset(b.Offset(r.Record)), Time: rec.Timestamp,
			Reason: r.Reason, Sample: quoted[1 : len(quoted)-1],
		})
	}
	first := c.rowErrs[0]
	c.srv.log.Warn("records refused", "table", c.table.Name, "partition", c.seg.Partition, "count", len(c.out.Rejected),
		"offset", first.Offset, "reason", first.Reason)
	return c.rowErrs
}

// observeBatch updates the report and the metrics of the partition.
func (c *consumer) observeBatch(b *ingest.RawBatch, arrival int64) {
	now := c.srv.cfg.Now()
	c.mu.Lock()
	r := &c.report
	r.Error = ""
	r.OffsetText = c.src.FormatOffset(b.Next)
	if b.HighWatermark != "" {
		r.HighWatermarkText = c.src.FormatOffset(b.HighWatermark)
	}
	r.LagRecords, r.LagMillis = b.Lag, b.LagMillis
	r.State = consumerConsuming
	if b.Lag > 10_000 || b.Lag < 0 && b.LagMillis > 10_000 {
		r.State = consumerCatchingUp
	}
	c.newest = max(c.newest, arrival)
	c.rate.add(now, int64(c.out.Rows.N))
	c.mu.Unlock()
	if arrival > 0 {
		c.srv.metrics.freshness.WithLabelValues(c.table.Name).Observe(max(now.Sub(time.UnixMicro(arrival)).Seconds(), 0))
	}
}

func (c *consumer) setState(state string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.State = state
	c.report.Error = ""
	if err != nil {
		c.report.Error = err.Error()
	}
}

// describe returns the consumer's report as of now.
func (c *consumer) describe(ctx context.Context) *pb.ConsumerReport {
	now := c.srv.cfg.Now()
	c.mu.Lock()
	r := &pb.ConsumerReport{
		TableId: c.report.TableId, Partition: c.report.Partition, Segment: c.report.Segment, State: c.report.State,
		OffsetText: c.report.OffsetText, HighWatermarkText: c.report.HighWatermarkText, LagRecords: c.report.LagRecords,
		LagMillis: c.report.LagMillis, Error: c.report.Error, FreshnessMillis: -1, LossHorizonMillis: -1,
		Rows: uint64(c.live.Rows()), RowsPerSecond: c.rate.perSecond(now), MemoryBytes: uint64(c.live.Bytes()),
	}
	if c.newest > 0 {
		r.FreshnessMillis = max(now.Sub(time.UnixMicro(c.newest)).Milliseconds(), 0)
	}
	c.mu.Unlock()
	c.setHorizon(ctx, r)
	c.publish(r)
	return r
}

// setHorizon estimates the time until unread records leave the stream: its
// retention less how far the consumer is behind.
func (c *consumer) setHorizon(ctx context.Context, r *pb.ConsumerReport) {
	src, err := c.rt.open(ctx)
	if err != nil {
		return
	}
	keep := c.rt.retentionMillis(ctx, src)
	switch {
	case keep < 0:
	case r.LagRecords == 0:
		r.LossHorizonMillis = keep
	case r.LagMillis >= 0:
		r.LossHorizonMillis = max(keep-r.LagMillis, 0)
	}
}

func (c *consumer) publish(r *pb.ConsumerReport) {
	part := strconv.Itoa(int(r.Partition))
	c.srv.metrics.lag.WithLabelValues(c.table.Name, part).Set(float64(r.LagRecords))
	horizon := float64(r.LossHorizonMillis)
	if r.LossHorizonMillis > 0 {
		horizon /= 1000
	}
	c.srv.metrics.lossHorizon.WithLabelValues(c.table.Name, part).Set(horizon)
	c.srv.metrics.memory.WithLabelValues(c.table.Name, part).Set(float64(r.MemoryBytes))
}

// sealLargest seals the largest consuming segment early when all together are
// over the memory limit.
func (s *Server) sealLargest() {
	var total int64
	var largest *consumer
	for _, c := range s.tables.allConsumers() {
		b := c.live.Bytes()
		total += b
		if largest == nil || b > largest.live.Bytes() {
			largest = c
		}
	}
	if largest != nil && total > s.cfg.MaxConsumingBytes && !largest.forced.Swap(true) {
		s.log.Warn("consuming memory is over its limit: sealing early", "bytes", total, "limit", s.cfg.MaxConsumingBytes, "segment", largest.name())
	}
}

// rateMeter is an exponentially weighted rate over about ten seconds.
type rateMeter struct {
	at   time.Time
	rate float64
	n    int64
}

func (r *rateMeter) add(now time.Time, n int64) {
	r.n += n
	if r.at.IsZero() {
		r.at = now
	}
	if d := now.Sub(r.at).Seconds(); d >= 0.5 {
		w := math.Exp(-d / 10)
		r.rate = w*r.rate + (1-w)*float64(r.n)/d
		r.at, r.n = now, 0
	}
}

func (r *rateMeter) perSecond(now time.Time) float64 {
	if d := now.Sub(r.at).Seconds(); d > 1 {
		return r.rate * math.Exp(-d/10)
	}
	return r.rate
}
