package raft

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api/pb"
)

// BenchmarkApply measures one command through the log of a single voter, with
// its fsync.
func BenchmarkApply(b *testing.B) {
	t := &testing.T{}
	n, err := Open(Config{ID: "a", Dir: b.TempDir(), Listener: listen(t)})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	for n.Barrier(b.Context()) != nil {
		time.Sleep(time.Millisecond)
	}
	raw, err := proto.Marshal(&pb.Command{Body: &pb.Command_PutSetting{PutSetting: &pb.PutSetting{Key: "k", Value: "v"}}})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := n.Apply(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
}
