package api

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/alluviumdb/alluvium/api/pb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake answers heartbeats with a fixed lease, or with an error.
type fake struct {
	pb.UnimplementedControllerServer
	lease int64
	err   error
	calls int
}

func (f *fake) Heartbeat(context.Context, *pb.HeartbeatRequest) (*pb.HeartbeatResponse, error) {
	f.calls++
	return &pb.HeartbeatResponse{LeaseMillis: f.lease}, ToStatus(f.err)
}

func (f *fake) Watch(_ *pb.WatchRequest, s grpc.ServerStreamingServer[pb.WatchEvent]) error {
	if f.err != nil {
		return ToStatus(f.err)
	}
	if err := s.Send(&pb.WatchEvent{Index: uint64(f.lease)}); err != nil {
		return err
	}
	<-s.Context().Done()
	return nil
}

func serve(t *testing.T, f *fake) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(ServerOptions("")...)
	pb.RegisterControllerServer(s, f)
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// closed returns an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func client(t *testing.T, addrs ...string) *Client {
	t.Helper()
	c, err := Dial(addrs, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClientFailsOver(t *testing.T) {
	away := &fake{err: ErrUnavailable}
	c := client(t, closed(t), serve(t, away), serve(t, &fake{lease: 7}))
	for range 3 {
		res, err := c.Heartbeat(t.Context(), &pb.HeartbeatRequest{})
		if err != nil || res.LeaseMillis != 7 {
			t.Fatalf("heartbeat: %v, %v", res, err)
		}
	}
	if away.calls != 1 {
		t.Errorf("the controller that is away was asked %d times", away.calls)
	}
}

func TestClientGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := client(t, closed(t)).Heartbeat(ctx, &pb.HeartbeatRequest{})
	if err == nil || ctx.Err() == nil {
		t.Errorf("error %v before the deadline", err)
	}
	if _, err := Dial(nil, ""); err == nil {
		t.Error("no address is accepted")
	}
}

// TestClientPassesRefusals expects refusals at once and as they were made.
func TestClientPassesRefusals(t *testing.T) {
	for _, want := range []*Error{ErrInvalid, ErrNotFound, ErrConflict, ErrFenced, ErrUnsupported} {
		f := &fake{err: Errorf(want.Code, "because")}
		_, err := client(t, serve(t, f)).Heartbeat(t.Context(), &pb.HeartbeatRequest{})
		if !errors.Is(err, want) || err.Error() != "because" || f.calls != 1 {
			t.Errorf("%v arrives as %v after %d calls", want, err, f.calls)
		}
	}
}

func TestClientWatch(t *testing.T) {
	c := client(t, serve(t, &fake{err: ErrUnavailable}), serve(t, &fake{lease: 5}))
	stop := errors.New("stop")
	f := func(ev *pb.WatchEvent) error {
		if ev.Index != 5 {
			t.Errorf("event %v", ev)
		}
		return stop
	}
	if err := c.Watch(t.Context(), &pb.WatchRequest{}, f); !errors.Is(err, ErrUnavailable) {
		t.Errorf("first watch: %v", err)
	}
	if err := c.Watch(t.Context(), &pb.WatchRequest{}, f); !errors.Is(err, stop) {
		t.Errorf("second watch: %v", err)
	}
}

func TestCheckVersion(t *testing.T) {
	if err := CheckVersion(ProtocolVersion); err != nil {
		t.Error(err)
	}
	if err := CheckVersion(ProtocolVersion + 1); !errors.Is(err, ErrUnsupported) {
		t.Errorf("newer version: %v", err)
	}
}

func TestErrors(t *testing.T) {
	if errors.Is(ErrNotFound, ErrConflict) || ToStatus(nil) != nil || FromStatus(nil) != nil {
		t.Error("errors are mixed up")
	}
	plain := errors.New("plain")
	if ToStatus(plain) != plain {
		t.Error("a plain error is changed")
	}
}

func TestDecodeTable(t *testing.T) {
	const schemaV1 = `{"schemaName":"t","dimensionFieldSpecs":[{"name":"a","dataType":"INT"}],"dateTimeFieldSpecs":[{"name":"ts","dataType":"TIMESTAMP","format":"TIMESTAMP"}]}`
	const schemaV2 = `{"schemaName":"t","dimensionFieldSpecs":[{"name":"a","dataType":"INT"},{"name":"b","dataType":"LONG"}],"dateTimeFieldSpecs":[{"name":"ts","dataType":"TIMESTAMP","format":"TIMESTAMP"}]}`
	tab := &pb.Table{Id: 3, Version: 2, Name: "t", SchemaVersion: 2, SchemaJson: []byte(schemaV2), NextColumnId: 4,
		SchemaHistory: []*pb.Schema{{Version: 1, Json: []byte(schemaV1)}},
		ColumnIds:     []*pb.ColumnID{{Name: "a", Id: 1}, {Name: "ts", Id: 2}, {Name: "b", Id: 3}},
		ConfigJson: []byte(`{"tableName":"t_OFFLINE","tableType":"OFFLINE","segmentsConfig":{"timeColumnName":"ts"},
 "ingestionConfig":{"transformConfigs":[{"columnName":"ts","transformFunction":"__metadata$recordTimestamp"}]}}`)}
	def, err := DecodeTable(tab)
	if err != nil {
		t.Fatal(err)
	}
	s := def.Schema
	if def.ID != 3 || def.NameWithType() != "t_OFFLINE" || s.Version != 2 || s.Fields[1].ID != 3 || s.NextColumnID != 4 || !s.Fields[2].FromArrival {
		t.Errorf("table %+v, schema %+v", def, s)
	}
	old, err := DecodeTableAt(tab, 1)
	if err != nil || len(old.Schema.Fields) != 2 || old.Schema.Fields[1].ID != 2 || old.Schema.Version != 1 {
		t.Errorf("version 1: %+v, %v", old, err)
	}
	if _, err := DecodeTableAt(tab, 9); err == nil {
		t.Error("an unknown version is decoded")
	}
	tab.ColumnIds = tab.ColumnIds[:1]
	if _, err := DecodeTable(tab); err == nil {
		t.Error("a column without id is decoded")
	}
}
