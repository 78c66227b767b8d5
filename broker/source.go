package broker

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/broker/catalog"
	"github.com/alluviumdb/alluvium/broker/scatter"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// source shows the cluster to the catalog.
type source struct {
	b       *Broker
	servers scatter.Servers
}

var _ catalog.Source = (*source)(nil)

// Tables implements catalog.Source.
func (s *source) Tables() ([]*schema.Table, uint64) {
	st := s.b.view.State()
	out := make([]*schema.Table, 0, len(st.Tables))
	for _, t := range st.Tables {
		if t.Def != nil {
			out = append(out, t.Def)
		}
	}
	slices.SortFunc(out, func(a, b *schema.Table) int { return cmp.Compare(a.ID, b.ID) })
	return out, st.TablesVersion
}

// Database implements catalog.Source.
func (s *source) Database() string { return Database }

// Users implements catalog.Source.
func (s *source) Users() []catalog.User {
	out := []catalog.User{}
	for name, u := range s.b.view.State().Users {
		h := fnv.New32a()
		h.Write([]byte(name))
		out = append(out, catalog.User{ID: h.Sum32()>>1 + 1, Name: name, Superuser: u.Admin})
	}
	slices.SortFunc(out, func(a, b catalog.User) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Instances implements catalog.Source.
func (s *source) Instances() []catalog.Instance {
	var out []catalog.Instance
	for _, i := range s.b.view.State().Instances {
		out = append(out, catalog.Instance{
			ID: i.Id, Role: strings.ToLower(strings.TrimPrefix(i.Role.String(), "ROLE_")), Host: i.Host, Port: int(i.Port),
			GRPCPort: portOf(i.GrpcAddr), HTTPPort: portOf(i.HttpAddr), Tags: i.Tags, State: "REGISTERED", Version: i.Build,
			Started: micros(i.JoinedMicros),
		})
	}
	slices.SortFunc(out, func(a, b catalog.Instance) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// portOf returns the port of an address, 0 if there is none.
func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

func micros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Segments implements catalog.Source.
func (s *source) Segments() []catalog.Segment {
	var out []catalog.Segment
	for _, t := range sortedTables(s.b.view.State()) {
		for _, g := range t.Sorted() {
			out = append(out, segmentOf(t, g))
		}
	}
	return out
}

func sortedTables(st *clusterview.State) []*clusterview.Table {
	var out []*clusterview.Table
	for _, t := range st.Tables {
		if t.Def != nil {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *clusterview.Table) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func segmentOf(t *clusterview.Table, g *pb.Segment) catalog.Segment {
	state := strings.TrimPrefix(g.Status.String(), "SEGMENT_")
	switch {
	case g.Staged:
		state = "STAGED"
	case !api.Visible(g):
		state = "RETIRED"
	}
	c := catalog.Segment{
		Table: t.Def.NameWithType(), Name: g.Name, Partition: int32(g.Partition), State: state, Rows: int64(g.Rows), Bytes: int64(g.Bytes),
		Start: g.StartOffsetText, End: g.EndOffsetText, Created: micros(g.CreatedMicros), URI: g.Uri,
	}
	if g.HasTime {
		c.MinTime, c.MaxTime = micros(g.MinTime), micros(g.MaxTime)
	}
	for _, r := range g.Replicas {
		c.Replicas = append(c.Replicas, catalog.Replica{Instance: r, Desired: state})
	}
	return c
}

// Gaps implements catalog.Source.
func (s *source) Gaps() []catalog.Gap {
	st := s.b.view.State()
	var out []catalog.Gap
	for _, g := range st.Gaps {
		name := ""
		if t := st.Tables[g.TableId]; t != nil {
			name = t.Name
		}
		out = append(out, catalog.Gap{Table: name, Partition: int32(g.Partition), From: g.FromText, To: g.ToText,
			Count: g.Missing, At: micros(g.TimeMicros), Reason: "records left the stream before they were read"})
	}
	return out
}

// Queries implements catalog.Source.
func (s *source) Queries() []catalog.Query {
	var out []catalog.Query
	for _, q := range s.b.engine.Running() {
		out = append(out, catalog.Query{ID: q.ID, PID: q.PID, User: q.User, App: q.App, Client: q.Remote, Text: q.SQL, Started: q.Start})
	}
	return out
}

// Settings implements catalog.Source.
func (s *source) Settings() []catalog.Setting {
	var out []catalog.Setting
	for _, x := range session.DefaultSettings() {
		out = append(out, catalog.Setting{Name: x.Name, Default: x.Default, Type: x.Type, Description: x.Doc, Context: x.Context, Enum: x.Enum})
	}
	return out
}

// ask gathers the rows of a system table from all servers.
func (s *source) ask(ctx context.Context, table string, row func(instance string, b *column.Batch, i int)) error {
	st := s.b.view.State()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for id, inst := range st.Instances {
		if inst.Role != pb.Role_ROLE_SERVER {
			continue
		}
		wg.Go(func() {
			b, err := s.askOne(ctx, st, id, table)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			for i := range b.N {
				row(id, b, i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *source) askOne(ctx context.Context, st *clusterview.State, id, table string) (*column.Batch, error) {
	srv, err := s.servers.Server(st, id)
	if err != nil {
		return nil, err
	}
	return srv.SystemTable(ctx, table)
}

func text(b *column.Batch, col, i int) string { return string(b.Cols[col].Bytes(i)) }

// Consumers implements catalog.Source.
func (s *source) Consumers(ctx context.Context) ([]catalog.Consumer, error) {
	var out []catalog.Consumer
	err := s.ask(ctx, api.SystemConsumers, func(inst string, b *column.Batch, i int) {
		n := func(col int) int64 { return b.Cols[col].Int64s[i] }
		out = append(out, catalog.Consumer{
			Table: text(b, 0, i), Partition: int32(n(1)), Instance: inst, Segment: text(b, 2, i), State: text(b, 3, i),
			Offset: text(b, 4, i), Latest: text(b, 5, i), LagRows: n(6), LagMillis: n(7), Rows: n(8), Error: text(b, 9, i),
		})
	})
	slices.SortFunc(out, func(a, b catalog.Consumer) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), cmp.Compare(a.Partition, b.Partition))
	})
	return out, err
}

// IngestionErrors implements catalog.Source.
func (s *source) IngestionErrors(ctx context.Context) ([]catalog.IngestionError, error) {
	var out []catalog.IngestionError
	err := s.ask(ctx, api.SystemIngestionErrors, func(_ string, b *column.Batch, i int) {
		out = append(out, catalog.IngestionError{
			Table: text(b, 0, i), Partition: int32(b.Cols[1].Int64s[i]), Offset: text(b, 2, i), At: micros(b.Cols[3].Int64s[i]),
			Reason: text(b, 4, i), Record: []byte(text(b, 5, i)),
		})
	})
	slices.SortFunc(out, func(a, b catalog.IngestionError) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), cmp.Compare(a.Partition, b.Partition), a.At.Compare(b.At))
	})
	return out, err
}
