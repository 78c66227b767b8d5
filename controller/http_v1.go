package controller

import (
	"net/http"
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/assign"
	"github.com/alluviumdb/alluvium/controller/ledger"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func (c *Controller) v1Routes() []route {
	const table = "/v1/tables/{table}"
	return []route{
		{method: "GET", path: "/v1/overview", summary: "Counters and lists of the whole cluster", handle: c.overview},
		{method: "GET", path: table + "/segments", summary: "Segments of a table, desired and observed", handle: c.v1Segments},
		{method: "GET", path: table + "/consuming", summary: "Consuming partitions with offsets, lag and freshness", handle: c.v1Consuming},
		{method: "GET", path: table + "/audit", summary: "Offset ledger of every partition", handle: c.v1Audit},
		{method: "GET", path: "/v1/gaps", summary: "Records lost by the stream's retention", handle: c.v1Gaps},
	}
}

// instanceInfo is an instance with what is heard of it.
type instanceInfo struct {
	ID            string            `json:"id"`
	Role          string            `json:"role"`
	Host          string            `json:"host"`
	Port          uint32            `json:"port"`
	HTTPAddr      string            `json:"httpAddr"`
	Tags          []string          `json:"tags"`
	Build         string            `json:"build"`
	Alive         bool              `json:"alive"`
	Leader        bool              `json:"leader"`
	LastHeartbeat int64             `json:"lastHeartbeatMillis"` // -1: never
	Health        map[string]string `json:"health"`
	ResidentBytes uint64            `json:"residentBytes"`
	Draining      bool              `json:"draining"`
}

func roleName(r pb.Role) string { return strings.TrimPrefix(r.String(), "ROLE_") }

func infoOf(in *pb.Instance, o observation, leader string) instanceInfo {
	info := instanceInfo{
		ID: in.Id, Role: roleName(in.Role), Host: in.Host, Port: in.Port, HTTPAddr: in.HttpAddr,
		Tags: append([]string{}, in.Tags...), Build: in.Build, Alive: o.alive, Leader: in.Id == leader, LastHeartbeat: -1,
		Health: map[string]string{},
	}
	if o.beat != nil {
		info.LastHeartbeat = o.age.Milliseconds()
		info.ResidentBytes, info.Draining = o.beat.ResidentBytes, o.beat.Draining
		if o.beat.Health != nil {
			info.Health = o.beat.Health
		}
	}
	return info
}

type tenantInfo struct {
	Name    string `json:"name"`
	Brokers int    `json:"brokers"`
	Servers int    `json:"servers"`
}

type tableInfo struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Segments  int    `json:"segments"`
	Consuming int    `json:"consuming"`
	Rows      uint64 `json:"rows"`
	Bytes     uint64 `json:"bytes"`
}

type overview struct {
	ClusterID   string         `json:"clusterId"`
	Version     string         `json:"version"`
	Leader      string         `json:"leader"`
	Index       uint64         `json:"index"`
	Counts      map[string]int `json:"counts"`
	Controllers []instanceInfo `json:"controllers"`
	Brokers     []instanceInfo `json:"brokers"`
	Servers     []instanceInfo `json:"servers"`
	Minions     []instanceInfo `json:"minions"`
	Tenants     []tenantInfo   `json:"tenants"`
	Tables      []tableInfo    `json:"tables"`
}

func (c *Controller) overview(r *http.Request) (any, error) {
	st := c.State()
	observed := c.observed(r.Context())
	o := overview{
		ClusterID: st.ClusterID, Version: c.cfg.Version, Index: st.Index,
		Controllers: []instanceInfo{}, Brokers: []instanceInfo{}, Servers: []instanceInfo{}, Minions: []instanceInfo{},
		Tenants: []tenantInfo{}, Tables: []tableInfo{},
	}
	if c.node != nil {
		o.Leader = c.node.Leader()
	}
	lists := map[pb.Role]*[]instanceInfo{
		pb.Role_ROLE_CONTROLLER: &o.Controllers, pb.Role_ROLE_BROKER: &o.Brokers,
		pb.Role_ROLE_SERVER: &o.Servers, pb.Role_ROLE_MINION: &o.Minions,
	}
	for in := range st.Instances() {
		if list := lists[in.Role]; list != nil {
			*list = append(*list, infoOf(in, observed[in.Id], o.Leader))
		}
	}
	o.Tenants = c.tenantInfos()
	reported := reportsOf(observed)
	for t := range st.Tables() {
		o.Tables = append(o.Tables, c.tableInfo(t, reported))
	}
	o.Counts = map[string]int{
		"controllers": len(o.Controllers), "brokers": len(o.Brokers), "servers": len(o.Servers),
		"minions": len(o.Minions), "tenants": len(o.Tenants), "tables": len(o.Tables),
	}
	return o, nil
}

