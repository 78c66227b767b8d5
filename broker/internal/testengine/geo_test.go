package testengine

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/internal/schema"
)

var geoFields = []schema.Field{{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "place", Type: schema.Bytea}}

// geoWays makes the tables of values; nil ones are NULL.
func geoWays(t *testing.T, raw bool, resolution int, values [][]byte) *ways {
	t.Helper()
	var rows [][]string
	for i, v := range values {
		text := Null
		if v != nil {
			text = `\x` + hex.EncodeToString(v)
		}
		rows = append(rows, []string{fmt.Sprint(i), text})
	}
	ix := schema.IndexingConfig{Geo: map[string]schema.GeoIndexConfig{"place": {Resolutions: []int{3, resolution}}}}
	if raw {
		ix.NoDictionary = []string{"place"}
	}
	return newWays(t, geoFields, ix, rows...)
}

func TestGeoIndexBySQL(t *testing.T) {
	var values [][]byte
	for i := range 400 { // a grid around Berlin, a tenth of a degree wide
		values = append(values, geo.AppendPoint(nil, 12+float64(i%20)/10, 52+float64(i/20)/10, true))
	}
	values = append(values, nil, (&geo.Geometry{Kind: geo.KindPoint, Geography: true}).AppendBytes(nil))
	for _, raw := range []bool{false, true} {
		w := geoWays(t, raw, 5, values)
		const index = "geo index"
		w.ids(t, "ST_DISTANCE(place, ST_POINT(12.5, 52.5, 1)) < 8000", "104 105 106", "")
		w.ids(t, "ST_DISTANCE(place, ST_POINT(12.5, 52.5, true)) <= 7000", "104 105 106", index)
		w.ids(t, "7000 > STDISTANCE(ST_POINT(12.5, 52.5, 1), place)", "104 105 106", index)
		w.ids(t, "ST_DISTANCE(place, ST_POINT(13.9, 53.9, 1)) > 245500.5", "0", index)
		w.ids(t, "NOT (ST_DISTANCE(place, ST_POINT(13.9, 53.9, 1)) < 245500.5)", "0", index)
		const box = "ST_GEOGFROMTEXT('POLYGON((12.05 52.05,12.25 52.05,12.25 52.15,12.05 52.15,12.05 52.05))')"
		w.ids(t, "ST_WITHIN(place, "+box+")", "21 22", index)
		w.ids(t, "ST_CONTAINS("+box+", place) AND id <> 21", "22", index)
		w.ids(t, "ST_DISTANCE(place, ST_POINT(100, 0, 1)) < 10 OR id = 400", "400", "")
		if got, err := run(w.sessions["pinot"], "SELECT id FROM indexed WHERE ST_WITHIN(place, "+box+") = 1 AND ST_CONTAINS("+box+", place) <> 0"); err != nil || strings.Join(got, " ") != "21 22" {
			t.Errorf("with = 1: %v, %v", got, err)
		}
		if got, err := run(w.sessions["pinot"], "SELECT count(*) FROM indexed WHERE ST_WITHIN(place, "+box+") = 0"); err != nil || got[0] != "399" {
			t.Errorf("with = 0: %v, %v", got, err)
		}
		for _, table := range wayNames {
			_, err := run(w.sessions["postgres"], "SELECT id FROM "+table+" WHERE ST_DISTANCE(place, ST_POINT(12, 52)) < 1")
			if err == nil || !strings.Contains(err.Error(), "both must be geometries or both geographies") {
				t.Errorf("%s: error %v", table, err)
			}
		}
	}
}

// TestGeoIndexMetamorphic asks random conditions of random places: the index, no
// index and a consuming segment agree with what the geo package says of each.
func TestGeoIndexMetamorphic(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 9))
		geography := seed%2 == 0
		values := make([][]byte, 300+r.IntN(200))
		for i := range values {
			switch x, y := r.Float64()*360-180, r.Float64()*180-90; r.IntN(10) {
			case 0:
			case 1:
				values[i] = (&geo.Geometry{Kind: geo.KindPoint, Geography: geography}).AppendBytes(nil)
			case 2:
				values[i] = geo.AppendPoint(nil, []float64{-180, 180}[r.IntN(2)], y, geography)
			case 3:
				values[i] = geo.AppendPoint(nil, x, []float64{-90, 90}[r.IntN(2)], geography)
			default:
				values[i] = geo.AppendPoint(nil, x, y, geography)
			}
		}
		w := geoWays(t, r.IntN(2) == 0, r.IntN(9), values)
		for range 15 {
			where, want := randomGeoCondition(t, r, geography, values)
			w.ids(t, where, want, "")
		}
	}
}

// randomGeoCondition returns a condition and the ids that pass it.
func randomGeoCondition(t *testing.T, r *rand.Rand, geography bool, values [][]byte) (where, want string) {
	t.Helper()
	x, y := math.Round(r.Float64()*360-180), math.Round(r.Float64()*180-90)
	var test func(g *geo.Geometry) (is, known bool)
	if r.IntN(2) == 0 {
		radius := math.Round(math.Pow(10, 3+r.Float64()*4.2))
		if !geography {
			radius = math.Round(math.Pow(10, r.Float64()*2.4))
		}
		op := []string{"<", "<=", ">", ">="}[r.IntN(4)]
		where = fmt.Sprintf("ST_DISTANCE(place, ST_POINT(%v, %v, %v)) %s %v", x, y, geography, op, radius)
		from := geo.NewPoint(x, y, geography)
		test = func(g *geo.Geometry) (bool, bool) {
			d, ok, err := geo.Distance(from, g)
			if err != nil {
				t.Fatal(err)
			}
			return map[string]bool{"<": d < radius, "<=": d <= radius, ">": d > radius, ">=": d >= radius}[op], ok
		}
	} else {
		size := math.Round(1 + r.Float64()*90)
		text := fmt.Sprintf("POLYGON((%v %v,%v %v,%v %v,%v %v))", x-size, y-size, x+size, y-size/2, x, y+size, x-size, y-size)
		polygon, err := geo.ParseWKT(text)
		if err != nil {
			t.Fatal(err)
		}
		polygon.SetGeography(geography)
		name := map[bool]string{true: "ST_GEOGFROMTEXT", false: "ST_GEOMFROMTEXT"}[geography]
		where = fmt.Sprintf("ST_WITHIN(place, %s('%s'))", name, text)
		test = func(g *geo.Geometry) (bool, bool) {
			is, err := geo.Contains(polygon, g)
			if err != nil {
				t.Fatal(err)
			}
			return is, true
		}
	}
	neg := r.IntN(3) == 0
	if neg {
		where = "NOT (" + where + ")"
	}
	var ids []string
	for i, v := range values {
		if v == nil {
			continue
		}
		g, err := geo.ParseBytes(v)
		if err != nil {
			t.Fatal(err)
		}
		if is, known := test(g); known && is != neg {
			ids = append(ids, fmt.Sprint(i))
		}
	}
	return where, strings.Join(ids, " ")
}
