package geo

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The bytes of a geometry are its WKB, little-endian; those of a geography are
// EWKB with SRID 4326 (longitude and latitude of WGS 84):
//
//	0  1  byte order, 1
//	1  4  kind; with sridFlag in a geography
//	5  4  4326, in a geography only
//	…     point: x, y as float64, NaN where it is empty
//	      line:  count (uint32), points
//	      polygon: count of rings, each a count and points
//	      others: count of parts, each a WKB without SRID
//
// Readers accept both byte orders, and any SRID as a geography's.
const (
	littleEndian = 1
	sridFlag     = 0x20000000
	zFlag        = 0x80000000
	mFlag        = 0x40000000
	sridWGS84    = 4326
)

// Sizes of the bytes of a point.
const (
	geometryPointSize  = 21
	geographyPointSize = 25
)

// The first bytes of a point as AppendBytes writes them.
const (
	geometryHead  = "\x01\x01\x00\x00\x00"
	geographyHead = "\x01\x01\x00\x00\x20\xe6\x10\x00\x00"
)

// AppendPoint appends the bytes of a point.
func AppendPoint(dst []byte, x, y float64, geography bool) []byte {
	if geography {
		dst = append(dst, geographyHead...)
	} else {
		dst = append(dst, geometryHead...)
	}
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(y))
}

// ReadPoint reads the bytes of a point that is not empty, as AppendBytes writes
// them; ok is false for anything else.
func ReadPoint(b []byte) (p Point, geography, ok bool) {
	at := len(geometryHead)
	switch {
	case len(b) == geographyPointSize && string(b[:len(geographyHead)]) == geographyHead:
		at, geography = len(geographyHead), true
	case len(b) != geometryPointSize || string(b[:len(geometryHead)]) != geometryHead:
		return p, false, false
	}
	p.X = math.Float64frombits(binary.LittleEndian.Uint64(b[at:]))
	p.Y = math.Float64frombits(binary.LittleEndian.Uint64(b[at+8:]))
	return p, geography, finite(p)
}

// AppendBytes appends the bytes of a geometry.
func (g *Geometry) AppendBytes(dst []byte) []byte {
	return g.appendWKB(dst, littleEndianOrder, g.Geography)
}

// AppendWKB appends the geometry as the standard has it, without an SRID.
func (g *Geometry) AppendWKB(dst []byte, bigEndian bool) []byte {
	if bigEndian {
		return g.appendWKB(dst, binary.BigEndian, false)
	}
	return g.appendWKB(dst, littleEndianOrder, false)
}

var littleEndianOrder = binary.LittleEndian

func (g *Geometry) appendWKB(dst []byte, o binary.AppendByteOrder, srid bool) []byte {
	order := byte(0)
	if o == binary.AppendByteOrder(littleEndianOrder) {
		order = littleEndian
	}
	dst = append(dst, order)
	if srid {
		dst = o.AppendUint32(o.AppendUint32(dst, uint32(g.Kind)|sridFlag), sridWGS84)
	} else {
		dst = o.AppendUint32(dst, uint32(g.Kind))
	}
	switch g.Kind {
	case KindPoint:
		p := Point{math.NaN(), math.NaN()}
		if len(g.Points) > 0 {
			p = g.Points[0]
		}
		return appendPosition(dst, o, p)
	case KindLineString:
		return appendPositions(dst, o, g.Points)
	case KindPolygon:
		dst = o.AppendUint32(dst, uint32(len(g.Rings)))
		for _, r := range g.Rings {
			dst = appendPositions(dst, o, r)
		}
		return dst
	}
	dst = o.AppendUint32(dst, uint32(len(g.Parts)))
	for i := range g.Parts {
		dst = g.Parts[i].appendWKB(dst, o, false)
	}
	return dst
}

func appendPosition(dst []byte, o binary.AppendByteOrder, p Point) []byte {
	return o.AppendUint64(o.AppendUint64(dst, math.Float64bits(p.X)), math.Float64bits(p.Y))
}

func appendPositions(dst []byte, o binary.AppendByteOrder, points []Point) []byte {
	dst = o.AppendUint32(dst, uint32(len(points)))
	for _, p := range points {
		dst = appendPosition(dst, o, p)
	}
	return dst
}

