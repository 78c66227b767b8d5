package geo

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func mustWKT(tb testing.TB, s string) *Geometry {
	tb.Helper()
	g, err := ParseWKT(s)
	if err != nil {
		tb.Fatalf("%s: %v", s, err)
	}
	return g
}

func TestWKT(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		g, err := ParseWKT(in)
		got := ""
		if err == nil {
			got = string(g.AppendWKT(nil))
		} else if got = err.Error(); !errors.Is(err, ErrText) {
			t.Errorf("%s: error %v is not ErrText", in, err)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	f("point(1 -2.50)", "POINT (1 -2.5)")
	f(" SRID=4326;POINT (1e3 1e-3) ", "POINT (1000 0.001)")
	f("POINT EMPTY", "POINT EMPTY")
	f("LINESTRING(0 0,1 1, 2 0)", "LINESTRING (0 0, 1 1, 2 0)")
	f("POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))", "POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1))")
	f("MULTIPOINT(1 2, 3 4)", "MULTIPOINT ((1 2), (3 4))")
	f("MULTIPOINT((1 2), EMPTY)", "MULTIPOINT ((1 2), EMPTY)")
	f("MULTILINESTRING((0 0,1 1),(2 2,3 3))", "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))")
	f("MULTIPOLYGON(((0 0,1 0,1 1,0 0)),EMPTY)", "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), EMPTY)")
	f("GEOMETRYCOLLECTION(POINT(1 2),MULTIPOINT(3 4))", "GEOMETRYCOLLECTION (POINT (1 2), MULTIPOINT ((3 4)))")
	f("POINT(1 2", "invalid WKT at position 10: ')' expected")
	f("POINT(1)", "invalid WKT at position 8: a number expected")
	f("POINT(1 2 3)", "invalid WKT at position 11: only two coordinates are supported")
	f("POINT(1 2) x", `invalid WKT at position 12: "x" follows the geometry`)
	f("CIRCLE(1 2)", `invalid WKT at position 7: unknown kind of geometry "CIRCLE"`)
	f("", "invalid WKT at position 1: a kind of geometry expected")
	f("POINT(1 1e999)", "invalid WKT at position 9: a number expected")
	f("POLYGON((0 0,1 0,1 1,0 1))", "invalid WKT at position 26: a ring must end where it begins")
	f("POLYGON((0 0,1 0,0 0))", "invalid WKT at position 22: a ring needs at least four points")
	f("LINESTRING(0 0)", "invalid WKT at position 16: a line needs at least two points")
	f(strings.Repeat("GEOMETRYCOLLECTION(", 50), "invalid WKT at position 190: more than 8 collections within each other")
}

var samples = []string{
	"POINT (1 2)", "POINT EMPTY", "LINESTRING (0 0, 1 1, 2 0)", "POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1))",
	"MULTIPOINT ((1 2), EMPTY)", "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))", "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), EMPTY)",
	"GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (POINT (3 4)))", "GEOMETRYCOLLECTION EMPTY",
}

func TestWKB(t *testing.T) {
	for _, s := range samples {
		for _, geography := range []bool{false, true} {
			g := mustWKT(t, s)
			g.SetGeography(geography)
			for name, b := range map[string][]byte{"own": g.AppendBytes(nil), "little": g.AppendWKB(nil, false), "big": g.AppendWKB(nil, true)} {
				back, err := ParseBytes(b)
				if err != nil {
					t.Fatalf("%s %s: %v", s, name, err)
				}
				if got := string(back.AppendWKT(nil)); got != s || back.Geography != (geography && name == "own") {
					t.Errorf("%s %s: reads as %s, geography %v", s, name, got, back.Geography)
				}
				for n := range b {
					if _, err := ParseBytes(b[:n]); !errors.Is(err, ErrBytes) {
						t.Errorf("%s cut at %d: error %v", s, n, err)
					}
				}
			}
		}
	}
	if _, err := ParseBytes([]byte("\x01\xe9\x03\x00\x00")); !errors.Is(err, ErrUnsupported) {
		t.Errorf("POINT Z: %v", err)
	}
}

func TestReadPoint(t *testing.T) {
	for _, geography := range []bool{false, true} {
		b := AppendPoint(nil, 1.5, -2, geography)
		if want := NewPoint(1.5, -2, geography).AppendBytes(nil); string(want) != string(b) {
			t.Errorf("bytes %x, want %x", b, want)
		}
		p, isGeography, ok := ReadPoint(b)
		if p != (Point{1.5, -2}) || isGeography != geography || !ok {
			t.Errorf("read %v %v %v", p, isGeography, ok)
		}
	}
	if _, _, ok := ReadPoint(mustWKT(t, "POINT EMPTY").AppendBytes(nil)); ok {
		t.Error("an empty point was read")
	}
}

func TestGeoJSON(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := string(mustWKT(t, in).AppendGeoJSON(nil)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	f("POINT(1 2)", `{"type":"Point","coordinates":[1,2]}`)
	f("POLYGON((0 0,1 0,1 1,0 0))", `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}`)
	f("MULTIPOINT(1 2,3 4)", `{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}`)
	f("GEOMETRYCOLLECTION(POINT EMPTY)", `{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[]}]}`)
}

func TestContains(t *testing.T) {
	const square, holed = "POLYGON((0 0,4 0,4 4,0 4,0 0))", "POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,3 1,3 3,1 3,1 1))"
	f := func(a, b string, want bool) {
		t.Helper()
		got, err := Contains(mustWKT(t, a), mustWKT(t, b))
		if err != nil || got != want {
			t.Errorf("%s contains %s: %v, %v", a, b, got, err)
		}
	}
	f(square, "POINT(1 1)", true)
	f(square, "POINT(0 1)", false) // the boundary
	f(square, "POINT(4 4)", false)
	f(square, "POINT(5 1)", false)
	f(square, "POINT EMPTY", false)
	f(holed, "POINT(2 2)", false)
	f(holed, "POINT(3 3)", false)
	f(holed, "POINT(3.5 3.5)", true)
	f(square, "MULTIPOINT(1 1,4 4)", true)
	f(square, "MULTIPOINT(0 0,4 4)", false)
	f(square, "LINESTRING(0 0,4 4)", true)
	f(square, "LINESTRING(0 0,4 0)", false)
	f(square, "LINESTRING(1 1,5 5)", false)
	f(holed, "LINESTRING(0 0,4 4)", false)
	f(holed, "LINESTRING(1 1,3 1)", false)
	f(holed, "LINESTRING(0.5 0.5,3 2)", false)
	f(square, square, true)
	f(square, holed, true)
	f(holed, square, false)
	f(holed, "POLYGON((1 1,3 1,3 3,1 3,1 1))", false) // fills the hole
	f(square, "POLYGON((1 1,3 1,3 3,1 1))", true)
	f("MULTIPOLYGON(((0 0,1 0,1 1,0 1,0 0)),((5 5,6 5,6 6,5 6,5 5)))", "POINT(5.5 5.5)", true)
	f("POLYGON((0 0,4 0,4 4,3 4,3 1,1 1,1 4,0 4,0 0))", "POLYGON((0.5 0.5,3.5 0.5,3.5 3,0.5 3,0.5 0.5))", false)
	f("LINESTRING(0 0,2 2)", "POINT(1 1)", true)
	f("LINESTRING(0 0,2 2)", "POINT(0 0)", false)
	f("LINESTRING(0 0,1 1,0 0)", "POINT(0.5 0.5)", true)
	f("LINESTRING(0 0,3 3)", "LINESTRING(1 1,2 2)", true)
	f("MULTILINESTRING((0 0,1 1),(1 1,2 2))", "LINESTRING(0.5 0.5,2 2)", true)
	f("LINESTRING(0 0,1 1)", "LINESTRING(0 0,2 2)", false)
	f("MULTIPOINT(1 1,2 2)", "POINT(1 1)", true)
	f("POINT(1 1)", "MULTIPOINT(1 1,2 2)", false)
	f("POINT(1 1)", square, false)
	if _, err := Contains(mustWKT(t, "GEOMETRYCOLLECTION(POINT(1 1))"), mustWKT(t, "POINT(1 1)")); !errors.Is(err, ErrUnsupported) {
		t.Errorf("collection: %v", err)
	}
	if _, err := Contains(mustWKT(t, square), NewPoint(1, 1, true)); !errors.Is(err, ErrArgument) {
		t.Errorf("mixed: %v", err)
	}
}

func TestEqual(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		if got, err := Equal(mustWKT(t, a), mustWKT(t, b)); err != nil || got != want {
			t.Errorf("%s = %s: %v, %v", a, b, got, err)
		}
	}
	f("POINT(1 2)", "POINT(1 2)", true)
	f("POINT(1 2)", "POINT(2 1)", false)
	f("POINT(1 2)", "MULTIPOINT(1 2)", true)
	f("POINT EMPTY", "LINESTRING EMPTY", true)
	f("POINT EMPTY", "POINT(0 0)", false)
	f("LINESTRING(0 0,2 2)", "LINESTRING(2 2,1 1,0 0)", true)
	f("POLYGON((0 0,4 0,4 4,0 4,0 0))", "POLYGON((4 4,0 4,0 0,2 0,4 0,4 4))", true)
	f("POLYGON((0 0,4 0,4 4,0 4,0 0))", "POLYGON((0 0,4 0,4 4,0 0))", false)
}

func TestMeasures(t *testing.T) {
	area := func(s string, geography bool, want float64) {
		t.Helper()
		g := mustWKT(t, s)
		g.SetGeography(geography)
		if got, err := g.Area(); err != nil || math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("area of %s: %v, want %v (%v)", s, got, want, err)
		}
	}
	area("POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,3 1,3 3,1 3,1 1))", false, 12)
	area("MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))", false, 1)
	area("POINT(1 1)", false, 0)
	const sphere = 4 * math.Pi * EarthRadius * EarthRadius
	area("POLYGON((0 0,90 0,0 90,0 0))", true, sphere/8)
	area("POLYGON((0 0,90 0,180 0,-90 0,0 0))", true, sphere/2)
	distance := func(a, b string, geography bool, want float64) {
		t.Helper()
		g, h := mustWKT(t, a), mustWKT(t, b)
		g.SetGeography(geography)
		h.SetGeography(geography)
		if got, ok, err := Distance(g, h); err != nil || !ok || math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s to %s: %v %v %v, want %v", a, b, got, ok, err, want)
		}
	}
	distance("POINT(0 0)", "POINT(3 4)", false, 5)
	distance("POINT(0 0)", "LINESTRING(-1 1,1 1)", false, 1)
	distance("LINESTRING(0 0,2 2)", "LINESTRING(0 2,2 0)", false, 0)
	distance("POINT(2 2)", "POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,3 1,3 3,1 3,1 1))", false, 1)
	distance("POINT(0.5 0.5)", "POLYGON((0 0,4 0,4 4,0 4,0 0))", false, 0)
	distance("POLYGON((0 0,1 0,1 1,0 0))", "MULTIPOINT(3 0,9 9)", false, 2)
	distance("POINT(0 0)", "POINT(180 0)", true, math.Pi*EarthRadius)
	distance("POINT(10 90)", "POINT(-70 0)", true, math.Pi/2*EarthRadius)
	// Paris to Berlin.
	distance("POINT(2.3522 48.8566)", "POINT(13.405 52.52)", true, 877464.7031947775)
	if _, _, err := Distance(NewPoint(0, 91, true), NewPoint(0, 0, true)); !errors.Is(err, ErrArgument) {
		t.Errorf("latitude 91: %v", err)
	}
	if _, ok, err := Distance(mustWKT(t, "POINT EMPTY"), mustWKT(t, "POINT(1 1)")); ok || err != nil {
		t.Errorf("empty: %v %v", ok, err)
	}
}

