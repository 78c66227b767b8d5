package server

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/vfs"
)

// TestCrashAtEveryFileOperation lets the disk of a server fail for good at its
// first operation, its second, and so on, kills the server, throws away what was
// not synced, and starts it again on what is left. However far it got: in the
// end each record is there exactly once.
func TestCrashAtEveryFileOperation(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.srv.Close()
	disk, rows := vfs.NewMem(), 0
	for failAt := int64(1); failAt <= 45; failAt++ {
		c.fs = &vfs.ErrorFS{FS: disk, FailAt: failAt, Sticky: true}
		if err := c.tryStart(); err != nil {
			continue // the folder could not even be prepared
		}
		c.add(0, rows, 70)
		rows += 70
		time.Sleep(40 * time.Millisecond)
		c.srv.Close()
		disk = disk.CrashClone()
	}
	c.fs = disk
	c.start()
	c.holds(rows)
	c.durable(rows / 150)
	c.holds(rows)
	eventually(t, "no fault", func() bool { h, ready := c.srv.Health(); return ready && h["segments"] == "ok" })
}

// A disk that fails for a while delays sealed segments and loses nothing.
func TestDiskFaultPasses(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.srv.Close()
	broken := &brokenDisk{FS: vfs.NewMem()}
	c.fs = broken
	c.start()
	c.add(0, 0, 50)
	c.holds(50)
	broken.down.Store(true)
	c.add(0, 50, 300)
	c.holds(350)
	eventually(t, "the fault is visible", func() bool {
		for _, r := range c.srv.heartbeat().Segments {
			if r.State == stateError && r.Error != "" {
				return true
			}
		}
		return false
	})
	broken.down.Store(false)
	c.durable(3)
	c.holds(350)
	if p := c.srv.memory.pending.Load(); p != 0 {
		t.Errorf("%d bytes wait for builds that are done", p)
	}
}

// brokenDisk refuses new files while it is down.
type brokenDisk struct {
	vfs.FS
	down atomic.Bool
}

func (b *brokenDisk) Create(name string) (vfs.File, error) {
	if b.down.Load() {
		return nil, vfs.ErrInjected
	}
	return b.FS.Create(name)
}
