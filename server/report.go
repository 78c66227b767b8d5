package server

import (
	"math"
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

// sampleBytes bounds the part of a refused record that is kept.
const sampleBytes = 256

// errors describes the refused records of a batch.
func (c *consumer) errors(b *ingest.RawBatch) []segment.RowError {
	c.rowErrs = c.rowErrs[:0]
	if len(c.out.Rejected) == 0 {
		return nil
	}
	for _, r := range c.out.Rejected[:min(len(c.out.Rejected), mutable.MaxErrors)] {
		rec := &b.Records[r.Record]
		sample := rec.Value[:min(len(rec.Value), sampleBytes)]
		quoted := strconv.Quote(string(sample))
		c.rowErrs = append(c.rowErrs, segment.RowError{
			Partition: c.seg.Partition, Offset: c.src.FormatOffset(b.Offset(r.Record)), Time: rec.Timestamp,
			Reason: r.Reason, Sample: quoted[1 : len(quoted)-1],
		})
	}
	return c.rowErrs
}

// count adds a batch to the metrics.
func (c *consumer) count(b *ingest.RawBatch) {
	m, name := c.srv.metrics, c.table.Name
	m.records.WithLabelValues(name).Add(float64(len(b.Records)))
	m.rows.WithLabelValues(name).Add(float64(c.out.Rows.N))
	n := len(c.out.Rejected)
	if n == 0 {
		return
	}
	m.rejected.WithLabelValues(name, strconv.Itoa(int(c.seg.Partition))).Add(float64(n))
	c.srv.log.Warn("records refused", "table", name, "partition", c.seg.Partition, "count", n,
		"offset", c.rowErrs[0].Offset, "reason", c.rowErrs[0].Reason)
}

// observeBatch updates the report and the metrics of the partition.
func (c *consumer) observeBatch(b *ingest.RawBatch, arrival int64) {
	now := c.srv.cfg.Now()
	c.count(b)
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
	c.newest, c.asOf = max(c.newest, arrival), now
	c.rate.add(now, int64(c.out.Rows.N))
	fresh := arrival > 0 && r.State == consumerConsuming // old records are no sign of slowness
	c.mu.Unlock()
	if fresh {
		c.srv.metrics.freshness.WithLabelValues(c.table.Name).Observe(max(now.Sub(time.UnixMicro(arrival)).Seconds(), 0))
	}
}

// faultMemory is how long a failed fetch is held against a stream that has
// nothing new: longer than the pauses between attempts.
const faultMemory = 6 * time.Second

// idle notes that a fetch ended without records. A consumer that was catching up
// is at the end; one that had faults is well again when none came lately.
func (c *consumer) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	faulty := time.Since(time.UnixMilli(c.rt.lastFault.Load())) < faultMemory
	if !faulty {
		c.asOf = c.srv.cfg.Now()
	}
	if c.report.State == consumerCatchingUp || c.report.State == consumerRetrying && !faulty {
		c.report.State, c.report.Error = consumerConsuming, ""
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

// describe returns the consumer's report as of now. It asks nobody, so that
// heartbeats go out whatever the stream does.
func (c *consumer) describe() *pb.ConsumerReport {
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
	r.LossHorizonMillis = lossHorizon(c.rt.retention.Load(), r, now.Sub(c.asOf))
	c.mu.Unlock()
	c.publish(r)
	return r
}

// lossHorizon estimates the ms until unread records leave the stream, -1 if
// unknown: its retention less how far the consumer was behind when it last
// heard of the stream, less the time since.
func lossHorizon(retention int64, r *pb.ConsumerReport, since time.Duration) int64 {
	behind := r.LagMillis
	switch {
	case r.State == consumerStoppedGap:
		return 0
	case r.LagRecords == 0:
		behind = 0
	case behind < 0:
		return -1
	}
	if retention < 0 {
		return -1
	}
	return max(retention-behind-max(since.Milliseconds(), 0), 0)
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
