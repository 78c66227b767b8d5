package geo

import (
	"fmt"
	"slices"
)

// Contains reports whether no point of b lies outside a, and some point of the
// interior of b in the interior of a. Both are taken to lie in the plane, with
// straight edges between positions, geographies too. A point on the boundary of
// a polygon is not contained.
func Contains(a, b *Geometry) (bool, error) {
	if err := checkPair(a, b); err != nil {
		return false, err
	}
	if a.Empty() || b.Empty() {
		return false, nil
	}
	return contains(a, b), nil
}

// Equal reports whether two geometries are the same set of points.
func Equal(a, b *Geometry) (bool, error) {
	if err := checkPair(a, b); err != nil {
		return false, err
	}
	if a.dimension() != b.dimension() {
		return false, nil
	}
	return a.Empty() || contains(a, b) && contains(b, a), nil
}

func checkPair(a, b *Geometry) error {
	switch {
	case a.Geography != b.Geography:
		return errMixed()
	case a.Kind == KindCollection || b.Kind == KindCollection:
		return fmt.Errorf("%w: a GeometryCollection cannot be compared", ErrUnsupported)
	}
	return nil
}

func contains(a, b *Geometry) bool {
	switch da, db := a.dimension(), b.dimension(); {
	case db == 0:
		return containsPoints(a, b)
	case da == 2 && db == 1:
		return areaContainsLines(a, b)
	case da == 2 && db == 2:
		return areaContainsArea(a, b)
	case da == 1 && db == 1:
		return linesContainLines(a, b)
	}
	return false
}

// Locate finds a point in a geometry that is no collection.
func (g *Geometry) Locate(p Point) Place {
	if g.dimension() == 1 {
		return locateOnLines(g, p)
	}
	best := Outside
	g.eachSimple(func(s *Geometry) {
		where := Outside
		switch {
		case s.Kind == KindPolygon:
			where = locateInPolygon(s, p)
		case len(s.Points) > 0 && s.Points[0] == p:
			where = Inside
		}
		best = max(best, where)
	})
	return best
}

// locateOnLines finds a point on lines. Their boundary is the ends that an odd
// number of them have.
func locateOnLines(g *Geometry, p Point) Place {
	where, ends := Outside, 0
	g.eachSimple(func(s *Geometry) {
		if s.Empty() {
			return
		}
		s.eachSegment(func(a, b Point) {
			if onSegment(a, b, p) {
				where = Inside
			}
		})
		for _, end := range []Point{s.Points[0], s.Points[len(s.Points)-1]} {
			if end == p {
				ends++
			}
		}
	})
	if where == Inside && ends%2 == 1 {
		return OnBoundary
	}
	return where
}

func containsPoints(a, b *Geometry) bool {
	all, inner := true, false
	b.eachSimple(func(s *Geometry) {
		for _, p := range s.Points {
			where := a.Locate(p)
			all = all && where != Outside
			inner = inner || where == Inside
		}
	})
	return all && inner
}

// areaContainsLines looks at the pieces into which the edges of a cut b.
func areaContainsLines(a, b *Geometry) bool {
	all, inner := true, false
	eachPiece(b, a, func(mid Point, along bool) {
		if along {
			return
		}
		where := a.Locate(mid)
		all = all && where != Outside
		inner = inner || where == Inside
	})
	return all && inner
}

// areaContainsArea is true when no edge of b leaves a, no edge of a enters b,
// and b does not lie in a hole of a.
func areaContainsArea(a, b *Geometry) bool {
	all := true
	eachPiece(b, a, func(mid Point, along bool) { all = all && (along || a.Locate(mid) != Outside) })
	if !all {
		return false
	}
	// An edge between two parts of a that touch each other may run through b.
	eachPiece(a, b, func(mid Point, along bool) {
		all = all && (along || b.Locate(mid) != Inside || sharedEdge(a, mid))
	})
	b.eachSimple(func(s *Geometry) {
		if p, ok := interiorPoint(s); ok && all {
			all = a.Locate(p) != Outside
		}
	})
	return all
}

// sharedEdge reports whether two polygons have the point on their boundary.
func sharedEdge(g *Geometry, p Point) bool {
	n := 0
	g.eachSimple(func(s *Geometry) {
		if locateInPolygon(s, p) == OnBoundary {
			n++
		}
	})
	return n > 1
}

