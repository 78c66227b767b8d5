package kinesis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/alluviumdb/alluvium/ingest"
)

func TestTrimmedRecordsAreReported(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 10)
	b.src.limit = 4
	r := b.open(0, trimHorizon)
	_, last := b.read(r, 4)
	stood := last.Next
	b.trim(6)
	out := b.lost(b.open(0, stood))

	// Reading goes on behind the gap.
	values, _ := b.read(b.open(0, out.Earliest), 4)
	expect(t, "values", values, numbers(6, 4))

	// A fetch that met the gap meets it again.
	gone := b.open(0, stood)
	b.lost(gone)
	b.lost(gone)
}

// idle fetches a batch without records and returns its position.
func (b *bed) idle(r ingest.Reader) ingest.Offset {
	b.t.Helper()
	batch, err := r.Fetch(b.ctx)
	b.must(err)
	if len(batch.Records) > 0 || batch.Lag != 0 || batch.LagMillis != 0 {
		b.t.Fatalf("not idle: %+v", batch)
	}
	return batch.Next
}

func TestIdleShardLosesNothing(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 3)
	r := b.open(0, trimHorizon)
	_, last := b.read(r, 3)
	stood := last.Next
	var at ingest.Offset
	for range 3 {
		b.clock.advance(20 * time.Hour) // iterators expire, and the record read last
		b.fake.Trim(b.stream, b.clock.Now().Add(-24*time.Hour))
		next := b.idle(r)
		if next <= stood || next <= at {
			t.Errorf("%s does not follow %s", b.src.FormatOffset(next), b.src.FormatOffset(at))
		}
		at = next
	}
	fresh, old := b.open(0, at), b.open(0, stood)
	b.put(3, 1)
	for _, r := range []ingest.Reader{r, fresh} {
		values, _ := b.read(r, 1)
		expect(t, "values", values, numbers(3, 1))
	}
	// Where nobody looked for a day, nobody knows.
	b.lost(old)
	expect(t, "retries", b.events.retries, 0)
}

func TestStartInTheUnreadPast(t *testing.T) {
	b := newBed(t, 1)
	latest, err := b.src.Resolve(b.ctx, 0, ingest.Start{Kind: ingest.StartLatest})
	b.must(err)
	b.put(0, 8)
	b.trim(5)
	out := b.lost(b.open(0, latest))
	values, _ := b.read(b.open(0, out.Earliest), 3)
	expect(t, "values", values, numbers(5, 3))

	// Asked for now, the same time means what is still held.
	from, err := b.src.Resolve(b.ctx, 0, ingest.Start{Kind: ingest.StartTimestamp, Timestamp: startMillis})
	b.must(err)
	expect(t, "start", b.src.FormatOffset(from), "TRIM_HORIZON")
	values, _ = b.read(b.open(0, from), 3)
	expect(t, "values", values, numbers(5, 3))
}

func TestExplicitOffsetThatWasTrimmed(t *testing.T) {
	b := newBed(t, 1)
	seqs := b.put(0, 4)
	b.trim(2)
	b.lost(b.open(0, b.at(seqs[0])))
	b.lost(b.open(0, b.at(seqs[1]+"+")))
	values, _ := b.read(b.open(0, b.at(seqs[2])), 2)
	expect(t, "values", values, numbers(2, 2))
}

func TestStreamMadeAnew(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 3)
	_, last := b.read(b.open(0, trimHorizon), 3)
	_, err := b.client.DeleteStream(b.ctx, &kinesis.DeleteStreamInput{StreamName: &b.stream})
	b.must(err)
	r := b.open(0, trimHorizon)
	for b.events.retryCount() == 0 && b.ctx.Err() == nil {
		time.Sleep(time.Millisecond) // the stream is waited for
	}
	b.create(1)
	b.put(10, 9)
	values, _ := b.read(r, 9)
	expect(t, "values", values, numbers(10, 9))

	// A sequence number of the old stream's future is of no use in the new one.
	p, err := decodeOffset(last.Next)
	b.must(err)
	p.seq.Lsh(p.seq, 1)
	stray := b.open(0, p.offset())
	before := b.events.retryCount()
	for b.events.retryCount() == before && b.ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(b.ctx, time.Millisecond)
	defer cancel()
	if _, err := stray.Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestClosedShardTrimmedWhole(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 4)
	b.src.limit = 2
	_, last := b.read(b.open(0, trimHorizon), 2)
	stood := last.Next
	b.split("shardId-000000000000")
	b.trim(4)
	out := b.lost(b.open(0, stood))
	if _, err := b.open(0, out.Earliest).Fetch(b.ctx); !errors.Is(err, ingest.ErrEndOfPartition) {
		t.Errorf("behind the gap: %v", err)
	}
}
