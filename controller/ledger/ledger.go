// Package ledger proves from the cluster's state that each stream record of a
// partition is in exactly one segment: the offset ranges of a partition's
// segments are contiguous (or separated by recorded gaps), and their row
// sequences too. It is a pure function of segments and gaps.
package ledger

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/alluviumdb/alluvium/api/pb"
)

// Partition is the account of one partition.
type Partition struct {
	Partition uint32 `json:"partition"`
	Segments  int    `json:"segments"`
	// Rows, Records and Rejected count what sealed segments hold; NextSeq is the
	// sequence number of the first row of the consuming segment.
	Rows     uint64 `json:"rows"`
	Records  uint64 `json:"records"`
	Rejected uint64 `json:"rejected"`
	NextSeq  uint64 `json:"nextSeq"`
	// RowSum is the order-free checksum over the rows of committed segments.
	RowSum uint64 `json:"rowSum,string"`
	// Start is the first offset, End the end of the last sealed segment.
	Start string `json:"start"`
	End   string `json:"end"`
	// Gaps counts recorded gaps, Missing the records lost in them (-1 unknown).
	Gaps    int   `json:"gaps"`
	Missing int64 `json:"missing"`
	// Faults lists what does not fit; empty means that the account is exact.
	Faults []string `json:"faults"`
}

// Check makes the account of every partition, by partition number.
func Check(segments []*pb.Segment, gaps []*pb.Gap) []Partition {
	byPart := map[uint32][]*pb.Segment{}
	for _, s := range segments {
		byPart[s.Partition] = append(byPart[s.Partition], s)
	}
	out := make([]Partition, 0, len(byPart))
	for id, list := range byPart {
		slices.SortFunc(list, func(a, b *pb.Segment) int { return cmp.Compare(a.Sequence, b.Sequence) })
		out = append(out, account(id, list, gaps))
	}
	slices.SortFunc(out, func(a, b Partition) int { return cmp.Compare(a.Partition, b.Partition) })
	return out
}

func account(id uint32, list []*pb.Segment, gaps []*pb.Gap) Partition {
	p := Partition{Partition: id, Segments: len(list), Start: list[0].StartOffsetText, NextSeq: list[0].FirstSeq, Faults: []string{}}
	for _, g := range gaps {
		if g.Partition == id {
			p.Gaps++
			if p.Missing < 0 || g.Missing < 0 {
				p.Missing = -1
			} else {
				p.Missing += g.Missing
			}
		}
	}
	for i, s := range list {
		p.add(s)
		if i > 0 {
			p.follows(list[i-1], s, gaps)
		}
		if s.Status == pb.SegmentStatus_SEGMENT_CONSUMING && i < len(list)-1 {
			p.fault("segment %s is consuming but not the last", s.Name)
		}
	}
	return p
}

func (p *Partition) fault(format string, args ...any) {
	p.Faults = append(p.Faults, fmt.Sprintf(format, args...))
}

// add takes a segment into the sums and checks it in itself.
func (p *Partition) add(s *pb.Segment) {
	if s.Status == pb.SegmentStatus_SEGMENT_CONSUMING {
		return
	}
	if bytes.Compare(s.EndOffset, s.StartOffset) < 0 {
		p.fault("segment %s ends at %s, before its start %s", s.Name, s.EndOffsetText, s.StartOffsetText)
	}
	p.Rows += s.Rows
	p.Records += s.Records
	p.Rejected += s.Rejected
	p.RowSum += s.RowSum
	p.NextSeq = s.FirstSeq + s.Rows
	p.End = s.EndOffsetText
	for _, c := range s.Conflicts {
		p.fault("segment %s: %s", s.Name, c)
	}
}

// follows checks that b begins where a ended, or behind a recorded gap.
func (p *Partition) follows(a, b *pb.Segment, gaps []*pb.Gap) {
	if b.Sequence != a.Sequence+1 {
		p.fault("segments between %s and %s are missing", a.Name, b.Name)
	}
	if a.Status == pb.SegmentStatus_SEGMENT_CONSUMING {
		return
	}
	if b.FirstSeq != a.FirstSeq+a.Rows {
		p.fault("segment %s begins at row %d, %s ended at row %d", b.Name, b.FirstSeq, a.Name, a.FirstSeq+a.Rows)
	}
	if bytes.Equal(a.EndOffset, b.StartOffset) {
		return
	}
	for _, g := range gaps {
		if g.Partition == p.Partition && bytes.Equal(g.FromOffset, a.EndOffset) && bytes.Equal(g.ToOffset, b.StartOffset) {
			return
		}
	}
	p.fault("segment %s begins at offset %s, %s ended at %s, and no gap is recorded", b.Name, b.StartOffsetText, a.Name, a.EndOffsetText)
}
