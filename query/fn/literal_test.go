package fn

import "testing"

func TestLikeNeedle(t *testing.T) {
	f := func(pattern, want string) {
		t.Helper()
		p, err := CompileLike(pattern, '\\', false)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.Needle(); ok != (want != "") || ok && string(got) != want {
			t.Errorf("%s: %q %v, want %q", pattern, got, ok, want)
		}
	}
	f("%green%", "green")
	f(`%50\%%`, "50%")
	f("%gr_en%", "")
	f("%%", "")
	f("green%", "")
	f("%green", "")
	f("%a%b%", "")
}

func TestRegexpLiterals(t *testing.T) {
	f := func(pattern, flags, prefix, needle string, only bool) {
		t.Helper()
		re, err := CompileRegexp(pattern, flags)
		if err != nil {
			t.Fatal(err)
		}
		l := RegexpLiterals(re)
		if string(l.Prefix) != prefix || string(l.Needle) != needle || l.PrefixOnly != only {
			t.Errorf("%s: %q %q %v", pattern, l.Prefix, l.Needle, l.PrefixOnly)
		}
	}
	f("green", "", "", "green", false)
	f("^green", "", "green", "", true)
	f("^green.*x$", "", "green", "", false)
	f("^green$", "", "green", "", false)
	f("^gre+n", "", "gr", "", false)
	f(`^a\.b`, "", "a.b", "", true)
	f("^green|red", "", "", "", false)
	f("^green", "i", "", "", false)
	f("green", "i", "", "", false)
	f("^(green)", "", "", "", false)
	f("^green", "n", "", "", false) // begins a line
	f("gr.en", "", "", "", false)
}
