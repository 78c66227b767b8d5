package encoding

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
)

// checkALP writes v as scaled integers and reads it in every way.
func checkALP[T Float](t *testing.T, rng *rand.Rand, v []T) int {
	t.Helper()
	buf, ok := AppendALP(nil, v, math.MaxInt)
	if !ok {
		return 0
	}
	a, err := NewALP[T](aligned(buf), len(v))
	if err != nil {
		t.Fatal(err)
	}
	checkFixed(t, rng, a, v)
	got := make([]T, len(v))
	a.Read(0, got)
	for i, x := range got {
		if math.Float64bits(float64(x)) != math.Float64bits(float64(v[i])) && x == x {
			t.Fatalf("value %d is %v, want %v", i, x, v[i])
		}
	}
	return len(buf)
}

func TestScaledFloats(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.Pi, 1e300, 5e-324, math.MaxFloat64}
	shapes := map[string]func(i int) float64{
		"cents":      func(int) float64 { return float64(rng.IntN(10_000_000)) / 100 },
		"negative":   func(int) float64 { return -float64(rng.IntN(1000)) / 1000 },
		"thousands":  func(int) float64 { return float64(rng.IntN(500)) * 1e12 },
		"degrees":    func(int) float64 { return math.Round(rng.Float64()*180e6) / 1e6 },
		"zero":       func(int) float64 { return 0 },
		"drifting":   func(i int) float64 { return float64(i*7) / 8 },
		"exceptions": func(i int) float64 { return []float64{float64(i) / 10, special[i%len(special)]}[i%9/8] },
	}
	for name, f := range shapes {
		for _, n := range []int{1, 512, 513, 3000} {
			v, narrow := make([]float64, n), make([]float32, n)
			for i := range v {
				v[i] = f(i)
				narrow[i] = float32(v[i])
			}
			size := checkALP(t, rng, v)
			if n == 3000 && (size == 0 || size > 7*n) {
				t.Errorf("%s: %d values in %d bytes", name, n, size)
			}
			checkALP(t, rng, narrow)
		}
	}
}

func TestScaledFloatsGiveUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(53, 54))
	v := make([]float64, 2000)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	if _, ok := AppendALP(nil, v, 7*len(v)); ok {
		t.Error("random bits were taken for decimals")
	}
}

func FuzzScaledFloats(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8}, int32(12345), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, x int32, digits uint8) {
		var v []float64
		for ; len(b) >= 8; b = b[8:] {
			v = append(v, math.Float64frombits(binary.LittleEndian.Uint64(b)), float64(x)/powers[digits%8])
			x += int32(len(v))
		}
		for i, y := range v {
			if y != y {
				v[i] = math.NaN()
			}
		}
		if len(v) > 0 {
			checkALP(t, rand.New(rand.NewPCG(1, 1)), v)
		}
	})
}

func FuzzNewALP(f *testing.F) {
	buf, _ := AppendALP(nil, []float64{1.5, 2.25, math.NaN(), 7}, math.MaxInt)
	f.Add(buf, uint16(4))
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		a, err := NewALP[float64](aligned(b), int(n))
		if err != nil || n == 0 {
			return
		}
		out, bits := make([]float64, n), column.NewBitmap(int(n))
		a.Read(0, out)
		a.Gather([]uint32{0, uint32(n) - 1}, out)
		a.Match(0, int(n), -3, 1e9, bits)
	})
}

func BenchmarkScaledFloats(b *testing.B) {
	const n = 65536
	rng := rand.New(rand.NewPCG(55, 56))
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(rng.IntN(10_000_000)) / 100
	}
	buf, _ := AppendALP(nil, v, math.MaxInt)
	a, err := NewALP[float64](aligned(buf), n)
	if err != nil {
		b.Fatal(err)
	}
	dst, bits := make([]float64, n), column.NewBitmap(n)
	var docs []uint32
	for i := 0; i < n; i += 1 + rng.IntN(20) {
		docs = append(docs, uint32(i))
	}
	run := func(op string, rows int, f func()) {
		b.Run(op, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
	run("append", n, func() { AppendALP(nil, v, math.MaxInt) })
	run("read", n, func() { a.Read(0, dst) })
	run("match", n, func() { a.Match(0, n, 1000, 20000, bits) })
	run("gather", len(docs), func() { a.Gather(docs, dst) })
	ints, plain := make([]int64, n), a.ints
	run("integers/read", n, func() { plain.Read(0, ints) })
	run("integers/match", n, func() { plain.Match(0, n, 100_000, 2_000_000, bits) })
	run("integers/gather", len(docs), func() { plain.Gather(docs, ints) })
	b.Logf("%.2f bytes a value", float64(len(buf))/n)
}
