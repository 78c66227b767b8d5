// Package assign decides which servers hold which segments. It is a pure
// function of the cluster's state and of which servers are alive; it knows no
// clock, no log and no network.
package assign

import (
	"cmp"
	"slices"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/state"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Loads counts segments per server: consuming ones, which cost the most, and
// all.
type Loads map[string]Load

// Load is what one server holds.
type Load struct{ Consuming, Total int }

// LoadsOf counts the segments of a state.
func LoadsOf(st *state.State) Loads {
	loads := Loads{}
	for seg := range st.Segments() {
		loads.add(seg.Replicas, seg.Status == pb.SegmentStatus_SEGMENT_CONSUMING)
	}
	return loads
}

func (l Loads) add(servers []string, consuming bool) {
	for _, s := range servers {
		n := l[s]
		n.Total++
		if consuming {
			n.Consuming++
		}
		l[s] = n
	}
}

// Candidates returns the live servers that carry a tenant's tag, by id.
func Candidates(st *state.State, tenant string, alive func(id string) bool) []string {
	var out []string
	for in := range st.Instances() {
		if in.Role == pb.Role_ROLE_SERVER && HasTenant(in, tenant) && alive(in.Id) {
			out = append(out, in.Id)
		}
	}
	return out
}

// HasTenant tells whether an instance serves a tenant. Its tags name tenants,
// plainly or in Pinot's form with a suffix; an instance without tags serves
// the default tenant.
func HasTenant(in *pb.Instance, tenant string) bool {
	if tenant == "" {
		tenant = schema.DefaultTenant
	}
	if len(in.Tags) == 0 {
		return tenant == schema.DefaultTenant
	}
	for _, tag := range in.Tags {
		if TenantOf(tag) == tenant {
			return true
		}
	}
	return false
}

// Place chooses n of the candidates for one more segment and counts it in
// loads: the least loaded first, by id where equal. Servers in keep stay
// chosen as long as they are candidates.
func Place(loads Loads, candidates, keep []string, n int, consuming bool) []string {
	var chosen []string
	for _, k := range keep {
		if len(chosen) < n && slices.Contains(candidates, k) {
			chosen = append(chosen, k)
		}
	}
	rest := slices.DeleteFunc(slices.Clone(candidates), func(c string) bool { return slices.Contains(chosen, c) })
	slices.SortFunc(rest, func(a, b string) int {
		x, y := loads[a], loads[b]
		if consuming {
			return cmp.Or(cmp.Compare(x.Consuming, y.Consuming), cmp.Compare(x.Total, y.Total), cmp.Compare(a, b))
		}
		return cmp.Or(cmp.Compare(x.Total, y.Total), cmp.Compare(a, b))
	})
	added := rest[:min(n-len(chosen), len(rest))]
	loads.add(added, consuming)
	return append(chosen, added...)
}

// Table is what assignment needs to know of a table.
type Table struct {
	Tenant      string
	Replication int
}

// Partitions places the partitions of a table that have no segment yet.
func Partitions(loads Loads, candidates []string, t Table, partitions []*pb.Partition) []*pb.Placement {
	var out []*pb.Placement
	for _, p := range partitions {
		out = append(out, &pb.Placement{Partition: p.Id, Replicas: Place(loads, candidates, nil, max(t.Replication, 1), true)})
	}
	return out
}

// Repair proposes new replicas for the segments of a table of which some
// server is gone, or that have too few. Segments whose servers are all there
// are left alone. A segment that is not durable keeps its lost servers in the
// list, behind the new ones: they may hold the only copy.
func Repair(st *state.State, loads Loads, candidates []string, tableID uint32, t Table, gone func(id string) bool) []*pb.Assignment {
	var out []*pb.Assignment
	n := max(t.Replication, 1)
	for seg := range st.TableSegments(tableID) {
		consuming := seg.Status == pb.SegmentStatus_SEGMENT_CONSUMING
		var live, lost []string
		for _, r := range seg.Replicas {
			if gone(r) {
				lost = append(lost, r)
			} else {
				live = append(live, r)
			}
		}
		durable := seg.Status == pb.SegmentStatus_SEGMENT_DURABLE
		if len(lost) == 0 && (len(live) == n || len(live) > n && !durable) {
			continue
		}
		want := live[:min(len(live), n)]
		if !durable {
			want = live
		}
		if len(live) < n {
			want = append(live, Place(loads, exclude(candidates, live), nil, n-len(live), consuming)...)
		}
		if len(want) < n {
			continue // nobody can take it: leave it where it was
		}
		if seg.Status == pb.SegmentStatus_SEGMENT_ENDED || seg.Status == pb.SegmentStatus_SEGMENT_COMMITTED {
			want = append(slices.Clone(want), lost...)
		}
		if !slices.Equal(want, seg.Replicas) {
			out = append(out, &pb.Assignment{Segment: seg.Name, Replicas: want, Expected: seg.Replicas})
		}
	}
	return out
}

func exclude(list, without []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(without, s) })
}
