package kinesis

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/ingest"
)

// An offset is 28 bytes: the sequence number, big-endian in 24 bytes (AWS's
// have 186 bits), and a sub-sequence of 4 bytes: 0 means the record itself, 1
// the position behind it. Two kinds of positions are not sequence numbers and
// sort before all of them: zero is the trim horizon, and a number below 2^64 is
// a time in ms since 1970.
const (
	seqBytes    = 24
	offsetBytes = seqBytes + 4
)

var trimHorizon = ingest.Offset(make([]byte, offsetBytes))

// position is a decoded offset.
type position struct {
	seq   *big.Int
	after bool
}

func (p position) isHorizon() bool { return p.seq.Sign() == 0 }

// isTime tells that the position is a time rather than a sequence number.
func (p position) isTime() bool { return p.seq.Sign() > 0 && p.seq.IsUint64() }

func (p position) time() time.Time { return time.UnixMilli(p.seq.Int64()).UTC() }

func (p position) String() string {
	switch {
	case p.isHorizon():
		return "TRIM_HORIZON"
	case p.isTime():
		return p.time().Format("2006-01-02T15:04:05.000Z")
	case p.after:
		return p.seq.String() + "+"
	}
	return p.seq.String()
}

func timestampOffset(ms int64) ingest.Offset {
	b := make([]byte, offsetBytes)
	binary.BigEndian.PutUint64(b[seqBytes-8:], uint64(max(ms, 1)))
	return ingest.Offset(b)
}

// sequenceOffset encodes a sequence number as AWS writes it.
func sequenceOffset(seq string, after bool) (ingest.Offset, error) {
	n, ok := new(big.Int).SetString(seq, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 8*seqBytes {
		return "", fmt.Errorf("kinesis: sequence number %q is not understood", seq)
	}
	b := make([]byte, offsetBytes)
	n.FillBytes(b[:seqBytes])
	if after {
		b[offsetBytes-1] = 1
	}
	return ingest.Offset(b), nil
}

func decodeOffset(o ingest.Offset) (position, error) {
	if len(o) != offsetBytes {
		return position{}, fmt.Errorf("kinesis: offset of %d bytes, want %d", len(o), offsetBytes)
	}
	b := []byte(o)
	return position{seq: new(big.Int).SetBytes(b[:seqBytes]), after: binary.BigEndian.Uint32(b[seqBytes:]) > 0}, nil
}

func parsePosition(text string) (ingest.Offset, error) {
	if text == "TRIM_HORIZON" {
		return trimHorizon, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return timestampOffset(t.UnixMilli()), nil
	}
	seq, after := strings.CutSuffix(text, "+")
	return sequenceOffset(seq, after)
}
