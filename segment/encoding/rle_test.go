package encoding

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// runsOf returns n values below card in runs of about mean rows.
func runsOf(rng *rand.Rand, n, card, mean int) []uint32 {
	v := make([]uint32, n)
	for i := range v {
		if i > 0 && rng.IntN(mean) != 0 {
			v[i] = v[i-1]
		} else {
			v[i] = rng.Uint32N(uint32(card))
		}
	}
	return v
}

// appendRLEIDs appends ids below card in run-length form.
func appendRLEIDs(ids []uint32, card int) []byte {
	r := CutRuns(ids, len(ids))
	return AppendPacked(r.AppendMap(nil), r.Values, Width(card))
}

func openFOR(b []byte, runs int) (Fixed[int64], error) { return NewFOR[int64](b, runs) }

func TestRunLengthIDs(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	for _, mean := range []int{1, 2, 4, 30, 900, 100_000} {
		for _, n := range []int{1, 63, 512, 513, 5000, 40_000} {
			card := 1 + rng.IntN(3000)
			ids := runsOf(rng, n, card, mean)
			r, err := NewRLEIDs(aligned(appendRLEIDs(ids, card)), n, card)
			if err != nil {
				t.Fatal(err)
			}
			checkIDs(t, rng, r, ids, Width(card))
		}
	}
}

func TestRunLengthNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 44))
	for _, mean := range []int{1, 3, 50, 2000} {
		for _, n := range []int{1, 512, 513, 20_000} {
			var wide []int64
			var narrow []int32
			var floats []float64
			for _, x := range runsOf(rng, n, 1<<20, mean) {
				wide = append(wide, int64(x)<<20-1<<30)
				narrow = append(narrow, int32(x)-1<<19)
				floats = append(floats, float64(x)/7)
			}
			cut := CutRuns(wide, n)
			a, err := NewRLE(aligned(AppendFOR(cut.AppendMap(nil), cut.Values)), n, openFOR)
			if err != nil {
				t.Fatal(err)
			}
			checkFixed(t, rng, a, wide)
			short := CutRuns(narrow, n)
			b, err := NewRLE(aligned(AppendFOR(short.AppendMap(nil), short.Values)), n,
				func(b []byte, runs int) (Fixed[int32], error) { return NewFOR[int32](b, runs) })
			if err != nil {
				t.Fatal(err)
			}
			checkFixed(t, rng, b, narrow)
			reals := CutRuns(floats, n)
			c, err := NewRLE(aligned(AppendRaw(reals.AppendMap(nil), reals.Values)), n,
				func(b []byte, runs int) (Fixed[float64], error) { return NewRaw[float64](b, runs) })
			if err != nil {
				t.Fatal(err)
			}
			checkFixed(t, rng, c, floats)
		}
	}
}

func TestCutRunsGivesUp(t *testing.T) {
	if r := CutRuns([]uint32{1, 2, 3, 4}, 3); r != nil {
		t.Errorf("4 runs within a limit of 3: %v", r.Values)
	}
	if r := CutRuns([]int64{5, 5, 7, 7}, 2); r == nil || !slices.Equal(r.Values, []int64{5, 7}) {
		t.Errorf("runs of 5 5 7 7: %+v", r)
	}
}

func TestRunLengthsRefuseDamage(t *testing.T) {
	ids := runsOf(rand.New(rand.NewPCG(45, 46)), 2000, 8, 5)
	buf := appendRLEIDs(ids, 8)
	refuse := func(name string, change func(b []byte)) {
		t.Helper()
		b := aligned(buf)
		change(b)
		if _, err := NewRLEIDs(b, len(ids), 8); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	refuse("another number of runs", func(b []byte) { b[0]++ })
	refuse("a block with a wrong first run", func(b []byte) { b[runHead+runEntryBytes]++ })
	refuse("a bitmap that does not exist", func(b []byte) { b[runHead+4] = 99 })
	refuse("a run that begins twice", func(b []byte) { b[runHead+64] |= 1 })
	refuse("a run beyond the rows", func(b []byte) { b[runHead+64+4*64-1] |= 128 })
	if _, err := NewRLEIDs(aligned(buf[:70]), len(ids), 8); err == nil {
		t.Error("short buffer accepted")
	}
}

func FuzzRunLengths(f *testing.F) {
	f.Add(appendRLEIDs([]uint32{1, 1, 2, 2, 2, 0}, 3), uint16(6))
	f.Add(appendRLEIDs(runsOf(rand.New(rand.NewPCG(1, 1)), 1200, 3, 3), 3), uint16(1200))
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		r, err := NewRLEIDs(aligned(b), int(n), 3)
		if err != nil || n == 0 {
			return
		}
		ids, bits := make([]uint32, n), column.NewBitmap(int(n))
		r.Read(0, ids)
		r.Match(0, int(n), segment.IDSet{Lo: 1, Hi: 1}, bits)
		docs := make([]uint32, n)
		for i := range docs {
			docs[i] = uint32(i)
		}
		got := make([]uint32, n)
		r.Gather(docs, got)
		for i, id := range ids {
			if id >= 3 || got[i] != id || bits.Get(i) != (id == 1) {
				t.Fatalf("row %d: read %d, gathered %d, matched %v", i, id, got[i], bits.Get(i))
			}
		}
	})
}

func BenchmarkRunLengths(b *testing.B) {
	const n = 65536
	rng := rand.New(rand.NewPCG(47, 48))
	for _, mean := range []int{4, 100} {
		ids := runsOf(rng, n, 25, mean)
		r, err := NewRLEIDs(aligned(appendRLEIDs(ids, 25)), n, 25)
		if err != nil {
			b.Fatal(err)
		}
		p, err := NewPacked(aligned(AppendPacked(nil, ids, 5)), n, 5, 25)
		if err != nil {
			b.Fatal(err)
		}
		dst, bits := make([]uint32, n), column.NewBitmap(n)
		var docs []uint32
		for i := 0; i < n; i += 1 + rng.IntN(20) {
			docs = append(docs, uint32(i))
		}
		for name, x := range map[string]IDs{"rle": r, "packed": p} {
			run := func(op string, rows int, f func()) {
				b.Run(fmt.Sprintf("%s/%d/%s", op, mean, name), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
				})
			}
			run("read", n, func() { x.Read(0, dst) })
			run("match", n, func() { x.Match(0, n, segment.IDSet{Lo: 3, Hi: 7}, bits) })
			run("gather", len(docs), func() { x.Gather(docs, dst) })
		}
	}
}
