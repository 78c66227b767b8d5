package scatter

import (
	"fmt"
	"strings"

	"github.com/alluviumdb/alluvium/query/exec"
)

// traceLines prints what a server did, for EXPLAIN ANALYZE.
func traceLines(instance string, st *exec.Stats) []string {
	lines := []string{fmt.Sprintf("%s: %d segments, %d pruned, %d matched, %d of %d rows scanned, peak %d kB",
		instance, st.SegmentsQueried, st.SegmentsPruned, st.SegmentsMatched, st.DocsScanned, st.TotalDocs, st.PeakBytes>>10)}
	for i := range st.Segments {
		lines = append(lines, segmentLine(&st.Segments[i]))
	}
	return lines
}

func segmentLine(s *exec.SegmentStats) string {
	if s.Pruned {
		return fmt.Sprintf("  %s: %s (%d rows)", s.Name, s.Method, s.Docs)
	}
	line := fmt.Sprintf("  %s: %d of %d rows, %s, %.3f ms", s.Name, s.Matched, s.Docs, s.Method, float64(s.Time)/1e6)
	var filters []string
	for _, f := range s.Filter {
		filters = append(filters, fmt.Sprintf("%s by %s", f.Predicate, f.Method))
	}
	if len(filters) > 0 {
		line += "; filter " + strings.Join(filters, ", ")
	}
	return line
}
