package obs

import (
	"os"
	"strconv"
	"strings"
)

// ResidentBytes returns the process's resident memory, 0 where the system does
// not tell.
func ResidentBytes() uint64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(raw))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(f[1], 10, 64)
	return pages * uint64(os.Getpagesize())
}
