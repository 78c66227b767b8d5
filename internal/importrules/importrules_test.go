// Package importrules tests that the arrows between packages point the ways
// that ARCHITECTURE.md draws, and no other.
package importrules

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/alluviumdb/alluvium/"

// rule lists what the packages under a prefix may import of this module. A
// pattern ends in "/..." for a tree; "." is the package itself and its own
// subpackages. The longest matching prefix decides.
type rule struct {
	prefix  string
	allowed []string
}

var rules = []rule{
	{"internal/jsontext", nil},
	{"internal/fulltext", nil},
	{"internal/geo", nil},
	{"internal/jsonmatch", []string{"internal/jsontext"}},
	{"internal/schema", []string{"internal/jsonmatch"}},
	{"internal/sqlerr", nil},
	{"internal/vfs", []string{"internal/invariants"}},
	{"internal/invariants", nil},
	{"internal/obs", nil},
	{"internal/auth", nil},
	{"internal/column", []string{"internal/schema"}},
	{"internal/objstore", []string{"internal/vfs"}},
	{"internal/clusterview", []string{"api/...", "internal/schema", "segment"}},
	{"internal/demo", []string{"internal/...", "examples/..."}},
	{"internal/settings", nil},

	// The interfaces that queries and storage share.
	{"segment", []string{"internal/schema", "internal/column", "internal/sqlerr", "internal/jsonmatch", "internal/fulltext", "internal/geo"}},
	{"segment/", []string{"segment", "segment/...", "internal/fulltext", "internal/geo", "internal/jsontext", "internal/jsonmatch", "internal/schema", "internal/column", "internal/vfs", "internal/invariants"}},

	{"ingest", []string{"internal/schema", "internal/column"}},
	// Files of a batch load lie in folders or in S3.
	{"ingest/file", []string{"ingest", "ingest/...", "internal/schema", "internal/column", "internal/objstore"}},
	{"ingest/", []string{"ingest", "ingest/...", "internal/schema", "internal/column"}},

	{"query/sql", []string{"internal/sqlerr"}},
	{"query/", []string{"query/...", "segment", "internal/fulltext", "internal/geo", "internal/jsontext", "internal/jsonmatch", "internal/schema", "internal/column", "internal/sqlerr", "internal/invariants"}},

	{"api", []string{"api/...", "internal/schema", "internal/auth"}},

	// Roles never import each other; only server composes segment, ingest and
	// query.
	{"controller", []string{"controller/...", "api/...", "segment", "segment/format", "internal/..."}},
	{"server", []string{"server/...", "api/...", "segment", "segment/...", "ingest", "ingest/...", "query/...", "internal/..."}},
	{"broker", []string{"broker/...", "api/...", "segment", "query/...", "internal/..."}},
	// Tables in memory for the tests of the broker's packages.
	{"broker/internal/testengine", []string{"broker/...", "segment", "segment/build", "segment/immutable", "segment/mutable", "query/...", "internal/..."}},
}

// exempt are trees that compose or test everything.
var exempt = []string{"cmd/", "bench", "internal/clustertest", "internal/importrules", "internal/node", "docs/", "examples/"}

// forbidden is said outright because a tree pattern above would let it pass.
var forbidden = map[string][]string{
	"broker/": {"query/kernel"},
	"query/":  {"segment/immutable", "segment/mutable", "segment/build", "segment/encoding", "segment/index"},
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		rel := strings.TrimPrefix(p.ImportPath, module)
		if matchesAny(rel, exempt) {
			continue
		}
		r, ok := ruleFor(rel)
		if !ok {
			t.Errorf("package %s is under no rule: add one to this test and to ARCHITECTURE.md", rel)
			continue
		}
		for _, imp := range p.Imports {
			if target, ours := strings.CutPrefix(imp, module); ours {
				check(t, rel, target, r)
			}
		}
	}
}

func check(t *testing.T, from, to string, r rule) {
	t.Helper()
	for prefix, bad := range forbidden {
		if strings.HasPrefix(from, prefix) && matchesAny(to, bad) {
			t.Errorf("%s must not import %s", from, to)
		}
	}
	for _, a := range r.allowed {
		if a == to || strings.HasSuffix(a, "/...") && (strings.HasPrefix(to, strings.TrimSuffix(a, "..."))) || to == strings.TrimSuffix(a, "/...") && strings.HasSuffix(a, "/...") {
			return
		}
	}
	if !strings.HasSuffix(r.prefix, "/") && strings.HasPrefix(to, r.prefix+"/") {
		return // own subpackages
	}
	t.Errorf("%s must not import %s", from, to)
}

func ruleFor(rel string) (rule, bool) {
	best, found := rule{}, false
	for _, r := range rules {
		root := strings.TrimSuffix(r.prefix, "/")
		hit := strings.HasPrefix(rel, root+"/") || rel == r.prefix
		if hit && (!found || len(r.prefix) > len(best.prefix)) {
			best, found = r, true
		}
	}
	return best, found
}

func matchesAny(path string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(path, p) || path == strings.TrimSuffix(p, "/") {
			return true
		}
	}
	return false
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		var ee *exec.ExitError
		if errors.As(err, &ee) {
			t.Fatalf("go list: %v\n%s", err, ee.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}
