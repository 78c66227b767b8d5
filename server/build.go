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
func (s *Server) buildAndPublish(ctx context.Context, t *clusterview.Table, seg *pb.Segment, h *holder) {
	release, ok := slot(ctx, s.buildSlots)
	if !ok {
		return
	}
	err := s.build(ctx, t, seg, h)
	release()
	if err != nil {
		s.failed(ctx, stepBuild, seg, h, err)
		return
	}
	s.publish(ctx, t, seg, h)
}

// failed records a failed step of a segment and holds its task for a moment,
// so that it is not tried again at once.
func (s *Server) failed(ctx context.Context, step string, seg *pb.Segment, h *holder, err error) {
	if ctx.Err() != nil {
		return
	}
	s.metrics.stepErrors.WithLabelValues(step).Inc()
	s.log.Error(step+" failed", "segment", seg.Name, "err", err)
	if h != nil {
		h.setState(stateError, err)
	}
	sleep(ctx, 2*time.Second)
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
	if _, err := build.Segment(ctx, s.cfg.FS, path, src, build.Config{Table: table, Meta: &meta}); err != nil {
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
func (s *Server) publish(ctx context.Context, t *clusterview.Table, seg *pb.Segment, h *holder) {
	start := time.Now()
	path := s.path(seg.TableId, seg.Name)
	crc, size, err := s.checksum(path)
	if err != nil {
		s.failed(ctx, stepCommit, seg, h, err)
		return
	}
	info := h.snapshot()
	if info.Meta == nil {
		return
	}
	req := &pb.PublishSegmentRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: s.cfg.Instance.Id, Segment: seg.Name, Crc: crc, Bytes: size,
		RowSum: info.Meta.RowSum, HasTime: info.Meta.HasTime, MinTime: info.Meta.MinTime, MaxTime: info.Meta.MaxTime,
		ColumnStats: segment.EncodeStats(info.Meta), TimeMicros: s.cfg.Now().UnixMicro(),
	}
	if _, err := s.cfg.Controller.PublishSegment(ctx, req); err != nil {
		s.failed(ctx, stepCommit, seg, nil, err)
		return
	}
	s.metrics.steps.WithLabelValues(stepCommit).Observe(time.Since(start).Seconds())
	s.log.Info("segment committed", "table", t.Name, "segment", seg.Name, "crc", fmt.Sprintf("%08x", crc), "bytes", size)
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
func (s *Server) upload(ctx context.Context, t *clusterview.Table, seg *pb.Segment, h *holder) {
	release, ok := slot(ctx, s.uploadSlots)
	if !ok {
		return
	}
	defer release()
	start := time.Now()
	key := objectKey(t.Name, seg.Name, seg.Crc)
	if err := s.put(ctx, key, s.path(seg.TableId, seg.Name)); err != nil {
		s.health.set("deep store", err.Error())
		s.failed(ctx, stepUpload, seg, nil, err)
		return
	}
	s.health.set("deep store", "ok")
	_, err := s.cfg.Controller.DurableSegment(ctx, &pb.DurableSegmentRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: s.cfg.Instance.Id, Segment: seg.Name, Uri: s.cfg.DeepStore.URI(key),
	})
	if err != nil {
		s.failed(ctx, stepUpload, seg, nil, err)
		return
	}
	s.metrics.steps.WithLabelValues(stepUpload).Observe(time.Since(start).Seconds())
	s.log.Info("segment durable", "table", t.Name, "segment", seg.Name, "key", key, "took", time.Since(start))
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
