package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options configures Start.
type Options struct {
	// DataDir keeps the stream's records over restarts.
	DataDir string
	// Rate is the number of events per second; 0 means 3,000, negative none.
	Rate int
	// Retention is how long records are kept; 0 means 15 minutes. A table that
	// seals every minute or two needs no more.
	Retention time.Duration
	Logger    *slog.Logger
}

const (
	// Topic is the topic of the embedded stream.
	Topic            = "pinot-stream"
	partitions       = 2
	defaultRate      = 3000
	defaultRetention = 15 * time.Minute
	// segmentBytes is the size of the log's files: old records are freed file
	// by file.
	segmentBytes = "16777216"
)

// Stream is an embedded Kafka stand-in with a producer. Its records lie in
// files, so that what was acknowledged survives the end of the process, also by
// kill -9 (not a power failure: files are not synced per record). The port is
// kept over restarts, because tables name it.
type Stream struct {
	cluster *kfake.Cluster
	addr    string
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

// Start starts the stream and its producer.
func Start(ctx context.Context, o Options) (*Stream, error) {
	if o.Rate == 0 {
		o.Rate = defaultRate
	}
	if o.Retention == 0 {
		o.Retention = defaultRetention
	}
	port, err := keptPort(o.DataDir)
	if err != nil {
		return nil, err
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(filepath.Join(o.DataDir, "log")),
		kfake.BrokerConfigs(map[string]string{"log.segment.bytes": segmentBytes}))
	if err != nil {
		return nil, fmt.Errorf("embedded stream on port %d, which tables name: %w", port, err)
	}
	// Loading the log holds all of it in memory for a moment; the system gets
	// that back at once rather than over minutes.
	debug.FreeOSMemory()
	s := &Stream{cluster: c, addr: c.ListenAddrs()[0]}
	if err := s.createTopic(ctx); err != nil {
		c.Close()
		return nil, err
	}
	pctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	if o.Rate > 0 {
		s.wg.Go(func() {
			if err := Produce(pctx, s.Brokers(), Topic, o.Rate); err != nil {
				o.Logger.Error("demo producer ended", "err", err)
			}
		})
	}
	s.wg.Go(func() { s.trim(pctx, o.Retention, o.Logger) })
	return s, nil
}

// Brokers returns the addresses to connect to.
func (s *Stream) Brokers() []string { return []string{s.addr} }

// Topic returns the name of the topic.
func (s *Stream) Topic() string { return Topic }

// Close ends the producer and the stream.
func (s *Stream) Close() {
	s.cancel()
	s.wg.Wait()
	s.cluster.Close()
}

// keptPort returns the port of the last run, or a free one that is kept for the
// next.
func keptPort(dir string) (int, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return 0, fmt.Errorf("embedded stream: %w", err)
	}
	file := filepath.Join(dir, "port")
	raw, err := os.ReadFile(file)
	if err == nil {
		if port, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil {
			return port, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	return port, os.WriteFile(file, []byte(strconv.Itoa(port)+"\n"), 0o640)
}

// freePort prefers Kafka's own port.
func freePort() (int, error) {
	for _, addr := range []string{"127.0.0.1:9092", "127.0.0.1:0"} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().(*net.TCPAddr).Port, nil
	}
	return 0, errors.New("no free port on loopback")
}

func (s *Stream) admin() (*kadm.Client, func(), error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.addr))
	if err != nil {
		return nil, nil, err
	}
	return kadm.NewClient(cl), cl.Close, nil
}

func (s *Stream) createTopic(ctx context.Context) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.addr))
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return ensureTopic(ctx, cl, Topic)
}

// trim deletes records older than the retention, so that memory and disk stay
// bounded.
func (s *Stream) trim(ctx context.Context, keep time.Duration, log *slog.Logger) {
	t := time.NewTicker(keep / 15)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		if err := s.trimOnce(ctx, time.Now().Add(-keep)); err != nil && ctx.Err() == nil {
			log.Warn("old demo events could not be deleted", "err", err)
		}
	}
}

// trimOnce deletes the records before a time, but never the last one of a
// partition: the log forgets its end with its last file, and would give offsets
// again after a restart that tables already hold.
func (s *Stream) trimOnce(ctx context.Context, before time.Time) error {
	adm, done, err := s.admin()
	if err != nil {
		return err
	}
	defer done()
	listed, err := adm.ListOffsetsAfterMilli(ctx, before.UnixMilli(), Topic)
	if err != nil {
		return err
	}
	ends, err := adm.ListEndOffsets(ctx, Topic)
	if err != nil {
		return err
	}
	remove := kadm.Offsets{}
	listed.Each(func(o kadm.ListedOffset) {
		end, ok := ends.Lookup(o.Topic, o.Partition)
		if at := min(o.Offset, end.Offset-1); ok && o.Err == nil && end.Err == nil && at > 0 {
			remove.AddOffset(o.Topic, o.Partition, at, -1)
		}
	})
	if len(remove) == 0 {
		return nil
	}
	deleted, err := adm.DeleteRecords(ctx, remove)
	return errors.Join(err, deleted.Error())
}
