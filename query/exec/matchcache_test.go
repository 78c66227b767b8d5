package exec

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// grownDict is a dictionary of the texts of vals, of which a column sees the
// first ones.
type grownDict struct {
	segment.Dictionary
	id *segment.Identity
}

func (g grownDict) Identity() *segment.Identity { return g.id }

// textPlan is a plan over one dictionary column, a Text.
func textPlan(e *Engine, dict segment.Dictionary, vals *column.Vector) *segPlan {
	c := &segCol{typ: schema.Text, dict: dict, vals: vals}
	return &segPlan{q: &query{e: e}, cols: []*segCol{c}, rowsHint: 1e9}
}

func randomTexts(r *rand.Rand, n int) *column.Vector {
	v := column.New(schema.Text, n)
	for i := range n {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString([]string{"gre", "en", "green", "a", "ß"}[r.IntN(5)])
		}
		fmt.Fprintf(&b, "-%d", i)
		v.AppendString(b.String())
	}
	return v
}

// textCondition makes column 0 op pattern.
func textCondition(t *testing.T, op, pattern string) plan.Expr {
	t.Helper()
	f, _, err := fn.Resolve(op, []schema.Type{schema.Text, schema.Text}, fn.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	return &plan.Call{Fn: f, Args: []plan.Expr{&plan.ColRef{Typ: schema.Text}, &plan.Const{Value: column.TextValue(pattern)}}, Typ: schema.Bool}
}

// TestMatchesOfGrowingDictionaries decides conditions for ever longer and
// shorter views of a dictionary, with and without the cache.
func TestMatchesOfGrowingDictionaries(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	vals := randomTexts(r, 9000)
	id := grownDict{id: new(segment.Identity)}
	cached, plain := New(Config{}), New(Config{MatchBytes: -1})
	conditions := []plan.Expr{
		textCondition(t, "~~", "%green%"), textCondition(t, "!~~", "%green%"), textCondition(t, "~~", "gre%a%"), textCondition(t, "~~", "%g_e%"),
		textCondition(t, "~", "green"), textCondition(t, "!~", "^green"), textCondition(t, "regexp_like", "^gre(en)+a"), textCondition(t, "~~*", "%GREEN%"),
		textCondition(t, "~~", "%nothing%"), textCondition(t, "~~", "%"),
	}
	for _, n := range []int{100, 2000, 2001, 5000, 2000, 4095, 4096, 9000, 3000} {
		view := vals.Slice(0, n)
		for k, e := range conditions {
			neg := (n+k)%2 == 0
			x := newLeafExpr(negated(e, neg))
			want, wantNulls, ok1 := textPlan(plain, id, view).matchDict(testContext(), textPlan(plain, id, view).cols[0], 0, e, neg, x)
			sp := textPlan(cached, id, view)
			got, nulls, ok2 := sp.matchDict(testContext(), sp.cols[0], 0, e, neg, x)
			if !ok1 || !ok2 || nulls != wantNulls || got.size != want.size || got.n != want.n || fmt.Sprint(got.bitmap()) != fmt.Sprint(want.bitmap()) {
				t.Fatalf("condition %d (negated %v) of %d values: %d match, want %d", k, neg, n, got.n, want.n)
			}
		}
	}
	if len(cached.matches.byKey) == 0 {
		t.Error("nothing was kept")
	}
}

func TestScanNeedle(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		v := randomTexts(r, 1+r.IntN(300))
		needle := []byte([]string{"green", "e", "-1", "nothing", "ß"}[r.IntN(5)])
		lo := r.IntN(v.N)
		hi := lo + 1 + r.IntN(v.N-lo)
		b := column.NewBitmap(v.N)
		scanNeedle(v, lo, hi, needle, b)
		for i := range v.N {
			if want := i >= lo && i < hi && bytes.Contains(v.Bytes(i), needle); b.Get(i) != want {
				t.Fatalf("%q in %q: %v", needle, v.Bytes(i), b.Get(i))
			}
		}
	}
}