func (c *Controller) tenantInfos() []tenantInfo {
	byName := map[string]*tenantInfo{}
	for in := range c.State().Instances() {
		if in.Role != pb.Role_ROLE_BROKER && in.Role != pb.Role_ROLE_SERVER {
			continue
		}
		for _, name := range assign.Tenants(in) {
			t := byName[name]
			if t == nil {
				t = &tenantInfo{Name: name}
				byName[name] = t
			}
			if in.Role == pb.Role_ROLE_BROKER {
				t.Brokers++
			} else {
				t.Servers++
			}
		}
	}
	out := []tenantInfo{}
	for _, t := range byName {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b tenantInfo) int { return compare(a.Name, b.Name) })
	return out
}

// tableInfo sums up a table. Rows of a consuming segment are those that the
// replica that is farthest reports.
func (c *Controller) tableInfo(t *pb.Table, reported map[string][]observedReport) tableInfo {
	info := tableInfo{Name: t.Name, Type: t.Type}
	for s := range c.State().TableSegments(t.Id) {
		if !api.Visible(s) {
			continue
		}
		rows, size := s.Rows, s.Bytes
		if s.Status == pb.SegmentStatus_SEGMENT_CONSUMING {
			info.Consuming++
			for _, rep := range reported[s.Name] {
				rows, size = max(rows, rep.report.Rows), max(size, rep.report.Bytes)
			}
		}
		info.Segments++
		info.Rows += rows
		info.Bytes += size
	}
	return info
}

type replicaInfo struct {
	Instance string `json:"instance"`
	State    string `json:"state"`
	Rows     uint64 `json:"rows"`
	Error    string `json:"error,omitempty"`
}

type segmentInfo struct {
	Name      string        `json:"name"`
	Partition uint32        `json:"partition"`
	Sequence  uint64        `json:"sequence"`
	Status    string        `json:"status"`
	Rows      uint64        `json:"rows"`
	Rejected  uint64        `json:"rejected"`
	Bytes     uint64        `json:"bytes"`
	FirstSeq  uint64        `json:"firstSeq"`
	MinTime   *int64        `json:"minTime,omitempty"` // µs, or the time column's own unit
	MaxTime   *int64        `json:"maxTime,omitempty"`
	Start     string        `json:"startOffset"`
	End       string        `json:"endOffset"`
	Created   int64         `json:"createdMillis"`
	Ended     int64         `json:"endedMillis"`
	Reason    string        `json:"endReason,omitempty"`
	URI       string        `json:"uri,omitempty"`
	Conflicts []string      `json:"conflicts,omitempty"`
	Replicas  []replicaInfo `json:"replicas"`
}

func (c *Controller) v1Segments(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	observed := c.observed(r.Context())
	reported := reportsOf(observed)
	out := []segmentInfo{}
	for s := range c.State().TableSegments(tab.Id) {
		out = append(out, segmentInfoOf(s, reported[s.Name], observed))
	}
	return map[string]any{"table": tab.Name, "type": tab.Type, "segments": out}, nil
}

func segmentInfoOf(s *pb.Segment, reports []observedReport, observed map[string]observation) segmentInfo {
	info := segmentInfo{
		Name: s.Name, Partition: s.Partition, Sequence: s.Sequence, Status: statusName(s), Rows: s.Rows, Rejected: s.Rejected,
		Bytes: s.Bytes, FirstSeq: s.FirstSeq, Start: s.StartOffsetText, End: s.EndOffsetText,
		Created: s.CreatedMicros / 1000, Ended: s.EndedMicros / 1000, Reason: s.EndReason, URI: s.Uri, Conflicts: s.Conflicts,
		Replicas: []replicaInfo{},
	}
	if s.HasTime {
		info.MinTime, info.MaxTime = &s.MinTime, &s.MaxTime
	}
	for _, id := range s.Replicas {
		rep := replicaInfo{Instance: id, State: "MISSING"}
		if !observed[id].alive {
			rep.State = "DOWN"
		}
		for _, o := range reports {
			if o.instance == id {
				rep.State, rep.Rows, rep.Error = o.report.State, o.report.Rows, o.report.Error
				info.Rows, info.Bytes = max(info.Rows, o.report.Rows), max(info.Bytes, o.report.Bytes)
			}
		}
		info.Replicas = append(info.Replicas, rep)
	}
	return info
}

