package kinesisfake

import "time"

// iteratorLife is how long an iterator can be used, readLimit how many reads a
// second a shard allows.
const (
	iteratorLife  = 5 * time.Minute
	readLimit     = 5
	maxRecords    = 10_000
	maxReadBytes  = 10 << 20
	pretendBehind = 1000 // ms, of reads that pretend to find nothing
)

// iterator is the content of an iterator token: the first counter not read yet.
type iterator struct {
	Stream, Shard string
	Next          uint64
	Generation    int
	IssuedMillis  int64
}

func (s *Server) iterator(stream string, sh *shard, next uint64) string {
	return seal(iterator{stream, sh.id(), next, s.generation, s.now().UnixMilli()})
}

// getShardIterator takes sequence numbers that were trimmed without a word, as
// Amazon does; the reads then begin at the trim horizon.
func (s *Server) getShardIterator(in struct {
	StreamName, ShardId, ShardIteratorType, StartingSequenceNumber string
	Timestamp                                                      float64
}) (any, error) {
	st, sh, err := s.findShard(in.StreamName, in.ShardId)
	if err != nil {
		return nil, err
	}
	var next uint64
	switch in.ShardIteratorType {
	case "TRIM_HORIZON":
	case "LATEST":
		next = st.counter + 1
	case "AT_TIMESTAMP":
		at := time.UnixMilli(int64(in.Timestamp*1000 + 0.5))
		if at.After(s.now()) {
			return nil, refuse("InvalidArgumentException", "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.")
		}
		next = sh.at(at, st.counter+1)
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		counter, ok := sh.counterOf(in.StartingSequenceNumber)
		if !ok || counter > st.counter {
			return nil, refuse("InvalidArgumentException",
				"StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account 000000000000 is invalid because it did not come from this stream.",
				in.StartingSequenceNumber, sh.id(), st.name)
		}
		next = counter
		if in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" {
			next++
		}
	default:
		return nil, refuse("InvalidArgumentException", "ShardIteratorType %q", in.ShardIteratorType)
	}
	return map[string]string{"ShardIterator": s.iterator(st.name, sh, next)}, nil
}

type readRecord struct {
	ApproximateArrivalTimestamp float64
	Data                        []byte
	PartitionKey                string
	SequenceNumber              string
}

type readResult struct {
	MillisBehindLatest int64
	NextShardIterator  *string
	Records            []readRecord
}

func (s *Server) getRecords(in struct {
	ShardIterator string
	Limit         int
}) (any, error) {
	var it iterator
	if !open(in.ShardIterator, &it) {
		return nil, refuse("InvalidArgumentException", "Invalid ShardIterator.")
	}
	st, sh, err := s.findShard(it.Stream, it.Shard)
	if err != nil {
		return nil, err
	}
	if it.Generation < s.generation || s.now().Sub(time.UnixMilli(it.IssuedMillis)) > iteratorLife {
		return nil, refuse("ExpiredIteratorException", "Iterator expired.")
	}
	if s.limited && !sh.allowRead(time.Now()) {
		return nil, refuse("ProvisionedThroughputExceededException", "Rate exceeded for shard %s in stream %s.", sh.id(), st.name)
	}
	if sh.pretendEmpty > 0 {
		sh.pretendEmpty--
		next := s.iterator(st.name, sh, it.Next)
		return readResult{MillisBehindLatest: pretendBehind, NextShardIterator: &next, Records: []readRecord{}}, nil
	}
	return s.read(st, sh, it.Next, in.Limit), nil
}

func (s *Server) read(st *stream, sh *shard, next uint64, limit int) readResult {
	if limit < 1 || limit > maxRecords {
		limit = maxRecords
	}
	rest := sh.from(next)
	res := readResult{Records: []readRecord{}}
	var last record
	for bytes := 0; len(rest) > 0 && len(res.Records) < limit && bytes < maxReadBytes; rest = rest[1:] {
		last = rest[0]
		bytes += len(last.data)
		res.Records = append(res.Records, readRecord{
			float64(last.arrival.UnixMilli()) / 1000, last.data, last.key, sh.sequence(last.counter),
		})
		next = last.counter + 1
	}
	if len(rest) > 0 {
		res.MillisBehindLatest = max(s.now().Sub(last.arrival).Milliseconds(), 1)
	}
	if sh.last == 0 || len(rest) > 0 {
		token := s.iterator(st.name, sh, next)
		res.NextShardIterator = &token
	}
	return res
}

// allowRead counts reads within a second of real time.
func (sh *shard) allowRead(now time.Time) bool {
	for len(sh.reads) > 0 && now.Sub(sh.reads[0]) >= time.Second {
		sh.reads = sh.reads[1:]
	}
	if len(sh.reads) >= readLimit {
		return false
	}
	sh.reads = append(sh.reads, now)
	return true
}
