package index

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// Geo is a geo index: the documents whose point lies in each cell of one level
// of S2. Coarser cells are ranges of these. Its parts are
//
//	head      uvarint: number of cells; level (byte); 1 for geographies, 0 for
//	          geometries (byte)
//	cells     ascending, shifted right by one, in frame of reference
//	others    documents whose value is no point of that kind on the earth,
//	          roaring; a condition on these has to be evaluated
//	postings  as in an inverted index
//
// NULL documents are in none of them. It is safe for concurrent use.
type Geo struct {
	cells     *encoding.FOR[int64]
	n         int
	level     int
	geography bool
	others    *roaring.Bitmap
	posts     *Inverted
}

var (
	_ segment.GeoIndex = (*Geo)(nil)
	_ geo.Cells        = (*Geo)(nil)
)

const (
	geoParts = 4
	// maxGeoCells bounds the cells of an index; there is one per document at
	// most.
	maxGeoCells = 1 << 31
)

// OpenGeo returns the index over docs documents in buf.
func OpenGeo(buf []byte, docs uint32) (*Geo, error) {
	s, err := openSections(buf, geoParts)
	if err != nil {
		return nil, err
	}
	n, k := binary.Uvarint(s[0])
	if k <= 0 || len(s[0]) != k+2 || n > uint64(docs) || n > maxGeoCells || s[0][k] > geo.MaxCellLevel || s[0][k+1] > 1 {
		return nil, segment.Corruptf("head of a geo index")
	}
	x := &Geo{n: int(n), level: int(s[0][k]), geography: s[0][k+1] == 1}
	if x.cells, err = encoding.NewFOR[int64](s[1], x.n); err != nil {
		return nil, err
	}
	if x.others, err = encoding.OpenBitmap(s[2], docs); err != nil {
		return nil, err
	}
	if x.posts, err = OpenInverted(s[3], x.n, docs); err != nil {
		return nil, err
	}
	return x, nil
}

// Len implements geo.Cells.
func (x *Geo) Len() int { return x.n }

// At implements geo.Cells.
func (x *Geo) At(i int) uint64 {
	var v [1]int64
	at := [1]uint32{uint32(i)}
	x.cells.Gather(at[:], v[:])
	return uint64(v[0]) << 1
}

// Level returns the level of the cells; geography tells what the points are.
func (x *Geo) Level() (level int, geography bool) { return x.level, x.geography }

// Others returns the number of documents whose value is no such point.
func (x *Geo) Others() uint64 { return x.others.GetCardinality() }

// Check reads everything.
func (x *Geo) Check() error {
	last := uint64(0)
	for i := range x.n {
		id := x.At(i)
		if id <= last || !geo.ValidCell(id, x.level) {
			return segment.Corruptf("cell %d of a geo index", i)
		}
		last = id
	}
	return x.posts.Check()
}

// Match implements segment.GeoIndex.
func (x *Geo) Match(r *geo.Region, limit int) (sure, maybe *roaring.Bitmap, ok bool, err error) {
	if r.Geography != x.geography {
		return nil, nil, false, nil
	}
	in, edge := r.Cover(x, x.level)
	if count(in)+count(edge) > limit {
		return nil, nil, false, nil
	}
	sure, maybe = roaring.New(), x.others.Clone()
	if err := x.addSpans(in, sure); err != nil {
		return nil, nil, false, err
	}
	if err := x.addSpans(edge, maybe); err != nil {
		return nil, nil, false, err
	}
	return sure, maybe, true, nil
}

func count(spans []geo.Span) int {
	n := 0
	for _, s := range spans {
		n += s.To - s.From
	}
	return n
}

// addSpans adds the documents of cells. Those of a corrupt index may be out of
// order, but are still within it.
func (x *Geo) addSpans(spans []geo.Span, docs *roaring.Bitmap) error {
	for _, s := range spans {
		for i := s.From; i < s.To; i++ {
			p, err := x.posts.Postings(uint32(i))
			if err != nil {
				return err
			}
			docs.Or(p)
		}
	}
	return nil
}

// GeoBuilder makes a geo index.
type GeoBuilder struct {
	level     int
	geography bool
	known     bool // geography is that of the first point
	others    *roaring.Bitmap
	docs      []cellDoc
}

type cellDoc struct {
	cell uint64
	doc  uint32
}

// NewGeoBuilder returns a builder of an index over the cells of a level.
func NewGeoBuilder(level int) *GeoBuilder {
	return &GeoBuilder{level: level, others: roaring.New()}
}

// Cell returns the cell of a value, 0 when it is no point of the kind of the
// first one.
func (b *GeoBuilder) Cell(value []byte) uint64 {
	p, geography, ok := geo.ReadPoint(value)
	if !ok || !geo.OnEarth(p) || b.known && geography != b.geography {
		return 0
	}
	b.known, b.geography = true, geography
	return geo.MakeCell(p, b.level)
}

// Add adds a document, which comes after the one before, by the result of Cell.
func (b *GeoBuilder) Add(doc uint32, cell uint64) {
	if cell == 0 {
		b.others.Add(doc)
		return
	}
	b.docs = append(b.docs, cellDoc{cell, doc})
}

// Append appends the finished index.
func (b *GeoBuilder) Append(dst []byte) ([]byte, error) {
	slices.SortFunc(b.docs, func(x, y cellDoc) int { return cmp.Or(cmp.Compare(x.cell, y.cell), cmp.Compare(x.doc, y.doc)) })
	var cells []int64
	var starts []uint32
	docs := make([]uint32, len(b.docs))
	for i, d := range b.docs {
		if i == 0 || d.cell != b.docs[i-1].cell {
			cells, starts = append(cells, int64(d.cell>>1)), append(starts, uint32(i))
		}
		docs[i] = d.doc
	}
	posts := appendPostings(nil, docs, append(starts, uint32(len(docs))))
	b.others.RunOptimize()
	others, err := encoding.AppendBitmap(nil, b.others)
	if err != nil {
		return nil, err
	}
	head := append(binary.AppendUvarint(nil, uint64(len(cells))), byte(b.level), 0)
	if b.geography {
		head[len(head)-1] = 1
	}
	return sections{head, encoding.AppendFOR(nil, cells), others, posts}.append(dst), nil
}
