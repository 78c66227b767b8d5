package kinesisfake

import (
	"crypto/md5"
	"fmt"
	"math/big"
	"time"
)

// stream is one stream. Its records get numbers from a counter that all its
// shards share; a record's sequence number is made of its counter and its shard.
type stream struct {
	name      string
	retention time.Duration
	shards    []*shard
	counter   uint64
}

// shard is one shard. Records are in the order of their counters.
type shard struct {
	number       uint64
	parent       string
	adjacent     string
	lowest       *big.Int // hash keys, inclusive
	highest      *big.Int
	first        uint64 // counter at the shard's beginning
	last         uint64 // counter at its end, 0 while it is open
	records      []record
	trimmed      uint64 // counters up to this one are gone
	reads        []time.Time
	pretendEmpty int // reads that find nothing although there is something
}

type record struct {
	counter uint64
	key     string
	data    []byte
	arrival time.Time
}

// hashSpace is the number of hash keys, 2^128.
var hashSpace = new(big.Int).Lsh(big.NewInt(1), 128)

// sequenceBase makes sequence numbers as long as Amazon's, 186 bits.
var sequenceBase = new(big.Int).Lsh(big.NewInt(2), 184)

func newStream(name string, count int) *stream {
	s := &stream{name: name, retention: 24 * time.Hour, counter: 1}
	size := new(big.Int).Div(hashSpace, big.NewInt(int64(count)))
	for i := range count {
		low := new(big.Int).Mul(size, big.NewInt(int64(i)))
		high := new(big.Int).Add(low, size)
		if i == count-1 {
			high = hashSpace
		}
		s.addShard(low, new(big.Int).Sub(high, big.NewInt(1)), "", "")
	}
	return s
}

func (s *stream) addShard(lowest, highest *big.Int, parent, adjacent string) *shard {
	number := uint64(0)
	for _, sh := range s.shards {
		number = max(number, sh.number+1)
	}
	s.counter++
	sh := &shard{number: number, lowest: lowest, highest: highest, parent: parent, adjacent: adjacent, first: s.counter}
	s.shards = append(s.shards, sh)
	return sh
}

func (s *stream) shard(id string) *shard {
	for _, sh := range s.shards {
		if sh.id() == id {
			return sh
		}
	}
	return nil
}

// put appends a record to the open shard that its key falls into.
func (s *stream) put(key, explicitHash string, data []byte, now time.Time) (*shard, record, error) {
	sum := md5.Sum([]byte(key))
	hash := new(big.Int).SetBytes(sum[:])
	if explicitHash != "" {
		var ok bool
		if hash, ok = new(big.Int).SetString(explicitHash, 10); !ok {
			return nil, record{}, fmt.Errorf("hash key %q is no number", explicitHash)
		}
	}
	for _, sh := range s.shards {
		if sh.last == 0 && sh.lowest.Cmp(hash) <= 0 && hash.Cmp(sh.highest) <= 0 {
			s.counter++
			r := record{counter: s.counter, key: key, data: data, arrival: now}
			sh.records = append(sh.records, r)
			return sh, r, nil
		}
	}
	return nil, record{}, fmt.Errorf("no open shard takes hash key %s", hash)
}

func (s *stream) close(sh *shard) {
	s.counter++
	sh.last = s.counter
}

// split closes a shard and opens two over its halves.
func (s *stream) split(sh *shard, at *big.Int) error {
	if sh.last != 0 || at.Cmp(sh.lowest) <= 0 || at.Cmp(sh.highest) > 0 {
		return fmt.Errorf("shard %s cannot be split at %s", sh.id(), at)
	}
	s.close(sh)
	s.addShard(sh.lowest, new(big.Int).Sub(at, big.NewInt(1)), sh.id(), "")
	s.addShard(at, sh.highest, sh.id(), "")
	return nil
}

// merge closes two neighbours and opens one over both.
func (s *stream) merge(a, b *shard) error {
	if a.last != 0 || b.last != 0 || new(big.Int).Add(a.highest, big.NewInt(1)).Cmp(b.lowest) != 0 {
		return fmt.Errorf("shards %s and %s are no open neighbours", a.id(), b.id())
	}
	s.close(a)
	s.close(b)
	s.addShard(a.lowest, b.highest, a.id(), b.id())
	return nil
}

func (sh *shard) id() string { return fmt.Sprintf("shardId-%012d", sh.number) }

func (sh *shard) sequence(counter uint64) string {
	n := new(big.Int).SetUint64(counter)
	n.Lsh(n, 32).Add(n, sequenceBase)
	return n.Add(n, new(big.Int).SetUint64(sh.number)).String()
}

// counterOf takes the counter out of a sequence number of this shard.
func (sh *shard) counterOf(sequence string) (uint64, bool) {
	n, ok := new(big.Int).SetString(sequence, 10)
	if !ok {
		return 0, false
	}
	n.Sub(n, sequenceBase)
	number := new(big.Int).And(n, big.NewInt(1<<32-1))
	n.Rsh(n, 32)
	return n.Uint64(), n.IsUint64() && number.Uint64() == sh.number
}

// from returns the held records whose counters are not below min.
func (sh *shard) from(min uint64) []record {
	for i, r := range sh.records {
		if r.counter >= min && r.counter > sh.trimmed {
			return sh.records[i:]
		}
	}
	return nil
}

// at returns the counter of the first held record that arrived at a time or
// later, or the one after all records.
func (sh *shard) at(t time.Time, end uint64) uint64 {
	for _, r := range sh.from(0) {
		if !r.arrival.Before(t) {
			return r.counter
		}
	}
	return end
}

// trim drops the records that arrived before a time.
func (sh *shard) trim(before time.Time) {
	for len(sh.records) > 0 && sh.records[0].arrival.Before(before) {
		sh.trimmed = sh.records[0].counter
		sh.records = sh.records[1:]
	}
}
