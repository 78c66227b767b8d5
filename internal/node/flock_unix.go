//go:build unix

package node

import (
	"os"

	"golang.org/x/sys/unix"
)

// flock takes an exclusive lock that the system drops when the process ends,
// however it ends.
func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