type consumerInfoV1 struct {
	Partition     uint32  `json:"partition"`
	Name          string  `json:"name"`
	Segment       string  `json:"segment"`
	Server        string  `json:"server"`
	State         string  `json:"state"`
	Offset        string  `json:"offset"`
	HighWatermark string  `json:"highWatermark"`
	LagRecords    int64   `json:"lagRecords"`
	LagMillis     int64   `json:"lagMillis"`
	Freshness     int64   `json:"freshnessMillis"`
	LossHorizon   int64   `json:"lossHorizonMillis"`
	Rows          uint64  `json:"rows"`
	RowsPerSecond float64 `json:"rowsPerSecond"`
	MemoryBytes   uint64  `json:"memoryBytes"`
	Error         string  `json:"error,omitempty"`
}

// v1Consuming lists every partition of a table: with its consumers where live
// servers report some, else as UNASSIGNED, WAITING or DONE.
func (c *Controller) v1Consuming(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	consumers := map[uint32][]consumerOf{}
	for _, con := range consumersOf(c.observed(r.Context()), tab.Id) {
		consumers[con.report.Partition] = append(consumers[con.report.Partition], con)
	}
	out := []consumerInfoV1{}
	for p := range c.State().TablePartitions(tab.Id) {
		for _, con := range consumers[p.Id] {
			out = append(out, consumerInfoOf(p, con))
		}
		if len(consumers[p.Id]) == 0 {
			out = append(out, idlePartition(p))
		}
	}
	return map[string]any{"table": tab.Name, "partitions": out}, nil
}

func consumerInfoOf(p *pb.Partition, con consumerOf) consumerInfoV1 {
	r := con.report
	return consumerInfoV1{
		Partition: p.Id, Name: p.Name, Segment: r.Segment, Server: con.server, State: r.State, Offset: r.OffsetText,
		HighWatermark: r.HighWatermarkText, LagRecords: r.LagRecords, LagMillis: r.LagMillis, Freshness: r.FreshnessMillis,
		LossHorizon: r.LossHorizonMillis, Rows: r.Rows, RowsPerSecond: r.RowsPerSecond, MemoryBytes: r.MemoryBytes, Error: r.Error,
	}
}

// idlePartition describes a partition that no live server reports.
func idlePartition(p *pb.Partition) consumerInfoV1 {
	info := consumerInfoV1{Partition: p.Id, Name: p.Name, State: "UNASSIGNED", Offset: p.StartOffsetText,
		LagRecords: -1, LagMillis: -1, Freshness: -1, LossHorizon: -1}
	switch {
	case p.Done:
		info.State = "DONE"
	case !p.Opened:
		info.State = "WAITING"
	}
	return info
}

func (c *Controller) v1Audit(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	if tab.Type == string(schema.Offline) {
		return nil, invalid("table %s is OFFLINE: its rows come from files and have no offsets to audit", tab.Name)
	}
	st := c.State()
	var gaps []*pb.Gap
	for g := range st.Gaps() {
		if g.TableId == tab.Id {
			gaps = append(gaps, g)
		}
	}
	parts := ledger.Check(slices.Collect(st.TableSegments(tab.Id)), gaps)
	return map[string]any{"table": tab.Name, "partitions": append([]ledger.Partition{}, parts...)}, nil
}

type gapInfo struct {
	Table     string `json:"table"`
	Partition uint32 `json:"partition"`
	From      string `json:"from"`
	To        string `json:"to"`
	Missing   int64  `json:"missing"`
	Time      int64  `json:"timeMillis"`
}

func (c *Controller) v1Gaps(*http.Request) (any, error) {
	st := c.State()
	out := []gapInfo{}
	for g := range st.Gaps() {
		out = append(out, gapInfo{st.Table(g.TableId).GetName(), g.Partition, g.FromText, g.ToText, g.Missing, g.TimeMicros / 1000})
	}
	return map[string]any{"gaps": out}, nil
}
