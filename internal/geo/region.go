package geo

import (
	"math"

	"github.com/golang/geo/s2"
)

// Region is a set of points that a condition asks for: those near a point,
// those far from it, or those in a polygon.
type Region struct {
	// Geography tells of which kind the points must be.
	Geography bool

	polygon *Geometry // nil for distances
	edges   int

	from   Point
	origin s2.Point
	radius float64
	beyond bool
}

// Near returns the points with a distance from p below the radius, or with
// beyond those above it; whether those at the radius belong to it is left open.
// It returns nil for what it cannot tell.
func Near(p Point, geography bool, radius float64, beyond bool) *Region {
	if math.IsNaN(radius) || geography && !OnEarth(p) {
		return nil
	}
	return &Region{
		Geography: geography, from: p, radius: radius, beyond: beyond,
		origin: s2.PointFromLatLng(s2.LatLngFromDegrees(p.Y, p.X)),
	}
}

// Within returns the points that polygons contain, nil if g is anything else.
func Within(g *Geometry) *Region {
	if g.Kind != KindPolygon && g.Kind != KindMultiPolygon || g.Empty() {
		return nil
	}
	r := &Region{Geography: g.Geography, polygon: g}
	g.eachSimple(func(s *Geometry) { s.eachSegment(func(_, _ Point) { r.edges++ }) })
	return r
}

// cost is about what looking at a cell takes, as a share of coverBudget.
func (r *Region) cost() int { return 32 + r.edges }

// overlap is how a cell and a region lie to each other.
type overlap uint8

const (
	disjoint overlap = iota
	partial
	covered
)

// The margins that make up for rounding: points may lie outside their cell, and
// distances differ, by less.
const (
	marginMetres  = 2.0
	marginDegrees = 1e-9
)

func (r *Region) cell(id s2.CellID) overlap {
	c := s2.CellFromCellID(id)
	switch {
	case r.polygon != nil:
		return r.inPolygon(boundOf(c))
	case r.Geography:
		near, far := c.Distance(r.origin).Angle(), c.MaxDistance(r.origin).Angle()
		return r.byDistance(near.Radians()*EarthRadius-marginMetres, far.Radians()*EarthRadius+marginMetres)
	}
	near, far := boundOf(c).distances(r.from)
	margin := marginDegrees * (1 + far)
	return r.byDistance(near-margin, far+margin)
}

// byDistance decides by the least and greatest distance.
func (r *Region) byDistance(near, far float64) overlap {
	in, out := far < r.radius, near > r.radius
	if r.beyond {
		in, out = out, in
	}
	switch {
	case in:
		return covered
	case out:
		return disjoint
	}
	return partial
}

// box is a rectangle of longitudes and latitudes.
type box struct{ lo, hi Point }

// boundOf returns a box that contains a cell. One that reaches 180 degrees is
// widened to all longitudes, because both ends of them are the same place.
func boundOf(c s2.Cell) box {
	const degrees = 180 / math.Pi
	b := c.RectBound()
	out := box{
		Point{b.Lng.Lo*degrees - marginDegrees, b.Lat.Lo*degrees - marginDegrees},
		Point{b.Lng.Hi*degrees + marginDegrees, b.Lat.Hi*degrees + marginDegrees},
	}
	if b.Lng.IsInverted() || out.lo.X <= -180+marginDegrees || out.hi.X >= 180-marginDegrees {
		out.lo.X, out.hi.X = -180, 180
	}
	return out
}

// distances returns bounds of the distances in the plane from p.
func (b box) distances(p Point) (near, far float64) {
	dx := max(b.lo.X-p.X, p.X-b.hi.X, 0)
	dy := max(b.lo.Y-p.Y, p.Y-b.hi.Y, 0)
	fx := max(math.Abs(p.X-b.lo.X), math.Abs(p.X-b.hi.X))
	fy := max(math.Abs(p.Y-b.lo.Y), math.Abs(p.Y-b.hi.Y))
	return math.Hypot(dx, dy), math.Hypot(fx, fy)
}

// inPolygon: a box that no edge reaches lies on one side of all of them.
func (r *Region) inPolygon(b box) overlap {
	touched := false
	r.polygon.eachSimple(func(s *Geometry) {
		if touched {
			return
		}
		s.eachSegment(func(p, q Point) { touched = touched || b.reaches(p, q) })
	})
	switch {
	case touched:
		return partial
	case r.polygon.Locate(b.lo) == Inside:
		return covered
	}
	return disjoint
}

// reaches reports whether a line may touch the box.
func (b box) reaches(p, q Point) bool {
	if max(p.X, q.X) < b.lo.X || min(p.X, q.X) > b.hi.X || max(p.Y, q.Y) < b.lo.Y || min(p.Y, q.Y) > b.hi.Y {
		return false
	}
	side := orient(p, q, b.lo)
	return side == 0 || orient(p, q, b.hi) != side || orient(p, q, Point{b.lo.X, b.hi.Y}) != side || orient(p, q, Point{b.hi.X, b.lo.Y}) != side
}
