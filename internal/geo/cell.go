package geo

import (
	"math"
	"sort"

	"github.com/golang/geo/s2"
)

// Cells are those of S2: quarters of quarters of the six faces of a cube around
// the earth, down to MaxCellLevel. The cells of one level that lie in a cell
// follow each other.

// MaxCellLevel is the finest level of MakeCell: cells of about half a metre.
const MaxCellLevel = 24

// H3Level returns the level whose cells have about the area that those of H3
// have at a resolution from 0 to 15: a seventh of the area with each.
func H3Level(resolution int) int {
	const faces, areas = 85010937.0, 4357449.0 // square kilometres, of S2 at level 0 and of H3 at 0
	level := (math.Log(faces/areas) + float64(resolution)*math.Log(7)) / math.Log(4)
	return min(int(math.Round(level)), MaxCellLevel)
}

// MakeCell returns the cell of a position on the earth.
func MakeCell(p Point, level int) uint64 {
	return uint64(s2.CellIDFromLatLng(s2.LatLngFromDegrees(p.Y, p.X)).Parent(level))
}

// ValidCell reports whether there is such a cell.
func ValidCell(id uint64, level int) bool {
	c := s2.CellID(id)
	return c.IsValid() && c.Level() == level
}

// Cells are ascending cells of one level.
type Cells interface {
	Len() int
	At(i int) uint64
}

// Span is positions From to To-1 of Cells.
type Span struct{ From, To int }

// coverBudget bounds how many cells times edges of a polygon are looked at for
// one region; what is left undecided then is covered in part.
const coverBudget = 1 << 18

// Cover returns the cells of which all points are in the region, and those of
// which some may be.
func (r *Region) Cover(cells Cells, level int) (sure, maybe []Span) {
	v := coverage{region: r, cells: cells, level: level, budget: coverBudget}
	n := cells.Len()
	from := 0
	for face := range 6 {
		id := s2.CellIDFromFace(face)
		to := v.end(id, from, n)
		v.visit(id, from, to)
		from = to
	}
	return v.sure, v.maybe
}

// coverage is the state of Cover.
type coverage struct {
	region      *Region
	cells       Cells
	level       int
	budget      int
	sure, maybe []Span
}

// end returns the position after the cells of from..to-1 that lie in id or
// before it.
func (v *coverage) end(id s2.CellID, from, to int) int {
	last := uint64(id.RangeMax())
	return from + sort.Search(to-from, func(i int) bool { return v.cells.At(from+i) > last })
}

// visit decides for cells from..to-1, which lie in id.
func (v *coverage) visit(id s2.CellID, from, to int) {
	if from == to {
		return
	}
	if to-from == 1 {
		id = s2.CellID(v.cells.At(from))
	}
	how := partial
	if v.budget > 0 {
		v.budget -= v.region.cost()
		how = v.region.cell(id)
	}
	switch {
	case how == disjoint:
	case how == covered:
		v.sure = appendSpan(v.sure, from, to)
	case to-from == 1 || id.Level() >= v.level || v.budget <= 0:
		v.maybe = appendSpan(v.maybe, from, to)
	default:
		for _, child := range id.Children() {
			end := v.end(child, from, to)
			v.visit(child, from, end)
			from = end
		}
	}
}

func appendSpan(list []Span, from, to int) []Span {
	if n := len(list); n > 0 && list[n-1].To == from {
		list[n-1].To = to
		return list
	}
	return append(list, Span{from, to})
}
