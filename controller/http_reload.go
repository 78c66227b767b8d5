package controller

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// Servers rebuild by themselves what does not have the layout of the table's
// config, so that a reload has nothing to start. Pinot's operations tell how far
// that is. A job is its id, which says what was asked and when: any controller
// answers for it, whoever leads.

func (c *Controller) reloadRoutes() []route {
	const segments = "/segments/{table}"
	params := [][2]string{
		{"type", "realtime or offline"},
		{"forceDownload", "accepted; files are checked against their checksums and fetched again when they fail"},
	}
	return []route{
		{method: "POST", path: segments + "/reload", summary: "A job that tells when all segments have the table's indexes", params: params, handle: c.reloadTable},
		{method: "POST", path: segments + "/{segment}/reload", summary: "A job that tells when a segment has the table's indexes", params: params, handle: c.reloadSegment},
		// The path would conflict with others of the same length, were it mounted as it is.
		{method: "GET", path: "/segments/" + reloadStatusWord + "/{jobId}", pattern: segments + "/{jobId}", summary: "How far a reload is", handle: c.reloadStatus},
		{method: "GET", path: segments + "/needReload", summary: "Whether servers still build files with the table's indexes",
			params: [][2]string{{"type", "realtime or offline"}, {"verbose", "true for an answer by server"}}, handle: c.needReload},
	}
}

// reloadStatusWord stands where other paths have the name of a table.
const reloadStatusWord = "segmentReloadStatus"

// reloadJob is what the id of a reload says.
type reloadJob struct {
	table   uint32
	millis  int64 // when it was asked for
	pending int   // replicas that lacked the layout then
	segment string
}

func (j *reloadJob) String() string {
	id := fmt.Sprintf("reload.%d.%d.%d", j.table, j.millis, j.pending)
	if j.segment != "" {
		id += "." + j.segment
	}
	return id
}

func parseReloadJob(id string) (*reloadJob, bool) {
	const fields = 5
	part := strings.SplitN(id, ".", fields)
	if len(part) < fields-1 || part[0] != "reload" {
		return nil, false
	}
	table, err1 := strconv.ParseUint(part[1], 10, 32)
	millis, err2 := strconv.ParseInt(part[2], 10, 64)
	pending, err3 := strconv.ParseUint(part[3], 10, 31)
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, false
	}
	j := &reloadJob{table: uint32(table), millis: millis, pending: int(pending)}
	if len(part) == fields {
		j.segment = part[4]
	}
	return j, true
}

// reloadProgress counts replicas of sealed segments.
type reloadProgress struct {
	total, done, failed int
	servers             map[string]bool // whether all that a server has is done
	silent              int             // servers that are not alive
	errors              []string
}

// maxReloadErrors bounds the errors that a status shows.
const maxReloadErrors = 10

// reloadProgressOf compares what servers report with the layout that the table
// asks for. segment is "" for all of the table.
func (c *Controller) reloadProgressOf(r *http.Request, tab *pb.Table, segment string) *reloadProgress {
	p := &reloadProgress{servers: map[string]bool{}}
	observed := c.observed(r.Context())
	reports := reportsByServer(observed)
	layouts := layoutsOf(tab)
	for seg := range c.State().TableSegments(tab.Id) {
		if segment != "" && seg.Name != segment || !api.Visible(seg) || !hasFile(seg) {
			continue
		}
		want := layouts(seg.SchemaVersion)
		for _, id := range seg.Replicas {
			p.add(id, seg.Name, reports[id][seg.Name], want)
		}
	}
	for id := range p.servers {
		if !observed[id].alive {
			p.silent++
		}
	}
	return p
}

// add counts one replica; rep is nil when its server does not report it.
func (p *reloadProgress) add(server, segment string, rep *pb.SegmentReport, layout string) {
	done := rep.GetState() == "ONLINE" && rep.Layout == layout
	if all, known := p.servers[server]; !known || all {
		p.servers[server] = done
	}
	p.total++
	switch {
	case done:
		p.done++
	case rep.GetError() != "":
		p.failed++
		if len(p.errors) < maxReloadErrors {
			p.errors = append(p.errors, "segment "+segment+" at "+server+": "+rep.Error)
		}
	}
}

// hasFile tells whether servers have, or should have, a sealed file.
func hasFile(s *pb.Segment) bool {
	return s.Status == pb.SegmentStatus_SEGMENT_COMMITTED || s.Status == pb.SegmentStatus_SEGMENT_DURABLE
}

// reportsByServer sorts the reports of live instances by segment.
func reportsByServer(observed map[string]observation) map[string]map[string]*pb.SegmentReport {
	out := map[string]map[string]*pb.SegmentReport{}
	for id, o := range observed {
		if !o.alive {
			continue
		}
		out[id] = map[string]*pb.SegmentReport{}
		for _, s := range o.beat.GetSegments() {
			out[id][s.Name] = s
		}
	}
	return out
}

