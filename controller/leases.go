package controller

import (
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
)

// leases is what the leader last heard of every instance.
type leases struct {
	lease time.Duration
	now   func() time.Time

	mu    sync.Mutex // guards the fields below
	since time.Time  // when this controller began to lead
	seen  map[string]report
}

// report is the latest heartbeat of an instance; beat is nil when it only
// registered.
type report struct {
	beat *pb.HeartbeatRequest
	at   time.Time
}

func newLeases(lease time.Duration, now func() time.Time) *leases {
	return &leases{lease: lease, now: now, seen: map[string]report{}}
}

// begin forgets everything at the start of a leadership.
func (l *leases) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = l.now()
	l.seen = map[string]report{}
}

// heard notes a heartbeat.
func (l *leases) heard(r *pb.HeartbeatRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[r.InstanceId] = report{beat: r, at: l.now()}
}

// touch notes that an instance registered.
func (l *leases) touch(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.seen[id]
	r.at = l.now()
	l.seen[id] = r
}

// silent returns for how long nothing was heard of an instance: since its last
// heartbeat, but no longer than this controller leads.
func (l *leases) silent(id string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.since
	if r, ok := l.seen[id]; ok && r.at.After(last) {
		last = r.at
	}
	return l.now().Sub(last)
}

// alive tells whether an instance's lease runs and it takes new work.
func (l *leases) alive(id string) bool {
	if l.silent(id) > l.lease {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.seen[id].beat.GetDraining()
}

// all returns the reports with their age.
func (l *leases) all() map[string]observation {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]observation, len(l.seen))
	now := l.now()
	for id, r := range l.seen {
		out[id] = observation{beat: r.beat, age: now.Sub(r.at), alive: now.Sub(r.at) <= l.lease}
	}
	return out
}

// observation is a report as others see it. The zero value is an instance of
// which nothing was heard.
type observation struct {
	beat  *pb.HeartbeatRequest
	age   time.Duration
	alive bool
}
