package immutable

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/fulltext"
	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/internal/jsonmatch"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
)

// smallTable has a column of every encoding and index in few bytes.
func smallTable(rng *rand.Rand, rows int) *table {
	tb := &table{n: rows}
	s := &schema.Schema{Name: "t", Version: 1}
	add := func(name string, t schema.Type, card, nulls int) {
		s.Fields = append(s.Fields, schema.Field{ID: uint32(len(s.Fields) + 1), Name: name, Type: t})
		v := column.New(t, rows)
		for i := range rows {
			switch {
			case nulls > 0 && i%nulls == 0:
				v.AppendNull()
			case i > 0 && (name == "runs" || name == "long") && rng.IntN(6) > 0:
				v.AppendFrom(v, i-1)
			case name == "place":
				v.Append(column.BytesValue(t, geo.AppendPoint(nil, float64(rng.IntN(4)*10), 4, i > 3)))
			case name == "ascending":
				v.Append(column.IntValue(t, int64(i)*1000+int64(rng.IntN(3))))
			default:
				v.Append(randomValue(rng, t, card))
			}
		}
		tb.cols = append(tb.cols, v)
	}
	add("sorted", schema.Text, 5, 0)
	add("dict", schema.Text, 40, 7)
	add("number", schema.Int32, 9, 0)
	add("for", schema.Int64, 1<<20, 5)
	add("ascending", schema.Timestamp, 0, 0)
	add("float", schema.Float64, 1<<20+1, 0)
	add("text", schema.JSON, 1<<20, 9)
	add("const", schema.Bool, 1, 0)
	add("null", schema.Text, 1, 1)
	add("decimal", schema.Numeric, 1<<20, 0)
	add("interval", schema.Interval, 50, 0)
	add("runs", schema.Text, 9, 0)
	add("long", schema.Int64, 1<<20, 0)
	add("scaled", schema.Float64, 1<<20, 6)
	add("list", schema.Text.AsList(), 20, 4)
	add("numbers", schema.Int32.AsList(), 9, 6)
	add("place", schema.Bytea, 0, 8)
	tb.cfg = build.Config{
		Table: &schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{
			TimeColumn: "ascending",
			Indexing: schema.IndexingConfig{
				SortedColumn: "sorted", Inverted: []string{"dict", "number", "numbers"}, NoDictionary: []string{"for", "text", "long", "scaled"},
				Range:      []string{"dict", "for", "float"},
				Timestamps: map[string][]schema.Granularity{"ascending": {schema.GranularitySecond}},
				Bloom:      map[string]schema.BloomConfig{"dict": {}, "for": {}}, JSON: map[string]schema.JSONIndexConfig{"text": {}},
				Text: []string{"dict"}, Geo: map[string]schema.GeoIndexConfig{"place": {Resolutions: []int{6}}},
			},
		}},
		Meta: &segment.Metadata{Name: "t__0__0__x", Table: "t", Streamed: true, FirstSeq: 1000},
	}
	return tb
}

// queryAll reads everything in a segment in every way and returns a digest.
func queryAll(s *Segment) (uint64, error) {
	h := fnv.New64a()
	h.Write(format.AppendFooter(nil, s.Directory()))
	for i := range s.columns {
		c, err := s.column(i)
		if err != nil {
			return 0, err
		}
		if err := queryColumn(c, int(s.NumDocs()), func(b []byte) { h.Write(b) }); err != nil {
			return 0, err
		}
		if err := queryRange(c, func(b []byte) { h.Write(b) }); err != nil {
			return 0, err
		}
		if err := queryElements(c, func(b []byte) { h.Write(b) }); err != nil {
			return 0, err
		}
		if err := queryText(c, func(b []byte) { h.Write(b) }); err != nil {
			return 0, err
		}
		if err := queryGeo(c, func(b []byte) { h.Write(b) }); err != nil {
			return 0, err
		}
		if err := queryJSON(c, func(b []byte) { h.Write(b) }); err != nil {
			return 0, err
		}
		if err := queryBloom(s, c, func(b []byte) { h.Write(b) }); err != nil {
			return 0, err
		}
	}
	return h.Sum64(), nil
}

func queryColumn(c *Column, n int, note func([]byte)) error {
	var v column.Vector
	if err := c.Read(0, n, &v); err != nil {
		return err
	}
	for i := range n {
		note(column.AppendValue(nil, v.Value(i)))
	}
	var docs []uint32
	for i := 0; i < n; i += 3 {
		docs = append(docs, uint32(i))
	}
	if err := c.Gather(docs, &v); err != nil {
		return err
	}
	for i := range docs {
		note(column.AppendValue(nil, v.Value(i)))
	}
	bits := column.NewBitmap(n)
	if _, err := c.MatchRange(0, n, segment.ValueRange{LoInt: -5, HiInt: 1 << 18, HiFloat: 1e4}, bits); err != nil {
		return err
	}
	note(encoding.Bytes(bits))
	if c.Nulls() != nil {
		note(encoding.Bytes(c.Nulls().ToArray()))
	}
	if z := c.Zones(); z != nil {
		note(encoding.Bytes(z.MinInt))
	}
	if c.Dictionary() == nil {
		return nil
	}
	return queryIDs(c, n, docs, bits, note)
}

