package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// floatTolerance is the relative difference below which two floats are equal.
const floatTolerance = 1e-9

// sameRows compares answers row by row; when their order differs, as multisets
// of rows. Whole numbers and text must agree exactly, fractions nearly.
func sameRows(a, b [][]*string) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d rows and %d rows", len(a), len(b))
	}
	if firstDifference(a, b) < 0 {
		return nil
	}
	a, b = sortedRows(a), sortedRows(b)
	if i := firstDifference(a, b); i >= 0 {
		return fmt.Errorf("row %s and row %s", showRow(a[i]), showRow(b[i]))
	}
	return nil
}

// firstDifference returns the first position where rows differ, or -1.
func firstDifference(a, b [][]*string) int {
	for i := range a {
		if !slices.EqualFunc(a[i], b[i], sameValue) {
			return i
		}
	}
	return -1
}

func sameValue(a, b *string) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case *a == *b:
		return true
	case isWhole(*a) && isWhole(*b):
		return false
	}
	x, err1 := strconv.ParseFloat(*a, 64)
	y, err2 := strconv.ParseFloat(*b, 64)
	return err1 == nil && err2 == nil && math.Abs(x-y) <= floatTolerance*max(math.Abs(x), math.Abs(y))
}

func isWhole(s string) bool {
	return strings.Trim(strings.TrimPrefix(s, "-"), "0123456789") == ""
}

// sortedRows orders rows by their text.
func sortedRows(rows [][]*string) [][]*string {
	out := slices.Clone(rows)
	slices.SortFunc(out, func(a, b []*string) int { return strings.Compare(showRow(a), showRow(b)) })
	return out
}

func showRow(row []*string) string {
	var b strings.Builder
	for i, v := range row {
		if i > 0 {
			b.WriteString(" | ")
		}
		if v == nil {
			b.WriteString("NULL")
			continue
		}
		b.WriteString(*v)
	}
	return b.String()
}
