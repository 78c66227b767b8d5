package session_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/query/fn"
)

var rewriteGoldens = flag.Bool("rewrite", false, "rewrite the expected results in testdata")

// TestAggregationGoldens runs the statements of testdata/aggregations over the
// table sales. A case is a statement, a line ---- and the rows or the error; a
// file's name is the dialect.
func TestAggregationGoldens(t *testing.T) {
	e := salesCluster(t, sales(400)).Engine(session.Config{})
	for name, d := range map[string]fn.Dialect{"postgres": fn.Postgres, "pinot": fn.Pinot} {
		path := filepath.Join("testdata", "aggregations", name+".txt")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := openSession(t, e, session.Options{Dialect: d})
		var out []string
		for _, c := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			sql, want, _ := strings.Cut(c, "\n----")
			got := goldenAnswer(s, sql)
			if want = strings.TrimPrefix(want, "\n"); got != want && !*rewriteGoldens {
				t.Errorf("%s: %s\n got %s\nwant %s", name, sql, got, want)
			}
			out = append(out, sql+"\n----\n"+got)
		}
		if *rewriteGoldens {
			if err := os.WriteFile(path, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func goldenAnswer(s *session.Session, sql string) string {
	a, err := ask(s, sql)
	if err != nil {
		return "error " + err.Error()
	}
	return strings.Join(a.rows, "\n")
}
