// Package kafka is the ingest.Source over Apache Kafka and its compatibles
// (MSK, Redpanda), on franz-go. Partitions are consumed directly with the
// store's own offsets; there is no consumer group. It knows streams and
// records; it knows nothing of tables or segments.
package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Source reads one topic. An offset is the record's offset as eight bytes,
// big-endian, so that byte order is the order of the partition.
type Source struct {
	topic      string
	opts       []kgo.Opt
	committed  bool        // records of open and aborted transactions are not read
	fetchBytes int32       // of one fetch of a reader
	client     *kgo.Client // for metadata only; every reader has its own
	admin      *kadm.Client
	events     ingest.Events

	mu         sync.Mutex
	partitions int // seen last, to notice growth
}

var _ ingest.Source = (*Source)(nil)

// Open returns a source for the stream of cfg, and warnings for properties
// that have no effect. It does not wait for a broker.
func Open(ctx context.Context, cfg *schema.StreamConfig, events ingest.Events) (*Source, []string, error) {
	o, warnings, err := readOptions(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	cl, err := kgo.NewClient(o.client...)
	if err != nil {
		return nil, nil, fmt.Errorf("kafka: %w", err)
	}
	return &Source{
		topic: cfg.Topic, opts: o.client, committed: o.committed, fetchBytes: o.fetchBytes,
		client: cl, admin: kadm.NewClient(cl), events: events,
	}, warnings, nil
}

// endOf returns the offset up to which a partition could be read when p was
// fetched, -1 if unknown.
func (s *Source) endOf(p *kgo.FetchPartition) int64 {
	if s.committed && p.LastStableOffset >= 0 {
		return p.LastStableOffset
	}
	return p.HighWatermark
}

// Close ends the source; readers must be closed before.
func (s *Source) Close() error {
	s.client.Close()
	return nil
}

// Partitions lists the partitions as the brokers know them now. It asks anew
// each time, past the client's cache, so that growth is seen at once.
func (s *Source) Partitions(ctx context.Context) ([]ingest.Partition, error) {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(s.topic)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return nil, fmt.Errorf("kafka: topic %s: %w", s.topic, err)
	}
	if len(resp.Topics) != 1 {
		return nil, fmt.Errorf("kafka: topic %s: %w", s.topic, ingest.ErrUnknownPartition)
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return nil, fmt.Errorf("kafka: topic %s: %w", s.topic, err)
	}
	out := make([]ingest.Partition, 0, len(resp.Topics[0].Partitions))
	for _, p := range resp.Topics[0].Partitions {
		out = append(out, ingest.Partition{ID: uint32(p.Partition), Name: strconv.Itoa(int(p.Partition))})
	}
	slices.SortFunc(out, func(a, b ingest.Partition) int { return int(a.ID) - int(b.ID) })
	s.noteCount(len(out))
	return out, nil
}

func (s *Source) noteCount(n int) {
	s.mu.Lock()
	changed := s.partitions != 0 && s.partitions != n
	s.partitions = n
	s.mu.Unlock()
	if changed && s.events != nil {
		s.events.PartitionsChanged(n)
	}
}

// Resolve turns a start position into an offset.
func (s *Source) Resolve(ctx context.Context, partition uint32, start ingest.Start) (ingest.Offset, error) {
	switch start.Kind {
	case ingest.StartExplicit:
		return s.ParseOffset(start.Offset)
	case ingest.StartTimestamp:
		listed, err := s.admin.ListOffsetsAfterMilli(ctx, start.Timestamp, s.topic)
		return s.listed(listed, err, partition)
	case ingest.StartLatest:
		list := s.admin.ListEndOffsets
		if s.committed {
			list = s.admin.ListCommittedOffsets
		}
		listed, err := list(ctx, s.topic)
		return s.listed(listed, err, partition)
	}
	listed, err := s.admin.ListStartOffsets(ctx, s.topic)
	return s.listed(listed, err, partition)
}

func (s *Source) listed(l kadm.ListedOffsets, err error, partition uint32) (ingest.Offset, error) {
	if err != nil {
		return "", fmt.Errorf("kafka: offsets of %s: %w", s.topic, err)
	}
	o, ok := l.Lookup(s.topic, int32(partition))
	if !ok {
		return "", fmt.Errorf("kafka: %s partition %d: %w", s.topic, partition, ingest.ErrUnknownPartition)
	}
	if o.Err != nil {
		return "", fmt.Errorf("kafka: %s partition %d: %w", s.topic, partition, o.Err)
	}
	return encodeOffset(o.Offset), nil
}

// Bounds returns the first offset still held and the end of a partition.
func (s *Source) Bounds(ctx context.Context, partition uint32) (earliest, end ingest.Offset, err error) {
	if earliest, err = s.Resolve(ctx, partition, ingest.Start{Kind: ingest.StartEarliest}); err != nil {
		return "", "", err
	}
	end, err = s.Resolve(ctx, partition, ingest.Start{Kind: ingest.StartLatest})
	return earliest, end, err
}

// RetentionMillis returns the topic's retention.ms, -1 when unlimited.
func (s *Source) RetentionMillis(ctx context.Context) (int64, error) {
	configs, err := s.admin.DescribeTopicConfigs(ctx, s.topic)
	if err != nil {
		return -1, fmt.Errorf("kafka: configuration of %s: %w", s.topic, err)
	}
	for _, c := range configs {
		for _, kv := range c.Configs {
			if kv.Key == "retention.ms" && kv.Value != nil {
				return strconv.ParseInt(*kv.Value, 10, 64)
			}
		}
	}
	return -1, nil
}

func encodeOffset(o int64) ingest.Offset {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(o))
	return ingest.Offset(b[:])
}

func decodeOffset(o ingest.Offset) (int64, error) {
	if len(o) != 8 {
		return 0, fmt.Errorf("kafka: offset of %d bytes, want 8", len(o))
	}
	return int64(binary.BigEndian.Uint64([]byte(o))), nil
}

// FormatOffset prints the offset as a number.
func (s *Source) FormatOffset(o ingest.Offset) string {
	n, err := decodeOffset(o)
	if err != nil {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// ParseOffset reads a number.
func (s *Source) ParseOffset(text string) (ingest.Offset, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return "", fmt.Errorf("kafka: %q is no offset", text)
	}
	return encodeOffset(n), nil
}

// Distance returns the number of offsets in [from, to).
func (s *Source) Distance(from, to ingest.Offset) int64 {
	a, err1 := decodeOffset(from)
	b, err2 := decodeOffset(to)
	if err1 != nil || err2 != nil {
		return -1
	}
	return b - a
}
