package server

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/api/pb"
)

// indexed counts the sealed segments and those whose column user has exactly
// these indexes.
func (c *cluster) indexed(names ...string) (sealed, with int) {
	slices.Sort(names)
	for _, h := range c.srv.set.all() {
		info := h.snapshot()
		if !info.Sealed {
			continue
		}
		sealed++
		for _, col := range info.Meta.Columns {
			got := slices.Clone(col.Indexes)
			slices.Sort(got)
			if col.Name == "user" && slices.Equal(got, names) {
				with++
			}
		}
	}
	return sealed, with
}

func (c *cluster) allIndexed(want int, names ...string) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("%d segments with %v", want, names), func() bool {
		sealed, with := c.indexed(names...)
		return sealed == want && with == want
	})
}

// putIndexes changes the table's config through the controller.
func (c *cluster) putIndexes(rows int, indexes string) {
	c.t.Helper()
	doc := strings.Replace(string(eventTable(rows, "")), `"invertedIndexColumns":["user"]`, indexes, 1)
	c.call("PUT", "/tables/events", []byte(doc))
}

const (
	noIndexes   = `"invertedIndexColumns":[]`
	moreIndexes = `"invertedIndexColumns":["user"],"bloomFilterColumns":["user"],"rangeIndexColumns":["n"]`
)

// TestIndexesOfALiveTable drops and adds indexes while queries run; none fails,
// and all give the same answer. The committed files stay as they are.
func TestIndexesOfALiveTable(t *testing.T) {
	c := newCluster(t, 1, 200, "")
	c.add(0, 0, 1000)
	c.durable(5)
	c.allIndexed(5, "inverted")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if n, sum, err := c.total(); err != nil || n != 1000 || sum != 1000*999/2 {
				t.Errorf("count %d, sum %d, %v", n, sum, err)
				return
			}
		}
	})
	c.putIndexes(200, noIndexes)
	c.allIndexed(5)
	c.putIndexes(200, moreIndexes)
	c.allIndexed(5, "inverted", "bloom")
	close(stop)
	wg.Wait()
	for _, seg := range c.segments(pb.SegmentStatus_SEGMENT_DURABLE) {
		crc, _, err := c.srv.checksum(c.srv.path(seg.TableId, seg.Name))
		if err != nil || crc != seg.Crc {
			t.Errorf("committed file of %s: checksum %08x, want %08x, %v", seg.Name, crc, seg.Crc, err)
		}
		if sum := c.srv.set.get(seg.Name).snapshot().Meta.RowSum; sum != seg.RowSum {
			t.Errorf("segment %s has the row sum %x, want %x", seg.Name, sum, seg.RowSum)
		}
	}
	c.putIndexes(200, `"invertedIndexColumns":["user"]`)
	c.allIndexed(5, "inverted")
	if left, _ := filepath.Glob(filepath.Join(c.srv.segmentDir(), "*", "*"+derivedSuffix)); len(left) > 0 {
		t.Errorf("derived files stay though the committed ones serve: %v", left)
	}
	c.add(0, 1000, 200)
	c.durable(6)
	c.holds(1200)
}

// TestIndexesAfterCrash finds derived files that are whole, cut off, unfinished
// or of another config, as a kill in the middle of the work leaves them.
func TestIndexesAfterCrash(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 400)
	c.durable(4)
	c.putIndexes(100, moreIndexes)
	c.allIndexed(4, "inverted", "bloom")
	files, err := filepath.Glob(filepath.Join(c.srv.segmentDir(), "*", "*"+derivedSuffix))
	if err != nil || len(files) != 4 {
		t.Fatalf("derived files %v, %v", files, err)
	}
	c.restart()
	c.allIndexed(4, "inverted", "bloom")
	c.holds(400)
	for i, damage := range []func(string) error{
		func(f string) error { return os.Truncate(f, 100) },
		func(f string) error { return os.Rename(f, f+".tmp") },
		os.Remove,
	} {
		if err := damage(files[i]); err != nil {
			t.Fatal(err)
		}
	}
	c.restart()
	c.allIndexed(4, "inverted", "bloom")
	c.holds(400)
	c.putIndexes(100, noIndexes)
	c.restart()
	c.allIndexed(4)
	c.holds(400)
	mustRemove(t, c.srv.segmentDir())
	c.restart()
	c.allIndexed(4)
	c.holds(400)
}

// TestOtherChangesAreRefused names what cannot be changed.
func TestOtherChangesAreRefused(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.holds(0)
	before := c.ctl.State().TableByName("events").Version
	if got := c.status("PUT", "/tables/events", eventTable(500, "")); got != 422 {
		t.Errorf("a changed threshold: status %d", got)
	}
	if got := c.status("PUT", "/tables/events", []byte(strings.Replace(string(eventTable(100, "")), `["user"]`, `["nope"]`, 1))); got != 400 {
		t.Errorf("an index on no column: status %d", got)
	}
	if after := c.ctl.State().TableByName("events").Version; after != before {
		t.Errorf("version %d became %d", before, after)
	}
}

// TestStarTreeOfALiveTable adds a star-tree to sealed segments. The controllers
// learn from heartbeats when all of them have it.
func TestStarTreeOfALiveTable(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 300)
	c.durable(3)
	eventually(t, "no reload needed", func() bool { return !c.needReload() })
	c.putIndexes(100, `"invertedIndexColumns":["user"],"starTreeIndexConfigs":[{"dimensionsSplitOrder":["user"],"functionColumnPairs":["SUM__n","COUNT__*"]}]`)
	eventually(t, "a star-tree in 3 segments", func() bool { return c.starTrees() == 3 && !c.needReload() })
	c.holds(300)
	c.restart()
	eventually(t, "a star-tree in 3 segments", func() bool { return c.starTrees() == 3 && !c.needReload() })
}

// starTrees counts the segments that serve with a star-tree.
func (c *cluster) starTrees() (n int) {
	for _, h := range c.srv.set.all() {
		h.mu.Lock()
		if h.file != nil && len(h.file.StarTrees()) == 1 {
			n++
		}
		h.mu.Unlock()
	}
	return n
}

func (c *cluster) needReload() bool {
	c.t.Helper()
	r := httptest.NewRequest("GET", "/segments/events/needReload", nil)
	r.SetBasicAuth("admin", "x")
	w := httptest.NewRecorder()
	c.ctl.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		c.t.Fatalf("needReload: %d %s", w.Code, w.Body)
	}
	return strings.Contains(w.Body.String(), "true")
}
