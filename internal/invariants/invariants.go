// Package invariants holds checks that run in test builds (build tag
// `invariants`) and cost nothing in production. It imports nothing of this
// module.
package invariants

import (
	"fmt"
	"sync/atomic"
)

// CloseChecker finds objects that are closed twice or used after Close. Embed
// it and call Close and AssertOpen. Without the build tag both do nothing but
// keep one atomic flag.
type CloseChecker struct{ closed atomic.Bool }

// Close marks the object as closed. A second call panics under `invariants`.
func (c *CloseChecker) Close() {
	if c.closed.Swap(true) && Enabled {
		panic("invariants: closed twice")
	}
}

// Closed reports whether Close was called.
func (c *CloseChecker) Closed() bool { return c.closed.Load() }

// AssertOpen panics under `invariants` when the object was closed.
func (c *CloseChecker) AssertOpen() {
	if Enabled && c.closed.Load() {
		panic("invariants: used after close")
	}
}

// Check panics under `invariants` when ok is false.
func Check(ok bool, format string, args ...any) {
	if Enabled && !ok {
		panic("invariants: " + fmt.Sprintf(format, args...))
	}
}
