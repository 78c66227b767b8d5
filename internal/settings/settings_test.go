package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func newFlags() *pflag.FlagSet {
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.String("pg-addr", "default:5433", "")
	f.String("data-dir", "", "")
	f.Int("workers", 1, "")
	f.StringSlice("peers", nil, "")
	f.String("secret", "", "")
	return f
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alluvium.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	path := writeFile(t, "pg-addr: file:1\ndata-dir: /file\nworkers: 3\npeers: [a=1, b=2]\n")
	t.Setenv("ALLUVIUM_DATA_DIR", "/env")
	t.Setenv("ALLUVIUM_PG_ADDR", "env:1")
	f := newFlags()
	if err := f.Parse([]string{"--pg-addr=flag:1"}); err != nil {
		t.Fatal(err)
	}
	if err := Apply(f, path); err != nil {
		t.Fatal(err)
	}
	got := Dump(f)
	for name, want := range map[string]string{"pg-addr": "flag:1", "data-dir": "/env", "workers": "3", "peers": "[a=1,b=2]"} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
}

func TestFaultsAreNamed(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		err := Apply(newFlags(), writeFile(t, text))
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%q: error %v does not name %q", text, err, w)
			}
		}
	}
	f("pgaddr: x\nworkers: many\n", `unknown setting "pgaddr"`, "workers")
	f("data-dir:\n  nested: 1\n", "data-dir")
	f("a: [b", "config file")
	if err := Apply(newFlags(), "/does/not/exist.yaml"); err == nil {
		t.Error("a missing config file was accepted")
	}
}

func TestDumpHidesSecrets(t *testing.T) {
	f := newFlags()
	f.Set("secret", "hunter2")
	if got := Dump(f, "secret")["secret"]; got != "(set)" {
		t.Errorf("secret shown as %q", got)
	}
}
