package plan

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

var rewriteGoldens = flag.Bool("rewrite", false, "rewrite the expected results in testdata")

// goldenCase is one statement of a golden file and what is expected of it.
type goldenCase struct{ sql, want string }

// readGoldens reads cases: the statement, a line "----", the result, an empty
// line. Lines that begin with # before a statement are kept as comments.
func readGoldens(t *testing.T, path string) []goldenCase {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []goldenCase
	for _, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		stmt, want, _ := strings.Cut(block, "\n----")
		out = append(out, goldenCase{stmt, strings.Trim(want, "\n")})
	}
	return out
}

func TestGoldenPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			cases := readGoldens(t, path)
			var b strings.Builder
			for i, c := range cases {
				got := describeStatement(t, c.sql, strings.Contains(path, "pinot"))
				if got != c.want && !*rewriteGoldens {
					t.Errorf("%s\ngot:\n%s\nwant:\n%s", c.sql, got, c.want)
				}
				if i > 0 {
					b.WriteString("\n")
				}
				fmt.Fprintf(&b, "%s\n----\n%s\n", c.sql, got)
			}
			if *rewriteGoldens {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// describeStatement plans a statement and prints its columns, parameters and
// plan, or its error.
func describeStatement(t *testing.T, text string, pinot bool) string {
	t.Helper()
	var lines []string
	for _, l := range strings.Split(text, "\n") {
		if !strings.HasPrefix(l, "#") {
			lines = append(lines, l)
		}
	}
	text = strings.Join(lines, "\n")
	opt := Options{}
	if pinot {
		opt.Dialect, opt.DefaultLimit = fn.Pinot, 10
	}
	q, err := prepareText(t, text, opt)
	if err != nil {
		return errorText(text, err)
	}
	out := []string{"columns: " + columnsText(q.Columns)}
	if len(q.ParamTypes) > 0 {
		var p []string
		for _, t := range q.ParamTypes {
			p = append(p, t.String())
		}
		out = append(out, "params: "+strings.Join(p, ", "))
	}
	root := q.Root
	if len(q.ParamTypes) == 0 {
		ctx := testContext()
		ctx.Dialect = opt.Dialect
		if root, err = q.Bind(ctx, nil); err != nil {
			return errorText(text, err)
		}
	}
	roundTripLeaves(t, text, root, opt.Dialect)
	return strings.Join(append(out, Explain(root, ExplainOptions{})...), "\n")
}

func columnsText(cols []OutCol) string {
	var out []string
	for _, c := range cols {
		out = append(out, c.Name+" "+c.Type.String())
	}
	return strings.Join(out, ", ")
}

func errorText(text string, err error) string {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return "internal error: " + err.Error()
	}
	s := fmt.Sprintf("error %s: %s", e.Code, e.Message)
	if e.Position > 0 {
		rest := text[min(e.Position-1, len(text)):]
		if len(rest) > 15 {
			rest = rest[:15]
		}
		s += fmt.Sprintf("\nat: %s", strings.Split(rest, "\n")[0])
	}
	if e.Hint != "" {
		s += "\nhint: " + e.Hint
	}
	return s
}

// eachNode visits a plan with the plans of its subqueries and CTEs.
func eachNode(n Node, f func(Node)) {
	seen := map[Node]bool{}
	var visit func(Node)
	visit = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		f(n)
		for _, e := range nodeExprs(n) {
			walk(e, func(x Expr) bool {
				if s, ok := x.(*Subquery); ok {
					visit(s.Plan)
				}
				return true
			})
		}
		for _, i := range n.Inputs() {
			visit(i)
		}
		if s, ok := n.(*CTEScan); ok {
			visit(s.CTE)
		}
	}
	visit(n)
}

// roundTripLeaves encodes and decodes each leaf of a plan.
func roundTripLeaves(t *testing.T, text string, root Node, d fn.Dialect) {
	t.Helper()
	eachNode(root, func(n Node) {
		l, ok := n.(*Leaf)
		if !ok || hasParams(l) {
			return
		}
		f := &Fragment{Leaf: l, Segments: []string{"a", "b"}, NowMicros: 5, Zone: "UTC", Dialect: d, Settings: map[string]string{"float_sum": "exact"}}
		b, err := EncodeFragment(f)
		if err != nil {
			t.Errorf("%s: encode: %v", text, err)
			return
		}
		g, err := DecodeFragment(b)
		if err != nil {
			t.Errorf("%s: decode: %v", text, err)
			return
		}
		again, err := EncodeFragment(g)
		if err != nil || string(again) != string(b) {
			t.Errorf("%s: not canonical: %v", text, err)
		}
		for i, c := range g.Leaf.Out {
			if c.Type != l.Out[i].Type {
				t.Errorf("%s: column %d is %v, was %v", text, i, c.Type, l.Out[i].Type)
			}
		}
	})
}

func hasParams(n Node) bool {
	for _, e := range nodeExprs(n) {
		if contains(e, func(x Expr) bool { _, ok := x.(*Param); return ok }) {
			return true
		}
	}
	return false
}
