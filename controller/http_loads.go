package controller

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/alluviumdb/alluvium/api/pb"
)

func (c *Controller) loadRoutes() []route {
	const table = "/v1/tables/{table}"
	const loads, one = table + "/loads", table + "/loads/{load}"
	return []route{
		{method: "GET", path: table + "/definition", summary: "A table with its versions and column ids", handle: c.tableDefinition},
		{method: "GET", path: loads, summary: "Batch loads of a table", handle: c.listLoads},
		{method: "POST", path: loads, summary: "Begin a batch load, or find the one of the same key", body: true, handle: c.postLoad},
		{method: "GET", path: one, summary: "A batch load with its segments", handle: c.getLoad},
		{method: "PUT", path: one + "/segments/{segment}", summary: "Stage a segment: servers load it, queries don't see it yet", file: true,
			params: [][2]string{{"crc", "CRC32C of the file in hexadecimal, checked on arrival"}}, handle: c.putStaged},
		{method: "POST", path: one + "/commit", summary: "Make all staged segments visible together",
			params: [][2]string{
				{"segments", "how many segments the load has; refused when others are staged"},
				{"timeout", "how long to wait for the servers to load them, such as 30s"}}, handle: c.postCommit},
		{method: "DELETE", path: one, summary: "Abort a batch load: nothing of it stays",
			params: [][2]string{{"reason", "shown in the load"}}, handle: c.deleteLoad},
	}
}

// loadInfo is a load as the API shows it.
type loadInfo struct {
	ID         uint64          `json:"id"`
	Table      string          `json:"table"`
	Key        string          `json:"key"`
	Mode       string          `json:"mode"`
	From       *int64          `json:"from,omitempty"` // in the time column's own unit
	To         *int64          `json:"to,omitempty"`
	Status     string          `json:"status"`
	Segments   uint64          `json:"segments"`
	Rows       uint64          `json:"rows"`
	Bytes      uint64          `json:"bytes"`
	Replaced   uint64          `json:"replaced"`
	Version    uint32          `json:"tableVersion"` // when the load began
	Superseded bool            `json:"superseded,omitempty"`
	Reason     string          `json:"reason,omitempty"`
	Created    int64           `json:"createdMillis"`
	Touched    int64           `json:"touchedMillis"`
	Finished   int64           `json:"finishedMillis,omitempty"`
	Staged     []stagedSegment `json:"stagedSegments,omitempty"`
}

type stagedSegment struct {
	Name     string   `json:"name"`
	CRC      uint32   `json:"crc"`
	Rows     uint64   `json:"rows"`
	Bytes    uint64   `json:"bytes"`
	Replicas []string `json:"replicas"`
}

// loadModes are the names of the modes.
var loadModes = map[pb.LoadMode]string{
	pb.LoadMode_LOAD_APPEND: "append", pb.LoadMode_LOAD_REPLACE_ALL: "replace", pb.LoadMode_LOAD_REPLACE_RANGE: "replace-range",
}

func loadInfoOf(tab *pb.Table, l *pb.Load) loadInfo {
	const prefix = len("LOAD_")
	info := loadInfo{
		ID: l.Id, Table: tab.Name, Key: l.Key, Mode: loadModes[l.Mode], Status: l.Status.String()[prefix:], Segments: l.Segments,
		Rows: l.Rows, Bytes: l.Bytes, Replaced: l.Replaced, Version: l.TableVersion, Superseded: l.Superseded, Reason: l.Reason,
		Created: l.CreatedMicros / 1000, Touched: l.TouchedMicros / 1000, Finished: l.FinishedMicros / 1000,
	}
	if l.Mode == pb.LoadMode_LOAD_REPLACE_RANGE {
		info.From, info.To = &l.FromTime, &l.ToTime
	}
	return info
}

func stagedOf(s *pb.Segment) stagedSegment {
	return stagedSegment{Name: s.Name, CRC: s.Crc, Rows: s.Rows, Bytes: s.Bytes, Replicas: append([]string{}, s.Replicas...)}
}

// tableDefinition answers the table's message: what is needed to build
// segments for it elsewhere.
func (c *Controller) tableDefinition(r *http.Request) (any, error) {
	if err := c.catchUp(r.Context()); err != nil { // of an old definition nothing should be built
		return nil, err
	}
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	raw, err := protojson.Marshal(tab)
	return json.RawMessage(raw), err
}

func (c *Controller) listLoads(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	out := []loadInfo{}
	for l := range c.State().TableLoads(tab.Id) {
		out = append(out, loadInfoOf(tab, l))
	}
	return map[string]any{"table": tab.Name, "loads": out}, nil
}

// beginRequest is the body of a request to begin a load.
type beginRequest struct {
	Key  string `json:"key"`
	Mode string `json:"mode"`
	From string `json:"from"`
	To   string `json:"to"`
}

