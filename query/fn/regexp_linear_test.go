package fn

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
)

// linearPatterns are patterns that have a linear matcher.
var linearPatterns = []string{
	`^https?://(?:www\.)?([^/]+)/.*$`, `^a`, `^(a*)b(c+)$`, `^(?s:.*)$`, `^([^,]*),([^,]*)`, `^x?x?x$`, `^(?:ab)?(?:a)?b`, `^([a-z]+)=(.*)$`,
}

func TestLinearRegexp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	alphabet := []string{"a", "b", "c", "x", ",", "=", "/", "http", "https", "://", "www.", ".", "\n", "é", "€"}
	for _, pattern := range linearPatterns {
		l, re := newLinearRegexp(pattern), regexp.MustCompile(pattern)
		if l == nil {
			t.Errorf("%s has no linear matcher", pattern)
			continue
		}
		for range 5000 {
			var src []byte
			for range r.IntN(9) {
				src = append(src, alphabet[r.IntN(len(alphabet))]...)
			}
			checkLinear(t, l, re, src)
		}
	}
	for _, pattern := range []string{`a`, `^a|b`, `^(a+)a`, `^(a|b)c`, `^a+?b`, `^(?i)a`, `^[é]+x`, `^(a+)(a*)$`, `^(.*)/`, `^\bx`} {
		if newLinearRegexp(pattern) != nil {
			t.Errorf("%s is taken for linear", pattern)
		}
	}
}

func checkLinear(t *testing.T, l *linearRegexp, re *regexp.Regexp, src []byte) {
	t.Helper()
	want := re.FindSubmatchIndex(src)
	m := make([]int, 2*l.groups)
	ok := l.find(src, m)
	if ok != (want != nil) || ok && !slices.Equal(m, want) {
		t.Fatalf("%s on %q: %v %v, want %v", re, src, ok, m, want)
	}
}

func FuzzLinearRegexp(f *testing.F) {
	for _, p := range linearPatterns {
		f.Add(p, "https://www.example.org/a")
	}
	f.Fuzz(func(t *testing.T, pattern, src string) {
		if len(pattern) > 100 {
			return
		}
		re, err := regexp.Compile(pattern)
		l := newLinearRegexp(pattern)
		if err != nil || l == nil {
			return
		}
		checkLinear(t, l, re, []byte(string([]rune(src))))
	})
}

func BenchmarkRegexpReplace(b *testing.B) {
	re, src := linearPatterns[0], []byte("http://www.some-site.example.org/path/to/a/page?with=query")
	b.Run("linear", func(b *testing.B) {
		l := newLinearRegexp(re)
		m := make([]int, 2*l.groups)
		for b.Loop() {
			l.find(src, m)
		}
	})
	b.Run("regexp", func(b *testing.B) {
		re := regexp.MustCompile(re)
		for b.Loop() {
			re.FindSubmatchIndex(src)
		}
	})
}
