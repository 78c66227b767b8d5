package geo

import (
	"fmt"
	"math"
)

// EarthRadius is the radius of the sphere that stands for the earth, in metres.
const EarthRadius = 6371010.0

const radians = math.Pi / 180

// OnEarth reports whether a position is a longitude and a latitude.
func OnEarth(p Point) bool { return math.Abs(p.Y) <= 90 && math.Abs(p.X) <= 180 }

// errOffEarth names what is wrong with a position.
func errOffEarth(p Point) error {
	if !(math.Abs(p.Y) <= 90) {
		return fmt.Errorf("%w: latitude %v is not within -90 and 90", ErrArgument, p.Y)
	}
	return fmt.Errorf("%w: longitude %v is not within -180 and 180", ErrArgument, p.X)
}

// Origin is a position from which great-circle distances are measured; what
// depends only on it is computed once.
type Origin struct {
	lon, sin, cos float64
}

// NewOrigin returns the origin at a position on the earth.
func NewOrigin(p Point) (Origin, error) {
	if !OnEarth(p) {
		return Origin{}, errOffEarth(p)
	}
	sin, cos := math.Sincos(p.Y * radians)
	return Origin{p.X * radians, sin, cos}, nil
}

// Distance returns the distance to p in metres. The form of the formula is the
// one that is exact for near and for opposite points alike.
func (o *Origin) Distance(p Point) (float64, error) {
	if !OnEarth(p) {
		return 0, errOffEarth(p)
	}
	sin, cos := math.Sincos(p.Y * radians)
	sinLon, cosLon := math.Sincos(p.X*radians - o.lon)
	a := cos * sinLon
	b := o.cos*sin - o.sin*cos*cosLon
	return math.Atan2(math.Sqrt(a*a+b*b), o.sin*sin+o.cos*cos*cosLon) * EarthRadius, nil
}

// sphericalArea is the area of a polygon on the sphere in square metres. A ring
// encloses the smaller of the two parts that it cuts the sphere into, unless it
// runs around a pole.
func (g *Geometry) sphericalArea() (float64, error) {
	total := 0.0
	for i, ring := range g.Rings {
		a, err := ringExcess(ring)
		if err != nil {
			return 0, err
		}
		if i > 0 {
			a = -a
		}
		total += a
	}
	return max(total, 0) * EarthRadius * EarthRadius, nil
}

// ringExcess sums the areas between the edges of a ring and the equator, on the
// unit sphere.
func ringExcess(ring []Point) (float64, error) {
	sum, turn := 0.0, 0.0
	for i := range len(ring) - 1 {
		p, q := ring[i], ring[i+1]
		if !OnEarth(p) {
			return 0, errOffEarth(p)
		}
		d := math.Remainder((q.X-p.X)*radians, 2*math.Pi)
		t1, t2 := math.Tan(p.Y*radians/2), math.Tan(q.Y*radians/2)
		sum += 2 * math.Atan2(math.Tan(d/2)*(t1+t2), 1+t1*t2)
		turn += d
	}
	area := math.Abs(sum)
	if math.Abs(turn) > math.Pi { // around a pole
		area = 2*math.Pi - area
	}
	return area, nil
}
