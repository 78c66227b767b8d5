package fn

import (
	"errors"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// registerGeo makes the functions of geometries and geographies. Both are bytes
// (WKB, EWKB with SRID 4326), so that columns with WKB from elsewhere are read
// as they are. Pinot's spelling without underscores is an alias.
func registerGeo(r *registry) {
	registerGeoMakers(r)
	registerGeoTexts(r)
	registerGeoMeasures(r)
	for name := range r.base {
		if strings.HasPrefix(name, "st_") {
			r.alias(name, strings.ReplaceAll(name, "_", ""))
		}
	}
}

func registerGeoMakers(r *registry) {
	point := func(geography func(c *call, i int) bool) rowFunc {
		return func(c *call, i int) error {
			c.out.Data = geo.AppendPoint(c.out.Data, c.f64(0, i), c.f64(1, i), geography(c, i))
			return c.endRow()
		}
	}
	r.row("st_point(float8,float8) bytea", point(func(*call, int) bool { return false }))
	r.row("st_point(float8,float8,bool) bytea", point(func(c *call, i int) bool { return c.bool(2, i) }))
	r.row("st_point(float8,float8,int4) bytea", point(func(c *call, i int) bool { return c.i32(2, i) != 0 }))
	for _, g := range []struct {
		prefix    string
		geography bool
	}{{"st_geom", false}, {"st_geog", true}} {
		r.row(g.prefix+"fromtext(text) bytea", geoFromText(g.geography))
		r.row(g.prefix+"fromwkb(bytea) bytea", func(c *call, i int) error { return c.putGeo(0, i, g.geography) })
	}
	r.alias("st_geogfromtext", "st_geographyfromtext")
	r.alias("st_geomfromtext", "st_geometryfromtext")
	r.row("st_polygon(text) bytea", func(c *call, i int) error {
		g, err := parseWKT(c.str(0, i))
		if err == nil && g.Kind != geo.KindPolygon {
			err = sqlerr.New(sqlerr.InvalidParameter, "st_polygon needs a polygon, not a %s", g.Kind)
		}
		if err != nil {
			return err
		}
		return c.putBytes(g.AppendBytes(nil))
	})
	r.row("to_geometry(bytea) bytea", func(c *call, i int) error { return c.putGeo(0, i, false) })
	r.row("to_spherical_geography(bytea) bytea", func(c *call, i int) error { return c.putGeo(0, i, true) })
	r.alias("to_geometry", "togeometry")
	r.alias("to_spherical_geography", "tosphericalgeography")
}

func geoFromText(geography bool) rowFunc {
	return func(c *call, i int) error {
		g, err := parseWKT(c.str(0, i))
		if err != nil {
			return err
		}
		g.SetGeography(geography)
		return c.putBytes(g.AppendBytes(nil))
	}
}

func registerGeoTexts(r *registry) {
	text := func(sig string, f func(c *call, g *geo.Geometry) []byte) {
		r.row(sig, func(c *call, i int) error {
			g, err := c.geo(0, i)
			if err != nil {
				return err
			}
			return c.putBytes(f(c, g))
		})
	}
	text("st_astext(bytea) text", func(_ *call, g *geo.Geometry) []byte { return g.AppendWKT(nil) })
	text("st_asgeojson(bytea) text", func(_ *call, g *geo.Geometry) []byte { return g.AppendGeoJSON(nil) })
	// Pinot's library writes the bytes of a number from the highest on.
	text("st_asbinary(bytea) bytea", func(c *call, g *geo.Geometry) []byte { return g.AppendWKB(nil, c.ctx.Dialect == Pinot) })
	text("st_geometrytype(bytea) text", func(_ *call, g *geo.Geometry) []byte { return []byte(g.Kind.String()) })
	r.alias("st_geometrytype", "st_geometry_type")
	r.alias("st_asgeojson", "st_as_geo_json")
	r.alias("st_astext", "st_as_text")
	r.alias("st_asbinary", "st_as_binary")
}

func registerGeoMeasures(r *registry) {
	coordinate := func(sig string, of func(p geo.Point) float64) {
		r.row(sig, func(c *call, i int) error {
			p, ok, err := c.point(0, i)
			if err != nil || !ok {
				c.filler()
				return err
			}
			return c.putF64(of(p))
		})
	}
	coordinate("st_x(bytea) float8", func(p geo.Point) float64 { return p.X })
	coordinate("st_y(bytea) float8", func(p geo.Point) float64 { return p.Y })
	r.row("st_area(bytea) float8", func(c *call, i int) error {
		g, err := c.geo(0, i)
		if err != nil {
			return err
		}
		a, err := g.Area()
		if err != nil {
			return geoError(err)
		}
		return c.putF64(a)
	})
	r.vec("st_distance(bytea,bytea) float8", evalDistance)
	related := func(sig string, f func(a, b *geo.Geometry) (bool, error)) {
		r.row(sig, func(c *call, i int) error {
			a, b, err := c.geoPair(i)
			if err != nil {
				return err
			}
			is, err := f(a, b)
			if err != nil {
				return geoError(err)
			}
			return c.putBool(is)
		})
	}
	related("st_contains(bytea,bytea) bool", geo.Contains)
	related("st_within(bytea,bytea) bool", func(a, b *geo.Geometry) (bool, error) { return geo.Contains(b, a) })
	related("st_equals(bytea,bytea) bool", geo.Equal)
}

// geoError gives a fault of the geo package its SQLSTATE.
func geoError(err error) error {
	switch {
	case errors.Is(err, geo.ErrText):
		return sqlerr.New(sqlerr.InvalidText, "%w", err)
	case errors.Is(err, geo.ErrUnsupported):
		return sqlerr.New(sqlerr.FeatureNotSupported, "%w", err)
	}
	return sqlerr.New(sqlerr.InvalidParameter, "%w", err)
}

func parseWKT(text string) (*geo.Geometry, error) {
	g, err := geo.ParseWKT(text)
	if err != nil {
		return nil, geoError(err)
	}
	return g, nil
}

// ParseGeo reads the bytes of a geometry or geography.
func ParseGeo(b []byte) (*geo.Geometry, error) {
	g, err := geo.ParseBytes(b)
	if err != nil {
		return nil, geoError(err)
	}
	return g, nil
}

// geo reads a geometry.
func (c *call) geo(k, i int) (*geo.Geometry, error) { return ParseGeo(c.bytes(k, i)) }

// constGeos keeps the constant arguments of a function of two geometries.
type constGeos [2]*geo.Geometry

// geoPair reads two geometries; a constant one only once.
func (c *call) geoPair(i int) (a, b *geo.Geometry, err error) {
	m, ok := c.memo.(*constGeos)
	if !ok {
		m = &constGeos{}
		c.memo = m
	}
	pair := *m
	for k := range pair {
		if pair[k] != nil {
			continue
		}
		if pair[k], err = c.geo(k, i); err != nil {
			return nil, nil, err
		}
		if c.args[k].Const {
			m[k] = pair[k]
		}
	}
	return pair[0], pair[1], nil
}

// point reads a point; ok is false when it is empty.
func (c *call) point(k, i int) (p geo.Point, ok bool, err error) {
	b := c.bytes(k, i)
	if p, _, ok = geo.ReadPoint(b); ok {
		return p, true, nil
	}
	g, err := ParseGeo(b)
	switch {
	case err != nil:
		return p, false, err
	case g.Kind != geo.KindPoint:
		return p, false, sqlerr.New(sqlerr.InvalidParameter, "a point is needed, not a %s", g.Kind)
	case g.Empty():
		return p, false, nil
	}
	return g.Points[0], true, nil
}

// putGeo copies a geometry as a geography or as none.
func (c *call) putGeo(k, i int, geography bool) error {
	g, err := c.geo(k, i)
	if err != nil {
		return err
	}
	g.SetGeography(geography)
	return c.putBytes(g.AppendBytes(nil))
}

// evalDistance measures. The distances of a column of points from a constant
// one, which is what is mostly asked, are computed without looking at anything
// else than the coordinates.
func evalDistance(ctx *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
	out.Reset(typeNames["float8"])
	c := call{ctx: ctx, args: args, out: out}
	if n > 1 && allConst(args) {
		return evalConst(distanceFunc, distanceAt, &c, n, sel)
	}
	points, from := args[0], args[1]
	if points.Const {
		points, from = from, points
	}
	if from.Const && !from.IsNull(0) {
		if p, geography, ok := geo.ReadPoint(from.Bytes(0)); ok {
			m, err := newDistances(&c, p, geography)
			if err != nil && anyLive(args, sel, n) {
				return err
			}
			if err == nil {
				return m.eval(points, n, sel)
			}
		}
	}
	for i := range n {
		if !live(args, sel, i) {
			c.filler()
		} else if err := distanceAt(&c, i); err != nil {
			return err
		}
	}
	return nil
}

// distanceFunc tells evalConst that NULL arguments need no call.
var distanceFunc = &Func{}

func anyLive(args []*column.Vector, sel column.Bitmap, n int) bool {
	for i := range n {
		if live(args, sel, i) {
			return true
		}
	}
	return false
}

func distanceAt(c *call, i int) error {
	a, b, err := c.geoPair(i)
	if err != nil {
		return err
	}
	d, ok, err := geo.Distance(a, b)
	switch {
	case err != nil:
		return geoError(err)
	case !ok:
		return c.null()
	}
	return c.putF64(d)
}

// distances measures from one point.
type distances struct {
	c         *call
	from      geo.Point
	origin    geo.Origin
	geography bool
}

func newDistances(c *call, from geo.Point, geography bool) (*distances, error) {
	m := &distances{c: c, from: from, geography: geography}
	if !geography {
		return m, nil
	}
	var err error
	if m.origin, err = geo.NewOrigin(from); err != nil {
		return nil, geoError(err)
	}
	return m, nil
}

// eval appends the distances of points. A value that is not a point of the
// same kind is left to distanceAt.
func (m *distances) eval(points *column.Vector, n int, sel column.Bitmap) error {
	c := m.c
	for i := range n {
		if !live(c.args, sel, i) {
			c.filler()
			continue
		}
		p, geography, ok := geo.ReadPoint(points.Bytes(i))
		if !ok || geography != m.geography {
			if err := distanceAt(c, i); err != nil {
				return err
			}
			continue
		}
		d, err := m.measure(p)
		if err != nil {
			return geoError(err)
		}
		c.out.Float64s = append(c.out.Float64s, d)
		c.out.N++
	}
	return nil
}

func (m *distances) measure(p geo.Point) (float64, error) {
	if m.geography {
		return m.origin.Distance(p)
	}
	return geo.PlanarDistance(p, m.from), nil
}
