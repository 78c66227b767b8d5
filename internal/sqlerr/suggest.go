package sqlerr

import "strings"

// Nearest returns the candidate whose spelling is closest to name, for a "did
// you mean" hint; ok is false when none is near (more than a third of the
// letters differ).
func Nearest(name string, candidates []string) (best string, ok bool) {
	limit := len(name)/3 + 1
	bestDist := limit + 1
	low := strings.ToLower(name)
	for _, c := range candidates {
		if d := editDistance(low, strings.ToLower(c), limit); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best, bestDist <= limit && best != ""
}

// editDistance is the Levenshtein distance, or more than limit when it exceeds it.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+cost)
		}
		prev, cur = cur, prev
	}
	return prev[len(b)]
}