// A polygon contains a point exactly if the lines from it in all directions say
// so; checked on random stars around a centre, where that is known.
func TestLocateInStars(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		star, radii := randomStar(r)
		n := len(radii)
		for range 50 {
			k := r.IntN(n)
			angle := 2 * math.Pi * float64(k) / float64(n)
			d := r.Float64() * 2
			p := Point{d * math.Cos(angle), d * math.Sin(angle)}
			if math.Abs(d-radii[k]) < 1e-9 {
				continue
			}
			if got := star.Locate(p) == Inside; got != (d < radii[k]) {
				t.Fatalf("%s: %v inside %v, want %v", star.AppendWKT(nil), p, got, d < radii[k])
			}
		}
	}
}

func randomStar(r *rand.Rand) (*Geometry, []float64) {
	n := 3 + r.IntN(20)
	radii := make([]float64, n)
	var ring []Point
	for i := range radii {
		radii[i] = 0.1 + r.Float64()
		angle := 2 * math.Pi * float64(i) / float64(n)
		ring = append(ring, Point{radii[i] * math.Cos(angle), radii[i] * math.Sin(angle)})
	}
	return &Geometry{Kind: KindPolygon, Rings: [][]Point{append(ring, ring[0])}}, radii
}

// FuzzParseWKT reads any text; what is read prints to a text that reads back as
// the same.
func FuzzParseWKT(f *testing.F) {
	for _, s := range samples {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := ParseWKT(s)
		if err != nil {
			return
		}
		text := string(g.AppendWKT(nil))
		if again := mustWKT(t, text); string(again.AppendWKT(nil)) != text {
			t.Fatalf("%q reads as %q and then as %q", s, text, again.AppendWKT(nil))
		}
		measureAll(g)
	})
}

// FuzzParseBytes reads any bytes.
func FuzzParseBytes(f *testing.F) {
	for _, s := range samples {
		g := mustWKT(f, s)
		f.Add(g.AppendWKB(nil, true))
		g.SetGeography(true)
		f.Add(g.AppendBytes(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ParseBytes(b)
		if err != nil {
			return
		}
		own := g.AppendBytes(nil)
		again, err := ParseBytes(own)
		if err != nil || string(again.AppendBytes(nil)) != string(own) {
			t.Fatalf("%x reads as %x, which does not read back (%v)", b, own, err)
		}
		measureAll(g)
	})
}

func measureAll(g *Geometry) {
	if len(g.AppendBytes(nil)) > 2000 {
		return
	}
	_ = g.AppendGeoJSON(nil)
	_, _ = g.Area()
	_, _, _ = Distance(g, g)
	_, _ = Contains(g, g)
	_, _ = Equal(g, g)
}