// ParseBytes reads WKB or EWKB; with an SRID it is a geography.
func ParseBytes(b []byte) (*Geometry, error) {
	r := wkbReader{b: b}
	g := r.geometry(0, 0)
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes follow the geometry", len(r.b))
	}
	if r.err != nil {
		return nil, r.err
	}
	g.SetGeography(r.srid)
	return &g, nil
}

// wkbReader reads from the front of b and remembers the first fault.
type wkbReader struct {
	b     []byte
	order binary.ByteOrder
	srid  bool
	err   error
}

func (r *wkbReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrBytes, fmt.Sprintf(format, args...))
	}
}

// take returns the next n bytes, zeros after a fault.
func (r *wkbReader) take(n int) []byte {
	if r.err == nil && len(r.b) < n {
		r.fail("it ends too early")
	}
	if r.err != nil {
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *wkbReader) uint32() uint32 { return r.order.Uint32(r.take(4)) }

// count reads the number of items of at least size bytes each.
func (r *wkbReader) count(size int) int {
	n := r.uint32()
	if r.err == nil && uint64(n)*uint64(size) > uint64(len(r.b)) {
		r.fail("it ends before %d items", n)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// head reads byte order, kind and SRID.
func (r *wkbReader) head(depth int) Kind {
	switch o := r.take(1)[0]; o {
	case 0:
		r.order = binary.BigEndian
	case littleEndian:
		r.order = binary.LittleEndian
	default:
		r.order = binary.LittleEndian
		r.fail("unknown byte order %d", o)
	}
	code := r.uint32()
	if code&sridFlag != 0 {
		r.uint32()
		r.srid = r.srid || depth == 0
	}
	kind := code &^ (sridFlag | zFlag | mFlag)
	switch {
	case r.err != nil:
	case code&(zFlag|mFlag) != 0 || kind > 1000 && kind < 4000:
		r.err = fmt.Errorf("%w: more than two coordinates", ErrUnsupported)
	case kind < uint32(KindPoint) || kind > uint32(KindCollection):
		r.fail("unknown kind of geometry %d", kind)
	}
	return Kind(kind)
}

// partSize is the least size of a part.
const partSize = 9

// geometry reads a geometry, of the kind only if that is not 0.
func (r *wkbReader) geometry(only Kind, depth int) Geometry {
	g := Geometry{Kind: r.head(depth)}
	if only != 0 && r.err == nil && g.Kind != only {
		r.fail("%s in a Multi%s", g.Kind, only)
	}
	if depth > maxNesting {
		r.fail("more than %d collections within each other", maxNesting)
	}
	if r.err != nil {
		return g
	}
	switch g.Kind {
	case KindPoint:
		g.Points = r.position()
	case KindLineString:
		g.Points = r.positions(false)
	case KindPolygon:
		for range r.count(4) {
			g.Rings = append(g.Rings, r.ring())
		}
	default:
		for range r.count(partSize) {
			g.Parts = append(g.Parts, r.geometry(g.Kind.element(), depth+1))
		}
	}
	return g
}

func (r *wkbReader) point() Point {
	b := r.take(16)
	return Point{math.Float64frombits(r.order.Uint64(b)), math.Float64frombits(r.order.Uint64(b[8:]))}
}

// position reads the position of a point, none where it is NaN.
func (r *wkbReader) position() []Point {
	p := r.point()
	switch {
	case math.IsNaN(p.X) && math.IsNaN(p.Y):
		return nil
	case !finite(p):
		r.fail("a coordinate is not finite")
	}
	return []Point{p}
}

// ring reads a ring, which has points.
func (r *wkbReader) ring() []Point {
	ring := r.positions(true)
	if len(ring) == 0 {
		r.fail("a ring needs at least four points")
	}
	return ring
}

func (r *wkbReader) positions(ring bool) []Point {
	n := r.count(16)
	if n == 0 {
		return nil
	}
	out := make([]Point, n)
	for i := range out {
		out[i] = r.point()
		if !finite(out[i]) {
			r.fail("a coordinate is not finite")
		}
	}
	if fault := checkLine(out, ring); fault != "" {
		r.fail("%s", fault)
	}
	return out
}