func TestMatchCacheIsBounded(t *testing.T) {
	c := newMatchCache(100 << 10)
	set := func(n int) matches { return matches{set: bitSet(uint32(n), alternating(n))} }
	for i := range 200 {
		c.put(matchKey{dict: new(segment.Identity), cond: fmt.Sprint(i)}, set(10_000))
		if c.bytes > c.limit || len(c.byKey) != c.order.Len() {
			t.Fatalf("%d bytes of %d, %d of %d entries", c.bytes, c.limit, len(c.byKey), c.order.Len())
		}
	}
	if n := c.order.Len(); n < 20 {
		t.Errorf("only %d entries are kept", n)
	}
	key := matchKey{dict: new(segment.Identity)}
	c.put(key, set(1_000_000))
	if _, ok := c.get(key); ok {
		t.Error("an entry beyond the limit was kept")
	}
	c.put(key, set(5000))
	c.put(key, set(4000))
	if m, ok := c.get(key); !ok || m.set.size != 5000 {
		t.Errorf("a shorter view replaced a longer one: %d", m.set.size)
	}
	for key, e := range c.byKey {
		_ = key
		c.drop(e)
	}
	if c.bytes != 0 {
		t.Errorf("%d bytes are left of nothing", c.bytes)
	}
}

func alternating(n int) column.Bitmap {
	b := column.NewBitmap(n)
	for i := 0; i < n; i += 2 {
		b.Set(i)
	}
	return b
}

// TestMatchCacheConcurrently has many queries over views of one dictionary.
func TestMatchCacheConcurrently(t *testing.T) {
	vals := randomTexts(rand.New(rand.NewPCG(3, 3)), 6000)
	id := grownDict{id: new(segment.Identity)}
	e := New(Config{MatchBytes: 20 << 10})
	cond := textCondition(t, "~~", "%green%")
	x := newLeafExpr(cond)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			for range 50 {
				n := 1 + r.IntN(vals.N)
				sp := textPlan(e, id, vals.Slice(0, n))
				set, _, ok := sp.matchDict(testContext(), sp.cols[0], 0, cond, false, x)
				want := 0
				for i := range n {
					if bytes.Contains(vals.Bytes(i), []byte("green")) {
						want++
					}
				}
				if !ok || set.n != want {
					t.Errorf("%d of %d values match, want %d", set.n, n, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestMatchKeys(t *testing.T) {
	vals := randomTexts(rand.New(rand.NewPCG(4, 4)), 2000)
	sp := textPlan(New(Config{}), grownDict{id: new(segment.Identity)}, vals)
	key := func(zone string, d fn.Dialect, e plan.Expr) string {
		k, ok := sp.matchKey(&fn.Context{Context: context.Background(), Zone: zone, Dialect: d}, sp.cols[0], e)
		if !ok {
			return ""
		}
		return k.cond
	}
	a := textCondition(t, "~~", "%a%")
	seen := map[string]bool{}
	for _, k := range []string{
		key("UTC", fn.Postgres, a), key("UTC", fn.Pinot, a), key("Asia/Tokyo", fn.Postgres, a),
		key("UTC", fn.Postgres, textCondition(t, "~~", "%b%")), key("UTC", fn.Postgres, &plan.Not{Arg: a}),
	} {
		if k == "" || seen[k] {
			t.Errorf("key %q is empty or not the only one", k)
		}
		seen[k] = true
	}
	f, _, err := fn.Resolve("current_user", nil, fn.Postgres)
	if err == nil {
		user := &plan.Call{Fn: f, Typ: f.Ret}
		eq, _, err := fn.Resolve("=", []schema.Type{schema.Text, f.Ret}, fn.Postgres)
		if err != nil {
			t.Fatal(err)
		}
		if k := key("UTC", fn.Postgres, &plan.Call{Fn: eq, Args: []plan.Expr{&plan.ColRef{Typ: schema.Text}, user}, Typ: schema.Bool}); k != "" {
			t.Error("a condition on the user has a key")
		}
	}
}
