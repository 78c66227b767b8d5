package server

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/startree"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// A committed file has the encodings and indexes that the table's config asked
// for when it was built, and keeps its bytes for ever: they are what its name in
// the deep store and its checksum in the log stand for. When the config asks for
// others, the server derives a second file from it, which is local, has the same
// rows, and serves queries in its place.

// derivedPath returns where the derived file of a segment lies.
func (s *Server) derivedPath(tableID uint32, name string) string {
	return s.path(tableID, name) + derivedSuffix
}

// derivedSuffix marks derived files.
const derivedSuffix = ".derived"

// wanted returns the definition by which a segment's file should be laid out:
// that of the schema by which it was built, with the indexes of the config.
func wanted(t *clusterview.Table, m *segment.Metadata) (*schema.Table, error) {
	return t.At(m.SchemaVersion)
}

// outdated tells whether the file of a holder is not laid out as the config of
// the table asks for. A definition is compared once.
func outdated(t *clusterview.Table, h *holder) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil || h.laidOut == t.Def {
		return false
	}
	m := h.file.Metadata()
	if def, err := wanted(t, m); err == nil && def.Layout() != m.Layout {
		return true
	}
	h.laidOut = t.Def // a schema that is not known any more cannot be built by
	return false
}

// reindex puts a file with the layout that the config asks for in place of the
// one that serves. Queries go on with whichever they hold.
func (s *Server) reindex(ctx context.Context, t *clusterview.Table, seg *pb.Segment, h *holder) error {
	release, err := slot(ctx, s.reindexSlots)
	if err != nil {
		return err
	}
	defer release()
	start := time.Now()
	file, err := s.derive(ctx, t, seg, h)
	if err != nil {
		return failed(stepReindex, err)
	}
	bytes, layout := file.SizeBytes(), file.Metadata().Layout
	if !h.replace(file) {
		file.Release()
		return nil
	}
	s.metrics.steps.WithLabelValues(stepReindex).Observe(time.Since(start).Seconds())
	s.log.Info("segment has the indexes of the table's config", "table", t.Name, "segment", seg.Name,
		"layout", layout, "bytes", bytes, "took", time.Since(start))
	return nil
}

// derive returns a file with the layout of the config: the committed one if it
// has it, one derived before a restart, or a new one.
func (s *Server) derive(ctx context.Context, t *clusterview.Table, seg *pb.Segment, h *holder) (*immutable.Segment, error) {
	src, ok := h.acquire()
	if !ok {
		return nil, errors.New("the segment has no rows here")
	}
	defer src.Release()
	def, err := wanted(t, src.Metadata())
	if err != nil {
		return nil, err
	}
	if file, err := s.openLocal(seg); err == nil {
		if file.Metadata().Layout == def.Layout() {
			s.removeDerived(seg.TableId, seg.Name)
			return file, nil
		}
		file.Release()
	}
	if file, err := s.openDerived(def, seg); err == nil {
		return file, nil
	}
	if _, err := build.Segment(ctx, s.cfg.FS, s.derivedPath(seg.TableId, seg.Name), src, build.Config{Table: def, StarTrees: startree.Compiler{}}); err != nil {
		if errors.Is(err, segment.ErrCorrupt) {
			s.Quarantine(seg.Name, err)
		}
		return nil, err
	}
	return s.openDerived(def, seg)
}

// openDerived opens the derived file of a segment if it has its rows and the
// layout of the config.
func (s *Server) openDerived(def *schema.Table, seg *pb.Segment) (*immutable.Segment, error) {
	file, err := immutable.Open(s.cfg.FS, s.derivedPath(seg.TableId, seg.Name), immutable.Options{})
	if err != nil {
		return nil, err
	}
	m := file.Metadata()
	if m.Name == seg.Name && uint64(m.NumDocs) == seg.Rows && (seg.RowSum == 0 || m.RowSum == seg.RowSum) && m.Layout == def.Layout() {
		return file, nil
	}
	file.Release()
	return nil, errors.New("the derived file is of other rows or of another config")
}

// preferDerived returns the derived file in place of the committed one if that
// does not have the layout of the config.
func (s *Server) preferDerived(t *clusterview.Table, seg *pb.Segment, file *immutable.Segment) *immutable.Segment {
	def, err := wanted(t, file.Metadata())
	if err != nil || file.Metadata().Layout == def.Layout() {
		return file
	}
	derived, err := s.openDerived(def, seg)
	if err != nil {
		return file // reconcile derives it
	}
	file.Release()
	return derived
}

func (s *Server) removeDerived(tableID uint32, name string) {
	path := s.derivedPath(tableID, name)
	if err := s.cfg.FS.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("derived file could not be removed", "file", path, "err", err)
	}
}

// replace puts a file with the same rows in place of the one that is open. false
// means that the segment was dropped meanwhile and the file is the caller's to
// release.
func (h *holder) replace(file *immutable.Segment) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone || h.file == nil {
		return false
	}
	h.file.Release()
	h.file = file
	return true
}
