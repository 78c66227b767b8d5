package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/vfs"
)

// removeFile deletes the local file of a dropped segment.
func (s *Server) removeFile(tableID uint32, name string) error {
	s.removeDerived(tableID, name)
	if err := s.cfg.FS.Remove(s.path(tableID, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(stepDelete, err)
	}
	return nil
}

// deletions holds deleted segments whose object in the deep store is to be
// deleted by this server. The view fills it, reconcile empties it.
type deletions struct {
	mu   sync.Mutex
	m    map[string]*pb.Segment
	done uint64 // a state index up to which nothing is left to delete
}

// applied returns the state index up to which this server has done what the
// state asks for, given the index of the state that it sees. It stays behind
// while a copy is still to be deleted: the controllers remember deletions until
// the servers are past them, so that a restart does not forget one.
func (d *deletions) applied(seen uint64) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.m) == 0 {
		d.done = max(d.done, seen)
	}
	return d.done
}

func (d *deletions) add(seg *pb.Segment) {
	if seg.Uri == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.m == nil {
		d.m = map[string]*pb.Segment{}
	}
	d.m[seg.Name] = seg
}

func (d *deletions) drop(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.m, name)
}

func (d *deletions) all() []*pb.Segment {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]*pb.Segment, 0, len(d.m))
	for _, seg := range d.m {
		out = append(out, seg)
	}
	return out
}

// deleter returns the server that deletes the object of a deleted segment: its
// first replica that is still registered, else the first of all servers.
func deleter(st *clusterview.State, seg *pb.Segment) string {
	for _, id := range seg.Replicas {
		if st.Instances[id] != nil {
			return id
		}
	}
	best := ""
	for id, inst := range st.Instances {
		if inst.Role == pb.Role_ROLE_SERVER && (best == "" || id < best) {
			best = id
		}
	}
	return best
}

// deleteObjects removes the objects of deleted segments from the deep store.
func (s *Server) deleteObjects(st *clusterview.State) {
	for _, seg := range s.deletions.all() {
		if st.Segment(seg.TableId, seg.Name) != nil {
			continue // st is older than the deletion
		}
		s.removeForgotten(seg)
		if deleter(st, seg) != s.cfg.Instance.Id {
			s.deletions.drop(seg.Name)
			continue
		}
		s.task("delete "+seg.Name, func(ctx context.Context) error {
			err := s.deleteObject(ctx, seg)
			if err == nil {
				s.deletions.drop(seg.Name)
			}
			return failed(stepDelete, err)
		})
	}
}

// removeForgotten removes the files of a deleted segment that a crash left here:
// nothing opens or drops them any more.
func (s *Server) removeForgotten(seg *pb.Segment) {
	if s.set.get(seg.Name) != nil || s.tasks.busy(seg.Name) {
		return // dropping it removes them
	}
	if err := s.removeFile(seg.TableId, seg.Name); err != nil {
		s.log.Warn("file of a deleted segment could not be removed", "segment", seg.Name, "err", err)
	}
}

func (s *Server) deleteObject(ctx context.Context, seg *pb.Segment) error {
	key, err := s.cfg.DeepStore.Key(seg.Uri)
	if err != nil {
		// It lies in a store that this server does not use (any more).
		s.log.Warn("object of a deleted segment cannot be deleted", "segment", seg.Name, "uri", seg.Uri, "err", err)
		return nil
	}
	err = s.cfg.DeepStore.Delete(ctx, key)
	s.deepStoreAnswered(ctx, err)
	return err
}

const (
	// sweepInterval is how often the data folder is searched for files that
	// belong to no segment.
	sweepInterval = 10 * time.Minute
	// sweepAge spares young files: the state that this server sees may be older.
	sweepAge = time.Hour
)

// sweep removes what crashes and missed deletions left in the data folder: now
// and then, and at the first reconcile. Files of segments that the state knows
// stay unless their place is elsewhere and the deep store has them.
func (s *Server) sweep(st *clusterview.State) {
	if now := time.Now(); now.Sub(s.swept) > sweepInterval {
		first := s.swept.IsZero()
		s.swept = now
		s.sweepFolder(st, first)
	}
}

func (s *Server) sweepFolder(st *clusterview.State, first bool) {
	tables, err := s.cfg.FS.List(s.segmentDir())
	if err != nil {
		s.log.Warn("data folder cannot be listed", "err", err)
		return
	}
	for _, dir := range tables {
		id, err := strconv.ParseUint(dir, 10, 32)
		if err != nil {
			continue // not ours
		}
		folder := filepath.Join(s.segmentDir(), dir)
		names, err := s.cfg.FS.List(folder)
		if err != nil {
			continue
		}
		for _, name := range names {
			path := filepath.Join(folder, name)
			if s.leftOver(st, uint32(id), path, name, first) {
				s.log.Info("file that belongs to no segment is removed", "file", path)
				s.cfg.FS.Remove(path) // a file that stays is found again next time
			}
		}
	}
}

// leftOver tells whether a file in a table's folder may be removed. Unfinished
// files are so only at the first look, when nothing is being written yet.
func (s *Server) leftOver(st *clusterview.State, tableID uint32, path, name string, first bool) bool {
	if strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".fetch") {
		return first
	}
	base, ok := strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".corrupt"), derivedSuffix), ".seg")
	if !ok || s.set.get(base) != nil || s.tasks.busy(base) {
		return false
	}
	if seg := st.Segment(tableID, base); seg != nil {
		return !s.placedHere(seg) && seg.Status == pb.SegmentStatus_SEGMENT_DURABLE && s.old(path)
	}
	return s.old(path)
}

func (s *Server) old(path string) bool {
	info, err := s.cfg.FS.Stat(path)
	return err == nil && time.Since(info.ModTime) > sweepAge
}

// clusterFile names the cluster that a data folder belongs to.
const clusterFile = "CLUSTER"

// bindCluster makes the view follow only the cluster that the data folder
// belongs to: in another one all of its segments would be unknown, and dropped.
func (s *Server) bindCluster() error {
	raw, err := vfs.ReadFile(s.cfg.FS, filepath.Join(s.cfg.DataDir, clusterFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("data folder: %w", err)
	}
	s.clusterID = strings.TrimSpace(string(raw))
	s.view.Expect(s.clusterID)
	return nil
}

// rememberCluster writes down the cluster at first contact.
func (s *Server) rememberCluster(st *clusterview.State) error {
	if s.clusterID != "" || st.ClusterID == "" {
		return nil
	}
	if err := vfs.WriteFile(s.cfg.FS, filepath.Join(s.cfg.DataDir, clusterFile), []byte(st.ClusterID+"\n")); err != nil {
		return err
	}
	s.clusterID = st.ClusterID
	return nil
}

// failures returns the errors of segments that this server should have and
// does not get on with, by name.
func (s *Server) failures() map[string]error {
	st := s.view.State()
	var tables []*clusterview.Table
	for _, t := range st.Tables {
		tables = append(tables, t)
	}
	return s.tasks.failures(func(name string) bool {
		return strings.HasPrefix(name, "delete ") || slices.ContainsFunc(tables, func(t *clusterview.Table) bool { return t.Segments[name] != nil })
	})
}
