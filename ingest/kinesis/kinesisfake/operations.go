package kinesisfake

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"time"
)

// operations are called with the server's lock held.
var operations = map[string]func(*Server, json.RawMessage) (any, error){
	"CreateStream":          operation((*Server).createStream),
	"DeleteStream":          operation((*Server).deleteStream),
	"DescribeStream":        operation((*Server).describeStream),
	"DescribeStreamSummary": operation((*Server).describeStreamSummary),
	"GetRecords":            operation((*Server).getRecords),
	"GetShardIterator":      operation((*Server).getShardIterator),
	"ListShards":            operation((*Server).listShards),
	"MergeShards":           operation((*Server).mergeShards),
	"PutRecord":             operation((*Server).putRecord),
	"PutRecords":            operation((*Server).putRecords),
	"SplitShard":            operation((*Server).splitShard),
}

func operation[In any](f func(*Server, In) (any, error)) func(*Server, json.RawMessage) (any, error) {
	return func(s *Server, body json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, refuse("SerializationException", "%v", err)
		}
		return f(s, in)
	}
}

type streamName struct{ StreamName string }

func (s *Server) find(name string) (*stream, error) {
	st := s.streams[name]
	if st == nil {
		return nil, refuse("ResourceNotFoundException", "Stream %s under account 000000000000 not found.", name)
	}
	return st, nil
}

func (s *Server) findShard(name, id string) (*stream, *shard, error) {
	st, err := s.find(name)
	if err != nil {
		return nil, nil, err
	}
	sh := st.shard(id)
	if sh == nil {
		return nil, nil, refuse("ResourceNotFoundException", "Shard %s in stream %s under account 000000000000 does not exist", id, name)
	}
	return st, sh, nil
}

func (s *Server) createStream(in struct {
	StreamName string
	ShardCount int
}) (any, error) {
	if s.streams[in.StreamName] != nil {
		return nil, refuse("ResourceInUseException", "Stream %s already exists", in.StreamName)
	}
	s.streams[in.StreamName] = newStream(in.StreamName, max(in.ShardCount, 1))
	return nil, nil
}

func (s *Server) deleteStream(in streamName) (any, error) {
	delete(s.streams, in.StreamName)
	return nil, nil
}

type sequenceRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

type shardDescription struct {
	ShardId               string //nolint:revive // Amazon's spelling
	ParentShardId         string `json:",omitempty"`
	AdjacentParentShardId string `json:",omitempty"`
	HashKeyRange          struct{ StartingHashKey, EndingHashKey string }
	SequenceNumberRange   sequenceRange
}

func (sh *shard) describe() shardDescription {
	d := shardDescription{ShardId: sh.id(), ParentShardId: sh.parent, AdjacentParentShardId: sh.adjacent}
	d.HashKeyRange.StartingHashKey, d.HashKeyRange.EndingHashKey = sh.lowest.String(), sh.highest.String()
	d.SequenceNumberRange.StartingSequenceNumber = sh.sequence(sh.first)
	if sh.last != 0 {
		d.SequenceNumberRange.EndingSequenceNumber = sh.sequence(sh.last)
	}
	return d
}

func (st *stream) describe() []shardDescription {
	out := []shardDescription{}
	for _, sh := range st.shards {
		out = append(out, sh.describe())
	}
	return out
}

type streamDescription struct {
	StreamName           string
	StreamARN            string
	StreamStatus         string
	RetentionPeriodHours int
	HasMoreShards        bool
	OpenShardCount       int
	Shards               []shardDescription `json:",omitempty"`
}

func (st *stream) summary() streamDescription {
	d := streamDescription{
		StreamName: st.name, StreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/" + st.name,
		StreamStatus: "ACTIVE", RetentionPeriodHours: int(st.retention / time.Hour),
	}
	for _, sh := range st.shards {
		if sh.last == 0 {
			d.OpenShardCount++
		}
	}
	return d
}

