package mutable

import (
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// digest reads all of a view and folds it into one number.
func digest(t *testing.T, v segment.Segment) uint64 {
	h := fnv.New64a()
	var vec column.Vector
	for id := uint32(1); id <= 6; id++ {
		col, err := v.Column(id)
		if err != nil {
			t.Error(err)
			return 0
		}
		for from := uint32(0); from < v.NumDocs(); from += 10_000 {
			if err := col.Read(from, int(min(10_000, v.NumDocs()-from)), &vec); err != nil {
				t.Error(err)
			}
			digestVector(h.Write, &vec)
		}
		digestIndexes(h.Write, col, v.NumDocs())
	}
	return h.Sum64()
}

type writeFunc func([]byte) (int, error)

func digestVector(write writeFunc, v *column.Vector) {
	for i := range v.N {
		x := v.Value(i)
		if x.Null {
			write([]byte("null"))
			continue
		}
		write([]byte{byte(x.I), byte(x.I >> 8), byte(x.I >> 16), byte(int64(x.F))})
		write(x.B)
		if x.List != nil {
			write([]byte{byte(x.List.N)})
		}
	}
}

func digestIndexes(write writeFunc, col segment.Column, rows uint32) {
	if nulls := col.Nulls(); nulls != nil {
		n := nulls.GetCardinality()
		write([]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	}
	d := col.Dictionary()
	if d == nil || d.Len() == 0 {
		return
	}
	write([]byte{byte(d.Len()), byte(d.Len() >> 8)})
	if id, ok := d.Lookup(d.Values().Value(d.Len() - 1)); !ok || id != uint32(d.Len()-1) {
		panic("a value of the dictionary is not found")
	}
	bits := column.NewBitmap(int(rows))
	col.MatchIDs(0, int(rows), segment.IDSet{Lo: 0, Hi: 3}, bits)
	n := bits.Count()
	if ix := col.Inverted(); ix != nil {
		n += int(ix.Count(2))
	}
	write([]byte{byte(n), byte(n >> 8), byte(n >> 16)})
}

// TestViewsNeverChange reads views again and again beside a running writer.
func TestViewsNeverChange(t *testing.T) {
	s := newDemo(t)
	var done atomic.Bool
	var wg sync.WaitGroup
	for k := range uint64(3) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(k, 9))
			for !done.Load() {
				readTwice(t, r, s)
			}
		})
	}
	r := rand.New(rand.NewPCG(5, 9))
	for rows := 0; rows < 140_000; {
		n := 1 + r.IntN(2000)
		mustAppend(t, s, demoBatch(rows, n))
		rows += n
		if r.IntN(2) == 0 {
			mustCommit(t, s, Commit{})
		}
	}
	done.Store(true)
	wg.Wait()
}

// readTwice takes a view and checks that a later read gives the same, and that
// its rows are those that the writer made.
func readTwice(t *testing.T, r *rand.Rand, s *Segment) {
	v := s.Snapshot()
	defer v.Release()
	first := digest(t, v)
	later := s.Snapshot()
	defer later.Release()
	if second := digest(t, v); first != second {
		t.Error("a view changed")
	}
	if v.NumDocs() == 0 {
		return
	}
	row := r.Uint32N(v.NumDocs())
	want := demoBatch(int(row), 1)
	var got column.Vector
	for id := uint32(1); id <= 6; id++ {
		col, err := v.Column(id)
		if err != nil {
			t.Error(err)
			return
		}
		if err := col.Gather([]uint32{row}, &got); err != nil || !same(got.Value(0), want.Cols[id-1].Value(0)) {
			t.Errorf("row %d of column %d: %+v, %v", row, id, got.Value(0), err)
		}
	}
}
