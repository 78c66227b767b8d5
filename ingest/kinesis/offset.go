package kinesis

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/ingest"
)

// An offset is 28 bytes: the sequence number, big-endian in 24 bytes (AWS's
// have 186 bits), and a sub-sequence of 4 bytes, the number of rows of that
// record that lie before the position: 0 means the record itself, 1 the position
// behind it. Two kinds of positions are not sequence numbers and sort before all
// of them: zero is the trim horizon, and a number below 2^64 is a time in ms
// since 1970.
const (
	seqBytes    = 24
	offsetBytes = seqBytes + 4
	// subLost is the position behind all that was lost after a record: reading
	// goes on there without looking for the record.
	subLost = math.MaxUint32
)

var trimHorizon = ingest.Offset(make([]byte, offsetBytes))

// position is a decoded offset.
type position struct {
	seq *big.Int
	sub uint32
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
	case p.sub == subLost:
		return p.seq.String() + "++"
	case p.sub > 0:
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
func sequenceOffset(seq string, sub uint32) (ingest.Offset, error) {
	n, ok := new(big.Int).SetString(seq, 10)
	if !ok || n.Sign() <= 0 || n.IsUint64() || n.BitLen() > 8*seqBytes {
		return "", fmt.Errorf("kinesis: sequence number %q is not understood", seq)
	}
	b := make([]byte, offsetBytes)
	n.FillBytes(b[:seqBytes])
	binary.BigEndian.PutUint32(b[seqBytes:], sub)
	return ingest.Offset(b), nil
}

func decodeOffset(o ingest.Offset) (position, error) {
	if len(o) != offsetBytes {
		return position{}, fmt.Errorf("kinesis: offset of %d bytes, want %d", len(o), offsetBytes)
	}
	b := []byte(o)
	return position{seq: new(big.Int).SetBytes(b[:seqBytes]), sub: binary.BigEndian.Uint32(b[seqBytes:])}, nil
}

func parsePosition(text string) (ingest.Offset, error) {
	if text == "TRIM_HORIZON" {
		return trimHorizon, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return timestampOffset(t.UnixMilli()), nil
	}
	seq := strings.TrimRight(text, "+")
	switch text[len(seq):] {
	case "":
		return sequenceOffset(seq, 0)
	case "+":
		return sequenceOffset(seq, 1)
	case "++":
		return sequenceOffset(seq, subLost)
	}
	return "", fmt.Errorf("kinesis: position %q is not understood", text)
}
