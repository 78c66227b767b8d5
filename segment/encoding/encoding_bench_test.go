package encoding

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

const benchRows = 65536

func benchPacked(b *testing.B, w uint) *Packed {
	ids := randomIDs(rand.New(rand.NewPCG(1, 1)), benchRows, w)
	p, err := NewPacked(aligned(AppendPacked(nil, ids, w)), benchRows, w, 1<<w)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func reportRows(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkUnpack(b *testing.B) {
	dst := make([]uint32, benchRows)
	for _, w := range []uint{1, 4, 8, 11, 17, 24} {
		p := benchPacked(b, w)
		b.Run(fmt.Sprintf("w=%d", w), func(b *testing.B) {
			for b.Loop() {
				p.Read(0, dst)
			}
			reportRows(b, benchRows)
		})
	}
}

func BenchmarkMatchRange(b *testing.B) {
	dst := column.NewBitmap(benchRows)
	for _, w := range []uint{4, 11, 17} {
		p := benchPacked(b, w)
		set := segment.IDSet{Lo: 3, Hi: 1 << (w - 1)}
		b.Run(fmt.Sprintf("w=%d", w), func(b *testing.B) {
			for b.Loop() {
				p.Match(0, benchRows, set, dst)
			}
			reportRows(b, benchRows)
		})
	}
}

func BenchmarkMatchSet(b *testing.B) {
	dst := column.NewBitmap(benchRows)
	p := benchPacked(b, 11)
	set := segment.IDSet{Bits: column.NewBitmap(1 << 11)}
	for i := range set.Bits {
		set.Bits[i] = 0x5555aaaa12345678
	}
	for b.Loop() {
		p.Match(0, benchRows, set, dst)
	}
	reportRows(b, benchRows)
}

func BenchmarkFOR(b *testing.B) {
	rng := rand.New(rand.NewPCG(2, 2))
	v := make([]int64, benchRows)
	for i := range v {
		v[i] = 1_700_000_000_000_000 + int64(rng.IntN(1<<17))
	}
	f, err := NewFOR[int64](aligned(AppendFOR(nil, v)), benchRows)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]int64, benchRows)
	bits := column.NewBitmap(benchRows)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			f.Read(0, dst)
		}
		reportRows(b, benchRows)
	})
	b.Run("match", func(b *testing.B) {
		for b.Loop() {
			f.Match(0, benchRows, v[0], v[0]+1000, bits)
		}
		reportRows(b, benchRows)
	})
}

func BenchmarkMatchRawFloat64(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 3))
	v := make([]float64, benchRows)
	for i := range v {
		v[i] = rng.Float64()
	}
	bits := column.NewBitmap(benchRows)
	for b.Loop() {
		MatchRange(v, 0.25, 0.75, bits)
	}
	reportRows(b, benchRows)
}

// BenchmarkGather fetches one of every step positions.
func BenchmarkGather(b *testing.B) {
	p := benchPacked(b, 11)
	for _, step := range []int{2, 4, 6, 8, 12, 16, 32, 128} {
		docs := make([]uint32, benchRows/step)
		for i := range docs {
			docs[i] = uint32(i * step)
		}
		dst := make([]uint32, len(docs))
		b.Run(fmt.Sprintf("step=%d", step), func(b *testing.B) {
			for b.Loop() {
				p.Gather(docs, dst)
			}
			reportRows(b, len(docs))
		})
	}
}
