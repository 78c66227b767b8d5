//go:build !unix

package vfs

import (
	"io"
	"os"
)

// mmap reads the file where the platform has no mapping that we use.
func mmap(f *os.File, size int) ([]byte, error) {
	b := make([]byte, size)
	_, err := io.ReadFull(f, b)
	return b, err
}

func munmap([]byte) error { return nil }
