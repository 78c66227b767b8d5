package demo

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// TestOffsetsGoOnAfterTrim deletes all that is old and restarts: offsets must
// go on where they stood, because tables hold them.
func TestOffsetsGoOnAfterTrim(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	open := func() *Stream {
		t.Helper()
		s, err := Start(ctx, Options{DataDir: dir, Rate: -1, Logger: slog.Default()})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := Fill(ctx, s.Brokers(), Topic, 100); err != nil {
		t.Fatal(err)
	}
	if err := s.trimOnce(ctx, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open()
	defer s.Close()
	if n := ends(t, s); n != 100 {
		t.Errorf("the stream ends at %d after a restart, it ended at 100", n)
	}
}
