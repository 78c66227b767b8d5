package state

import (
	"fmt"
	"io"
	"testing"

	"github.com/alluviumdb/alluvium/api/pb"
)

// large returns a state with n sealed segments of one partition.
func large(b *testing.B, n int) (*State, *pb.Segment) {
	b.Helper()
	st := New()
	apply := func(cmd *pb.Command) {
		next, res := st.Apply(st.Index+1, cmd)
		if err := res.Err(); err != nil {
			b.Fatal(err)
		}
		st = next
	}
	apply(putSchema("t", "a"))
	apply(createTable("t", "a"))
	apply(propose(1, partition(0)))
	var last *pb.Segment
	for s := range st.Segments() {
		last = s
	}
	for i := range n {
		apply(end(last.Name, fmt.Sprintf("%09d", i+1), 1))
		apply(publish(last.Name, 1))
		last = st.following(last)
	}
	return st, last
}

// BenchmarkEndSegment measures one step of completion in a state with 100,000
// segments.
func BenchmarkEndSegment(b *testing.B) {
	st, last := large(b, 100_000)
	cmd := end(last.Name, "999999999", 1)
	b.ReportAllocs()
	for b.Loop() {
		st.Apply(st.Index+1, cmd)
	}
}

// BenchmarkSnapshot writes a state of 100,000 segments.
func BenchmarkSnapshot(b *testing.B) {
	st, _ := large(b, 100_000)
	for b.Loop() {
		n, err := st.WriteTo(io.Discard)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
}
