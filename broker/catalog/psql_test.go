package catalog

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the expected results of testdata anew")

// TestClientStatements runs the statements that clients send for their catalog
// commands, as they were captured, and compares the rows with goldens. In the
// texts $EVENTS$ and $INDEX$ stand for object ids.
func TestClientStatements(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	c := New(newFakeSource())
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sql"), func(t *testing.T) { runStatements(t, c, file) })
	}
}

func runStatements(t *testing.T, c *Catalog, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("$EVENTS$", "16392", "$INDEX$", "16393").Replace(string(data))
	var out strings.Builder
	for _, stmt := range strings.Split(text, "\n----\n") {
		if strings.TrimSpace(stmt) == "" {
			continue
		}
		rows, err := query(c, stmt)
		if err != nil {
			t.Errorf("%v\n%s", err, stmt)
			continue
		}
		out.WriteString(strings.Join(rows, "\n") + "\n----\n")
	}
	golden := strings.TrimSuffix(file, ".sql") + ".out"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("%s:\ngot\n%s\nwant\n%s", golden, out.String(), want)
	}
}
