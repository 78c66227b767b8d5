package demo

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// killedDir names the environment variable that turns this test binary into a
// process to be killed.
const killedDir = "ALLUVIUM_DEMO_KILLED_DIR"

// TestAcknowledgedEventsSurviveKill9 kills a process between two
// acknowledgements and expects all acknowledged events in the next one.
func TestAcknowledgedEventsSurviveKill9(t *testing.T) {
	const filled = 500
	if dir := os.Getenv(killedDir); dir != "" {
		runUntilKilled(t, dir, filled)
		return
	}
	dir := t.TempDir()
	var last int64
	for run := range 2 {
		acked := fillAndKill(t, dir)
		s, err := Start(context.Background(), Options{DataDir: dir, Rate: -1, Logger: slog.Default()})
		if err != nil {
			t.Fatal(err)
		}
		n := ends(t, s)
		s.Close()
		if n < last+acked {
			t.Errorf("run %d: %d events, at least %d were acknowledged", run, n, last+acked)
		}
		last = n
	}
}

// runUntilKilled prints a line for each acknowledged fill.
func runUntilKilled(t *testing.T, dir string, n int) {
	s, err := Start(context.Background(), Options{DataDir: dir, Rate: -1, Logger: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if err := Fill(context.Background(), s.Brokers(), Topic, n); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("acked %d\n", n)
	}
}

// fillAndKill runs a process over dir, kills it after some fills and returns the
// number of events that it had acknowledged.
func fillAndKill(t *testing.T, dir string) (acked int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), killedDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for fills := 0; lines.Scan(); {
		var n int64
		if _, err := fmt.Sscanf(lines.Text(), "acked %d", &n); err != nil {
			continue
		}
		acked += n
		if fills++; fills == 5 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process was not killed: %v", err)
	}
	return acked
}
