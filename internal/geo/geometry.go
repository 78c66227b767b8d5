// Package geo knows points, lines and polygons: their texts (WKT, GeoJSON) and
// bytes (WKB), distance and area in the plane and on the sphere, containment,
// and the cells that cover places on the earth. It must not know of columns,
// SQL or segments.
package geo

import (
	"errors"
	"math"
)

// The errors of this package, to be checked with errors.Is.
var (
	// ErrText is returned for malformed WKT.
	ErrText = errors.New("invalid WKT")
	// ErrBytes is returned for malformed WKB.
	ErrBytes = errors.New("invalid WKB")
	// ErrArgument is returned when a measure is asked of geometries that do not
	// have it.
	ErrArgument = errors.New("invalid geometry")
	// ErrUnsupported is returned for what geometries may be but here are not.
	ErrUnsupported = errors.New("unsupported geometry")
)

// Kind is the form of a geometry, with the numbers of WKB.
type Kind uint8

// The kinds.
const (
	KindPoint Kind = 1 + iota
	KindLineString
	KindPolygon
	KindMultiPoint
	KindMultiLineString
	KindMultiPolygon
	KindCollection
)

var kindNames = [...]string{
	KindPoint: "Point", KindLineString: "LineString", KindPolygon: "Polygon", KindMultiPoint: "MultiPoint",
	KindMultiLineString: "MultiLineString", KindMultiPolygon: "MultiPolygon", KindCollection: "GeometryCollection",
}

// String returns the name as GeoJSON spells it.
func (k Kind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return "unknown"
}

// element is the kind of the parts of a multi-form, 0 for other kinds.
func (k Kind) element() Kind {
	if k >= KindMultiPoint && k <= KindMultiPolygon {
		return k - 3
	}
	return 0
}

// Point is a position: longitude and latitude in degrees where it is one of a
// geography.
type Point struct{ X, Y float64 }

// Geometry is a geometry of the plane or, as a geography, of the earth.
type Geometry struct {
	Kind      Kind
	Geography bool
	// Points are the position of a point (none when it is empty) or those of a
	// line.
	Points []Point
	// Rings are the outer ring of a polygon and its holes; each ends where it
	// begins.
	Rings [][]Point
	// Parts are the elements of the other kinds.
	Parts []Geometry
}

// NewPoint returns a point.
func NewPoint(x, y float64, geography bool) *Geometry {
	return &Geometry{Kind: KindPoint, Geography: geography, Points: []Point{{x, y}}}
}

// Empty reports whether the geometry has no position.
func (g *Geometry) Empty() bool {
	if len(g.Points) > 0 || len(g.Rings) > 0 {
		return false
	}
	for i := range g.Parts {
		if !g.Parts[i].Empty() {
			return false
		}
	}
	return true
}

// SetGeography makes the geometry and its parts a geography, or none.
func (g *Geometry) SetGeography(geography bool) {
	g.Geography = geography
	for i := range g.Parts {
		g.Parts[i].SetGeography(geography)
	}
}

// dimension is the greatest of the parts': 0 for points, 1 lines, 2 areas, -1
// for an empty geometry.
func (g *Geometry) dimension() int {
	d := -1
	g.eachSimple(func(s *Geometry) {
		if !s.Empty() {
			d = max(d, int(s.Kind)-1)
		}
	})
	return d
}

// eachSimple calls f for the points, lines and polygons of g.
func (g *Geometry) eachSimple(f func(*Geometry)) {
	if g.Kind <= KindPolygon {
		f(g)
		return
	}
	for i := range g.Parts {
		g.Parts[i].eachSimple(f)
	}
}

// maxNesting bounds collections within collections.
const maxNesting = 8

func finite(p Point) bool {
	return !math.IsNaN(p.X) && !math.IsInf(p.X, 0) && !math.IsNaN(p.Y) && !math.IsInf(p.Y, 0)
}

// checkLine tells what a line or ring lacks.
func checkLine(points []Point, ring bool) string {
	switch {
	case len(points) == 0:
		return ""
	case ring && len(points) < 4:
		return "a ring needs at least four points"
	case ring && points[0] != points[len(points)-1]:
		return "a ring must end where it begins"
	case len(points) == 1:
		return "a line needs at least two points"
	}
	return ""
}
