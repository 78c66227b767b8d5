package exec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// randomDict returns a dictionary of up to n texts, which are often those of
// other dictionaries too.
func randomDict(r *rand.Rand, n int, ordered bool) dictOf {
	seen := map[string]bool{}
	for range r.IntN(n + 1) {
		seen["commonprefix"[:r.IntN(13)]+fmt.Sprint(r.IntN(2*n))+"\x00"[:r.IntN(2)]] = true
	}
	var vals []string
	for s := range seen {
		vals = append(vals, s)
	}
	slices.Sort(vals)
	if !ordered {
		r.Shuffle(len(vals), func(i, j int) { vals[i], vals[j] = vals[j], vals[i] })
	}
	return dictOf{identity: new(segment.Identity), vals: textColumn(vals...), ordered: ordered}
}

func never() bool { return false }

// checkUnion demands that codes stand for the values, in their order and
// without gaps.
func checkUnion(t *testing.T, m *dictUnion, dicts []dictOf) {
	t.Helper()
	all := map[string]bool{}
	for i, d := range dicts {
		checkCodes(t, m.dict(d.vals), m.tables[i], d.vals)
		for id := range d.vals.N {
			all[string(d.vals.Bytes(id))] = true
		}
	}
	if len(m.at) != len(all) {
		t.Fatalf("%d codes for %d values", len(m.at), len(all))
	}
	for code := 2; code <= len(m.at); code++ {
		if bytes.Compare(m.value(uint32(code-1)), m.value(uint32(code))) >= 0 {
			t.Fatalf("code %d does not ascend", code)
		}
	}
}

func TestMergeDictionaries(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		var dicts []dictOf
		for range 1 + r.IntN(6) {
			dicts = append(dicts, randomDict(r, []int{0, 3, 300}[r.IntN(3)], r.IntN(3) > 0))
		}
		m := mergeDictionaries(dicts, never)
		checkUnion(t, m, dicts)
		kept := *m
		kept.vals = nil
		if m.ordered {
			i := r.IntN(len(dicts))
			dict, tables := kept.view(dicts[i : i+1])
			checkCodes(t, dict, tables[0], dicts[i].vals)
		}
		if dict, _ := kept.view([]dictOf{randomDict(r, 5, true)}); dict != nil {
			t.Fatal("an unknown dictionary was found")
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	wrong := dictOf{vals: textColumn("b", "a"), ordered: true}
	if mergeDictionaries([]dictOf{wrong}, never) != nil {
		t.Error("a dictionary in a wrong order was merged")
	}
	d := dictOf{vals: wordsOf(0, 100_000), ordered: false}
	if mergeDictionaries([]dictOf{d}, func() bool { return true }) != nil {
		t.Error("the merge did not stop")
	}
}

// TestDomainsStayWithinTheirBound demands that a numbering of many dictionaries
// without common values is given up before it is too large, and kept without its
// values where these alone are too much.
func TestDomainsStayWithinTheirBound(t *testing.T) {
	var dicts []dictOf
	for i := range 40 {
		v := column.New(schema.Text, 0)
		for j := range 500 {
			v.AppendBytes(fmt.Appendf(nil, "%03d %0200d", i, j))
		}
		dicts = append(dicts, dictOf{identity: new(segment.Identity), vals: v, ordered: true})
	}
	e := New(Config{DomainBytes: 1 << 20})
	key := domainKey{typ: schema.Text}
	if dict, _ := e.domains.share(key, dicts, true, never); dict != nil {
		t.Error("a domain beyond the bound was given")
	}
	if d := e.domains.byKey[key]; d != nil && d.bytes() > 1<<19 {
		t.Errorf("%d bytes are held", d.bytes())
	}
	q := newQuery(e, testContext(), nil, Options{})
	dict, tables := q.mergeDomain(key, dicts)
	checkCodes(t, dict, tables[39], dicts[39].vals)
	if e.domains.bytes == 0 || e.domains.bytes > 1<<20 || q.mem.used.Load() != 0 {
		t.Errorf("%d bytes are kept, the query holds %d", e.domains.bytes, q.mem.used.Load())
	}
	again, _ := q.mergeDomain(key, dicts[3:4])
	if again == nil || &again.merged.at[0] != &dict.merged.at[0] {
		t.Error("the numbering was made again")
	}
	small := newQuery(New(Config{DomainBytes: -1}), testContext(), nil, Options{MemoryLimit: 1000})
	if dict, _ := small.mergeDomain(key, dicts); dict != nil || small.mem.used.Load() != 0 {
		t.Errorf("a numbering beyond the query's limit was made, or is held: %d bytes", small.mem.used.Load())
	}
}
