package encoding

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
)

func same[T Number](a, b T) bool { return a == b || a != a && b != b }

func between[T Number](x, lo, hi T) bool {
	ge := func(a, b T) bool { return a >= b || a != a }
	return ge(x, lo) && ge(hi, x)
}

// checkFixed compares every way to read with the values themselves.
func checkFixed[T Number](t *testing.T, rng *rand.Rand, r Fixed[T], v []T) {
	t.Helper()
	for range 6 {
		from := rng.IntN(len(v))
		n := rng.IntN(len(v)-from) + 1
		got := make([]T, n)
		r.Read(uint32(from), got)
		for i := range got {
			if !same(got[i], v[from+i]) {
				t.Fatalf("value %d is %v, want %v", from+i, got[i], v[from+i])
			}
		}
		lo, hi := v[rng.IntN(len(v))], v[rng.IntN(len(v))]
		bits := column.NewBitmap(n)
		bits.SetAll(len(bits) * 64)
		r.Match(uint32(from), n, lo, hi, bits)
		for i := range n {
			if bits.Get(i) != between(v[from+i], lo, hi) {
				t.Fatalf("Match(%v, %v) is wrong for %v", lo, hi, v[from+i])
			}
		}
	}
	for _, step := range []int{3, 50, 700} {
		docs := someDocs(rng, len(v), step)
		got := make([]T, len(docs))
		r.Gather(docs, got)
		for i, d := range docs {
			if !same(got[i], v[d]) {
				t.Fatalf("gathered value %d is %v, want %v", d, got[i], v[d])
			}
		}
	}
}

// someDocs returns about one of every step documents, ascending.
func someDocs(rng *rand.Rand, n, step int) (docs []uint32) {
	for i := range n {
		if rng.IntN(step) == 0 {
			docs = append(docs, uint32(i))
		}
	}
	return docs
}

func randomInts[T Integer](rng *rand.Rand, n int, shape int) []T {
	v := make([]T, n)
	x := T(rng.Uint64())
	for i := range v {
		switch shape {
		case 0:
			v[i] = T(rng.Uint64())
		case 1:
			v[i] = x + T(rng.IntN(1000))
		case 2:
			x += T(rng.IntN(7))
			v[i] = x
		case 3:
			v[i] = T(rng.Uint64()) >> rng.IntN(31)
		case 4:
			v[i] = x
		}
	}
	return v
}

func testInts[T Integer](t *testing.T, extremes []T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for shape := range 5 {
		for _, n := range []int{1, 2, 512, 1300} {
			v := randomInts[T](rng, n, shape)
			if shape == 0 && n > len(extremes) {
				copy(v, extremes)
			}
			buf := AppendFOR(nil, v)
			if len(buf) != SizeFOR(v) {
				t.Fatalf("FOR: %d bytes, predicted %d", len(buf), SizeFOR(v))
			}
			f, err := NewFOR[T](aligned(buf), n)
			if err != nil {
				t.Fatal(err)
			}
			checkFixed(t, rng, f, v)
			buf = AppendDelta(nil, v)
			if len(buf) != SizeDelta(v) {
				t.Fatalf("delta: %d bytes, predicted %d", len(buf), SizeDelta(v))
			}
			d, err := NewDelta[T](aligned(buf), n)
			if err != nil {
				t.Fatal(err)
			}
			checkFixed(t, rng, d, v)
			r, err := NewRaw[T](aligned(bytesOf(v)), n)
			if err != nil {
				t.Fatal(err)
			}
			checkFixed(t, rng, r, v)
		}
	}
}

// bytesOf is Bytes for a type parameter.
func bytesOf[T Number](v []T) []byte {
	switch x := any(v).(type) {
	case []int32:
		return Bytes(x)
	case []int64:
		return Bytes(x)
	case []float32:
		return Bytes(x)
	case []float64:
		return Bytes(x)
	}
	return nil
}

func TestIntegerForms(t *testing.T) {
	testInts(t, []int32{math.MinInt32, math.MaxInt32, 0, -1})
	testInts(t, []int64{math.MinInt64, math.MaxInt64, 0, -1})
}

func TestRawFloats(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	v := make([]float64, 1000)
	for i := range v {
		v[i] = rng.NormFloat64()
		if i%7 == 0 {
			v[i] = math.NaN()
		}
		if i%11 == 0 {
			v[i] = math.Inf(i%2*2 - 1)
		}
	}
	r, err := NewRaw[float64](aligned(Bytes(v)), len(v))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		checkFixed(t, rng, r, v)
	}
}

func FuzzFOR(f *testing.F) {
	f.Add(AppendFOR(nil, []int64{1, 2, 1 << 40}), 3)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 1 || n > 1<<16 {
			return
		}
		out := make([]int64, n)
		bits := column.NewBitmap(n)
		if r, err := NewFOR[int64](aligned(b), n); err == nil {
			r.Read(0, out)
			r.Gather([]uint32{uint32(n - 1)}, out)
			r.Match(0, n, -5, 1<<41, bits)
		}
		if r, err := NewDelta[int64](aligned(b), n); err == nil {
			r.Read(0, out)
			r.Gather([]uint32{uint32(n - 1)}, out)
			r.Match(0, n, -5, 1<<41, bits)
		}
	})
}