func queryRange(c *Column, note func([]byte)) error {
	x, err := c.RangeIndex()
	if err != nil || x == nil {
		return err
	}
	s := x.Span(segment.ValueRange{LoInt: 3, HiInt: 1 << 19, LoFloat: 1, HiFloat: 1e5})
	note([]byte{byte(s.First), byte(s.End), byte(s.FullFirst), byte(s.FullEnd)})
	note([]byte{byte(x.Count(s.First, s.End))})
	var docs []uint32
	for _, at := range x.Docs(0, s.First, s.End) {
		docs = append(docs, uint32(at))
	}
	note(encoding.Bytes(docs))
	slices.Sort(docs)
	var v column.Vector
	return c.Gather(docs, &v)
}

func queryText(c *Column, note func([]byte)) error {
	if c.Text() == nil {
		return nil
	}
	for _, s := range []string{"a* -b", "/.*1/", `"a b"`, "*:* AND NOT x"} {
		q, err := fulltext.Parse(s)
		if err != nil {
			return err
		}
		docs, _, err := c.Text().Match(q)
		if err != nil {
			return err
		}
		note(encoding.Bytes(docs.ToArray()))
	}
	return nil
}

func queryGeo(c *Column, note func([]byte)) error {
	if c.Geo() == nil {
		return nil
	}
	for _, geography := range []bool{false, true} {
		sure, maybe, ok, err := c.Geo().Match(geo.Near(geo.Point{X: 3, Y: 4}, geography, 15, geography), 1<<30)
		if err != nil {
			return err
		}
		if ok {
			note(encoding.Bytes(sure.ToArray()))
			note(encoding.Bytes(maybe.ToArray()))
		}
	}
	return nil
}

func queryJSON(c *Column, note func([]byte)) error {
	if c.JSON() == nil {
		return nil
	}
	for _, s := range []string{`"$" IS NOT NULL`, `"$.a" = 1 OR "$" < 'm'`, `"$.b[1]" IS NULL`} {
		cond, err := jsonmatch.Parse(s)
		if err != nil {
			return err
		}
		docs, _, _, err := c.JSON().Match(cond)
		if err != nil {
			return err
		}
		if docs != nil {
			note(encoding.Bytes(docs.ToArray()))
		}
	}
	return nil
}

func queryBloom(s *Segment, c *Column, note func([]byte)) error {
	x, err := s.Bloom(c.meta.ID)
	if err != nil || x == nil {
		return err
	}
	for h := range uint64(200) {
		if x.MayContain(h * 0x9e3779b97f4a7c15) {
			note([]byte{byte(h)})
		}
	}
	return nil
}

func queryIDs(c *Column, n int, docs []uint32, bits column.Bitmap, note func([]byte)) error {
	ids := make([]uint32, n)
	c.ReadIDs(0, ids)
	d := c.Dictionary()
	seen := make([]uint32, d.Len()) // panics on an id beyond the dictionary
	for _, id := range ids {
		seen[id]++
	}
	c.GatherIDs(docs, ids[:len(docs)])
	c.MatchIDs(0, n, segment.IDSet{Lo: 1, Hi: 3}, bits)
	note(encoding.Bytes(seen))
	note(encoding.Bytes(ids))
	note(encoding.Bytes(bits))
	if r := c.Ranges(); r != nil {
		lo, hi := r.Range(1, 2)
		note(encoding.Bytes([]uint32{lo, hi}))
	}
	x := c.Inverted()
	if x == nil {
		return nil
	}
	for id := range uint32(d.Len()) {
		p, err := x.Postings(id)
		if err != nil {
			return err
		}
		note(encoding.Bytes([]uint32{id, x.Count(id)}))
		note(encoding.Bytes(p.ToArray()))
	}
	return nil
}

type sample struct {
	file   []byte
	digest uint64
	footer *format.Footer
	at     uint64 // offset of the footer
}

var sampleFile = sync.OnceValue(func() sample {
	rng := rand.New(rand.NewPCG(5, 5))
	fs := vfs.NewMem()
	tb := smallTable(rng, 90)
	if _, err := build.FromBatches(ctx, fs, "seg", tb.batches(rng), tb.cfg); err != nil {
		panic(err)
	}
	file, err := vfs.ReadFile(fs, "seg")
	if err != nil {
		panic(err)
	}
	s, err := Open(fs, "seg", Options{})
	if err != nil {
		panic(err)
	}
	digest, err := queryAll(s)
	if err != nil {
		panic(err)
	}
	return sample{file: file, digest: digest, footer: s.Directory(), at: s.end}
})

// openBytes opens and queries a file with that content.
func openBytes(b []byte) (uint64, error) {
	s, err := open(vfs.NewMapping(b, nil))
	if err != nil {
		return 0, err
	}
	defer s.Release()
	if s.NumDocs() > 1<<12 {
		return 0, s.Check() // a constant column may truly have 2^32 rows
	}
	return queryAll(s)
}

