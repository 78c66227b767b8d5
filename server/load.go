package server

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/objstore"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/immutable"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crcOf(r io.Reader) (uint32, error) {
	h := crc32.New(castagnoli)
	_, err := io.Copy(h, r)
	return h.Sum32(), err
}

// load brings a committed segment into service: from the local file, else from
// the deep store, else from the stream over the same range if it came from one.
func (s *Server) load(ctx context.Context, t *clusterview.Table, seg *pb.Segment) error {
	release, err := slot(ctx, s.loadSlots)
	if err != nil {
		return err
	}
	file, err := s.openOrFetch(ctx, t, seg)
	release()
	if t.Def.Config.Stream != nil && (errors.Is(err, objstore.ErrNotFound) || errors.Is(err, segment.ErrCorrupt)) {
		s.log.Warn("segment has no good copy here or in the deep store: reading it again from the stream", "segment", seg.Name, "err", err)
		return s.rebuild(ctx, t, seg)
	}
	if err != nil {
		return failed(stepLoad, err)
	}
	h := s.newHolder(t, seg, stateLoading)
	h.swap(s.preferDerived(t, seg, file))
	s.set.add(h)
	if seg.Staged {
		s.reportSoon() // the commit of its load waits for it
	}
	return nil
}

func (s *Server) openOrFetch(ctx context.Context, t *clusterview.Table, seg *pb.Segment) (*immutable.Segment, error) {
	start := time.Now()
	file, err := s.openLocal(seg)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.quarantineFile(seg, err)
		}
		err = s.fetch(ctx, t, seg)
		s.deepStoreAnswered(ctx, err)
		if err != nil {
			return nil, err
		}
		if file, err = s.openLocal(seg); err != nil {
			return nil, err
		}
	}
	s.metrics.steps.WithLabelValues(stepLoad).Observe(time.Since(start).Seconds())
	return file, nil
}

// openLocal opens the local file of a committed segment if it is the committed
// one. The size and the footer are checked; each column is at its first use.
func (s *Server) openLocal(seg *pb.Segment) (*immutable.Segment, error) {
	path := s.path(seg.TableId, seg.Name)
	info, err := s.cfg.FS.Stat(path)
	if err != nil {
		return nil, err
	}
	if seg.Bytes != 0 && uint64(info.Size) != seg.Bytes {
		return nil, segment.Corruptf("file has %d bytes, committed are %d", info.Size, seg.Bytes)
	}
	file, err := immutable.Open(s.cfg.FS, path, immutable.Options{})
	if err != nil {
		return nil, err
	}
	if m := file.Metadata(); m.Name != seg.Name || uint64(m.NumDocs) != seg.Rows {
		file.Release()
		return nil, segment.Corruptf("file holds segment %s with %d rows", m.Name, m.NumDocs)
	}
	return file, nil
}

// quarantineFile sets a corrupt file aside for people to look at.
func (s *Server) quarantineFile(seg *pb.Segment, cause error) {
	s.metrics.quarantined.Inc()
	s.removeDerived(seg.TableId, seg.Name)
	path := s.path(seg.TableId, seg.Name)
	s.log.Error("segment file is corrupt and set aside", "segment", seg.Name, "file", path+".corrupt", "err", cause)
	if err := s.cfg.FS.Rename(path, path+".corrupt"); err != nil {
		s.log.Error("corrupt file could not be renamed", "file", path, "err", err)
	}
}

// Quarantine takes a segment whose file was found corrupt out of service; it is
// fetched or rebuilt at once.
func (s *Server) Quarantine(name string, cause error) {
	h := s.set.get(name)
	if h == nil || !h.hasFile() {
		return
	}
	seg := s.view.State().Segment(h.tableID, name)
	if seg == nil {
		return
	}
	s.set.remove(name)
	s.quarantineFile(seg, cause)
	s.poke()
}

