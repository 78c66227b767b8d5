package mutable

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

func inverting() schema.IndexingConfig { return schema.IndexingConfig{Inverted: []string{"c"}} }

// TestChains covers rows before the chains, in closed and open blocks with
// them, NULLs, and an id with too many rows to follow.
func TestChains(t *testing.T) {
	f := func(name string, value func(i int) column.Value) {
		t.Helper()
		s := oneColumn(t, schema.Field{Type: schema.Int64}, inverting())
		want := fill(t, s, schema.Int64, 3*segment.BlockRows+777, value)
		col := onlyColumn(t, s.Snapshot()).(*Column)
		if c := col.st.chains; c == nil || c.from != segment.BlockRows {
			t.Fatalf("%s: chains %+v", name, c)
		}
		checkColumn(t, rand.New(rand.NewPCG(1, 1)), col, want, want.N)
		checkLists(t, col, want)
	}
	value := func(x int) column.Value { return column.IntValue(schema.Int64, int64(x)) }
	f("many ids", func(i int) column.Value {
		if i < segment.BlockRows {
			return value(i % 100)
		}
		return value(i % 5003)
	})
	f("NULLs", func(i int) column.Value {
		switch {
		case i%5 == 0:
			return column.NullValue(schema.Int64)
		case i < segment.BlockRows:
			return value(i % 1000)
		}
		return value(i % 5003)
	})
	f("one id of most rows", func(i int) column.Value {
		if i < segment.BlockRows || i%10 != 0 {
			return value(7)
		}
		return value(i)
	})
}

// checkLists compares AppendDocs with the rows.
func checkLists(t *testing.T, col *Column, want *column.Vector) {
	t.Helper()
	lister, d := col.Inverted().(segment.DocLister), col.Dictionary()
	for id := range uint32(min(d.Len(), 50)) {
		var rows []uint32
		v := d.Values().Value(int(id))
		for i := range want.N {
			if x := want.Value(i); !x.Null && x.I == v.I {
				rows = append(rows, uint32(i))
			}
		}
		f := func(limit int) {
			t.Helper()
			got, ok, err := lister.AppendDocs(id, limit, []uint32{9})
			if err != nil || ok && !slices.Equal(got[1:], rows) || !ok && len(got) != 1 || ok != (len(rows) <= limit && len(rows) < 5000) {
				t.Fatalf("AppendDocs(%d, %d) = %d rows, %t, %v; %d rows", id, limit, len(got)-1, ok, err, len(rows))
			}
		}
		f(len(rows))
		f(len(rows) - 1)
		f(1 << 30)
	}
}

// TestChainsBesideInsertions has readers follow links that the writer adds to;
// under the race detector it guards the order of its stores.
func TestChainsBesideInsertions(t *testing.T) {
	const keys = 3001
	s := oneColumn(t, schema.Field{Type: schema.Int64}, inverting())
	var done atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !done.Load() {
				v := s.Snapshot()
				col, rows := onlyColumn(t, v), int64(v.NumDocs())
				for key := int64(0); key < keys && key < rows; key += 100 {
					id, _ := col.Dictionary().Lookup(column.IntValue(schema.Int64, key))
					if want := (rows - key + keys - 1) / keys; int64(col.Inverted().Count(id)) != want {
						t.Errorf("%d rows of key %d among %d, want %d", col.Inverted().Count(id), key, rows, want)
						return
					}
				}
			}
		})
	}
	for at := 0; at < 2*segment.BlockRows+5000; at += 1021 {
		fill(t, s, schema.Int64, 1021, func(i int) column.Value { return column.IntValue(schema.Int64, int64((at+i)%keys)) })
	}
	done.Store(true)
	wg.Wait()
}

// TestListAllocatesNothing guards the way of a point query.
func TestListAllocatesNothing(t *testing.T) {
	s := oneColumn(t, schema.Field{Type: schema.Int64}, inverting())
	fill(t, s, schema.Int64, 2*segment.BlockRows, func(i int) column.Value { return column.IntValue(schema.Int64, int64(i%9001)) })
	x := onlyColumn(t, s.Snapshot()).Inverted()
	lister, room := x.(segment.DocLister), make([]uint32, 0, 100)
	n := testing.AllocsPerRun(100, func() {
		if docs, ok, err := lister.AppendDocs(77, 100, room); !ok || err != nil || len(docs) != int(x.Count(77)) {
			panic(fmt.Sprint(docs, ok, err))
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}
