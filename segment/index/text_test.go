package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/fulltext"
	"github.com/alluviumdb/alluvium/segment"
)

func randomText(r *rand.Rand) string {
	var words []string
	for range r.IntN(12) {
		words = append(words, fmt.Sprintf("%c%c%d", 'a'+r.IntN(3), 'x'+r.IntN(3), r.IntN(3)))
	}
	return strings.Join(words, " ")
}

func randomQuery(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		a, b := randomQuery(r, depth-1), randomQuery(r, depth-1)
		return []string{"(" + a + " AND " + b + ")", "(" + a + " " + b + ")", "(+" + a + " -" + b + ")", "(*:* NOT " + a + ")"}[r.IntN(4)]
	}
	w := fmt.Sprintf("%c%c%d", 'a'+r.IntN(3), 'x'+r.IntN(3), r.IntN(4))
	return []string{w, w[:1] + "*", "?" + w[1:], "/" + w[:1] + ".[01]/", `"` + w + " bx1\"", `"` + w + `"`}[r.IntN(6)]
}

func buildText(tb testing.TB, texts []string) []byte {
	tb.Helper()
	b := NewTextBuilder()
	for i, s := range texts {
		if s != "NULL" {
			b.Add(uint32(i), b.Words([]byte(s)))
		}
	}
	buf, err := b.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return buf
}

func TestTextMatchesEvaluation(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 4))
		texts := make([]string, 1+r.IntN(300))
		for i := range texts {
			texts[i] = "NULL"
			if r.IntN(8) > 0 {
				texts[i] = randomText(r)
			}
		}
		x, err := OpenText(buildText(t, texts), uint32(len(texts)))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Check(); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			checkText(t, x, randomQuery(r, 3), texts)
		}
	}
}

func checkText(t *testing.T, x *Text, query string, texts []string) {
	t.Helper()
	q, err := fulltext.Parse(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	docs, exact, err := x.Match(q)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if !exact && !q.HasPhrase() {
		t.Errorf("%s: not exact", query)
	}
	if n := x.Terms(q); q.Pattern != nil {
		want := 0
		if err := x.eachWord(q.Pattern.Prefix, func([]byte, uint64) error { want++; return nil }); err != nil || n != want {
			t.Errorf("%s: %d words, want %d (%v)", query, n, want, err)
		}
	} else if q.Word != "" && n != 1 {
		t.Errorf("%s: %d words", query, n)
	}
	m := fulltext.NewMatcher(q)
	for i, s := range texts {
		want := s != "NULL" && m.Match([]byte(s))
		if has := docs.Contains(uint32(i)); has != want && (exact || want) {
			t.Fatalf("%s of %q (exact %v): %v, want %v", query, s, exact, has, want)
		}
	}
}

func TestTextFlippedBytes(t *testing.T) {
	texts := []string{"alpha beta", "NULL", "beta gamma delta", "alphabet"}
	buf := buildText(t, texts)
	var queries []*fulltext.Query
	for _, s := range []string{"alph*", `"beta gamma"`, "/.*a/", "*:* -delta"} {
		q, err := fulltext.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		queries = append(queries, q)
	}
	for pos := range buf {
		for _, flip := range []byte{1, 0x80, 0xff} {
			b := append([]byte(nil), buf...)
			b[pos] ^= flip
			x, err := OpenText(b, uint32(len(texts)))
			for i := 0; err == nil && i < len(queries); i++ {
				_, _, err = x.Match(queries[i])
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

// FuzzOpenText opens anything.
func FuzzOpenText(f *testing.F) {
	f.Add(buildText(f, []string{"alpha beta", "beta"}), uint32(2))
	q, err := fulltext.Parse("alph* -beta /.a/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, b []byte, docs uint32) {
		x, err := OpenText(b, docs%1000)
		if err != nil {
			return
		}
		_, _, _ = x.Match(q)
		_ = x.Check()
	})
}
