package controller

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// laidOut lets the server report segments online with a layout.
func (l *loader) laidOut(layout string, names ...string) {
	l.t.Helper()
	r := &pb.HeartbeatRequest{InstanceId: loadServer}
	for _, n := range names {
		r.Segments = append(r.Segments, &pb.SegmentReport{Name: n, State: "ONLINE", Layout: layout})
	}
	if _, err := l.Heartbeat(l.t.Context(), r); err != nil {
		l.t.Fatal(err)
	}
}

func (l *loader) layout() string {
	l.t.Helper()
	def, err := api.DecodeTable(l.State().TableByName("events"))
	if err != nil {
		l.t.Fatal(err)
	}
	return def.Layout()
}

// reloaded asks for the status of a job.
func (l *loader) reloaded(job string) reloadState {
	l.t.Helper()
	var s reloadState
	l.get(l.t, "/segments/segmentReloadStatus/"+url.PathEscape(job), &s)
	return s
}

func (l *loader) must(method, path, body string, status int, want string) string {
	l.t.Helper()
	got, answer := l.call(l.t, method, path, body)
	if got != status || !strings.Contains(answer, want) {
		l.t.Fatalf("%s %s: %d, want %d with %q: %s", method, path, got, status, want, answer)
	}
	return answer
}

func TestReload(t *testing.T) {
	l := newLoader(t)
	load := l.begin("k", "append")
	l.stage(load.ID, "one", 1)
	l.stage(load.ID, "two", 2)
	before := l.layout()
	l.laidOut(before, "one", "two")
	l.must("POST", "/segments/events/reload", "", 200, `\"numMessagesSent\":\"0\"`) // staged ones are no part of the table
	l.commit(load.ID, 2, 200, nil)
	l.must("GET", "/segments/events/needReload", "", 200, `{"needReload":false}`)

	l.must("PUT", "/tables/events", strings.Replace(offlineTable, `{"inv`, `{"bloomFilterColumns":["user"],"inv`, 1), 200, "updated")
	l.must("GET", "/segments/events_OFFLINE/needReload", "", 200, `{"needReload":true}`)
	var change struct {
		Status   string
		Warnings []string
	}
	if err := json.Unmarshal([]byte(l.must("POST", "/segments/events/reload?forceDownload=true", "", 200, "forceDownload: has no effect")), &change); err != nil {
		t.Fatal(err)
	}
	var tables map[string]struct{ ReloadJobID string }
	if err := json.Unmarshal([]byte(change.Status), &tables); err != nil {
		t.Fatal(err)
	}
	job := tables["events_OFFLINE"].ReloadJobID
	if s := l.reloaded(job); s.Total != 2 || s.Done != 0 || s.Failed != 0 || s.Servers != 1 || s.Remaining != -1 || s.Metadata["jobId"] != job {
		t.Errorf("nothing is done: %+v", s)
	}

	l.now.Add(int64(time.Second / time.Microsecond))
	beat := &pb.HeartbeatRequest{InstanceId: loadServer, Segments: []*pb.SegmentReport{
		{Name: "one", State: "ONLINE", Layout: l.layout()}, {Name: "two", State: "ONLINE", Layout: before, Error: "disk is full"},
	}}
	if _, err := l.Heartbeat(t.Context(), beat); err != nil {
		t.Fatal(err)
	}
	s := l.reloaded(job)
	if s.Done != 1 || s.Failed != 1 || len(s.Errors) != 1 || !strings.Contains(s.Errors[0], "two at "+loadServer+": disk is full") || s.Remaining <= 0 {
		t.Errorf("half is done: %+v", s)
	}
	l.must("GET", "/segments/events/needReload?verbose=true", "", 200, `"`+loadServer+`":{"instanceId":"`+loadServer+`","needReload":true}`)
	l.laidOut(l.layout(), "one", "two")
	if s := l.reloaded(job); s.Done != 2 || s.Total != 2 || s.Remaining != 0 || s.Elapsed <= 0 || len(s.Errors) != 0 {
		t.Errorf("all is done: %+v", s)
	}
	l.must("GET", "/segments/events/needReload", "", 200, `{"needReload":false}`)

	answer := l.must("POST", "/segments/events/two/reload", "", 200, "Submitted reload job id: reload.")
	_, rest, _ := strings.Cut(answer, "job id: ")
	one, _, _ := strings.Cut(rest, ",")
	if s := l.reloaded(one); s.Total != 1 || s.Done != 1 || s.Metadata["jobType"] != "RELOAD_SEGMENT" || s.Metadata["segmentName"] != "two" {
		t.Errorf("one segment: %+v", s)
	}

	l.now.Add(int64(time.Hour / time.Microsecond)) // the server is silent: nobody knows what it has
	if s := l.reloaded(job); s.Done != 0 || s.SilentServers != 1 {
		t.Errorf("a silent server: %+v", s)
	}
}

func TestReloadRefusals(t *testing.T) {
	l := newLoader(t)
	l.must("POST", "/segments/nope/reload", "", 404, "no table")
	l.must("POST", "/segments/events/nope/reload", "", 404, "no segment")
	l.must("POST", "/segments/events/reload?forceDownload=maybe", "", 400, "forceDownload")
	l.must("GET", "/segments/events/needReload?verbose=2", "", 400, "verbose")
	l.must("GET", "/segments/events/needReload?type=realtime", "", 404, "of type REALTIME")
	for _, job := range []string{"x", "reload.1.2", "reload.a.2.3", "reload.1.-.3", "reload.1.2.-3", "reload.9999.2.3"} {
		l.must("GET", "/segments/segmentReloadStatus/"+job, "", 404, "no reload job")
	}
	l.must("GET", "/segments/events/elsewhere", "", 404, "there is nothing at")
	l.must("GET", "/segments/segmentReloadStatus/servers", "", 404, "no table") // a table may have the name
	l.must("GET", "/openapi.json", "", 200, `"/segments/segmentReloadStatus/{jobId}"`)
}

func TestReloadJobID(t *testing.T) {
	for _, j := range []reloadJob{{table: 7, millis: 1, pending: 3}, {table: 1, millis: -5, segment: "a.b.1"}} {
		got, ok := parseReloadJob(j.String())
		if !ok || *got != j {
			t.Errorf("%s became %+v", j.String(), got)
		}
	}
}
