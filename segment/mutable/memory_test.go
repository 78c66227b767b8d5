package mutable

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// eventTable is the schema of the web-transactions demo with a unique key and
// a float beside.
func eventTable() *schema.Table {
	return &schema.Table{ID: 1, Name: "events", Type: schema.Realtime,
		Schema: &schema.Schema{Name: "events", Fields: []schema.Field{
			{ID: 1, Name: "userID", Type: schema.Text},
			{ID: 2, Name: "productName", Type: schema.Text},
			{ID: 3, Name: "color", Type: schema.Text},
			{ID: 4, Name: "department", Type: schema.Text},
			{ID: 5, Name: "product", Type: schema.Text},
			{ID: 6, Name: "campaign", Type: schema.Text},
			{ID: 7, Name: "price", Type: schema.Int32},
			{ID: 8, Name: "creationTimestamp", Type: schema.Timestamp},
		}},
		Config: &schema.TableConfig{TimeColumn: "creationTimestamp",
			Indexing: schema.IndexingConfig{Inverted: []string{"color", "department"}}},
	}
}

// eventBatches returns batches of n events, to be appended round and round.
func eventBatches(count, n int) []*column.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	var out []*column.Batch
	for k := range count {
		b := &column.Batch{N: n}
		for _, f := range eventTable().Schema.Fields {
			b.Cols = append(b.Cols, column.New(f.Type, n))
		}
		for i := range n {
			b.Cols[0].AppendString(fmt.Sprint(1 + r.IntN(100)))
			b.Cols[1].AppendString(fmt.Sprintf("Handcrafted %d Chair %d", r.IntN(12), r.IntN(100)))
			b.Cols[2].AppendString(fmt.Sprintf("color%d", r.IntN(30)))
			b.Cols[3].AppendString(fmt.Sprintf("department%d", r.IntN(20)))
			b.Cols[4].AppendString(fmt.Sprintf("product%d", r.IntN(20)))
			b.Cols[5].AppendString([]string{"BlackFriday", "10Percent", "NONE"}[r.IntN(3)])
			b.Cols[6].Append(column.IntValue(schema.Int32, int64(10+r.IntN(141))))
			b.Cols[7].Append(column.IntValue(schema.Timestamp, 1_700_000_000_000_000+int64((k*n+i)/1000)*1_000_000))
		}
		out = append(out, b)
	}
	return out
}

// TestMemoryBound holds the segment to twice its packed size plus 64 MiB, and
// what it says of its memory to what the runtime says.
func TestMemoryBound(t *testing.T) {
	f := func(name string, table *schema.Table, batches []*column.Batch, rounds int) {
		t.Helper()
		before := heapBytes()
		s, err := New(Config{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		for i := range rounds {
			mustAppend(t, s, batches[i%len(batches)])
			mustCommit(t, s, Commit{})
		}
		held, packed := s.Bytes(), s.PackedBytes()
		if bound := 2*packed + 64<<20; held > bound {
			t.Errorf("%s: %d bytes held, bound %d", name, held, bound)
		}
		real := heapBytes() - before
		if diff := real - held; diff > real/8+1<<20 || diff < -real/8-1<<20 {
			t.Errorf("%s: says %d bytes, the heap grew by %d", name, held, real)
		}
		t.Logf("%s: %d rows, %d bytes held, %d packed", name, s.Rows(), held, packed)
		runtime.KeepAlive(batches)
		runtime.KeepAlive(s)
	}
	f("events", eventTable(), eventBatches(20, 5000), 120)
	var unique []*column.Batch
	for i := range 30 {
		unique = append(unique, demoBatch(i*7000, 7000))
	}
	f("unique keys", demoTable(), unique, 30)
	f("a few rows", demoTable(), []*column.Batch{demoBatch(0, 10)}, 2)
}

func heapBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestAppendAllocations guards the steady state: between two closings of a
// block nothing is allocated for a row whose values are known.
func TestAppendAllocations(t *testing.T) {
	s, err := New(Config{Table: eventTable()})
	if err != nil {
		t.Fatal(err)
	}
	batches := eventBatches(10, 1000)
	for i := range 70 { // past the first block
		mustAppend(t, s, batches[i%10])
	}
	i := 0
	allocs := testing.AllocsPerRun(50, func() {
		if err := s.Append(batches[i%10]); err != nil {
			t.Fatal(err)
		}
		i++
	})
	if allocs > 0 {
		t.Errorf("%v allocations per batch of 1,000 rows", allocs)
	}
}
