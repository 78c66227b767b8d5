package ledger

import (
	"fmt"
	"testing"

	"github.com/alluviumdb/alluvium/api/pb"
)

func seg(seq uint64, start, end string, firstSeq, rows uint64, status pb.SegmentStatus) *pb.Segment {
	return &pb.Segment{Name: fmt.Sprintf("t__0__%d", seq), Sequence: seq, StartOffset: []byte(start), EndOffset: []byte(end),
		StartOffsetText: start, EndOffsetText: end, FirstSeq: firstSeq, Rows: rows, Records: rows, Status: status, RowSum: rows}
}

const (
	durable   = pb.SegmentStatus_SEGMENT_DURABLE
	consuming = pb.SegmentStatus_SEGMENT_CONSUMING
)

func TestCheck(t *testing.T) {
	f := func(name string, faults int, gaps []*pb.Gap, segs ...*pb.Segment) {
		t.Helper()
		ps := Check(segs, gaps)
		if len(ps) != 1 || len(ps[0].Faults) != faults {
			t.Errorf("%s: %+v, want %d faults", name, ps, faults)
		}
	}
	f("contiguous, in any order", 0, nil,
		seg(1, "10", "20", 5, 7, durable), seg(0, "00", "10", 0, 5, durable), seg(2, "20", "", 12, 0, consuming))
	f("hole in the offsets", 1, nil, seg(0, "00", "10", 0, 5, durable), seg(1, "11", "20", 5, 5, durable))
	f("recorded gap", 0, []*pb.Gap{{FromOffset: []byte("10"), ToOffset: []byte("15"), Missing: 5}},
		seg(0, "00", "10", 0, 5, durable), seg(1, "15", "20", 5, 5, durable))
	f("overlap", 1, nil, seg(0, "00", "10", 0, 5, durable), seg(1, "09", "20", 5, 5, durable))
	f("hole in the rows", 1, nil, seg(0, "00", "10", 0, 5, durable), seg(1, "10", "20", 6, 5, durable))
	f("missing segment", 2, nil, seg(0, "00", "10", 0, 5, durable), seg(2, "20", "30", 5, 5, durable))
	f("ends before it starts", 1, nil, seg(0, "10", "00", 0, 5, durable))
	f("consuming in the middle", 1, nil, seg(0, "00", "", 0, 0, consuming), seg(1, "10", "20", 0, 5, durable))
}

func TestSums(t *testing.T) {
	p := Check([]*pb.Segment{seg(0, "00", "10", 0, 5, durable), seg(1, "10", "20", 5, 7, durable), seg(2, "20", "", 12, 0, consuming)},
		[]*pb.Gap{{Missing: 3}, {Missing: 4}})[0]
	if p.Rows != 12 || p.Records != 12 || p.NextSeq != 12 || p.RowSum != 12 || p.End != "20" || p.Missing != 7 {
		t.Errorf("%+v", p)
	}
}
