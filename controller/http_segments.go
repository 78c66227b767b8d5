package controller

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

func (c *Controller) segmentRoutes() []route {
	typ := [][2]string{{"type", "realtime or offline"}}
	const table, segments = "/tables/{table}", "/segments/{table}"
	return []route{
		{method: "GET", path: table + "/size", summary: "Size of a table", handle: c.tableSize},
		{method: "GET", path: table + "/idealstate", summary: "Where each segment should be", params: typ, handle: c.idealState},
		{method: "GET", path: table + "/externalview", summary: "Where each segment is", params: typ, handle: c.externalView},
		{method: "GET", path: table + "/consumingSegmentsInfo", summary: "Offsets and lag of the consuming segments", handle: c.consumingInfo},
		{method: "GET", path: segments, summary: "Names of a table's segments", params: typ, handle: c.listSegments},
		{method: "GET", path: segments + "/servers", summary: "Segments by server", params: typ, handle: c.segmentServers},
		{method: "GET", path: segments + "/{segment}/metadata", summary: "Metadata of a segment", handle: c.segmentMetadata},
		{method: "DELETE", path: segments + "/{segment}", summary: "Delete a sealed segment", handle: c.removeSegment},
	}
}

// helixState is Pinot's word for a segment's desired state.
func helixState(s *pb.Segment) string {
	if s.Status == pb.SegmentStatus_SEGMENT_CONSUMING {
		return "CONSUMING"
	}
	return "ONLINE"
}

// statusName is our word: CONSUMING, ENDED, COMMITTED or DURABLE; STAGED and
// RETIRED for segments that queries don't see yet, or no longer.
func statusName(s *pb.Segment) string {
	switch {
	case s.Staged:
		return "STAGED"
	case !api.Visible(s):
		return "RETIRED"
	}
	const prefix = "SEGMENT_"
	return s.Status.String()[len(prefix):]
}

type segmentSize struct {
	Reported  uint64 `json:"reportedSizeInBytes"`
	Estimated uint64 `json:"estimatedSizeInBytes"`
}

func (c *Controller) tableSize(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	reported := reportsOf(c.observed(r.Context()))
	var total uint64
	segs := map[string]segmentSize{}
	for s := range c.State().TableSegments(tab.Id) {
		if !api.Visible(s) {
			continue
		}
		size := s.Bytes
		for _, rep := range reported[s.Name] {
			size = max(size, rep.report.Bytes)
		}
		total += size
		segs[s.Name] = segmentSize{size, size}
	}
	part := map[string]any{"reportedSizeInBytes": total, "estimatedSizeInBytes": total, "missingSegments": 0, "segments": segs}
	out := map[string]any{"tableName": tab.Name, "reportedSizeInBytes": total, "estimatedSizeInBytes": total,
		"realtimeSegments": nil, "offlineSegments": nil}
	out[map[string]string{"REALTIME": "realtimeSegments", "OFFLINE": "offlineSegments"}[tab.Type]] = part
	return out, nil
}

// byType answers in Pinot's shape with one entry per table type.
func byType(tab *pb.Table, v any) map[string]any {
	out := map[string]any{"OFFLINE": nil, "REALTIME": nil}
	out[tab.Type] = v
	return out
}

func (c *Controller) idealState(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	view := map[string]map[string]string{}
	for s := range c.State().TableSegments(tab.Id) {
		view[s.Name] = map[string]string{}
		for _, in := range s.Replicas {
			view[s.Name][in] = helixState(s)
		}
	}
	return byType(tab, view), nil
}

// observedReport is what one instance reports of one segment.
type observedReport struct {
	instance string
	report   *pb.SegmentReport
}

// reportsOf sorts the reports of live instances by segment.
func reportsOf(observed map[string]observation) map[string][]observedReport {
	out := map[string][]observedReport{}
	for id, o := range observed {
		if !o.alive {
			continue
		}
		for _, s := range o.beat.GetSegments() {
			out[s.Name] = append(out[s.Name], observedReport{id, s})
		}
	}
	return out
}

// observedState is Pinot's word for a reported state.
func observedState(s string) string {
	switch s {
	case "CONSUMING", "ONLINE", "ERROR":
		return s
	case "BUILDING":
		return "ONLINE" // its rows are served while the file is built
	}
	return "OFFLINE"
}

func (c *Controller) externalView(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	reported := reportsOf(c.observed(r.Context()))
	view := map[string]map[string]string{}
	for s := range c.State().TableSegments(tab.Id) {
		for _, rep := range reported[s.Name] {
			if view[s.Name] == nil {
				view[s.Name] = map[string]string{}
			}
			view[s.Name][rep.instance] = observedState(rep.report.State)
		}
	}
	return byType(tab, view), nil
}

