package controller

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/assign"
	"github.com/alluviumdb/alluvium/controller/state"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
)

// maxUploads bounds the uploads that a controller takes at once, maxUploadPause
// how long each may bring nothing: one that stands still would keep others out.
const (
	maxUploads     = 4
	maxUploadPause = time.Minute
)

// moving is a body whose reads fail when nothing arrives for a while.
type moving struct {
	io.ReadCloser
	conn  *http.ResponseController
	pause time.Duration
}

// Read implements io.Reader. Once the body has ended there is no deadline any
// more: it would end the request's context.
func (m *moving) Read(p []byte) (int, error) {
	m.conn.SetReadDeadline(time.Now().Add(m.pause)) // an error means that the connection has no deadlines
	n, err := m.ReadCloser.Read(p)
	if err != nil {
		m.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// loadPrefix is where the deep store has the files of a load.
func loadPrefix(table string, load uint64) string { return fmt.Sprintf("loads/%s/%d/", table, load) }

// stage takes the file of a segment into an open load: it is read into a
// temporary file, checked against the table, put into the deep store under a
// name made of its content, and entered into the log. wantCRC is the checksum
// that the sender expects, nil for none.
func (c *Controller) stage(ctx context.Context, tab *pb.Table, l *pb.Load, name string, wantCRC *uint32, body io.Reader) (*pb.Segment, error) {
	if err := checkSegmentName(name); err != nil {
		return nil, err
	}
	if c.cfg.DeepStore == nil {
		return nil, errNoDeepStore()
	}
	select {
	case c.uploads <- struct{}{}:
		defer func() { <-c.uploads }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f, err := c.spool(body)
	if err != nil {
		return nil, err
	}
	defer f.drop()
	if wantCRC != nil && *wantCRC != f.crc {
		return nil, invalid("segment %s arrived with checksum %08x, announced was %08x", name, f.crc, *wantCRC)
	}
	seg, err := f.describe(tab, name)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%s%s-%08x.seg", loadPrefix(tab.Name, l.Id), name, f.crc)
	seg.Uri = c.cfg.DeepStore.URI(key)
	if old := c.State().Segment(name); old != nil && old.Load == l.Id && old.Uri == seg.Uri {
		return old, nil // staged before
	}
	if err := c.cfg.DeepStore.Put(ctx, key, io.NewSectionReader(f.file, 0, f.size), f.size); err != nil {
		return nil, api.Errorf(http.StatusBadGateway, "the deep store does not take segment %s: %v", name, err)
	}
	return c.enter(ctx, l, seg, key)
}

// enter brings a staged segment into the log. When it is refused nobody knows
// of the object, unless it is that of a segment that is there already.
func (c *Controller) enter(ctx context.Context, l *pb.Load, seg *pb.Segment, key string) (*pb.Segment, error) {
	res, err := c.propose(ctx, &pb.Command{Body: &pb.Command_StageSegment{StageSegment: &pb.StageSegment{Load: l.Id, Segment: seg}}})
	if err == nil {
		out := &pb.Segment{}
		return out, proto.Unmarshal(res.Result, out)
	}
	var refused *api.Error
	if errors.As(err, &refused) && refused.Code < 500 && c.State().Segment(seg.Name).GetUri() != seg.Uri {
		if derr := c.cfg.DeepStore.Delete(ctx, key); derr != nil {
			c.log.Warn("file of a refused segment stays in the deep store", "key", key, "err", derr)
		}
	}
	return nil, err
}

func errNoDeepStore() error {
	return api.Errorf(http.StatusServiceUnavailable, "this controller has no deep store: start it with --deep-store")
}

// checkSegmentName refuses names that cannot be those of files.
func checkSegmentName(name string) error {
	const limit = 200
	switch {
	case name == "" || len(name) > limit:
		return invalid("the name of a segment has 1 to %d bytes, not %d", limit, len(name))
	case strings.HasPrefix(name, "."):
		return invalid("segment name %q begins with a dot", name)
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == '\ufffd' || strings.ContainsRune(`/\:%"`, r) {
			return invalid("segment name %q contains %q", name, r)
		}
	}
	return nil
}

// placeStaged chooses the servers of a staged segment.
func (c *Controller) placeStaged(st *state.State, s *pb.StageSegment) {
	seg, l := s.GetSegment(), st.Load(s.GetLoad())
	if seg == nil || l == nil || len(seg.Replicas) > 0 {
		return
	}
	if tab := st.Table(l.TableId); tab != nil {
		t, candidates := c.assignable(st, tab)
		seg.Replicas = assign.Place(assign.LoadsOf(st), candidates, nil, max(t.Replication, 1), false)
	}
}

// upload is a segment file that is being taken in.
type upload struct {
	file *os.File
	size int64
	crc  uint32
}

// uploadDir is where uploads wait for the deep store.
func (c *Controller) uploadDir() string {
	if c.cfg.DataDir == "" {
		return os.TempDir()
	}
	return filepath.Join(c.cfg.DataDir, "uploads")
}

// clearUploads removes what a killed controller left behind.
func (c *Controller) clearUploads() error {
	if c.cfg.DataDir == "" {
		return nil
	}
	if err := os.RemoveAll(c.uploadDir()); err != nil {
		return err
	}
	return os.MkdirAll(c.uploadDir(), 0o755)
}

// spool reads a body into a temporary file.
func (c *Controller) spool(body io.Reader) (*upload, error) {
	f, err := os.CreateTemp(c.uploadDir(), "segment-*")
	if err != nil {
		return nil, err
	}
	u := &upload{file: f}
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	u.size, err = io.Copy(io.MultiWriter(f, h), body)
	u.crc = h.Sum32()
	if err == nil {
		return u, nil
	}
	u.drop()
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, api.Errorf(http.StatusRequestEntityTooLarge, "the segment is longer than %d bytes", tooLong.Limit)
	}
	if disk := (*fs.PathError)(nil); errors.As(err, &disk) {
		return nil, api.Errorf(http.StatusServiceUnavailable, "this controller cannot take the segment in: %v", disk)
	}
	return nil, invalid("the segment did not arrive whole: %v", err)
}

func (u *upload) drop() {
	u.file.Close()
	os.Remove(u.file.Name()) // what stays is removed at the next start
}

// describe reads the footer and returns what the state keeps of the segment, if
// it is one of the table.
func (u *upload) describe(tab *pb.Table, name string) (*pb.Segment, error) {
	f, err := readFooter(u.file, u.size)
	if err != nil {
		return nil, invalid("segment %s: %v", name, err)
	}
	if err := checkMetadata(f.Meta, tab, name); err != nil {
		return nil, err
	}
	m := f.Meta
	return &pb.Segment{
		Name: name, Rows: uint64(m.NumDocs), Records: m.Records, Rejected: m.Rejected, SchemaVersion: m.SchemaVersion,
		Crc: u.crc, Bytes: uint64(u.size), RowSum: m.RowSum, HasTime: m.HasTime, MinTime: m.MinTime, MaxTime: m.MaxTime,
		ColumnStats: segment.EncodeStats(m),
	}, nil
}

// maxFooterBytes bounds a footer, against a damaged length.
const maxFooterBytes = 256 << 20

func readFooter(r io.ReaderAt, size int64) (*format.Footer, error) {
	if size < format.HeaderBytes+format.TrailerBytes {
		return nil, segment.Corruptf("file of %d bytes", size)
	}
	read := func(off, n int64) ([]byte, error) {
		b := make([]byte, n)
		_, err := r.ReadAt(b, off)
		return b, err
	}
	head, err := read(0, format.HeaderBytes)
	if err != nil {
		return nil, err
	}
	if err := format.CheckHeader(head); err != nil {
		return nil, err
	}
	tail, err := read(size-format.TrailerBytes, format.TrailerBytes)
	if err != nil {
		return nil, err
	}
	t, err := format.ReadTrailer(tail, uint64(size))
	if err != nil {
		return nil, err
	}
	if t.FooterLength > maxFooterBytes {
		return nil, segment.Corruptf("footer of %d bytes", t.FooterLength)
	}
	footer, err := read(int64(t.FooterOffset), int64(t.FooterLength))
	if err != nil {
		return nil, err
	}
	if format.CRC(footer) != t.FooterCRC {
		return nil, segment.Corruptf("checksum of the footer")
	}
	return format.ReadFooter(footer, t.FooterOffset)
}

// checkMetadata refuses a segment that is not one of the table, naming how it
// differs.
func checkMetadata(m *segment.Metadata, tab *pb.Table, name string) error {
	switch {
	case m.Name != name:
		return invalid("segment %s: the file is of the segment %q", name, m.Name)
	case m.Table != tab.Name || m.TableID != tab.Id:
		return invalid("segment %s: the file is of the table %q with id %d, not of %q with id %d", name, m.Table, m.TableID, tab.Name, tab.Id)
	case m.Streamed || m.Consuming:
		return invalid("segment %s: the file is of a stream", name)
	}
	def, err := api.DecodeTableAt(tab, m.SchemaVersion)
	if err != nil {
		return invalid("segment %s: %v", name, err)
	}
	for i := range m.Columns {
		if err := checkColumn(&m.Columns[i], def); err != nil {
			return invalid("segment %s: %v", name, err)
		}
	}
	return nil
}

func checkColumn(col *segment.ColumnMeta, def *schema.Table) error {
	if segment.Hidden(col.ID) {
		return nil
	}
	for i := range def.Schema.Fields {
		f := &def.Schema.Fields[i]
		if f.ID != col.ID {
			continue
		}
		if f.Name != col.Name || f.Type != col.Type {
			return fmt.Errorf("column %q has type %v, the table's is %q with type %v", col.Name, col.Type, f.Name, f.Type)
		}
		return nil
	}
	return fmt.Errorf("the table has no column %q with id %d", col.Name, col.ID)
}
