package main

import (
	"os"
	"runtime"
)

// ballastBytes is how much a build may leave behind before memory is collected,
// on top of what is in use.
const ballastBytes = 192 << 20

// ballast makes the collector wait longer, for a command that leaves much behind
// and is over soon. Its pages are never touched, so they take address space
// only; a factor in place of it (GOGC) would let large segments take many times
// their size. Where the user sets the collector up, it stays as it is.
func ballast() (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	b := make([]byte, ballastBytes)
	return func() { runtime.KeepAlive(b) }
}
