package geo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

type cellList []uint64

func (c cellList) Len() int        { return len(c) }
func (c cellList) At(i int) uint64 { return c[i] }

func TestH3Level(t *testing.T) {
	for resolution, want := range []int{2, 4, 5, 6, 8, 9, 11, 12, 13, 15, 16, 18, 19, 20, 22, 23} {
		if got := H3Level(resolution); got != want {
			t.Errorf("level of resolution %d: %d, want %d", resolution, got, want)
		}
	}
}

// randomPoint prefers poles, the date line and clusters.
func randomPoint(r *rand.Rand) Point {
	switch r.IntN(6) {
	case 0:
		return Point{[]float64{-180, 180, 0, 179.9999, -179.9999}[r.IntN(5)], r.Float64()*180 - 90}
	case 1:
		return Point{r.Float64()*360 - 180, []float64{90, -90, 89.99, 0, 45}[r.IntN(5)]}
	case 2:
		return Point{10 + r.Float64(), 50 + r.Float64()}
	}
	return Point{r.Float64()*360 - 180, r.Float64()*180 - 90}
}

// TestCover compares the covering of random regions with each point's own answer.
func TestCover(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		level := H3Level(r.IntN(16))
		points := make([]Point, 200)
		var cells cellList
		for i := range points {
			points[i] = randomPoint(r)
			cells = append(cells, MakeCell(points[i], level))
		}
		slices.Sort(cells)
		cells = slices.Compact(cells)
		for range 20 {
			region, has := randomRegion(r)
			checkCover(t, region, has, points, cells, level)
		}
	}
}

func randomRegion(r *rand.Rand) (*Region, func(Point) bool) {
	centre := randomPoint(r)
	beyond := r.IntN(2) == 0
	switch r.IntN(3) {
	case 0:
		radius := math.Pow(10, 3+r.Float64()*4.3)
		o, _ := NewOrigin(centre)
		return Near(centre, true, radius, beyond), func(p Point) bool {
			d, _ := o.Distance(p)
			return d < radius != beyond
		}
	case 1:
		radius := math.Pow(10, -1+r.Float64()*3.5)
		return Near(centre, false, radius, beyond), func(p Point) bool { return PlanarDistance(p, centre) < radius != beyond }
	}
	star, _ := randomStar(r)
	size := math.Pow(10, r.Float64()*2.5)
	for i := range star.Rings[0] {
		p := &star.Rings[0][i]
		p.X, p.Y = centre.X+p.X*size, centre.Y+p.Y*size
	}
	return Within(star), func(p Point) bool { return star.Locate(p) == Inside }
}

func checkCover(t *testing.T, region *Region, has func(Point) bool, points []Point, cells cellList, level int) {
	t.Helper()
	sure, maybe := region.Cover(cells, level)
	in := func(list []Span, i int) bool {
		return slices.ContainsFunc(list, func(s Span) bool { return s.From <= i && i < s.To })
	}
	for _, p := range points {
		i, _ := slices.BinarySearch(cells, MakeCell(p, level))
		switch {
		case in(maybe, i):
		case in(sure, i) != has(p):
			t.Fatalf("%v at level %d: %v by its cell, %v itself", p, level, in(sure, i), has(p))
		}
	}
}
