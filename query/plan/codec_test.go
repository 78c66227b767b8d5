package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// fragmentOf plans a statement and returns the fragment of its first leaf.
func fragmentOf(t testing.TB, text string) *Fragment {
	t.Helper()
	q, err := prepareText(t, text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	root, err := q.Bind(testContext(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var leaf *Leaf
	eachNode(root, func(n Node) {
		if l, ok := n.(*Leaf); ok && leaf == nil {
			leaf = l
		}
	})
	return &Fragment{
		Leaf: leaf, Segments: []string{"s1", "s2"}, NowMicros: 17, Zone: "Europe/Berlin", User: "u",
		Settings: map[string]string{"b": "2", "a": "1"}, Trace: true, MemoryLimit: 1 << 20, TimeoutMicros: 5,
		Snapshot: []SnapshotMark{{Partition: 3, Seq: 99}}, Wanted: wantedOf(root),
	}
}

// wantedOf returns what a plan wants of the groups of its leaf, nil if it has
// none.
func wantedOf(root Node) (w *Wanted) {
	eachNode(root, func(n Node) {
		if m, ok := n.(*MergeAgg); ok {
			w = &m.Wanted
		}
	})
	return w
}

var fragmentSQL = []string{
	"select id, ts from events where country = 'de' and price > 3 order by ts desc limit 10",
	"select country, count(*), sum(price) filter (where ok), count(distinct product) from events where id in (1, 2, 3) group by country",
	"select case when qty > 3 then 'a' else product end, array[id, 5], tags[1], 'x' = any(tags) from events where not (data is null) or amount > 2.5",
	"select product, sum(qty) from events group by product having count(*) > 3 order by 2 desc, 1 limit 10 offset 5",
	"select date_trunc('day', ts), min(at), max(uid::text) from events where product like 'a%' and day > '2024-01-01' group by 1",
}

func TestFragmentRoundTrip(t *testing.T) {
	for _, text := range fragmentSQL {
		f := fragmentOf(t, text)
		b, err := EncodeFragment(f)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		g, err := DecodeFragment(b)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if g.Leaf.Table.ID != 1 || len(g.Segments) != 2 || g.NowMicros != 17 || g.Zone != "Europe/Berlin" || g.User != "u" ||
			g.Settings["a"] != "1" || !g.Trace || g.MemoryLimit != 1<<20 || g.TimeoutMicros != 5 || g.Snapshot[0].Seq != 99 {
			t.Errorf("%s: %+v", text, g)
		}
		if (f.Wanted == nil) != (g.Wanted == nil) {
			t.Errorf("%s: wanted %v, not %v", text, g.Wanted, f.Wanted)
		} else if f.Wanted != nil {
			var got, want details
			got.wanted(g.Wanted)
			want.wanted(f.Wanted)
			if len(got.lines) != len(want.lines) || got.lines == nil && strings.Contains(text, "having") {
				t.Errorf("%s: wanted %q, not %q", text, got.lines, want.lines)
			}
		}
		if got, want := Explain(g.Leaf, ExplainOptions{}), Explain(f.Leaf, ExplainOptions{}); !equalLines(got, want) {
			t.Errorf("%s: decoded %q, want %q", text, got, want)
		}
		for n := range b {
			if _, err := DecodeFragment(b[:n]); !errors.Is(err, ErrFragment) {
				t.Fatalf("%s: %d of %d bytes: %v", text, n, len(b), err)
			}
		}
	}
}

func equalLines(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestEncodeFragmentRefusesBrokerExpressions(t *testing.T) {
	leaf := &Leaf{Table: &schema.Table{}, Limit: -1}
	for _, e := range []Expr{&Param{N: 1, Typ: schema.Int64}, &OuterRef{Depth: 1}, &Subquery{}, &colVar{}} {
		leaf.Filter = e
		if _, err := EncodeFragment(&Fragment{Leaf: leaf}); err == nil {
			t.Errorf("%T was encoded", e)
		}
	}
}

func TestDecodeFragmentBoundsNesting(t *testing.T) {
	var e Expr = &Const{Value: column.BoolValue(true)}
	for range maxExprDepth + 10 {
		e = &Not{Arg: e}
	}
	b, err := EncodeFragment(&Fragment{Leaf: &Leaf{Table: &schema.Table{}, Filter: e, Limit: -1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeFragment(b); !errors.Is(err, ErrFragment) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodeFragment(f *testing.F) {
	for _, text := range fragmentSQL {
		b, err := EncodeFragment(fragmentOf(f, text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := DecodeFragment(b)
		if err != nil {
			if !errors.Is(err, ErrFragment) {
				t.Fatalf("error of another class: %v", err)
			}
			return
		}
		again, err := EncodeFragment(g)
		if err != nil {
			t.Fatal(err)
		}
		h, err := DecodeFragment(again)
		if err != nil {
			t.Fatalf("encoded again: %v", err)
		}
		CanMatch(h.Leaf, func(*LeafCol) Range { return Unbounded })
		Explain(h.Leaf, ExplainOptions{})
	})
}

func BenchmarkDecodeFragment(b *testing.B) {
	data, err := EncodeFragment(fragmentOf(b, fragmentSQL[1]))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeFragment(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	opt := Options{Catalog: newTestCatalog()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := prepareText(b, "select country, count(*), sum(price) from events where ts >= '2024-01-01' and ok group by country order by 2 desc limit 10", opt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBind(b *testing.B) {
	q, err := prepareText(b, "select id, product from events where id = $1 and ts >= $2 limit 10", Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx := testContext()
	params := []column.Value{column.IntValue(schema.Int64, 5), column.IntValue(schema.Timestamp, 7)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.Bind(ctx, params); err != nil {
			b.Fatal(err)
		}
	}
}