// interiorPoint finds a point in a polygon: on a horizontal line between the
// heights of its points, the middle of the widest stretch inside.
func interiorPoint(g *Geometry) (Point, bool) {
	var ys []float64
	for _, r := range g.Rings {
		for _, p := range r {
			ys = append(ys, p.Y)
		}
	}
	slices.Sort(ys)
	ys = slices.Compact(ys)
	best, width := Point{}, 0.0
	for i := 1; i < len(ys) && width == 0; i++ {
		y := ys[i-1] + (ys[i]-ys[i-1])/2
		xs := crossings(g, y)
		for k := 1; k < len(xs); k++ {
			p := Point{xs[k-1] + (xs[k]-xs[k-1])/2, y}
			if w := xs[k] - xs[k-1]; w > width && locateInPolygon(g, p) == Inside {
				best, width = p, w
			}
		}
	}
	return best, width > 0
}

// crossings returns where the edges of a polygon cross a height, ascending.
func crossings(g *Geometry, y float64) []float64 {
	var xs []float64
	g.eachSegment(func(a, b Point) {
		if (a.Y > y) != (b.Y > y) {
			xs = append(xs, a.X+(y-a.Y)/(b.Y-a.Y)*(b.X-a.X))
		}
	})
	slices.Sort(xs)
	return xs
}

func linesContainLines(a, b *Geometry) bool {
	all := true
	eachPiece(b, a, func(_ Point, along bool) { all = all && along })
	return all
}

// cut is a place where an edge is cut, as a share of its length; run ends
// there ("+1") or begins ("-1") a stretch that runs along another edge.
type cut struct {
	at  float64
	run int
}

// eachPiece cuts the edges of g where those of by meet them, and calls f with
// the middle of each piece and whether it runs along an edge of by.
func eachPiece(g, by *Geometry, f func(mid Point, along bool)) {
	var cuts []cut
	g.eachSimple(func(s *Geometry) {
		s.eachSegment(func(a, b Point) {
			if a == b {
				return
			}
			cuts = append(cuts[:0], cut{0, 0}, cut{1, 0})
			by.eachSimple(func(t *Geometry) {
				t.eachSegment(func(c, d Point) { cuts = appendCuts(cuts, a, b, c, d) })
			})
			eachCut(cuts, a, b, f)
		})
	})
}

// rounding is the length of pieces that only come from rounding.
const rounding = 1e-12

func eachCut(cuts []cut, a, b Point, f func(mid Point, along bool)) {
	slices.SortFunc(cuts, func(x, y cut) int { return sign(x.at - y.at) })
	depth := 0
	for i := range len(cuts) - 1 {
		depth += cuts[i].run
		if t, u := cuts[i].at, cuts[i+1].at; u-t > rounding {
			m := t + (u-t)/2
			f(Point{a.X + m*(b.X-a.X), a.Y + m*(b.Y-a.Y)}, depth > 0)
		}
	}
}

// appendCuts adds where edge c–d meets edge a–b.
func appendCuts(cuts []cut, a, b, c, d Point) []cut {
	oc, od := orient(a, b, c), orient(a, b, d)
	switch {
	case oc == 0 && od == 0:
		t, u := share(a, b, c), share(a, b, d)
		t, u = max(min(t, u), 0), min(max(t, u), 1)
		if t < u {
			cuts = append(cuts, cut{t, 1}, cut{u, -1})
		}
	case oc == 0:
		cuts = appendCut(cuts, share(a, b, c))
	case od == 0:
		cuts = appendCut(cuts, share(a, b, d))
	case oc != od && orient(c, d, a)*orient(c, d, b) <= 0:
		cuts = appendCut(cuts, crossing(a, b, c, d))
	}
	return cuts
}

func appendCut(cuts []cut, t float64) []cut {
	if t > 0 && t < 1 {
		cuts = append(cuts, cut{t, 0})
	}
	return cuts
}

// share is the position of a point of the line through a and b.
func share(a, b, p Point) float64 {
	dx, dy := b.X-a.X, b.Y-a.Y
	if dx*dx > dy*dy {
		return (p.X - a.X) / dx
	}
	return (p.Y - a.Y) / dy
}

// crossing is the position on a–b where the line through c and d crosses it.
func crossing(a, b, c, d Point) float64 {
	dx, dy := d.X-c.X, d.Y-c.Y
	return ((c.X-a.X)*dy - (c.Y-a.Y)*dx) / ((b.X-a.X)*dy - (b.Y-a.Y)*dx)
}
