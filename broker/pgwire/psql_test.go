//go:build integration && unix

package pgwire

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// psql makes a command that runs psql against addr.
func psql(t *testing.T, addr string, args ...string) *exec.Cmd {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("psql", append([]string{"-X", "-h", host, "-p", port, "-U", "admin", "-d", "alluvium", "-v", "VERBOSITY=verbose"}, args...)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD=secret", "PGSSLMODE=prefer", "PAGER=", "LC_ALL=C")
	return cmd
}

func TestPSQL(t *testing.T) {
	conf := selfSigned(t)
	addr := serve(t, newServer(t, func(c *Config) { c.TLS = conf }))
	f := func(want string, args ...string) {
		t.Helper()
		out, _ := psql(t, addr, args...).CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("psql %q: no %q in\n%s", args, want, out)
		}
	}
	f("3", "-Atc", "SELECT count(*) FROM events")
	f("1\n2", "-Atc", "SELECT 1; SELECT 2")
	f("public | events", "-c", `\d`)
	f("public | numbers", "-c", `\dt`)
	f("numeric(18,2)", "-c", `\d events`)
	f("timestamp without time zone", "-c", `\d+ events`)
	f(`Did not find any relation named "nosuch"`, "-c", `\d nosuch`)
	f("SSL connection", "-c", `\conninfo`)
	f("ERROR:  42703: column \"prodct\" does not exist\nLINE 1: SELECT prodct FROM events\n               ^\nHINT:  Did you mean \"product\"?",
		"-c", "SELECT prodct FROM events")
	f("ERROR:  25P02", "-c", "BEGIN", "-c", "SELECT nosuch", "-c", "SELECT 1")
}

// TestPSQLControlC interrupts psql as a person does.
func TestPSQLControlC(t *testing.T) {
	s := newServer(t, nil)
	cmd := psql(t, serve(t, s), "-c", "SELECT * FROM stuck")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitRunning(t, s)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if got := out.String(); !strings.Contains(got, "57014") {
		t.Errorf("psql said\n%s", got)
	}
}
