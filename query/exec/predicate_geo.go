package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

const (
	costGeoCell = 100.0 // read the documents of a cell
	costGeoRow  = 150.0 // evaluate a condition for one point
)

// findGeo answers conditions on where the points of a column are: their
// distance from a constant point compared with a number, and whether a constant
// polygon contains them. Documents of cells that lie on the edge are left to
// the condition.
func findGeo(sp *segPlan, _ *fn.Context, col int, e plan.Expr) (*found, error) {
	c, ok := sp.cols[col].col.(segment.GeoIndexed)
	if !ok {
		return nil, nil
	}
	region := geoRegion(col, e)
	if region == nil {
		return nil, nil
	}
	x := c.Geo()
	if x == nil {
		return nil, nil
	}
	sure, maybe, ok, err := x.Match(region, int(sp.rowsHint*costGeoRow/costGeoCell))
	if err != nil || !ok {
		return nil, err
	}
	return &found{docs: sure, maybe: maybe, exact: true, method: "geo index"}, nil
}

// geoRegion returns the region that a condition asks for, nil when it is no
// such condition.
func geoRegion(col int, e plan.Expr) *geo.Region {
	call, ok := e.(*plan.Call)
	if !ok || len(call.Args) != 2 {
		return nil
	}
	switch call.Fn.Name {
	case "st_within":
		return withinRegion(col, call.Args[0], call.Args[1])
	case "st_contains":
		return withinRegion(col, call.Args[1], call.Args[0])
	}
	op, l, r := call.Fn.Name, call.Args[0], call.Args[1]
	if _, isConst := l.(*plan.Const); isConst {
		op, l, r = mirrored[op], r, l
	}
	if op != "<" && op != "<=" && op != ">" && op != ">=" {
		return nil
	}
	from, ok := measuredFrom(col, l)
	if !ok {
		return nil
	}
	radius, ok := numberOf(r)
	if !ok {
		return nil
	}
	p, geography, ok := geo.ReadPoint(from)
	if !ok {
		return nil
	}
	return geo.Near(p, geography, radius, op[0] == '>')
}

// withinRegion is the region of a constant polygon, nil when it is none or the
// other argument is not the column.
func withinRegion(col int, point, polygon plan.Expr) *geo.Region {
	b, ok := columnAndConst(col, point, polygon)
	if !ok {
		return nil
	}
	g, err := geo.ParseBytes(b)
	if err != nil {
		return nil // the condition itself tells
	}
	return geo.Within(g)
}

// measuredFrom returns the constant point of a distance from the column.
func measuredFrom(col int, e plan.Expr) ([]byte, bool) {
	call, ok := e.(*plan.Call)
	if !ok || call.Fn.Name != "st_distance" || len(call.Args) != 2 {
		return nil, false
	}
	if b, ok := columnAndConst(col, call.Args[0], call.Args[1]); ok {
		return b, true
	}
	return columnAndConst(col, call.Args[1], call.Args[0])
}

func columnAndConst(col int, ref, constant plan.Expr) ([]byte, bool) {
	c, isRef := ref.(*plan.ColRef)
	k, isConst := constant.(*plan.Const)
	if !isRef || !isConst || c.Index != col || k.Value.Null || k.Value.Type.ID != schema.TypeBytea {
		return nil, false
	}
	return k.Value.B, true
}

// numberOf returns a constant number that distances are compared with.
func numberOf(e plan.Expr) (float64, bool) {
	k, ok := e.(*plan.Const)
	if !ok || k.Value.Null {
		return 0, false
	}
	return floatOf(k.Value)
}

func floatOf(v column.Value) (float64, bool) {
	switch v.Type.Kind() {
	case schema.KindFloat32, schema.KindFloat64:
		return v.F, true
	case schema.KindInt32, schema.KindInt64:
		return float64(v.I), v.Type.IsInteger()
	}
	return 0, false
}
