package plan

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// FuzzPrepare plans whatever parses: it must give a plan or an error with a
// SQLSTATE, and the plan must bind, print and encode.
func FuzzPrepare(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			stmt, _, _ := strings.Cut(block, "\n----")
			f.Add(stmt, strings.Contains(path, "pinot"))
		}
	}
	catalog := newTestCatalog()
	f.Fuzz(func(t *testing.T, text string, pinot bool) {
		opt := Options{Catalog: catalog}
		if pinot {
			opt.Dialect = fn.Pinot
		}
		q, err := prepareText(t, text, opt)
		if err == nil {
			params := make([]column.Value, len(q.ParamTypes))
			for i, p := range q.ParamTypes {
				params[i] = column.NullValue(p)
			}
			var n Node
			if n, err = q.Bind(testContext(), params); err == nil {
				Explain(n, ExplainOptions{})
				roundTripLeaves(t, text, n, opt.Dialect)
			}
		}
		var e *sqlerr.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%q: an error without SQLSTATE: %v", text, err)
		}
	})
}
