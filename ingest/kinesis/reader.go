package kinesis

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/alluviumdb/alluvium/ingest"
)

// reader hands over what its poller fetched. The poller runs ahead by one
// answer, and on its own: a call to Kinesis may take longer than the caller of
// Fetch waits, and must not be begun anew each time. A reader's memory is that
// of two answers, each of at most 10 MiB of records.
type reader struct {
	results chan result
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // of the poller's end
}

// result is a batch, or the error that ended the poller.
type result struct {
	batch *ingest.RawBatch
	err   error
}

// Open begins to read a shard at an offset.
func (s *Source) Open(_ context.Context, partition uint32, from ingest.Offset) (ingest.Reader, error) {
	at, err := decodeOffset(from)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &reader{results: make(chan result), cancel: cancel, done: make(chan struct{})}
	p := &poller{src: s, partition: partition, shard: s.shardID(partition), at: at}
	go func() {
		defer close(r.done)
		p.run(ctx, r.results)
	}()
	return r, nil
}

// Fetch waits for records. A batch without records tells that the reader has
// come to the end of the shard, or is still there.
func (r *reader) Fetch(ctx context.Context) (*ingest.RawBatch, error) {
	if r.err != nil {
		return nil, r.err
	}
	select {
	case res := <-r.results:
		r.err = res.err
		return res.batch, res.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends the reader.
func (r *reader) Close() error {
	r.cancel()
	<-r.done
	return nil
}

// run fetches batches until something final happens or ctx ends.
func (p *poller) run(ctx context.Context, out chan<- result) {
	for {
		b, err := p.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case out <- result{b, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// fetch polls until there is something to tell. Passing faults are waited out.
func (p *poller) fetch(ctx context.Context) (*ingest.RawBatch, error) {
	for attempt := 0; ; {
		if p.ended {
			return nil, ingest.ErrEndOfPartition
		}
		b, err := p.poll(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil && b != nil:
			return b, nil
		case err == nil:
			attempt = 0
			continue
		case isFinal(err):
			return nil, err
		}
		attempt++
		p.report(attempt, err)
		if err := pause(ctx, backoff(attempt)); err != nil {
			return nil, err
		}
	}
}

const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

// backoff doubles from try to try, and scatters, so that the shards of a stream
// do not come back together.
func backoff(attempt int) time.Duration {
	d := min(minPause<<min(attempt-1, 8), maxPause)
	return d*3/4 + rand.N(d/2)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isFinal tells errors that waiting does not mend.
func isFinal(err error) bool {
	var gone *ingest.OutOfRangeError
	return errors.As(err, &gone) || errors.Is(err, ingest.ErrUnknownPartition)
}

func (p *poller) report(attempt int, err error) {
	if p.src.events == nil {
		return
	}
	if isThrottle(err) {
		p.src.events.Throttled(p.partition)
		return
	}
	p.src.events.FetchRetry(p.partition, attempt, err)
}
