package controller

import (
	"math"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func TestNewestMicros(t *testing.T) {
	day := schema.TimeFormat{Kind: schema.FormatEpoch, Unit: schema.UnitDays, Size: 1}
	f := func(name string, field schema.Field, seg *pb.Segment, want int64, ok bool) {
		t.Helper()
		field.Name = "ts"
		def := &schema.Table{Schema: &schema.Schema{Fields: []schema.Field{field}}, Config: &schema.TableConfig{TimeColumn: "ts"}}
		if got, has := newestMicros(def, seg); got != want || has != ok {
			t.Errorf("%s: %d %v, want %d %v", name, got, has, want, ok)
		}
	}
	seg := &pb.Segment{HasTime: true, MaxTime: 20000, EndedMicros: 5}
	f("timestamp", schema.Field{Type: schema.Timestamp}, seg, 20000, true)
	f("days", schema.Field{Type: schema.Int64, Format: day}, seg, 20000*86400*1e6, true)
	f("nanoseconds", schema.Field{Type: schema.Int64, Format: schema.TimeFormat{Kind: schema.FormatEpoch, Unit: schema.UnitNanos}}, seg, 20, true)
	f("far future", schema.Field{Type: schema.Int64, Format: day}, &pb.Segment{HasTime: true, MaxTime: 1 << 60}, math.MaxInt64, true)
	f("far past", schema.Field{Type: schema.Int64, Format: day}, &pb.Segment{HasTime: true, MaxTime: -1 << 60}, math.MinInt64, true)
	f("text", schema.Field{Type: schema.Text, Format: schema.TimeFormat{Kind: schema.FormatSimpleDate}}, seg, 5, true)
	f("no rows", schema.Field{Type: schema.Timestamp}, &pb.Segment{EndedMicros: 7}, 7, true)
	f("nothing known", schema.Field{Type: schema.Timestamp}, &pb.Segment{}, 0, false)
}

func TestExpire(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	n := one(t, func(c *Config) { c.Now = func() time.Time { return now } })
	table := []byte(`{"tableName":"events","tableType":"REALTIME","segmentsConfig":{"timeColumnName":"ts",
 "retentionTimeUnit":"DAYS","retentionTimeValue":"2"},"tableIndexConfig":{"streamConfigs":{"streamType":"kafka",
 "stream.kafka.topic.name":"e","stream.kafka.broker.list":"x:1"}}}`)
	if _, err := n.EnsureTable(t.Context(), []byte(testSchema), table); err != nil {
		t.Fatal(err)
	}
	tab := n.State().TableByName("events")
	register(t, n, serverInstance("Server_a_1", 1))
	propose(t, n, tab.Id, 0)
	for i, age := range []time.Duration{3 * 24 * time.Hour, time.Hour} {
		seg := consuming(n, tab.Id, 0)
		if _, err := n.EndSegment(t.Context(), &pb.EndSegmentRequest{InstanceId: "Server_a_1", Segment: seg.Name, EndOffset: offset(i + 1), Rows: 1, Records: 1}); err != nil {
			t.Fatal(err)
		}
		newest := now.Add(-age).UnixMicro()
		pub := &pb.PublishSegmentRequest{InstanceId: "Server_a_1", Segment: seg.Name, Crc: 1, HasTime: true, MinTime: newest, MaxTime: newest}
		if _, err := n.PublishSegment(t.Context(), pub); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left []uint64
	for s := range n.State().TableSegments(tab.Id) {
		left = append(left, s.Sequence)
	}
	if len(left) != 2 || left[0] != 1 || left[1] != 2 {
		t.Errorf("segments left: %v", left)
	}
}

func TestPurge(t *testing.T) {
	n := one(t, nil)
	ctx := t.Context()
	tab := n.createTable(t)
	register(t, n, serverInstance("Server_a_1", 1))
	propose(t, n, tab.Id, 0)
	name := consuming(n, tab.Id, 0).Name
	end := &pb.EndSegmentRequest{InstanceId: "Server_a_1", Segment: name, EndOffset: offset(1), Rows: 1, Records: 1}
	if _, err := n.EndSegment(ctx, end); err != nil {
		t.Fatal(err)
	}
	if _, err := n.PublishSegment(ctx, &pb.PublishSegmentRequest{InstanceId: "Server_a_1", Segment: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.DurableSegment(ctx, &pb.DurableSegmentRequest{Segment: name, Uri: "u"}); err != nil {
		t.Fatal(err)
	}
	if err := n.deleteTable(ctx, "events"); err != nil {
		t.Fatal(err)
	}
	left := func() (out int) {
		for range n.State().Deleted() {
			out++
		}
		return out
	}
	before, err := n.purge(ctx, nil)
	if err != nil || left() != 1 {
		t.Fatalf("%d left after the first look, %v", left(), err)
	}
	beat(t, n, "Server_a_1") // it has not seen the deletion
	if before, err = n.purge(ctx, before); err != nil || left() != 1 {
		t.Fatalf("%d left before the server has seen it, %v", left(), err)
	}
	n.Heartbeat(ctx, &pb.HeartbeatRequest{InstanceId: "Server_a_1", AppliedIndex: before.Index})
	if _, err = n.purge(ctx, before); err != nil || left() != 0 {
		t.Errorf("%d left, %v", left(), err)
	}
}
