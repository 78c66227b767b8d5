package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/objstore"
	"github.com/alluviumdb/alluvium/query/startree"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// path returns where the file of a segment lies.
func (s *Server) path(tableID uint32, name string) string {
	return filepath.Join(s.segmentDir(), strconv.Itoa(int(tableID)), name+".seg")
}

// objectKey is the content-addressed name of a segment in the deep store.
func objectKey(table, name string, crc uint32) string {
	return fmt.Sprintf("segments/%s/%s-%08x.seg", table, name, crc)
}

// buildAndPublish turns an ended segment into a file, puts it in place of the
// memory form, and commits it.
func (s *Server) buildAndPublish(ctx context.Context, t *clusterview.Table, seg *pb.Segment, h *holder) error {
	release, err := slot(ctx, s.buildSlots)
	if err != nil {
		return err
	}
	err = s.build(ctx, t, seg, h)
	release()
	if err != nil {
		if ctx.Err() == nil {
			h.setState(stateError, err)
		}
		return failed(stepBuild, err)
	}
	return s.publish(ctx, t, seg, h)
}

func (s *Server) build(ctx context.Context, t *clusterview.Table, seg *pb.Segment, h *holder) error {
	start := time.Now()
	src, ok := h.acquire()
	if !ok {
		return errors.New("the segment has no rows here")
	}
	defer src.Release()
	path := s.path(seg.TableId, seg.Name)
	if err := s.cfg.FS.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	table, err := t.At(seg.SchemaVersion)
	if err != nil {
		return err
	}
	// Sizes of footers must not depend on when or where a replica was built:
	// the times stamped are those of the Raft entries.
	meta := *src.Metadata()
	meta.CreatedMicros, meta.SealedMicros = seg.CreatedMicros, seg.EndedMicros
	meta.Table, meta.TableID, meta.Consuming = t.Def.Name, t.Def.ID, false
	if _, err := build.Segment(ctx, s.cfg.FS, path, src, build.Config{Table: table, Meta: &meta, StarTrees: startree.Compiler{}}); err != nil {
		return err
	}
	file, err := immutable.Open(s.cfg.FS, path, immutable.Options{})
	if err != nil {
		return err
	}
	if !h.swap(file) {
		file.Release()
		return nil
	}
	took := time.Since(start)
	s.metrics.steps.WithLabelValues(stepBuild).Observe(took.Seconds())
	s.log.Info("segment built", "table", t.Name, "segment", seg.Name, "rows", seg.Rows, "bytes", file.SizeBytes(), "took", took)
	return nil
}

// publish commits a built file: its checksum and statistics become the truth
// for all replicas.
func (s *Server) publish(ctx context.Context, t *clusterview.Table, seg *pb.Segment, h *holder) error {
	start := time.Now()
	crc, size, err := s.checksum(s.path(seg.TableId, seg.Name))
	if err != nil {
		return failed(stepCommit, err)
	}
	info := h.snapshot()
	if info.Meta == nil {
		return nil
	}
	req := &pb.PublishSegmentRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: s.cfg.Instance.Id, Segment: seg.Name, Crc: crc, Bytes: size,
		RowSum: info.Meta.RowSum, HasTime: info.Meta.HasTime, MinTime: info.Meta.MinTime, MaxTime: info.Meta.MaxTime,
		ColumnStats: segment.EncodeStats(info.Meta), TimeMicros: s.cfg.Now().UnixMicro(),
	}
	if _, err := s.cfg.Controller.PublishSegment(ctx, req); err != nil {
		return failed(stepCommit, s.refused(seg, err))
	}
	h.verified.Store(true)
	s.metrics.steps.WithLabelValues(stepCommit).Observe(time.Since(start).Seconds())
	s.log.Info("segment committed", "table", t.Name, "segment", seg.Name, "crc", fmt.Sprintf("%08x", crc), "bytes", size)
	return failed(stepCommit, s.awaitStatus(ctx, seg, pb.SegmentStatus_SEGMENT_COMMITTED))
}

// refused gives up a file whose bytes are not those that another replica
// committed, once the deep store has the committed ones.
func (s *Server) refused(seg *pb.Segment, err error) error {
	now := s.view.State().Segment(seg.TableId, seg.Name)
	if errors.Is(err, api.ErrConflict) && now != nil && now.Status == pb.SegmentStatus_SEGMENT_DURABLE {
		s.Quarantine(seg.Name, err)
	}
	return err
}

// checksum returns the CRC32C and size of a file.
func (s *Server) checksum(path string) (uint32, uint64, error) {
	f, err := s.cfg.FS.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return 0, 0, err
	}
	crc, err := crcOf(io.NewSectionReader(f, 0, size))
	return crc, uint64(size), err
}

// upload copies a committed file to the deep store and records where.
func (s *Server) upload(ctx context.Context, t *clusterview.Table, seg *pb.Segment) error {
	release, err := slot(ctx, s.uploadSlots)
	if err != nil {
		return err
	}
	defer release()
	start := time.Now()
	if err := s.verify(seg); err != nil {
		return failed(stepUpload, err)
	}
	key := objectKey(t.Name, seg.Name, seg.Crc)
	err = s.put(ctx, key, s.path(seg.TableId, seg.Name))
	s.deepStoreAnswered(ctx, err)
	if err != nil {
		return failed(stepUpload, err)
	}
	_, err = s.cfg.Controller.DurableSegment(ctx, &pb.DurableSegmentRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: s.cfg.Instance.Id, Segment: seg.Name, Uri: s.cfg.DeepStore.URI(key),
	})
	if errors.Is(err, api.ErrNotFound) {
		// The segment was deleted meanwhile, and nobody knows of the object.
		return failed(stepDelete, s.cfg.DeepStore.Delete(ctx, key))
	}
	if err != nil {
		return failed(stepUpload, err)
	}
	s.metrics.steps.WithLabelValues(stepUpload).Observe(time.Since(start).Seconds())
	s.log.Info("segment durable", "table", t.Name, "segment", seg.Name, "key", key, "took", time.Since(start))
	return failed(stepUpload, s.awaitStatus(ctx, seg, pb.SegmentStatus_SEGMENT_DURABLE))
}

// verify checks that the local file is the committed one, once for each file
// that is held: a deep store that is away is tried often.
func (s *Server) verify(seg *pb.Segment) error {
	h := s.set.get(seg.Name)
	if h == nil {
		return errors.New("the segment is not held any more")
	}
	if h.verified.Load() {
		return nil
	}
	crc, _, err := s.checksum(s.path(seg.TableId, seg.Name))
	switch {
	case err != nil:
		return err
	case crc != seg.Crc:
		err := segment.Corruptf("file of segment %s has checksum %08x, committed is %08x", seg.Name, crc, seg.Crc)
		s.Quarantine(seg.Name, err)
		return err
	}
	h.verified.Store(true)
	return nil
}

// deepStoreAnswered shows in the health whether the deep store works.
func (s *Server) deepStoreAnswered(ctx context.Context, err error) {
	switch {
	case err == nil || errors.Is(err, objstore.ErrNotFound):
		s.health.set("deep store", "ok")
	case ctx.Err() == nil:
		s.health.set("deep store", err.Error())
	}
}

func (s *Server) put(ctx context.Context, key, path string) error {
	f, err := s.cfg.FS.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	return s.cfg.DeepStore.Put(ctx, key, io.NewSectionReader(f, 0, size), size)
}
