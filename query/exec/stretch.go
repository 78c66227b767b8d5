package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
)

// stretchWords is the number of bitmap words of a stretch: 512 rows, which
// sealed columns pack together, so that scanning part of a stretch costs as
// much as all of it.
const stretchWords = 8

// nextStretch returns the words lo..hi-1 of the next run of stretches that have
// a row in sel, from word from on, which begins a stretch. lo is hi when there
// is none.
func nextStretch(sel column.Bitmap, from int) (lo, hi int) {
	for lo = from; lo < len(sel) && !anyInStretch(sel, lo); {
		lo += stretchWords
	}
	for hi = lo; hi < len(sel) && anyInStretch(sel, hi); {
		hi += stretchWords
	}
	return min(lo, len(sel)), min(hi, len(sel))
}

func anyInStretch(sel column.Bitmap, at int) bool {
	return sel[at:min(at+stretchWords, len(sel))].Any()
}

// countStretches returns the number of rows in sel and of stretches that have
// one.
func countStretches(sel column.Bitmap) (rows, stretches int) {
	for at := 0; at < len(sel); at += stretchWords {
		n := sel[at:min(at+stretchWords, len(sel))].Count()
		rows += n
		if n > 0 {
			stretches++
		}
	}
	return rows, stretches
}

// stretchRange returns the rows, relative to the block, of words lo..hi-1.
func stretchRange(b block, lo, hi int) (from, n int) {
	return lo * 64, min(hi*64, b.n) - lo*64
}
