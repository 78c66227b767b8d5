//go:build !unix

package node

import "os"

// flock does nothing where the system has no such locks.
func flock(*os.File) error { return nil }
