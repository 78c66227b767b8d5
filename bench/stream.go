package bench

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
)

// streamFor returns the address of a Kafka broker: the given one, or kfake in a
// process of its own, so that its processor time is not the store's.
func streamFor(ctx context.Context, addr string) (broker string, stop func(), err error) {
	if addr != "" {
		return addr, func() {}, nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, exe, "bench", "kfake")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("kfake did not start: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
}

// ServeKfake runs kfake until ctx ends and prints its address.
func ServeKfake(ctx context.Context) error {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Println(c.ListenAddrs()[0])
	<-ctx.Done()
	return nil
}
