package scatter

import (
	"sync"
	"time"
)

// suspicion is how long an instance that did not answer is avoided where
// another replica exists: long enough to spare the queries of a busy broker the
// wait, short enough that a server which only restarted is soon used again.
const suspicion = time.Second

// suspects remembers which instances failed to answer lately. An instance that
// is suspected is still asked when it is the only one with a segment, so a
// mistake costs balance and never an answer.
type suspects struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// failed notes that an instance did not answer.
func (s *suspects) failed(instance string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	s.until[instance] = time.Now().Add(suspicion)
}

// answered clears an instance.
func (s *suspects) answered(instance string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.until, instance)
}

// alive tells whether an instance is not suspected; see routing.Router.Alive.
func (s *suspects) alive(instance string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.until[instance]
	if ok && time.Now().After(until) {
		delete(s.until, instance)
		return true
	}
	return !ok
}
