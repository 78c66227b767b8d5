package routing

import (
	"slices"
	"strings"
	"sync"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/segment"
)

// listing is what routes need of the visible segments of a table, by name. It
// belongs to one version of the table, which a state never changes.
type listing struct {
	table *clusterview.Table
	segs  []listed
}

// listed is a segment with its statistics, nil when it is to be asked always:
// it is consuming, or they cannot be read.
type listed struct {
	seg   *pb.Segment
	stats *segment.Stats
	empty bool // committed without a row
}

// listings keeps the latest listing of each table.
type listings struct {
	mu sync.RWMutex
	m  map[uint32]*listing
}

// of returns the listing of a table of a state.
func (l *listings) of(st *clusterview.State, id uint32, stats *statsCache) *listing {
	t := st.Tables[id]
	l.mu.RLock()
	x := l.m[id]
	l.mu.RUnlock()
	if x != nil && x.table == t {
		return x
	}
	x = newListing(t, stats)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m == nil {
		l.m = map[uint32]*listing{}
	}
	for old := range l.m {
		if st.Tables[old] == nil {
			delete(l.m, old)
		}
	}
	l.m[id] = x
	return x
}

func newListing(t *clusterview.Table, stats *statsCache) *listing {
	x := &listing{table: t}
	for _, seg := range t.Segments {
		if !api.Visible(seg) {
			continue
		}
		e := listed{seg: seg}
		if seg.Status == pb.SegmentStatus_SEGMENT_COMMITTED || seg.Status == pb.SegmentStatus_SEGMENT_DURABLE {
			e.stats, e.empty = stats.get(seg), seg.Rows == 0
		}
		x.segs = append(x.segs, e)
	}
	slices.SortFunc(x.segs, func(a, b listed) int { return strings.Compare(a.seg.Name, b.seg.Name) })
	return x
}
