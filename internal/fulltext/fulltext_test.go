package fulltext

import (
	"strings"
	"testing"
)

func TestEachWord(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		var words []string
		EachWord([]byte(text), func(w []byte) bool { words = append(words, string(w)); return true })
		if got := strings.Join(words, "|"); got != want {
			t.Errorf("words of %q: %s, want %s", text, got, want)
		}
	}
	f("The QUICK, brown-fox!", "the|quick|brown|fox")
	f("don't x' 'y example.com. 3.14 1,000 a,b", "don't|x|y|example.com|3.14|1,000|a|b")
	f("snake_case ünïCODE Ärger", "snake_case|ünïcode|ärger")
	f("東京 tower", "東|京|tower")
	f("\xff\xfea", "a")
	f(strings.Repeat("x", 300), strings.Repeat("x", 255)+"|"+strings.Repeat("x", 45))
	f("", "")
}

func TestMatch(t *testing.T) {
	const text = "Apache Pinot is a real-time distributed OLAP datastore, built by LinkedIn & Uber. Version 1.2"
	f := func(query string, want bool) {
		t.Helper()
		q, err := Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			return
		}
		if got := NewMatcher(q).Match([]byte(text)); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
	f("pinot", true)
	f("PINOT", true)
	f("druid", false)
	f("druid pinot", true)
	f("druid OR pinot", true)
	f("druid AND pinot", false)
	f("olap && pinot", true)
	f("pinot AND NOT druid", true)
	f("pinot AND NOT olap", false)
	f("+pinot -druid", true)
	f("+pinot -olap", false)
	f("+druid pinot", false)
	f("-druid", false)
	f("*:* -druid", true)
	f("(druid OR pinot) AND (olap OR x)", true)
	f(`"apache pinot"`, true)
	f(`"pinot apache"`, false)
	f(`"real time" AND "linkedin uber"`, true)
	f(`"real-time distributed olap"`, true)
	f(`NOT "pinot apache"`, false)
	f("link*", true)
	f("lin?edin", true)
	f("*edIn", true)
	f("dis*ted", true)
	f("dis*x", false)
	f("/data(store|base)/", true)
	f("/data/", false)
	f("real-time", true)
	f("1.2", true)
	f(`\+pinot`, true)
	f("", false)
}

func TestParseErrors(t *testing.T) {
	f := func(query, want string) {
		t.Helper()
		if _, err := Parse(query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
	f("AND a", "nothing stands before")
	f("a AND", "nothing follows")
	f("a NOT", "nothing follows")
	f("(a", "a ) is missing")
	f("a)", "unexpected )")
	f(`"a`, "is not closed")
	f("/a", "is not closed")
	f("/(/", "invalid regular expression")
	f("a~2", "fuzzy")
	f("a^2", "boosting")
	f("title:a", "fields (title:)")
	f("[a TO b]", "ranges")
	f("a ]", "unexpected")
	f(strings.Repeat("(", 300), "too deeply")
}

// FuzzParse parses anything; what parses is evaluated.
func FuzzParse(f *testing.F) {
	f.Add(`+a -b "c d" (e* OR /f.g/) AND NOT h?i \x`, "a c d")
	f.Fuzz(func(_ *testing.T, query, text string) {
		if q, err := Parse(query); err == nil {
			NewMatcher(q).Match([]byte(text))
		}
	})
}
