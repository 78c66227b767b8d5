//go:build race

package immutable

// raceEnabled tells that the race detector runs: pools then drop entries at
// random, and everything takes ten times as long.
const raceEnabled = true