// layoutsOf returns the layout that a table asks for, by the version of the
// schema that a segment was built by.
func layoutsOf(tab *pb.Table) func(version uint32) string {
	known := map[uint32]string{}
	return func(version uint32) string {
		layout, ok := known[version]
		if !ok {
			if def, err := api.DecodeTableAt(tab, version); err == nil { // else no server can build it
				layout = def.Layout()
			}
			known[version] = layout
		}
		return layout
	}
}

// startReload makes the job of a request with its warnings.
func (c *Controller) startReload(r *http.Request, tab *pb.Table, segment string) (*reloadJob, *reloadProgress, []string, error) {
	force, err := boolParam(r, "forceDownload", false)
	if err != nil {
		return nil, nil, nil, err
	}
	var warnings []string
	if force {
		warnings = append(warnings, "forceDownload: has no effect: a file never changes under its name, and one that fails its checksums is fetched again")
	}
	p := c.reloadProgressOf(r, tab, segment)
	j := &reloadJob{table: tab.Id, millis: c.cfg.Now().UnixMilli(), pending: p.total - p.done, segment: segment}
	return j, p, warnings, nil
}

func (c *Controller) reloadTable(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	job, p, warnings, err := c.startReload(r, tab, "")
	if err != nil {
		return nil, err
	}
	// Pinot's status is a document in a string.
	status, err := json.Marshal(map[string]any{typedName(tab): map[string]string{
		"numMessagesSent": strconv.Itoa(len(p.servers)), "reloadJobId": job.String(), "reloadJobMetaZKStorageStatus": "SUCCESS",
	}})
	return changed(string(status), warnings), err
}

func (c *Controller) reloadSegment(r *http.Request) (any, error) {
	tab, seg, err := c.segment(r)
	if err != nil {
		return nil, err
	}
	if !hasFile(seg) {
		return nil, conflict("segment %s is not sealed yet; it gets the table's indexes when it is", seg.Name)
	}
	job, p, warnings, err := c.startReload(r, tab, seg.Name)
	if err != nil {
		return nil, err
	}
	return changed(fmt.Sprintf("Submitted reload job id: %s, sent %d reload messages. Job meta ZK storage status: SUCCESS", job, len(p.servers)), warnings), nil
}

// reloadState is the answer about a job, in Pinot's shape and with the errors.
type reloadState struct {
	Elapsed       float64           `json:"timeElapsedInMinutes"`
	Remaining     float64           `json:"estimatedTimeRemainingInMinutes"` // -1: unknown
	Total         int               `json:"totalSegmentCount"`
	Done          int               `json:"successCount"`
	Failed        int               `json:"failureCount"`
	Servers       int               `json:"totalServersQueried"`
	SilentServers int               `json:"totalServerCallsFailed"`
	Errors        []string          `json:"errors"`
	Metadata      map[string]string `json:"metadata"`
}

func (c *Controller) reloadStatus(r *http.Request) (any, error) {
	if r.PathValue("table") != reloadStatusWord {
		return nil, notFound("there is nothing at %s", r.URL.Path)
	}
	id := r.PathValue("jobId")
	job, ok := parseReloadJob(id)
	if !ok {
		return nil, notFound("no reload job %q", id)
	}
	tab := c.State().Table(job.table)
	if tab == nil {
		return nil, notFound("no reload job %q: its table is gone", id)
	}
	return job.state(tab, c.reloadProgressOf(r, tab, job.segment), c.cfg.Now()), nil
}

func (j *reloadJob) state(tab *pb.Table, p *reloadProgress, now time.Time) reloadState {
	elapsed := max(now.Sub(time.UnixMilli(j.millis)).Minutes(), 0)
	s := reloadState{
		Elapsed: elapsed, Remaining: -1, Total: p.total, Done: p.done, Failed: p.failed, Servers: len(p.servers), SilentServers: p.silent,
		Errors: append([]string{}, p.errors...),
		Metadata: map[string]string{
			"jobId": j.String(), "jobType": "RELOAD_ALL_SEGMENTS", "tableName": typedName(tab),
			"submissionTimeMs": strconv.FormatInt(j.millis, 10), "messageCount": strconv.Itoa(len(p.servers)),
		},
	}
	if j.segment != "" {
		s.Metadata["jobType"], s.Metadata["segmentName"] = "RELOAD_SEGMENT", j.segment
	}
	left := p.total - p.done
	switch finished := j.pending - left; {
	case left == 0:
		s.Remaining = 0
	case finished > 0:
		s.Remaining = elapsed / float64(finished) * float64(left)
	}
	return s
}

func (c *Controller) needReload(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	verbose, err := boolParam(r, "verbose", false)
	if err != nil {
		return nil, err
	}
	p := c.reloadProgressOf(r, tab, "")
	out := map[string]any{"needReload": p.done < p.total}
	if verbose {
		byServer := map[string]any{}
		for _, id := range slices.Sorted(maps.Keys(p.servers)) {
			byServer[id] = map[string]any{"needReload": !p.servers[id], "instanceId": id}
		}
		out["serverToSegmentsCheckReloadList"] = byServer
	}
	return out, nil
}
