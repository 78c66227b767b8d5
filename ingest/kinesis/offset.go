package kinesis

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/ingest"
)

// An offset is 32 bytes, big-endian:
//
//	24  the sequence number (AWS's have 186 bits)
//	 4  how many rows of that record lie before the position: 0 is the record
//	    itself, 1 the position behind it
//	 4  until when, in seconds since 1970, the shard is known to have held
//	    nothing more before the position's next record; 0 is not known
//
// The last part does not move the position. It tells, when reading is taken up
// again, whether something can have left the stream unread.
//
// Two kinds of positions are not sequence numbers and sort before all of them:
// zero is the trim horizon, and a number below 2^64 is a time in ms since 1970.
const (
	seqBytes    = 24
	subBytes    = 4
	seenBytes   = 4
	offsetBytes = seqBytes + subBytes + seenBytes
)

var trimHorizon = ingest.Offset(make([]byte, offsetBytes))

// position is a decoded offset.
type position struct {
	seq  *big.Int
	sub  uint32
	seen uint32
}

func (p position) isHorizon() bool { return p.seq.Sign() == 0 }

// isTime tells that the position is a time rather than a sequence number.
func (p position) isTime() bool { return p.seq.Sign() > 0 && p.seq.IsUint64() }

func (p position) time() time.Time { return time.UnixMilli(p.seq.Int64()).UTC() }

// known returns until when everything before the position was read, in seconds
// since 1970; 0 is not known.
func (p position) known() int64 {
	if p.isTime() {
		return max(p.time().Unix(), int64(p.seen))
	}
	return int64(p.seen)
}

func (p position) offset() ingest.Offset {
	b := make([]byte, offsetBytes)
	p.seq.FillBytes(b[:seqBytes])
	binary.BigEndian.PutUint32(b[seqBytes:], p.sub)
	binary.BigEndian.PutUint32(b[seqBytes+subBytes:], p.seen)
	return ingest.Offset(b)
}

const (
	horizonText = "TRIM_HORIZON"
	timeLayout  = "2006-01-02T15:04:05.000Z"
	afterMark   = "+"
	seenMark    = "@"
)

// String prints a sequence number, a time or TRIM_HORIZON; "+" when it is the
// position behind that record; "@" and the time until which it was the end.
func (p position) String() string {
	text := p.seq.String()
	switch {
	case p.isHorizon():
		text = horizonText
	case p.isTime():
		text = p.time().Format(timeLayout)
	}
	if p.sub > 0 {
		text += afterMark
	}
	if p.sub > 1 {
		text += fmt.Sprint(p.sub)
	}
	if p.seen > 0 {
		text += seenMark + time.Unix(int64(p.seen), 0).UTC().Format(time.RFC3339)
	}
	return text
}

func timePosition(ms int64) position { return position{seq: big.NewInt(max(ms, 1))} }

// sequencePosition reads a sequence number as AWS writes it.
func sequencePosition(seq string) (position, error) {
	n, ok := new(big.Int).SetString(seq, 10)
	if !ok || n.Sign() <= 0 || n.IsUint64() || n.BitLen() > 8*seqBytes {
		return position{}, fmt.Errorf("kinesis: sequence number %q is not understood", seq)
	}
	return position{seq: n}, nil
}

func decodeOffset(o ingest.Offset) (position, error) {
	if len(o) != offsetBytes {
		return position{}, fmt.Errorf("kinesis: offset of %d bytes, want %d", len(o), offsetBytes)
	}
	b := []byte(o)
	return position{
		seq:  new(big.Int).SetBytes(b[:seqBytes]),
		sub:  binary.BigEndian.Uint32(b[seqBytes:]),
		seen: binary.BigEndian.Uint32(b[seqBytes+subBytes:]),
	}, nil
}

// parsePosition reads what String prints.
func parsePosition(text string) (position, error) {
	place, seen, hasSeen := strings.Cut(text, seenMark)
	p, err := parsePlace(place)
	if err != nil || !hasSeen {
		return p, err
	}
	t, err := time.Parse(time.RFC3339, seen)
	if err != nil || t.Unix() <= 0 || t.Unix() != int64(uint32(t.Unix())) {
		return position{}, fmt.Errorf("kinesis: %q in position %q is no time", seen, text)
	}
	p.seen = uint32(t.Unix())
	return p, nil
}

func parsePlace(text string) (position, error) {
	if text == horizonText {
		return position{seq: new(big.Int)}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return timePosition(t.UnixMilli()), nil
	}
	seq, rows, after := strings.Cut(text, afterMark)
	p, err := sequencePosition(seq)
	if err != nil || !after {
		return p, err
	}
	if p.sub = 1; rows != "" {
		n, ok := new(big.Int).SetString(rows, 10)
		if !ok || n.Cmp(big.NewInt(1)) <= 0 || n.BitLen() > 8*subBytes {
			return position{}, fmt.Errorf("kinesis: position %q is not understood", text)
		}
		p.sub = uint32(n.Uint64())
	}
	return p, nil
}
