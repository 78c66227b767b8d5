package index

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/segment"
)

// buildGeo makes an index of values; nil ones are NULL.
func buildGeo(tb testing.TB, values [][]byte, level int) []byte {
	tb.Helper()
	b := NewGeoBuilder(level)
	for i, v := range values {
		if v != nil {
			b.Add(uint32(i), b.Cell(v))
		}
	}
	buf, err := b.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return buf
}

func randomPlaces(r *rand.Rand, geography bool) [][]byte {
	out := make([][]byte, 1+r.IntN(400))
	for i := range out {
		x, y := r.Float64()*360-180, r.Float64()*180-90
		switch r.IntN(10) {
		case 0: // NULL
		case 1:
			out[i] = geo.AppendPoint(nil, x, y, !geography)
		case 2:
			out[i] = geo.AppendPoint(nil, x, 91, geography)
		case 3:
			out[i] = (&geo.Geometry{Kind: geo.KindPoint, Geography: geography}).AppendBytes(nil)
		case 4:
			out[i] = []byte("no geometry")
		default:
			out[i] = geo.AppendPoint(nil, x, y, geography)
		}
	}
	return out
}

func TestGeoMatchesEvaluation(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		geography := r.IntN(2) == 0
		values := randomPlaces(r, geography)
		x, err := OpenGeo(buildGeo(t, values, geo.H3Level(r.IntN(16))), uint32(len(values)))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Check(); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			at := geo.Point{X: r.Float64()*360 - 180, Y: r.Float64()*180 - 90}
			radius := r.Float64() * 100
			if x.geography {
				radius *= 1e5
			}
			checkGeo(t, x, at, radius, r.IntN(2) == 0, values)
		}
	}
}

func checkGeo(t *testing.T, x *Geo, at geo.Point, radius float64, beyond bool, values [][]byte) {
	t.Helper()
	sure, maybe, ok, err := x.Match(geo.Near(at, x.geography, radius, beyond), 1<<30)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	from := geo.NewPoint(at.X, at.Y, x.geography)
	for i, v := range values {
		if maybe.Contains(uint32(i)) && v != nil {
			continue
		}
		want := false
		if g, err := geo.ParseBytes(v); err == nil {
			d, measured, err := geo.Distance(from, g)
			want = err == nil && measured && d < radius != beyond
		}
		if got := sure.Contains(uint32(i)); got != want || maybe.Contains(uint32(i)) {
			t.Fatalf("document %d, %x: %v, want %v", i, v, got, want)
		}
	}
}

func TestGeoLimits(t *testing.T) {
	values := [][]byte{geo.AppendPoint(nil, 1, 1, true), geo.AppendPoint(nil, 2, 2, true)}
	x, err := OpenGeo(buildGeo(t, values, 12), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range []*geo.Region{geo.Near(geo.Point{}, true, 1e7, false), geo.Near(geo.Point{}, false, 1e7, false)} {
		if _, _, ok, err := x.Match(region, 1); ok || err != nil {
			t.Errorf("ok %v, %v", ok, err)
		}
	}
}

func TestGeoFlippedBytes(t *testing.T) {
	values := randomPlaces(rand.New(rand.NewPCG(1, 1)), true)[:30]
	buf := buildGeo(t, values, 9)
	region := geo.Near(geo.Point{X: 1, Y: 2}, true, 5e6, false)
	for pos := range buf {
		for _, flip := range []byte{1, 0x80, 0xff} {
			b := append([]byte(nil), buf...)
			b[pos] ^= flip
			x, err := OpenGeo(b, uint32(len(values)))
			if err == nil {
				_, _, _, err = x.Match(region, 1<<30)
			}
			if err == nil {
				err = x.Check()
			}
			if err != nil && !errors.Is(err, segment.ErrCorrupt) {
				t.Fatalf("byte %d: %v", pos, err)
			}
		}
	}
}

// FuzzOpenGeo opens anything.
func FuzzOpenGeo(f *testing.F) {
	f.Add(buildGeo(f, [][]byte{geo.AppendPoint(nil, 1, 1, true), nil, []byte("x")}, 9), uint32(3))
	region := geo.Near(geo.Point{X: 1, Y: 2}, true, 5e6, false)
	f.Fuzz(func(_ *testing.T, b []byte, docs uint32) {
		x, err := OpenGeo(b, docs%1000)
		if err != nil {
			return
		}
		_, _, _, _ = x.Match(region, 1<<20)
		_ = x.Check()
	})
}

// BenchmarkGeoMatch finds the places within 5 km among 200,000 in a box of ten
// degrees.
func BenchmarkGeoMatch(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	values := make([][]byte, 200_000)
	for i := range values {
		values[i] = geo.AppendPoint(nil, 5+10*r.Float64(), 45+10*r.Float64(), true)
	}
	buf := buildGeo(b, values, geo.H3Level(6))
	x, err := OpenGeo(buf, uint32(len(values)))
	if err != nil {
		b.Fatal(err)
	}
	region := geo.Near(geo.Point{X: 10, Y: 50}, true, 5000, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok, err := x.Match(region, 1<<30); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	b.ReportMetric(float64(len(buf))/float64(len(values)), "bytes/doc")
}