func (c *Controller) postLoad(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	raw, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var req beginRequest
	if err := json.Unmarshal(raw, &req); err != nil {
		return nil, invalid("the body is not the JSON of key, mode, from and to: %v", err)
	}
	b, err := req.command(tab)
	if err != nil {
		return nil, err
	}
	l, err := c.beginLoad(r.Context(), b)
	if err != nil {
		return nil, err
	}
	return c.withStaged(tab, l), nil
}

// command turns a request into the command to begin a load.
func (q *beginRequest) command(tab *pb.Table) (*pb.BeginLoad, error) {
	b := &pb.BeginLoad{TableId: tab.Id, Key: q.Key}
	for mode, name := range loadModes {
		if name == q.Mode {
			b.Mode = mode
		}
	}
	if b.Mode == pb.LoadMode_LOAD_MODE_UNSPECIFIED {
		return nil, invalid("mode must be append, replace or replace-range, not %q", q.Mode)
	}
	ranged := b.Mode == pb.LoadMode_LOAD_REPLACE_RANGE
	if ranged != (q.From != "" && q.To != "") || !ranged && (q.From != "" || q.To != "") {
		return nil, invalid("from and to belong to the mode replace-range, both of them")
	}
	if !ranged {
		return b, nil
	}
	var err error
	b.FromTime, b.ToTime, err = loadRange(tab, q.From, q.To)
	return b, err
}

// load returns the load that a request names.
func (c *Controller) load(r *http.Request) (*pb.Table, *pb.Load, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, nil, err
	}
	id, err := strconv.ParseUint(r.PathValue("load"), 10, 64)
	if err != nil {
		return nil, nil, invalid("the id of a load is a number, not %q", r.PathValue("load"))
	}
	l := c.State().Load(id)
	if l == nil { // it may have begun at another controller a moment ago
		if err := c.catchUp(r.Context()); err != nil {
			return nil, nil, err
		}
		l = c.State().Load(id)
	}
	if l == nil || l.TableId != tab.Id {
		return nil, nil, notFound("table %s has no load %d", tab.Name, id)
	}
	return tab, l, nil
}

// withStaged shows a load with its segments.
func (c *Controller) withStaged(tab *pb.Table, l *pb.Load) loadInfo {
	info := loadInfoOf(tab, l)
	for seg := range c.State().LoadSegments(l) {
		info.Staged = append(info.Staged, stagedOf(seg))
	}
	return info
}

func (c *Controller) getLoad(r *http.Request) (any, error) {
	tab, l, err := c.load(r)
	if err != nil {
		return nil, err
	}
	return c.withStaged(tab, l), nil
}

func (c *Controller) putStaged(r *http.Request) (any, error) {
	// A file that is refused before it was read is taken in all the same, so
	// that the answer reaches a sender who is still sending.
	defer io.Copy(io.Discard, r.Body)
	tab, l, err := c.load(r)
	if err != nil {
		return nil, err
	}
	var crc *uint32
	if text := r.URL.Query().Get("crc"); text != "" {
		n, err := strconv.ParseUint(text, 16, 32)
		if err != nil {
			return nil, invalid("parameter crc must be a number in hexadecimal, not %q", text)
		}
		sum := uint32(n)
		crc = &sum
	}
	seg, err := c.stage(r.Context(), tab, l, r.PathValue("segment"), crc, r.Body)
	if err != nil {
		return nil, err
	}
	return stagedOf(seg), nil
}

// Bounds of the time that a commit waits for the servers.
const (
	defaultCommitWait = 30 * time.Second
	maxCommitWait     = 10 * time.Minute
)

func (c *Controller) postCommit(r *http.Request) (any, error) {
	tab, l, err := c.load(r)
	if err != nil {
		return nil, err
	}
	segments, err := strconv.ParseUint(r.URL.Query().Get("segments"), 10, 64)
	if err != nil {
		return nil, invalid("parameter segments must be the number of segments of the load, not %q", r.URL.Query().Get("segments"))
	}
	wait := defaultCommitWait
	if text := r.URL.Query().Get("timeout"); text != "" {
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > maxCommitWait {
			return nil, invalid("parameter timeout must be a duration up to %v, not %q", maxCommitWait, text)
		}
	}
	l, err = c.commitLoad(r.Context(), l, segments, wait)
	if err != nil {
		return nil, err
	}
	return loadInfoOf(tab, l), nil
}

func (c *Controller) deleteLoad(r *http.Request) (any, error) {
	tab, l, err := c.load(r)
	if err != nil {
		return nil, err
	}
	reason := r.URL.Query().Get("reason")
	if reason == "" {
		reason = "by hand"
	}
	if l, err = c.abortLoad(r.Context(), &pb.AbortLoad{Load: l.Id, Reason: reason}); err != nil {
		return nil, err
	}
	return loadInfoOf(tab, l), nil
}
