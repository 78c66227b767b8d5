package demo

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEventIsWhatTheSchemaSays(t *testing.T) {
	g := NewGenerator(7)
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	for range 1000 {
		var e struct {
			UserID, ProductName, Color, Department, Product, Campaign, CreationTimestamp string
			Price                                                                        int
		}
		if err := json.Unmarshal(g.AppendEvent(nil, now), &e); err != nil {
			t.Fatal(err)
		}
		if e.Price < 10 || e.Price > 150 || e.UserID == "" || e.CreationTimestamp != "2026-01-02 03:04:05" {
			t.Fatalf("%+v", e)
		}
	}
}

func TestEventsAreDeterministicAndSkewed(t *testing.T) {
	a, b := NewGenerator(1), NewGenerator(1)
	now := time.Now()
	top := 0
	for range 10_000 {
		x, y := string(a.AppendEvent(nil, now)), string(b.AppendEvent(nil, now))
		if x != y {
			t.Fatal("the same seed gave different events")
		}
		if len(x) > 13 && x[:13] == `{"userID":"1"` {
			top++
		}
	}
	if top < 500 {
		t.Errorf("the first of %d users caused %d of 10,000 events", users, top)
	}
}

func TestAppendEventDoesNotAllocate(t *testing.T) {
	g := NewGenerator(1)
	buf := make([]byte, 0, 512)
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() { buf = g.AppendEvent(buf[:0], now) }); n > 0 {
		t.Errorf("%v allocations per event", n)
	}
}

func ends(t *testing.T, s *Stream) int64 {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	listed, err := kadm.NewClient(cl).ListEndOffsets(context.Background(), Topic)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	listed.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum
}

func TestStreamSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	open := func() *Stream {
		t.Helper()
		s, err := Start(ctx, Options{DataDir: dir, Rate: -1, Logger: slog.Default()})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := Fill(ctx, s.Brokers(), Topic, 1000); err != nil {
		t.Fatal(err)
	}
	addr := s.Brokers()[0]
	if n := ends(t, s); n != 1000 {
		t.Fatalf("%d records", n)
	}
	s.Close()
	s = open()
	defer s.Close()
	if s.Brokers()[0] != addr {
		t.Errorf("address changed from %s to %s", addr, s.Brokers()[0])
	}
	if n := ends(t, s); n != 1000 {
		t.Errorf("%d records after a restart, want 1000", n)
	}
}

func TestTrimDeletesOldRecords(t *testing.T) {
	ctx := context.Background()
	s, err := Start(ctx, Options{DataDir: t.TempDir(), Rate: -1, Logger: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := Fill(ctx, s.Brokers(), Topic, 100); err != nil {
		t.Fatal(err)
	}
	if err := s.trimOnce(ctx, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	adm, done, err := s.admin()
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	starts, err := adm.ListStartOffsets(ctx, Topic)
	if err != nil {
		t.Fatal(err)
	}
	var sum, want int64 = 0, 100
	starts.Each(func(o kadm.ListedOffset) {
		if sum += o.Offset; o.Offset > 0 {
			want-- // the last record of a partition stays
		}
	})
	if sum != want {
		t.Errorf("start offsets add up to %d, want %d", sum, want)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	g := NewGenerator(1)
	var buf []byte
	now := time.Now()
	for b.Loop() {
		buf = g.AppendEvent(buf[:0], now)
	}
	b.SetBytes(int64(len(buf)))
}
