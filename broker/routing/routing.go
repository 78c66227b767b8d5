// Package routing decides which server reads which segments for a leaf of a
// plan: a pure function of the cluster's state. It prunes segments by their
// statistics and picks a replica for each; it sends nothing.
package routing

import (
	"slices"
	"strings"
	"sync"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// Assignment is the part of a leaf that one server runs.
type Assignment struct {
	Instance string
	Segments []string
}

// Route is where a leaf runs.
type Route struct {
	// Index is the state index that the route was made with.
	Index uint64
	Parts []Assignment // by instance id
	// Pruned counts segments that cannot hold a matching row, Total all of the
	// table, PrunedDocs the rows of the pruned ones.
	Pruned, Total int
	PrunedDocs    int64
	// Unserved names segments that no known server holds.
	Unserved []string
}

// Router makes routes. It caches decoded statistics and is safe for concurrent
// use.
type Router struct {
	// Alive tells whether an instance answers; nil means that all do. Replicas
	// that do not are taken only when there is no other.
	Alive func(instance string) bool
	stats statsCache
	// listings keeps the visible segments of tables in order.
	listings listings
}

// Route places every visible segment of the leaf's table exactly once.
func (r *Router) Route(st *clusterview.State, leaf *plan.Leaf) (*Route, error) {
	t := st.Tables[leaf.Table.ID]
	if t == nil {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation %q does not exist", leaf.Table.Name)
	}
	out := &Route{Index: st.Index}
	byInstance := map[string][]string{}
	segs := r.listings.of(st, leaf.Table.ID, &r.stats).segs
	for i := range segs {
		seg := segs[i].seg
		out.Total++
		if prunable(leaf, &segs[i]) {
			out.Pruned++
			out.PrunedDocs += int64(seg.Rows)
			continue
		}
		inst := r.pick(st, seg, nil)
		if inst == "" {
			out.Unserved = append(out.Unserved, seg.Name)
			continue
		}
		names := byInstance[inst]
		if names == nil {
			names = make([]string, 0, len(segs)-i)
		}
		byInstance[inst] = append(names, seg.Name)
	}
	out.Parts = assignments(byInstance)
	return out, nil
}

// assignments sorts what was placed, by instance and segment.
func assignments(byInstance map[string][]string) []Assignment {
	out := make([]Assignment, 0, len(byInstance))
	for inst, names := range byInstance {
		slices.Sort(names)
		out = append(out, Assignment{inst, names})
	}
	slices.SortFunc(out, func(a, b Assignment) int { return strings.Compare(a.Instance, b.Instance) })
	return out
}

// Place places segments of a table that were routed before and that their
// server could not read: where they are by now, on one of the avoided instances
// only where there is no other replica. unserved names those that no known
// server holds; gone tells that at least one no longer exists, so that the leaf
// must be routed anew.
func (r *Router) Place(st *clusterview.State, tableID uint32, segments, avoid []string) (parts []Assignment, unserved []string, gone bool) {
	byInstance := map[string][]string{}
	for _, name := range segments {
		seg := st.Segment(tableID, name)
		if seg == nil {
			return nil, nil, true
		}
		if inst := r.pick(st, seg, avoid); inst != "" {
			byInstance[inst] = append(byInstance[inst], name)
		} else {
			unserved = append(unserved, name)
		}
	}
	return assignments(byInstance), unserved, false
}

// prunable tells whether a committed segment cannot hold a row for the leaf.
// Segments without statistics (consuming ones) are always asked.
func prunable(leaf *plan.Leaf, s *listed) bool {
	if s.empty {
		return true
	}
	return leaf.Filter != nil && s.stats != nil && !plan.CanMatch(leaf, plan.StatsRanges(s.stats))
}

// pick chooses the best replica of those that are known: one that is not to be
// avoided before one that is, and then one that is alive. Among equals it is
// the first, beginning at a place given by the segment's name so that replicas
// share the load.
func (r *Router) pick(st *clusterview.State, seg *pb.Segment, avoid []string) string {
	n := len(seg.Replicas)
	best, bestScore := "", 0
	for i := range n {
		inst := seg.Replicas[(int(hash(seg.Name)%uint32(n))+i)%n]
		if score := r.score(st, inst, avoid); score > bestScore {
			best, bestScore = inst, score
		}
	}
	return best
}

// score rates an instance; 0 means that it is not known.
func (r *Router) score(st *clusterview.State, inst string, avoid []string) int {
	if st.Instances[inst] == nil {
		return 0
	}
	score := 1
	if r.Alive == nil || r.Alive(inst) {
		score++
	}
	if !slices.Contains(avoid, inst) {
		score += 2
	}
	return score
}

// hash is FNV-1a.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// maxCachedStats bounds the cache; beyond it it starts anew.
const maxCachedStats = 100_000

// statsCache keeps decoded statistics by segment name and checksum.
type statsCache struct {
	mu sync.RWMutex
	m  map[statsKey]*segment.Stats
}

type statsKey struct {
	name string
	crc  uint32
}

// get returns the statistics of a segment, nil when they cannot be read (then
// it is not pruned).
func (c *statsCache) get(seg *pb.Segment) *segment.Stats {
	key := statsKey{seg.Name, seg.Crc}
	c.mu.RLock()
	s, ok := c.m[key]
	c.mu.RUnlock()
	if ok {
		return s
	}
	s, err := segment.DecodeStats(seg.ColumnStats)
	if err != nil {
		s = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxCachedStats {
		c.m = map[statsKey]*segment.Stats{}
	}
	c.m[key] = s
	return s
}
