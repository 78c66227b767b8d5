package exec

import "time"

// Stats says what a leaf cost. Stats of several servers are merged by Merge
// and travel as JSON.
type Stats struct {
	// DocsScanned counts rows that passed the filter and were read further;
	// TotalDocs the rows of all segments asked, pruned ones included.
	DocsScanned int64 `json:"docsScanned"`
	TotalDocs   int64 `json:"totalDocs"`
	// EntriesScannedInFilter counts values looked at to filter (none for what
	// an index answered), EntriesScannedPostFilter the values read of rows
	// that passed.
	EntriesScannedInFilter   int64 `json:"entriesScannedInFilter"`
	EntriesScannedPostFilter int64 `json:"entriesScannedPostFilter"`
	// Segments asked, opened, with at least one matching row, and skipped by
	// their metadata.
	SegmentsQueried   int64 `json:"segmentsQueried"`
	SegmentsProcessed int64 `json:"segmentsProcessed"`
	SegmentsMatched   int64 `json:"segmentsMatched"`
	SegmentsPruned    int64 `json:"segmentsPruned"`
	// SegmentsCached counts those whose part of the result was known; they count
	// as processed, matched or pruned as they were then.
	SegmentsCached int64 `json:"segmentsCached,omitempty"`
	// The same for views of consuming segments.
	ConsumingQueried   int64 `json:"consumingQueried"`
	ConsumingProcessed int64 `json:"consumingProcessed"`
	ConsumingMatched   int64 `json:"consumingMatched"`
	// MinConsumingFreshnessMillis is the oldest freshness, in ms since 1970,
	// of the consuming segments asked; 0 when none was. The server fills it:
	// segments do not know it.
	MinConsumingFreshnessMillis int64 `json:"minConsumingFreshnessMillis"`
	// PeakBytes is the largest memory held for groups, heaps and buffers.
	PeakBytes int64 `json:"peakBytes"`
	// Segments has one entry per segment when a trace was asked for.
	Segments []SegmentStats `json:"segments,omitempty"`
}

// SegmentStats is the trace of one segment.
type SegmentStats struct {
	Name   string `json:"name"`
	Docs   int64  `json:"docs"`
	Pruned bool   `json:"pruned,omitempty"`
	// Filter lists the predicates in the order in which they were applied.
	Filter []FilterStats `json:"filter,omitempty"`
	// Matched counts rows that passed the filter, Groups the groups that the
	// query had after the segment.
	Matched int64 `json:"matched"`
	Groups  int64 `json:"groups,omitempty"`
	// Method names how rows were found and used, such as "metadata", "dense
	// group-by", "hash group-by", "top-n".
	Method string `json:"method"`
	// StarTree names the star-tree that was read in place of rows; Matched then
	// counts its records.
	StarTree string `json:"starTree,omitempty"`
	// Time is the CPU-time of the workers in the segment.
	Time time.Duration `json:"nanos"`
}

// FilterStats is the trace of one predicate of a segment's filter.
type FilterStats struct {
	Predicate string `json:"predicate"`
	// Method is "sorted", "inverted", "id scan", "range scan", "expression",
	// "all" or "none".
	Method string `json:"method"`
	// Selectivity is the estimated share of rows that pass.
	Selectivity float64 `json:"selectivity"`
}

// Merge adds the figures of another part of the same query.
func (s *Stats) Merge(o *Stats) {
	s.DocsScanned += o.DocsScanned
	s.TotalDocs += o.TotalDocs
	s.EntriesScannedInFilter += o.EntriesScannedInFilter
	s.EntriesScannedPostFilter += o.EntriesScannedPostFilter
	s.SegmentsQueried += o.SegmentsQueried
	s.SegmentsProcessed += o.SegmentsProcessed
	s.SegmentsMatched += o.SegmentsMatched
	s.SegmentsPruned += o.SegmentsPruned
	s.SegmentsCached += o.SegmentsCached
	s.ConsumingQueried += o.ConsumingQueried
	s.ConsumingProcessed += o.ConsumingProcessed
	s.ConsumingMatched += o.ConsumingMatched
	s.PeakBytes += o.PeakBytes
	s.mergeFreshness(o.MinConsumingFreshnessMillis)
	s.Segments = append(s.Segments, o.Segments...)
}

func (s *Stats) mergeFreshness(ms int64) {
	if ms != 0 && (s.MinConsumingFreshnessMillis == 0 || ms < s.MinConsumingFreshnessMillis) {
		s.MinConsumingFreshnessMillis = ms
	}
}
