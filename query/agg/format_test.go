package agg

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestStatesAreDocumented demands a row of FORMAT.md for every aggregation.
func TestStatesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../segment/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[ID]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+)(?:(, |–)(\d+))? \|`).FindAllStringSubmatch(string(doc), -1) {
		from, _ := strconv.Atoi(m[1])
		to := from
		if m[3] != "" {
			to, _ = strconv.Atoi(m[3])
		}
		for id := from; id <= to; id++ {
			documented[ID(id)] = true
		}
	}
	for _, d := range definitions {
		if !documented[d.id] {
			t.Errorf("the state of %s (%d) is not in FORMAT.md", d.names[0], d.id)
		}
	}
}
