package fn_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/rel"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/sql"
)

// The files of testdata hold expressions with what PostgreSQL answers. -rewrite
// asks a PostgreSQL server that psql reaches by its environment variables
// (database, zone UTC); what we answer otherwise on purpose is in files whose
// names begin with "own".
var rewrite = flag.Bool("rewrite", false, "ask PostgreSQL for the expected results of testdata")

const statementTime = 1_718_454_645_123_456 // 2024-06-15 12:30:45.123456 UTC

func TestPostgresResults(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runFile(t, file) })
	}
}

// runFile checks lines of the form "expression => result". A line "zone X"
// sets the session's zone for the lines after it.
func runFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	zone := "UTC"
	own := strings.HasPrefix(filepath.Base(file), "own")
	var out strings.Builder
	sc := bufio.NewScanner(strings.NewReader(string(data)))
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if rest, ok := strings.CutPrefix(line, "zone "); ok {
			zone = rest
		}
		expr, want, ok := strings.Cut(line, " => ")
		expr = strings.TrimSuffix(expr, " =>")
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "zone ") {
			out.WriteString(line + "\n")
			continue
		}
		if *rewrite && !own {
			want, ok = askPostgres(t, expr, zone), true
		}
		out.WriteString(expr + " => " + want + "\n")
		if !ok {
			t.Errorf("%s:%d: no result", file, n)
		}
		if got := evaluate(expr, zone, strings.HasPrefix(filepath.Base(file), "own_pinot")); got != want {
			t.Errorf("%s:%d: %s\n got %s\nwant %s", file, n, expr, got, want)
		}
	}
	if *rewrite && !own {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// evaluate computes SELECT expr and prints the value, or ERROR and the SQLSTATE.
func evaluate(expr, zone string, pinot bool) string {
	ctx := &fn.Context{Context: context.Background(), NowMicros: statementTime, Zone: zone, User: "admin"}
	if pinot {
		ctx.Dialect = fn.Pinot
	}
	text, err := run(ctx, "SELECT "+expr)
	if err != nil {
		return "ERROR " + sqlerr.Code(err) + oops(err)
	}
	return text
}

// oops shows the message of an error that has no SQLSTATE of its own.
func oops(err error) string {
	if sqlerr.Code(err) == sqlerr.InternalError {
		return " " + err.Error()
	}
	return ""
}

func run(ctx *fn.Context, text string) (string, error) {
	stmts, err := sql.Parse(text, ctx.Dialect == fn.Pinot)
	if err != nil {
		return "", err
	}
	q, err := plan.Prepare(ctx, &stmts[0], plan.Options{Catalog: noCatalog{}, Dialect: ctx.Dialect})
	if err != nil {
		return "", err
	}
	root, err := q.Bind(ctx, nil)
	if err != nil {
		return "", err
	}
	rows, err := rel.Run(ctx, root, rel.Env{})
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var lines []string
	for {
		b, err := rows.Next()
		if err != nil {
			return "", err
		}
		if b == nil {
			return strings.Join(lines, " ; "), nil
		}
		for i := range b.N {
			var cells []string
			for _, v := range b.Cols {
				if v.IsNull(i) {
					cells = append(cells, "NULL")
				} else {
					cells = append(cells, strings.ReplaceAll(string(fn.FormatText(nil, ctx, v, i)), "\n", `\n`))
				}
			}
			lines = append(lines, strings.Join(cells, "|"))
		}
	}
}

// noCatalog has no tables.
type noCatalog struct{}

func (noCatalog) Relation(context.Context, string, string, bool) (*plan.Relation, error) {
	return nil, nil
}
func (noCatalog) RelationNames() []string { return nil }

func askPostgres(t *testing.T, expr, zone string) string {
	t.Helper()
	cmd := exec.Command("psql", "-XAtq", "-F", "|", "-R", " ; ", "-P", "null=NULL", "-v", "VERBOSITY=sqlstate",
		"-c", fmt.Sprintf("SET timezone = '%s'", zone), "-c", "SELECT "+expr)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !strings.HasPrefix(stderr.String(), "ERROR:") {
		t.Fatalf("psql: %v %s", err, stderr.String())
	}
	if s, ok := strings.CutPrefix(stderr.String(), "ERROR:  "); ok {
		return "ERROR " + strings.TrimSpace(s)
	}
	return strings.ReplaceAll(strings.TrimSuffix(stdout.String(), "\n"), "\n", `\n`)
}
