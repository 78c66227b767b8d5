package jsonmatch

import (
	"strings"
	"testing"
)

const person = `{"name":"adam","age":30,"ok":true,"none":null,"score":1.50,
 "addresses":[{"country":"us","street":"main st","number":1},{"country":"ca","street":"second st","number":2,"tags":["x","y"]}],
 "skills":["go","sql"],"empty":[],"deep":{"er":{"est":"bottom"}},"a.b":7}`

func TestMatch(t *testing.T) {
	f := func(cond string, want bool) {
		t.Helper()
		c, err := Parse(cond)
		if err != nil {
			t.Errorf("%s: %v", cond, err)
			return
		}
		got, err := NewMatcher(c).Match([]byte(person))
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", cond, got, err)
		}
	}
	f(`"$.name" = 'adam'`, true)
	f(`name = 'adam'`, true)
	f(`"$.name" = 'eve'`, false)
	f(`"$.name" <> 'eve'`, true)
	f(`"$.missing" <> 'eve'`, false)
	f(`"$.missing" IS NULL`, true)
	f(`"$.none" IS NULL`, true)
	f(`"$.none" IS NOT NULL`, false)
	f(`"$.empty[*]" IS NULL`, true)
	f(`"$.age" = 30 AND "$.age" = '30'`, true)
	f(`"$.score" = 1.5`, false)
	f(`"$.score" = '1.50' AND "$.score" BETWEEN 1.5 AND 1.5`, true)
	f(`"$.ok" = TRUE`, true)
	f(`"$.age" > 29 AND "$.age" <= 30`, true)
	f(`"$.age" NOT BETWEEN 1 AND 29`, true)
	f(`"$.name" > 5`, false)
	f(`"$.name" >= 'adam' AND "$.name" < 'adan'`, true)
	f(`REGEXP_LIKE("$.name", '^ad')`, true)
	f(`REGEXP_LIKE("$.name", 'AD')`, false)
	f(`REGEXP_LIKE("$.name", 'AD', 'i')`, true)
	f(`"$.name" LIKE 'a_a%'`, true)
	f(`"$.name" NOT LIKE '%m'`, false)
	f(`"$.deep.er.est" = 'bottom'`, true)
	f(`"$['a.b']" = 7`, true)
	f(`"$.skills[*]" IN ('c', 'sql')`, true)
	f(`"$.skills[*]" NOT IN ('go', 'sql')`, false)
	f(`"$.skills[0]" = 'sql'`, false)
	f(`"$.skills[1]" = 'sql'`, true)
	f(`"$.skills[7]" IS NULL`, true)
	// Conditions on one element.
	f(`"$.addresses[*].country" = 'us' AND "$.addresses[*].number" = 1`, true)
	f(`"$.addresses[*].country" = 'us' AND "$.addresses[*].number" = 2`, false)
	f(`"$.addresses[*].country" = 'us' OR "$.addresses[*].number" = 7`, true)
	f(`"$.addresses[1].country" = 'ca' AND "$.addresses[*].number" = 2`, true)
	f(`"$.addresses[1].country" = 'ca' AND "$.addresses[0].number" = 1`, false)
	f(`"$.addresses[*].tags[*]" = 'y' AND "$.addresses[*].country" = 'ca'`, true)
	f(`"$.addresses[*].tags[*]" = 'y' AND "$.addresses[*].country" = 'us'`, false)
	f(`"$.addresses[*].tags[*]" = 'y' AND "$.skills[*]" = 'go' AND "$.age" = 30`, true)
	// NOT speaks of all elements.
	f(`NOT "$.addresses[*].country" = 'us'`, false)
	f(`NOT "$.addresses[*].country" = 'fr'`, true)
	f(`"$.addresses[*].country" <> 'us'`, true)
	f(`NOT ("$.addresses[*].country" = 'us' AND "$.addresses[*].number" = 2)`, true)
	f(`"$.addresses[*].number" = 1 AND "$.addresses[*].zip" IS NULL`, true)
	f(`"$.name" IS NOT NULL AND NOT ("$.age" = 1 OR "$.age" = 2)`, true)
}

