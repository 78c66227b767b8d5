package geo

import (
	"fmt"
	"math"
	"math/big"
)

// orient tells on which side of the line from a to b the point c lies: 1 left,
// -1 right, 0 on it. It is exact.
func orient(a, b, c Point) int {
	l := (a.X - c.X) * (b.Y - c.Y)
	r := (a.Y - c.Y) * (b.X - c.X)
	det := l - r
	const bound = 3.3306690738754716e-16 // of the rounding of det, relative to |l|+|r|
	if limit := bound * (math.Abs(l) + math.Abs(r)); det > limit || det < -limit {
		return sign(det)
	}
	if a == c || b == c || a == b {
		return 0
	}
	return orientExact(a, b, c)
}

func sign(x float64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func orientExact(a, b, c Point) int {
	diff := func(x, y float64) *big.Rat {
		return new(big.Rat).Sub(new(big.Rat).SetFloat64(x), new(big.Rat).SetFloat64(y))
	}
	l := new(big.Rat).Mul(diff(a.X, c.X), diff(b.Y, c.Y))
	return l.Cmp(new(big.Rat).Mul(diff(a.Y, c.Y), diff(b.X, c.X)))
}

// between reports whether c, which is on the line through a and b, is between
// them or one of them.
func between(a, b, c Point) bool {
	return min(a.X, b.X) <= c.X && c.X <= max(a.X, b.X) && min(a.Y, b.Y) <= c.Y && c.Y <= max(a.Y, b.Y)
}

func onSegment(a, b, c Point) bool { return between(a, b, c) && orient(a, b, c) == 0 }

func segmentsMeet(a, b, c, d Point) bool {
	o1, o2, o3, o4 := orient(a, b, c), orient(a, b, d), orient(c, d, a), orient(c, d, b)
	return o1 != o2 && o3 != o4 && o1*o2 <= 0 && o3*o4 <= 0 && (o1 != 0 || o2 != 0) ||
		o1 == 0 && between(a, b, c) || o2 == 0 && between(a, b, d) || o3 == 0 && between(c, d, a) || o4 == 0 && between(c, d, b)
}

// Place is where a point is in relation to a geometry.
type Place int8

// The places.
const (
	Outside Place = iota
	OnBoundary
	Inside
)

// locateInRing counts the edges that a ray from p to the right crosses.
func locateInRing(ring []Point, p Point) Place {
	in := false
	for i := range len(ring) - 1 {
		a, b := ring[i], ring[i+1]
		if a.X < p.X && b.X < p.X || (a.Y > p.Y) == (b.Y > p.Y) && a.Y != p.Y && b.Y != p.Y {
			continue
		}
		o := orient(a, b, p)
		if o == 0 && between(a, b, p) {
			return OnBoundary
		}
		if (a.Y > p.Y) != (b.Y > p.Y) && (o > 0) == (b.Y > a.Y) {
			in = !in
		}
	}
	if in {
		return Inside
	}
	return Outside
}

// locateInPolygon finds a point in a polygon with holes.
func locateInPolygon(g *Geometry, p Point) Place {
	for i, ring := range g.Rings {
		where := locateInRing(ring, p)
		switch {
		case where == OnBoundary:
			return OnBoundary
		case i == 0 && where == Outside, i > 0 && where == Inside:
			return Outside
		}
	}
	if len(g.Rings) == 0 {
		return Outside
	}
	return Inside
}

// planarArea is the area of a polygon in the plane.
func (g *Geometry) planarArea() float64 {
	total := 0.0
	for i, ring := range g.Rings {
		a := 0.0
		for k := range len(ring) - 1 {
			// Relative to the first point, which keeps the digits.
			p, q := ring[k], ring[k+1]
			a += (p.X-ring[0].X)*(q.Y-ring[0].Y) - (q.X-ring[0].X)*(p.Y-ring[0].Y)
		}
		a = math.Abs(a) / 2
		if i > 0 {
			a = -a
		}
		total += a
	}
	return max(total, 0)
}

// Area returns the area of the polygons of a geometry, in square metres if it
// is a geography.
func (g *Geometry) Area() (float64, error) {
	total := 0.0
	var fault error
	g.eachSimple(func(s *Geometry) {
		if s.Kind != KindPolygon || fault != nil {
			return
		}
		a := 0.0
		if g.Geography {
			a, fault = s.sphericalArea()
		} else {
			a = s.planarArea()
		}
		total += a
	})
	return total, fault
}

// Distance returns the distance of two geometries, in metres if they are
// geographies, which must be points. ok is false when one is empty.
func Distance(a, b *Geometry) (d float64, ok bool, err error) {
	switch {
	case a.Geography != b.Geography:
		return 0, false, errMixed()
	case a.Geography && (a.Kind != KindPoint || b.Kind != KindPoint):
		return 0, false, fmt.Errorf("%w: the distance of geographies is that of points; one is a %s", ErrUnsupported, notPoint(a, b).Kind)
	case a.Empty() || b.Empty():
		return 0, false, nil
	case a.Geography:
		o, err := NewOrigin(a.Points[0])
		if err != nil {
			return 0, false, err
		}
		d, err = o.Distance(b.Points[0])
		return d, err == nil, err
	}
	return planarDistance(a, b), true, nil
}

func errMixed() error {
	return fmt.Errorf("%w: both must be geometries or both geographies", ErrArgument)
}

func notPoint(a, b *Geometry) *Geometry {
	if a.Kind != KindPoint {
		return a
	}
	return b
}

// planarDistance is the least distance of the parts.
func planarDistance(a, b *Geometry) float64 {
	least := math.Inf(1)
	a.eachSimple(func(s *Geometry) {
		b.eachSimple(func(t *Geometry) {
			if least > 0 && !s.Empty() && !t.Empty() {
				least = min(least, simpleDistance(s, t))
			}
		})
	})
	return least
}

func simpleDistance(s, t *Geometry) float64 {
	if holds(s, t) || holds(t, s) {
		return 0
	}
	least := math.Inf(1)
	s.eachSegment(func(a, b Point) {
		t.eachSegment(func(c, d Point) {
			if least > 0 {
				least = min(least, segmentDistance(a, b, c, d))
			}
		})
	})
	return least
}

// holds reports whether polygon s has the first point of t in it, which it has
// if all of t lies in it.
func holds(s, t *Geometry) bool {
	return s.Kind == KindPolygon && locateInPolygon(s, t.first()) != Outside
}

func (g *Geometry) first() Point {
	if g.Kind == KindPolygon {
		return g.Rings[0][0]
	}
	return g.Points[0]
}

// eachSegment calls f for the edges of a point, line or polygon; a point is an
// edge of no length.
func (g *Geometry) eachSegment(f func(a, b Point)) {
	if g.Kind == KindPoint {
		for _, p := range g.Points {
			f(p, p)
		}
		return
	}
	each := func(line []Point) {
		for i := 1; i < len(line); i++ {
			f(line[i-1], line[i])
		}
	}
	each(g.Points)
	for _, r := range g.Rings {
		each(r)
	}
}

func segmentDistance(a, b, c, d Point) float64 {
	if a != b && c != d && segmentsMeet(a, b, c, d) {
		return 0
	}
	return min(pointToSegment(a, c, d), pointToSegment(b, c, d), pointToSegment(c, a, b), pointToSegment(d, a, b))
}

func pointToSegment(p, a, b Point) float64 {
	dx, dy := b.X-a.X, b.Y-a.Y
	length := dx*dx + dy*dy
	if length == 0 {
		return PlanarDistance(p, a)
	}
	t := ((p.X-a.X)*dx + (p.Y-a.Y)*dy) / length
	switch {
	case t <= 0:
		return PlanarDistance(p, a)
	case t >= 1:
		return PlanarDistance(p, b)
	}
	return math.Abs(dx*(a.Y-p.Y)-dy*(a.X-p.X)) / math.Sqrt(length)
}

// PlanarDistance is the distance of two points in the plane.
func PlanarDistance(p, q Point) float64 { return math.Hypot(p.X-q.X, p.Y-q.Y) }