// consumersOf returns what live servers report of a table's consuming
// partitions, by partition, with the server.
func consumersOf(observed map[string]observation, tableID uint32) []consumerOf {
	var out []consumerOf
	for id, o := range observed {
		for _, r := range o.beat.GetConsumers() {
			if r.TableId == tableID && o.alive {
				out = append(out, consumerOf{id, r})
			}
		}
	}
	slices.SortFunc(out, func(a, b consumerOf) int {
		if a.report.Partition != b.report.Partition {
			return int(a.report.Partition) - int(b.report.Partition)
		}
		return compare(a.server, b.server)
	})
	return out
}

type consumerOf struct {
	server string
	report *pb.ConsumerReport
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (c *Controller) consumingInfo(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	info := map[string][]any{}
	for s := range c.State().TableSegments(tab.Id) {
		if s.Status == pb.SegmentStatus_SEGMENT_CONSUMING {
			info[s.Name] = []any{}
		}
	}
	failing := 0
	observed := c.observed(r.Context())
	for _, o := range observed {
		if !o.alive {
			failing++
		}
	}
	for _, con := range consumersOf(observed, tab.Id) {
		info[con.report.Segment] = append(info[con.report.Segment], consumerInfo(con))
	}
	return map[string]any{"serversFailingToRespond": failing, "serversUnparsableRespond": 0, "_segmentToConsumingInfoMap": info}, nil
}

func consumerInfo(con consumerOf) any {
	p := strconv.Itoa(int(con.report.Partition))
	one := func(v string) map[string]string { return map[string]string{p: v} }
	return map[string]any{
		"serverName":           con.server,
		"consumerState":        con.report.State,
		"partitionToOffsetMap": one(con.report.OffsetText),
		"partitionOffsetInfo": map[string]any{
			"currentOffsetsMap":       one(con.report.OffsetText),
			"latestUpstreamOffsetMap": one(con.report.HighWatermarkText),
			"recordsLagMap":           one(strconv.FormatInt(con.report.LagRecords, 10)),
			"availabilityLagMsMap":    one(strconv.FormatInt(con.report.LagMillis, 10)),
		},
	}
}

func (c *Controller) listSegments(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for s := range c.State().TableSegments(tab.Id) {
		if api.Visible(s) {
			names = append(names, s.Name)
		}
	}
	return []map[string][]string{{tab.Type: names}}, nil
}

func (c *Controller) segmentServers(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	servers := map[string][]string{}
	for s := range c.State().TableSegments(tab.Id) {
		for _, in := range s.Replicas {
			servers[in] = append(servers[in], s.Name)
		}
	}
	return []map[string]any{{"tableName": typedName(tab), "serverToSegmentsMap": servers}}, nil
}

// segment returns the segment that a request names.
func (c *Controller) segment(r *http.Request) (*pb.Table, *pb.Segment, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, nil, err
	}
	name := r.PathValue("segment")
	s := c.State().Segment(name)
	if s == nil || s.TableId != tab.Id {
		return nil, nil, notFound("table %s has no segment %q", tab.Name, name)
	}
	return tab, s, nil
}

func (c *Controller) segmentMetadata(r *http.Request) (any, error) {
	tab, s, err := c.segment(r)
	if err != nil {
		return nil, err
	}
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	m := map[string]string{
		"segment.name":                    s.Name,
		"segment.table.name":              typedName(tab),
		"segment.realtime.status":         map[bool]string{true: "IN_PROGRESS", false: "DONE"}[helixState(s) == "CONSUMING"],
		"segment.alluvium.status":         statusName(s),
		"segment.creation.time":           num(s.CreatedMicros / 1000),
		"segment.realtime.startOffset":    s.StartOffsetText,
		"segment.realtime.endOffset":      s.EndOffsetText,
		"segment.total.docs":              strconv.FormatUint(s.Rows, 10),
		"segment.crc":                     strconv.FormatUint(uint64(s.Crc), 10),
		"segment.size.in.bytes":           strconv.FormatUint(s.Bytes, 10),
		"segment.download.url":            s.Uri,
		"segment.alluvium.first.seq":      strconv.FormatUint(s.FirstSeq, 10),
		"segment.alluvium.schema.version": strconv.Itoa(int(s.SchemaVersion)),
	}
	if s.HasTime {
		m["segment.start.time"], m["segment.end.time"] = num(s.MinTime), num(s.MaxTime)
	}
	return m, nil
}

func (c *Controller) removeSegment(r *http.Request) (any, error) {
	tab, s, err := c.segment(r)
	if err != nil {
		return nil, err
	}
	_, err = c.propose(r.Context(), &pb.Command{Key: newKey(), Body: &pb.Command_DeleteSegments{DeleteSegments: &pb.DeleteSegments{
		TableId: tab.Id, Segments: []string{s.Name}, Reason: "by hand",
	}}})
	if err != nil {
		return nil, err
	}
	return changed("Segment "+s.Name+" deleted", nil), nil
}