func TestMatchOddDocuments(t *testing.T) {
	f := func(doc, cond string, want bool) {
		t.Helper()
		c, err := Parse(cond)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := NewMatcher(c).Match([]byte(doc)); err != nil || got != want {
			t.Errorf("%s of %q: %v, %v", cond, doc, got, err)
		}
	}
	f(`5`, `"$" = 5`, true)
	f(`[1,2]`, `"$[*]" = 2`, true)
	f(`[[1,2],[3]]`, `"$[*][*]" = 3`, true)
	f(`[[1,2],[3]]`, `"$[1][0]" = 3`, true)
	f(`{"a":1,"a":2}`, `"$.a" = 1`, false)
	f(`{"a":1,"a":2}`, `"$.a" = 2`, true)
	f(``, `"$.a" IS NULL`, true)
	f(`not json`, `"$.a" IS NULL`, true)
	f(`{"n":9007199254740993}`, `"$.n" > 9007199254740992`, true)
	f(`{"n":1e3}`, `"$.n" = 1000`, false)
	f(`{"n":1e3}`, `"$.n" >= 1000`, true)
}

func TestParseErrors(t *testing.T) {
	f := func(cond, part string) {
		t.Helper()
		if _, err := Parse(cond); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want %q", cond, err, part)
		}
	}
	f(``, "expected a path")
	f(`"$.a"`, "expected a comparison")
	f(`"$.a" = `, "expected a literal at position 9, found the end")
	f(`"$.a" = b`, "expected a literal")
	f(`"$.a = 1`, "is not closed")
	f(`"$.a" = 1 "$.b" = 2`, "expected AND, OR or the end")
	f(`"$.a" NOT = 1`, "IN, BETWEEN or LIKE")
	f(`"$.a[" = 1`, "no ] follows")
	f(`"$.a[x]" = 1`, "no position")
	f(`"$.a..b" = 1`, "a name is missing")
	f(`REGEXP_LIKE("$.a", '(')`, "invalid pattern")
	f(`REGEXP_LIKE("$.a", 'x', 'q')`, "unknown flag")
	f(strings.Repeat("(", 1000)+`"$.a"=1`+strings.Repeat(")", 1000), "nested too deeply")
	f(strings.Repeat(`"$.a"=1 OR `, 70)+`"$.a"=1`, "more than 64 tests")
	f(`"$.a" = 1 ; drop`, `unexpected ";"`)
}

func TestPathKeys(t *testing.T) {
	f := func(path string) {
		t.Helper()
		p, err := ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.String(); got != path {
			t.Errorf("%s is printed as %s", path, got)
		}
		if got := PathOfKey(p.Key()).String(); got != path {
			t.Errorf("the key of %s means %s", path, got)
		}
	}
	f("$")
	f("$.a.b[*].c")
	f("$[*][*]")
	f("$['x.y'][*]['a.\x01\x02\x00']")
}

func TestTooManyForms(t *testing.T) {
	var doc, cond strings.Builder
	doc.WriteString(`{`)
	for i := range 20 {
		if i > 0 {
			doc.WriteString(",")
			cond.WriteString(" AND ")
		}
		key := string(rune('a' + i))
		doc.WriteString(`"` + key + `":[1,2]`)
		cond.WriteString(`"$.` + key + `[*]" = 1`)
	}
	doc.WriteString(`}`)
	c, err := Parse(cond.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewMatcher(c).Match([]byte(doc.String())); err != ErrTooManyForms {
		t.Errorf("error %v", err)
	}
}

// FuzzParse parses anything; what parses is evaluated.
func FuzzParse(f *testing.F) {
	f.Add(`"$.addresses[*].country" = 'us' AND NOT ("$.a[0]" IN (1, 'b') OR REGEXP_LIKE("$.c", 'x'))`, person)
	f.Add(`"$" IS NULL`, `[1`)
	f.Fuzz(func(t *testing.T, cond, doc string) {
		c, err := Parse(cond)
		if err != nil {
			return
		}
		c.Joins()
		_, _ = NewMatcher(c).Match([]byte(doc))
	})
}
