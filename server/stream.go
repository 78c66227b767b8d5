package server

import (
	"context"
	"errors"

	"github.com/alluviumdb/alluvium/ingest"
)

// tableStream is an open stream of a table. Its users hold it between
// tableRuntime.open and tableRuntime.release; one that was replaced, or whose
// table is gone, is closed with its last user, so that it is neither leaked nor
// closed under a reader.
type tableStream struct {
	ingest.Source
	users int  // guarded by the runtime's mu
	old   bool // guarded by the runtime's mu
}

// errNoTable is returned to those that want the stream of a table that is gone.
var errNoTable = errors.New("the table is gone")

// open returns the table's stream for use until release; it is opened at first
// use.
func (rt *tableRuntime) open(ctx context.Context) (*tableStream, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.gone {
		return nil, errNoTable
	}
	if rt.stream == nil {
		def := rt.table()
		src, warnings, err := rt.srv.cfg.OpenSource(ctx, def.Config.Stream, streamEvents{rt})
		if err != nil {
			return nil, err
		}
		for _, w := range warnings {
			rt.srv.log.Info("stream configuration", "table", def.Name, "warning", w)
		}
		rt.stream = &tableStream{Source: src}
	}
	rt.stream.users++
	return rt.stream, nil
}

// release ends one use of a stream.
func (rt *tableRuntime) release(s *tableStream) {
	rt.mu.Lock()
	s.users--
	unused := s.old && s.users == 0
	rt.mu.Unlock()
	if unused {
		rt.closeStream(s)
	}
}

// retire gives the present stream up. The caller holds mu and calls the
// function it gets after giving mu back.
func (rt *tableRuntime) retire() (closeUnused func()) {
	s := rt.stream
	rt.stream = nil
	if s == nil {
		return func() {}
	}
	s.old = true
	if s.users > 0 {
		return func() {}
	}
	return func() { rt.closeStream(s) }
}

func (rt *tableRuntime) closeStream(s *tableStream) {
	if err := s.Close(); err != nil {
		rt.srv.log.Warn("stream could not be closed", "table", rt.table().Name, "err", err)
	}
}

// serves tells whether s is still the table's stream.
func (rt *tableRuntime) serves(s *tableStream) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.stream == s
}

// stop ends the runtime of a table that is gone, or of a server that closes.
func (rt *tableRuntime) stop() {
	rt.cancel()
	rt.mu.Lock()
	rt.gone = true
	closeUnused := rt.retire()
	rt.mu.Unlock()
	closeUnused()
	rt.healthMu.Lock()
	defer rt.healthMu.Unlock()
	rt.silent = true
	rt.srv.health.drop("stream " + rt.table().Name)
}

// show tells how the stream is, as long as the table exists. A stream may call
// it while it is being opened.
func (rt *tableRuntime) show(state string) {
	rt.healthMu.Lock()
	defer rt.healthMu.Unlock()
	if !rt.silent {
		rt.srv.health.set("stream "+rt.table().Name, state)
	}
}