func (s *Server) describeStream(in streamName) (any, error) {
	st, err := s.find(in.StreamName)
	if err != nil {
		return nil, err
	}
	d := st.summary()
	d.Shards = st.describe()
	return map[string]any{"StreamDescription": d}, nil
}

func (s *Server) describeStreamSummary(in streamName) (any, error) {
	st, err := s.find(in.StreamName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"StreamDescriptionSummary": st.summary()}, nil
}

// page is the content of ListShards' NextToken.
type page struct {
	Stream string
	From   int
}

func (s *Server) listShards(in struct{ StreamName, NextToken string }) (any, error) {
	at := page{Stream: in.StreamName}
	if in.NextToken != "" {
		if in.StreamName != "" {
			return nil, refuse("InvalidArgumentException", "NextToken and StreamName cannot be provided together.")
		}
		if !open(in.NextToken, &at) {
			return nil, refuse("ExpiredNextTokenException", "NextToken is not valid")
		}
	}
	st, err := s.find(at.Stream)
	if err != nil {
		return nil, err
	}
	rest := st.describe()[min(at.From, len(st.shards)):]
	if s.pageSize == 0 || len(rest) <= s.pageSize {
		return map[string]any{"Shards": rest}, nil
	}
	next := seal(page{at.Stream, at.From + s.pageSize})
	return map[string]any{"Shards": rest[:s.pageSize], "NextToken": next}, nil
}

// seal makes an opaque token, which open reads.
func seal(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func open(token string, v any) bool {
	raw, err := base64.StdEncoding.DecodeString(token)
	return err == nil && json.Unmarshal(raw, v) == nil
}

type putEntry struct {
	Data                          []byte
	PartitionKey, ExplicitHashKey string
}

type putResult struct {
	ShardId, SequenceNumber string //nolint:revive // Amazon's spelling
}

func (s *Server) put(st *stream, e putEntry) (putResult, error) {
	sh, r, err := st.put(e.PartitionKey, e.ExplicitHashKey, e.Data, s.now())
	if err != nil {
		return putResult{}, refuse("InvalidArgumentException", "%v", err)
	}
	return putResult{sh.id(), sh.sequence(r.counter)}, nil
}

func (s *Server) putRecord(in struct {
	StreamName string
	putEntry
}) (any, error) {
	st, err := s.find(in.StreamName)
	if err != nil {
		return nil, err
	}
	return s.put(st, in.putEntry)
}

func (s *Server) putRecords(in struct {
	StreamName string
	Records    []putEntry
}) (any, error) {
	st, err := s.find(in.StreamName)
	if err != nil {
		return nil, err
	}
	out := []putResult{}
	for _, e := range in.Records {
		r, err := s.put(st, e)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return map[string]any{"FailedRecordCount": 0, "Records": out}, nil
}

func (s *Server) splitShard(in struct{ StreamName, ShardToSplit, NewStartingHashKey string }) (any, error) {
	st, sh, err := s.findShard(in.StreamName, in.ShardToSplit)
	if err != nil {
		return nil, err
	}
	at, ok := new(big.Int).SetString(in.NewStartingHashKey, 10)
	if !ok {
		return nil, refuse("InvalidArgumentException", "hash key %q is no number", in.NewStartingHashKey)
	}
	if err := st.split(sh, at); err != nil {
		return nil, refuse("InvalidArgumentException", "%v", err)
	}
	return nil, nil
}

func (s *Server) mergeShards(in struct{ StreamName, ShardToMerge, AdjacentShardToMerge string }) (any, error) {
	st, a, err := s.findShard(in.StreamName, in.ShardToMerge)
	if err != nil {
		return nil, err
	}
	_, b, err := s.findShard(in.StreamName, in.AdjacentShardToMerge)
	if err != nil {
		return nil, err
	}
	if err := st.merge(a, b); err != nil {
		return nil, refuse("InvalidArgumentException", "%v", err)
	}
	return nil, nil
}