// checkDamaged requires the right answer or an error of the right class.
func checkDamaged(t *testing.T, b []byte, what string) {
	t.Helper()
	digest, err := openBytes(b)
	switch {
	case err == nil && digest != sampleFile().digest:
		t.Fatalf("%s: wrong answer", what)
	case err != nil && !errors.Is(err, segment.ErrCorrupt) && !errors.Is(err, segment.ErrUnsupported):
		t.Fatalf("%s: error without class: %v", what, err)
	}
}

// repair makes all checksums of a damaged file right again, as a hostile
// writer would.
func repair(b []byte, sm sample) []byte {
	out := append([]byte(nil), b[:sm.at]...)
	footer := append([]byte(nil), b[sm.at:len(b)-format.TrailerBytes]...)
	if string(footer) == string(sm.file[sm.at:len(b)-format.TrailerBytes]) {
		footer = format.AppendFooter(nil, resum(b, sm.footer))
	}
	t := format.Trailer{
		FooterOffset: sm.at, FooterLength: uint64(len(footer)), FooterCRC: format.CRC(footer),
		FileLength: sm.at + uint64(len(footer)) + format.TrailerBytes,
	}
	return t.Append(append(out, footer...))
}

func resum(b []byte, f *format.Footer) *format.Footer {
	out := *f
	out.Columns = make([]format.Column, len(f.Columns))
	for i := range f.Columns {
		out.Columns[i] = resumColumn(b, f.Columns[i])
	}
	out.StarTrees = nil
	for _, t := range f.StarTrees {
		out.StarTrees = append(out.StarTrees, resumTree(b, t))
	}
	return &out
}

func resumTree(b []byte, t format.StarTree) format.StarTree {
	t.Nodes.CRC = format.CRC(b[t.Nodes.Offset : t.Nodes.Offset+t.Nodes.Length])
	resumAll := func(cols []format.Column) []format.Column {
		var out []format.Column
		for _, c := range cols {
			out = append(out, resumColumn(b, c))
		}
		return out
	}
	t.Dimensions = resumAll(t.Dimensions)
	metrics := t.Metrics
	t.Metrics = nil
	for _, m := range metrics {
		t.Metrics = append(t.Metrics, resumAll(m))
	}
	return t
}

func resumColumn(b []byte, c format.Column) format.Column {
	buffers := make([]format.Buffer, len(c.Buffers))
	for i, x := range c.Buffers {
		x.CRC = format.CRC(b[x.Offset : x.Offset+x.Length])
		buffers[i] = x
	}
	c.Buffers = buffers
	if c.Child != nil {
		child := resumColumn(b, *c.Child)
		c.Child = &child
	}
	return c
}

var flipStep = flag.Int("flip-step", 5, "flip each n-th byte of the sample file; 1 is the long form")

// TestEveryFlippedByte flips bytes all over a small file (see -flip-step): once
// leaving the checksums, which must notice or not matter, and once with
// checksums made right, where nothing may crash.
func TestEveryFlippedByte(t *testing.T) {
	sm := sampleFile()
	rng := rand.New(rand.NewPCG(6, 6))
	buf := make([]byte, len(sm.file))
	step := *flipStep
	if raceEnabled {
		step *= 3
	}
	for pos := 0; pos < len(buf); pos += step {
		copy(buf, sm.file)
		buf[pos] ^= 1 << rng.IntN(8)
		checkDamaged(t, buf, fmt.Sprintf("bit of byte %d", pos))
		if pos < len(buf)-format.TrailerBytes {
			_, _ = openBytes(repair(buf, sm))
		}
	}
}

func TestEveryTruncation(t *testing.T) {
	sm := sampleFile()
	for n := range sm.file {
		if _, err := openBytes(sm.file[:n]); !errors.Is(err, segment.ErrCorrupt) {
			t.Fatalf("file cut at %d: %v", n, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(uint32(100), []byte{1, 2, 3}, false)
	f.Add(uint32(5000), []byte{0xff, 0xff, 0xff, 0xff}, true)
	f.Fuzz(func(t *testing.T, pos uint32, patch []byte, fix bool) {
		sm := sampleFile()
		b := append([]byte(nil), sm.file...)
		at := int(pos) % len(b)
		copy(b[at:], patch)
		if fix {
			_, _ = openBytes(repair(b, sm))
			return
		}
		checkDamaged(t, b, "patched file")
	})
}

// FuzzOpenBytes opens anything; checksums are made right where a trailer can
// be found.
func FuzzOpenBytes(f *testing.F) {
	f.Add(sampleFile().file)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < format.HeaderBytes+format.TrailerBytes {
			return
		}
		end := len(b) - format.TrailerBytes
		at := binary.LittleEndian.Uint64(b[end:])
		if at < uint64(end) && at >= format.HeaderBytes {
			t := format.Trailer{
				FooterOffset: at, FooterLength: uint64(end) - at, FileLength: uint64(len(b)),
				FooterCRC: format.CRC(b[at:end]),
			}
			b = t.Append(append([]byte(nil), b[:end]...))
			copy(b, format.Header())
		}
		_, _ = openBytes(b)
	})
}
