// Package kinesis is the ingest.Source over Amazon Kinesis Data Streams, on
// the AWS SDK. It polls shards with the store's own sequence numbers; there is
// no lease table and no consumer application. It knows streams and records; it
// knows nothing of tables or segments.
package kinesis

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Source reads one stream. A partition is a shard; its number is that of the
// shard id.
type Source struct {
	stream string
	client *kinesis.Client
	// transport carries the client's calls.
	transport *http.Client
	events    ingest.Events
	limit     int32 // records per GetRecords
	// interval is the least time between two reads of a shard.
	interval time.Duration
	now      func() time.Time

	mu     sync.Mutex
	shards map[uint32]string // shard ids by number
	count  int
}

var _ ingest.Source = (*Source)(nil)

// Open returns a source for the stream of cfg, and warnings for properties that
// have no effect. It does not wait for the stream.
func Open(ctx context.Context, cfg *schema.StreamConfig, events ingest.Events) (*Source, []string, error) {
	opt, warnings, err := readOptions(cfg)
	if err != nil {
		return nil, nil, err
	}
	client, transport, err := opt.client(ctx)
	if err != nil {
		return nil, nil, err
	}
	return &Source{stream: cfg.Topic, client: client, transport: transport, events: events, limit: opt.limit,
		interval: pollInterval, now: time.Now, shards: map[uint32]string{}}, warnings, nil
}

// Close ends the source and its connections.
func (s *Source) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// Partitions lists the shards, closed ones too as long as the stream keeps
// their records. A parent that the stream has forgotten is left out.
func (s *Source) Partitions(ctx context.Context) ([]ingest.Partition, error) {
	shards, err := s.listShards(ctx)
	if err != nil {
		return nil, fmt.Errorf("kinesis: shards of %s: %w", s.stream, err)
	}
	known := map[string]uint32{}
	for _, sh := range shards {
		n, err := shardNumber(aws.ToString(sh.ShardId))
		if err != nil {
			return nil, err
		}
		known[aws.ToString(sh.ShardId)] = n
	}
	out := make([]ingest.Partition, 0, len(shards))
	for _, sh := range shards {
		p := ingest.Partition{ID: known[*sh.ShardId], Name: *sh.ShardId}
		for _, parent := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if n, ok := known[aws.ToString(parent)]; ok {
				p.Parents = append(p.Parents, n)
			}
		}
		p.Closed = sh.SequenceNumberRange != nil && sh.SequenceNumberRange.EndingSequenceNumber != nil
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b ingest.Partition) int { return int(a.ID) - int(b.ID) })
	s.remember(known)
	return out, nil
}

func (s *Source) listShards(ctx context.Context) ([]types.Shard, error) {
	var out []types.Shard
	in := &kinesis.ListShardsInput{StreamName: &s.stream}
	for {
		page, err := s.client.ListShards(ctx, in)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Shards...)
		if page.NextToken == nil {
			return out, nil
		}
		in = &kinesis.ListShardsInput{NextToken: page.NextToken}
	}
}

func (s *Source) remember(known map[string]uint32) {
	s.mu.Lock()
	for id, n := range known {
		s.shards[n] = id
	}
	changed := s.count != 0 && s.count != len(known)
	s.count = len(known)
	s.mu.Unlock()
	if changed && s.events != nil {
		s.events.PartitionsChanged(len(known))
	}
}

// shardNumber takes the number out of shardId-000000000012.
func shardNumber(id string) (uint32, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "shardId-"), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("kinesis: shard id %q is not understood", id)
	}
	return uint32(n), nil
}

// shardID returns the id of a shard by its number.
func (s *Source) shardID(partition uint32) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, ok := s.shards[partition]; ok {
		return id
	}
	return fmt.Sprintf("shardId-%012d", partition)
}

// Resolve turns a start position into an offset. LATEST becomes the present
// time, so that a restart before the first record begins at the same place. A
// time before all that the stream keeps becomes the trim horizon: what it no
// longer holds was not asked for.
func (s *Source) Resolve(ctx context.Context, _ uint32, start ingest.Start) (ingest.Offset, error) {
	switch start.Kind {
	case ingest.StartExplicit:
		return s.ParseOffset(start.Offset)
	case ingest.StartTimestamp:
		return s.resolveTime(ctx, time.UnixMilli(start.Timestamp))
	case ingest.StartLatest:
		return timePosition(s.now().UnixMilli()).offset(), nil
	}
	return trimHorizon, nil
}

func (s *Source) resolveTime(ctx context.Context, t time.Time) (ingest.Offset, error) {
	if age := s.now().Sub(t) + clockSlack; age >= leastRetention {
		keep, err := s.RetentionMillis(ctx)
		if err != nil {
			return "", err
		}
		if age.Milliseconds() > keep {
			return trimHorizon, nil
		}
	}
	return timePosition(t.UnixMilli()).offset(), nil
}

// Bounds returns the ends of a shard as far as Kinesis tells them: the trim
// horizon and the present.
func (s *Source) Bounds(context.Context, uint32) (earliest, end ingest.Offset, err error) {
	return trimHorizon, timePosition(s.now().UnixMilli()).offset(), nil
}

// RetentionMillis returns how long the stream keeps records.
func (s *Source) RetentionMillis(ctx context.Context) (int64, error) {
	out, err := s.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &s.stream})
	if err != nil {
		return -1, fmt.Errorf("kinesis: stream %s: %w", s.stream, err)
	}
	if out.StreamDescriptionSummary == nil || out.StreamDescriptionSummary.RetentionPeriodHours == nil {
		return -1, nil
	}
	return int64(*out.StreamDescriptionSummary.RetentionPeriodHours) * time.Hour.Milliseconds(), nil
}

// FormatOffset prints a position: a sequence number, a time or TRIM_HORIZON.
func (s *Source) FormatOffset(o ingest.Offset) string {
	p, err := decodeOffset(o)
	if err != nil {
		return ""
	}
	return p.String()
}

// ParseOffset reads what FormatOffset prints.
func (s *Source) ParseOffset(text string) (ingest.Offset, error) {
	p, err := parsePosition(text)
	if err != nil {
		return "", err
	}
	return p.offset(), nil
}

// Distance is not known: sequence numbers do not count records.
func (s *Source) Distance(_, _ ingest.Offset) int64 { return -1 }

// throttles are the codes of errors that mean "more slowly", of the stream, the
// account and the stream's key.
var throttles = []string{
	"ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException", "KMSThrottlingException",
}

// isThrottle tells that a rate limit was hit.
func isThrottle(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(throttles, api.ErrorCode())
}
