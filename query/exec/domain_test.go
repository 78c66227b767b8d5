package exec

import (
	"fmt"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// wordsOf returns a text vector of the numbers from..to-1.
func wordsOf(from, to int) *column.Vector {
	v := column.New(schema.Text, 0)
	for i := from; i < to; i++ {
		v.AppendBytes(fmt.Appendf(nil, "value %d", i))
	}
	return v
}

// checkCodes demands that every id's code stands for its value.
func checkCodes(t *testing.T, dict *keyDict, table *codeTable, vals *column.Vector) {
	t.Helper()
	if len(table.codes) != vals.N+1 || table.codes[vals.N] != 0 {
		t.Fatalf("%d codes for %d values, the last %d", len(table.codes), vals.N, table.codes[len(table.codes)-1])
	}
	out := column.New(vals.Type, 0)
	for id := range vals.N {
		dict.appendValue(out, table.codes[id])
		if got, want := string(out.Bytes(id)), string(vals.Bytes(id)); got != want {
			t.Fatalf("id %d stands for %q, not %q", id, got, want)
		}
	}
}

// TestDomainOfCanceledQuery keeps what was numbered, and refuses nothing later.
func TestDomainOfCanceledQuery(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		ds := &domains{limit: 1 << 20}
		key := domainKey{table: 1, col: 2, typ: schema.Text}
		a := dictOf{identity: new(segment.Identity), vals: wordsOf(0, 10), ordered: ordered}
		b := dictOf{identity: new(segment.Identity), vals: wordsOf(1000, 120_000), ordered: true}
		if dict, _ := ds.share(key, []dictOf{a, b}, true, func() bool { return true }); dict != nil {
			t.Fatal("a canceled query got numbers")
		}
		ds.limit = 256 << 20
		dict, tables := ds.share(key, []dictOf{a}, true, never)
		checkCodes(t, dict, tables[0], a.vals)
		if dict, _ := ds.share(key, []dictOf{a, b}, true, func() bool { return true }); dict != nil {
			t.Fatal("a canceled query got numbers")
		}
		if dict, _ := ds.share(key, []dictOf{a}, false, never); dict == nil {
			t.Fatal("a canceled query put out what others use")
		}
	}
}

func TestDomainNumbersAreShared(t *testing.T) {
	ds := &domains{limit: 1 << 20}
	key := domainKey{table: 1, col: 2, typ: schema.Text}
	a := dictOf{identity: new(segment.Identity), vals: wordsOf(0, 500)}
	b := dictOf{identity: new(segment.Identity), vals: wordsOf(250, 1000)}
	if dict, _ := ds.share(key, []dictOf{a, b}, false, never); dict != nil {
		t.Fatal("an unknown domain was given without building it")
	}
	first, _ := ds.share(key, []dictOf{a}, true, never)
	dict, tables := ds.share(key, []dictOf{a, b}, true, never)
	checkCodes(t, dict, tables[0], a.vals)
	checkCodes(t, dict, tables[1], b.vals)
	if !tables[0].ascends || tables[1].ascends {
		t.Errorf("ascends: %v, %v", tables[0].ascends, tables[1].ascends)
	}
	checkCodes(t, first, tables[0], a.vals) // an older copy of the dictionary stays true
	if dict, _ := ds.share(key, []dictOf{b}, false, never); dict == nil || dict.size() != 1001 {
		t.Error("the domain was not kept")
	}
}

func TestDomainFollowsGrowingDictionaries(t *testing.T) {
	ds := &domains{limit: 1 << 20}
	key := domainKey{table: 1, col: 2, typ: schema.Text}
	id := new(segment.Identity)
	var views []dictOf
	for n := 100; n <= 1000; n += 300 {
		views = append(views, dictOf{identity: id, vals: wordsOf(0, n)})
	}
	for _, i := range []int{0, 2, 1, 3, 0} {
		dict, tables := ds.share(key, views[i:i+1], true, never)
		checkCodes(t, dict, tables[0], views[i].vals)
	}
	if dict, _ := ds.share(key, views[3:], false, never); dict == nil {
		t.Error("the longest view was forgotten for an older one")
	}
}

func TestDomainsAreBounded(t *testing.T) {
	ds := &domains{limit: 200 << 10}
	for i := range 20 {
		key := domainKey{table: 1, col: uint32(i), typ: schema.Text}
		d := dictOf{identity: new(segment.Identity), vals: wordsOf(0, 1000)}
		if dict, _ := ds.share(key, []dictOf{d}, true, never); dict == nil {
			t.Fatalf("domain %d was refused", i)
		}
		if ds.bytes > ds.limit {
			t.Fatalf("%d bytes are held, limit %d", ds.bytes, ds.limit)
		}
	}
	if n := len(ds.byKey); n == 0 || n == 20 {
		t.Errorf("%d domains are left", n)
	}
	big := dictOf{identity: new(segment.Identity), vals: wordsOf(0, 20_000)}
	if dict, _ := ds.share(domainKey{typ: schema.Text}, []dictOf{big}, true, never); dict != nil {
		t.Error("a domain beyond the limit was built")
	}
}

func TestDomainForgetsSegmentsThatAreGone(t *testing.T) {
	ds := &domains{limit: 1 << 30}
	key := domainKey{table: 1, col: 2, typ: schema.Text}
	for i := range 200 {
		d := dictOf{identity: new(segment.Identity), vals: wordsOf(i*100, i*100+100)}
		dict, tables := ds.share(key, []dictOf{d}, true, never)
		checkCodes(t, dict, tables[0], d.vals)
	}
	d := ds.byKey[key]
	if d.dict.vals.N > 4096+100 || len(d.tables) > 70 {
		t.Errorf("%d values of %d segments are held", d.dict.vals.N, len(d.tables))
	}
}

func TestDomainConcurrently(t *testing.T) {
	ds := &domains{limit: 1 << 20}
	key := domainKey{table: 1, col: 2, typ: schema.Text}
	var dicts []dictOf
	for i := range 8 {
		dicts = append(dicts, dictOf{identity: new(segment.Identity), vals: wordsOf(i*50, i*50+200)})
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for range 20 {
				dict, tables := ds.share(key, dicts[w:], true, never)
				for i, table := range tables {
					checkCodes(t, dict, table, dicts[w+i].vals)
				}
			}
		})
	}
	wg.Wait()
}
