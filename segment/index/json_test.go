package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/jsonmatch"
	"github.com/alluviumdb/alluvium/segment"
)

// randomJSON returns a document of few keys and values, so that conditions meet.
func randomJSON(r *rand.Rand, depth int) string {
	switch n := r.IntN(10); {
	case depth == 0 || n < 3:
		return []string{"1", "2", `"x"`, `"y"`, "true", "null", "2.5"}[r.IntN(7)]
	case n < 7:
		var parts []string
		for range r.IntN(4) {
			parts = append(parts, fmt.Sprintf("%q: %s", string(rune('a'+r.IntN(3))), randomJSON(r, depth-1)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	var parts []string
	for range r.IntN(4) {
		parts = append(parts, randomJSON(r, depth-1))
	}
	return "[" + strings.Join(parts, " ,") + "]"
}

func randomCond(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		a, b := randomCond(r, depth-1), randomCond(r, depth-1)
		return []string{"(" + a + " AND " + b + ")", "(" + a + " OR " + b + ")", "NOT (" + a + ")"}[r.IntN(3)]
	}
	path := "$"
	for range 1 + r.IntN(3) {
		path += []string{".a", ".b", ".c", "[*]", "[0]", "[1]"}[r.IntN(6)]
	}
	tests := []string{"= 1", "= 'x'", "<> 2", "IN (1, 'y')", "NOT IN ('x', 2)", "IS NULL", "IS NOT NULL", "> 1",
		"BETWEEN 1 AND 2.5", "< 'y'", "LIKE 'x%'", "= TRUE"}
	return fmt.Sprintf("%q %s", path, tests[r.IntN(len(tests))])
}

func buildJSON(tb testing.TB, o segment.JSONOptions, docs []string) []byte {
	tb.Helper()
	b := NewJSONBuilder(o)
	for _, d := range docs {
		var forms [][]uint32
		if d != "" {
			forms = b.Flatten([]byte(d))
		}
		if err := b.AddForms(forms); err != nil {
			tb.Fatal(err)
		}
	}
	buf, err := b.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return buf
}

func mustCond(tb testing.TB, s string) *jsonmatch.Cond {
	tb.Helper()
	c, err := jsonmatch.Parse(s)
	if err != nil {
		tb.Fatalf("%s: %v", s, err)
	}
	return c
}

var jsonOptions = []segment.JSONOptions{
	{}, {MaxLevels: 2}, {ExcludeArrays: true}, {Include: []string{"\x01a"}}, {Exclude: []string{"\x01b\x02"}},
	{ExcludeFields: []string{"c"}}, {Include: []string{"\x01a\x02", "\x01b"}, ExcludeFields: []string{"c"}, MaxLevels: 3},
}

func TestJSONMatchesEvaluation(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		docs := make([]string, 1+r.IntN(700))
		for i := range docs {
			if r.IntN(10) > 0 {
				docs[i] = randomJSON(r, 4)
			}
		}
		o := jsonOptions[r.IntN(len(jsonOptions))]
		x, err := OpenJSON(buildJSON(t, o, docs), uint32(len(docs)))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Check(); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			checkJSON(t, x, randomCond(r, 3), docs)
		}
	}
}

func checkJSON(t *testing.T, x *JSON, cond string, docs []string) {
	t.Helper()
	c := mustCond(t, cond)
	got, exact, covered, err := x.Match(c)
	if err != nil {
		t.Fatalf("%s: %v", cond, err)
	}
	if !covered {
		return
	}
	m := jsonmatch.NewMatcher(c)
	for i, d := range docs {
		want := false
		if d != "" {
			if want, err = m.Match([]byte(d)); err != nil {
				t.Fatal(err)
			}
		}
		if has := got.Contains(uint32(i)); has != want && (exact || want) {
			t.Fatalf("%s of %s (options %+v, exact %v): %v, want %v", cond, d, x.Options(), exact, has, want)
		}
	}
}

func TestJSONCovers(t *testing.T) {
	f := func(o segment.JSONOptions, path string, want bool) {
		t.Helper()
		p, err := jsonmatch.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := coversPath(&o, p); got != want {
			t.Errorf("%+v covers %s: %v", o, path, got)
		}
	}
	key := func(path string) []string {
		p, err := jsonmatch.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		return []string{p.Key()}
	}
	f(segment.JSONOptions{}, "$.a[*].b", true)
	f(segment.JSONOptions{MaxLevels: 2}, "$.a[*].b", false)
	f(segment.JSONOptions{MaxLevels: 2}, "$.a[*]", true)
	f(segment.JSONOptions{ExcludeArrays: true}, "$.a[*]", false)
	f(segment.JSONOptions{Include: key("$.a")}, "$.a.b", true)
	f(segment.JSONOptions{Include: key("$.a")}, "$.ab", false)
	f(segment.JSONOptions{Exclude: key("$.a[*].b")}, "$.a[3].b.c", false)
	f(segment.JSONOptions{Exclude: key("$.a[*].b")}, "$.a[3].c", true)
	f(segment.JSONOptions{ExcludeFields: []string{"b"}}, "$.a.b.c", false)
}

func TestJSONFlippedBytes(t *testing.T) {
	docs := []string{`{"a":[{"b":1},{"b":2,"c":"x"}],"d":5}`, "", `{"a":[1,2,3]}`, `7`}
	buf := buildJSON(t, segment.JSONOptions{Exclude: []string{"\x01z"}}, docs)
	conds := []*jsonmatch.Cond{
		mustCond(t, `"$.a[1].b" = 2 AND NOT "$.d" > 9`), mustCond(t, `"$.a[*]" IS NOT NULL OR "$" = 7`),
	}
	for pos := range buf {
		for _, flip := range []byte{1, 0x80, 0xff} {
			b := append([]byte(nil), buf...)
			b[pos] ^= flip
			x, err := OpenJSON(b, uint32(len(docs)))
			for i := 0; err == nil && i < len(conds); i++ {
				_, _, _, err = x.Match(conds[i])
			}
			if err != nil && !errors.Is(err, segment.ErrCorrupt) {
				t.Fatalf("byte %d: %v", pos, err)
			}
			if x != nil {
				_ = x.Check()
			}
		}
	}
}

// FuzzOpenJSON opens anything.
func FuzzOpenJSON(f *testing.F) {
	f.Add(buildJSON(f, segment.JSONOptions{}, []string{`{"a":[1,{"b":2}]}`, `{"a":3}`}), uint32(2))
	c := mustCond(f, `"$.a[1].b" = 2 AND NOT "$.a" > 1`)
	f.Fuzz(func(_ *testing.T, b []byte, docs uint32) {
		x, err := OpenJSON(b, docs%1000)
		if err != nil {
			return
		}
		_, _, _, _ = x.Match(c)
		_ = x.Check()
	})
}