// fetch copies a segment from the deep store to its local place, checking its
// checksum on the way.
func (s *Server) fetch(ctx context.Context, t *clusterview.Table, seg *pb.Segment) error {
	key := objectKey(t.Name, seg.Name, seg.Crc)
	if seg.Uri != "" {
		k, err := s.cfg.DeepStore.Key(seg.Uri)
		if err != nil {
			return err
		}
		key = k
	}
	r, err := s.cfg.DeepStore.Get(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	path := s.path(seg.TableId, seg.Name)
	if err := s.cfg.FS.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return s.store(path, r, seg)
}

func (s *Server) store(path string, r io.Reader, seg *pb.Segment) error {
	tmp := path + ".fetch"
	f, err := s.cfg.FS.Create(tmp)
	if err != nil {
		return err
	}
	h := crc32.New(castagnoli)
	_, err = io.Copy(io.MultiWriter(f, h), r)
	if err == nil && h.Sum32() != seg.Crc {
		err = segment.Corruptf("copy from the deep store has checksum %08x, committed is %08x", h.Sum32(), seg.Crc)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		s.cfg.FS.Remove(tmp)
		return err
	}
	if err := s.cfg.FS.Rename(tmp, path); err != nil {
		return err
	}
	return s.cfg.FS.SyncDir(filepath.Dir(path))
}

// recoverEnded takes up a segment whose end is fixed but whose file was never
// committed: a file that was built is used, else the rows are read again.
func (s *Server) recoverEnded(ctx context.Context, t *clusterview.Table, seg *pb.Segment) error {
	file, err := s.openBuilt(seg)
	if err != nil {
		return s.rebuild(ctx, t, seg)
	}
	h := s.newHolder(t, seg, stateLoading)
	h.swap(file)
	s.set.add(h)
	return s.publish(ctx, t, seg, h)
}

// openBuilt opens a file that was built before a crash, checking all of it.
func (s *Server) openBuilt(seg *pb.Segment) (*immutable.Segment, error) {
	file, err := immutable.Open(s.cfg.FS, s.path(seg.TableId, seg.Name), immutable.Options{VerifyAll: true})
	if err != nil {
		return nil, err
	}
	m := file.Metadata()
	if m.Name != seg.Name || m.EndOffset != string(seg.EndOffset) || uint64(m.NumDocs) != seg.Rows || m.SealedMicros != seg.EndedMicros {
		file.Release()
		return nil, fmt.Errorf("file is of another end of segment %s", seg.Name)
	}
	return file, nil
}

// rebuild reads the records of [start, end) again and builds the segment from
// them; the rows are queryable as soon as all are read. One at a time: each
// holds a whole segment in memory.
func (s *Server) rebuild(ctx context.Context, t *clusterview.Table, seg *pb.Segment) error {
	rt := s.tables.runtime(t.Def.ID)
	if rt == nil {
		return failed(stepRebuild, fmt.Errorf("table %q has no stream to read segment %s from", t.Name, seg.Name))
	}
	release, err := slot(ctx, s.rebuildSlots)
	if err != nil {
		return err
	}
	start := time.Now()
	live, err := s.reread(ctx, rt, t, seg)
	release()
	if err != nil {
		return failed(stepRebuild, err)
	}
	h := s.newHolder(t, seg, stateBuilding)
	h.account(live.Bytes())
	h.seal(live.Snapshot())
	s.set.add(h)
	s.metrics.steps.WithLabelValues(stepRebuild).Observe(time.Since(start).Seconds())
	s.log.Info("segment read again from the stream", "segment", seg.Name, "rows", live.Rows(), "took", time.Since(start))
	return s.buildAndPublish(ctx, t, seg, h)
}

// reread consumes exactly the records of a segment.
func (s *Server) reread(ctx context.Context, rt *tableRuntime, t *clusterview.Table, seg *pb.Segment) (*mutable.Segment, error) {
	table, live, dec, err := newConsuming(t, seg)
	if err != nil {
		return nil, err
	}
	src, err := rt.open(ctx)
	if err != nil {
		return nil, err
	}
	defer rt.release(src)
	c := &consumer{srv: s, rt: rt, table: table, seg: seg, live: live, dec: dec, src: src, next: ingest.Offset(seg.StartOffset)}
	end := ingest.Offset(seg.EndOffset)
	if c.next < end {
		if c.reader, err = src.Open(ctx, seg.Partition, c.next); err != nil {
			return nil, err
		}
		defer c.closeReader()
	}
	for c.next < end {
		b, err := c.fetchAgain(ctx)
		if err != nil && !errors.Is(err, ingest.ErrEndOfPartition) {
			return nil, err
		}
		if err != nil {
			break // the end lies behind the last record of a closed partition
		}
		if err := c.append(cutBatch(b, end)); err != nil {
			return nil, err
		}
	}
	if uint64(live.Rows()) != seg.Rows {
		return nil, fmt.Errorf("the stream gives %d rows for segment %s, %d were recorded", live.Rows(), seg.Name, seg.Rows)
	}
	live.Seal()
	return live, nil
}

// rereadStall bounds how long reading again waits for the stream: the records
// are known to have been there.
const rereadStall = 30 * time.Second

// fetchAgain fetches records that were read before.
func (c *consumer) fetchAgain(ctx context.Context) (*ingest.RawBatch, error) {
	fctx, cancel := context.WithTimeout(ctx, rereadStall)
	defer cancel()
	b, err := c.reader.Fetch(fctx)
	if err != nil && fctx.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("the stream gave nothing for %v at offset %s; the segment ends at %s",
			rereadStall, c.src.FormatOffset(c.next), c.seg.EndOffsetText)
	}
	return b, err
}

// cutBatch returns the records of b that lie before end.
func cutBatch(b *ingest.RawBatch, end ingest.Offset) *ingest.RawBatch {
	if b.Next <= end {
		return b
	}
	cut := *b
	n := len(b.Records)
	for n > 0 && b.Offset(n-1) >= end {
		n--
	}
	cut.Records, cut.Next = b.Records[:n], end
	return &cut
}
