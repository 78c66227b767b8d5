package exec

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// The ways from the codes of keys to groups, by the kind of the table.

// find fills gids for the codes that the keys have read.
func (t *groupTable) find(n int) {
	switch t.p.kind {
	case tableDense:
		t.findDense(n)
	case tableDirect:
		t.findDirect(n)
	case tablePacked:
		t.findPacked(n)
	case tableWide:
		t.findWide(n)
	}
}

func (t *groupTable) findDense(n int) {
	for i := range n {
		at := uint64(0)
		for k := range t.keys {
			at += t.keys[k].codes[i] * t.p.strides[k]
		}
		g := t.slots[at]
		if g == 0 {
			g = t.addDense(uint32(at))
		}
		t.gids[i] = g - 1
	}
}

func (t *groupTable) findDirect(n int) {
	if size := t.keys[0].dict.size(); size > len(t.slots) {
		grown := make([]uint32, max(size, 2*len(t.slots)))
		copy(grown, t.slots)
		t.slots = grown
	}
	for i, code := range t.keys[0].codes[:n] {
		g := t.slots[code]
		if g == 0 && t.frozen {
			t.gids[i] = uint32(t.n)
			continue
		}
		if g == 0 {
			t.row[0] = code
			g = t.add(t.row, 0) + 1
			t.slots[code] = g
		}
		t.gids[i] = g - 1
	}
}

func (t *groupTable) findPacked(n int) {
	words := t.keys[0].codes[:n]
	var nulls column.Bitmap
	if len(t.keys) == 1 {
		nulls = t.keys[0].nulls
	} else {
		words = t.packed[:n]
		copy(words, t.keys[0].codes[:n])
		for k, shift := range t.p.shifts[1:] {
			for i, code := range t.keys[k+1].codes[:n] {
				words[i] |= code << shift
			}
		}
	}
	for i, w := range words {
		if nulls != nil && nulls.Get(i) {
			t.gids[i] = t.nullGroup()
			continue
		}
		slot := t.hash.slot(w)
		if slot.gid == 0 && t.frozen {
			t.gids[i] = uint32(t.n)
			continue
		}
		if slot.gid == 0 {
			slot = t.addPacked(i, w)
		}
		t.gids[i] = slot.gid - 1
	}
}

// addPacked makes the group of row i and returns its slot.
func (t *groupTable) addPacked(i int, w uint64) *wordSlot {
	for k := range t.keys {
		t.row[k] = t.keys[k].codes[i]
	}
	return t.hash.insert(w, t.add(t.row, 0))
}

// nullGroup returns the group of NULL of a single 64-bit key.
func (t *groupTable) nullGroup() uint32 {
	if t.nullSlot == 0 && t.frozen {
		return uint32(t.n)
	}
	if t.nullSlot == 0 {
		t.row[0] = 0
		t.nullSlot = t.add(t.row, 1) + 1
	}
	return t.nullSlot - 1
}

// findWide looks for the rows' groups by what the columns' codes hash to, all
// at once, so that their reads of memory overlap; only rows whose group is not
// in its first place are looked for one by one.
func (t *groupTable) findWide(n int) {
	last := len(t.keys)
	rows := t.wideRows(n)
	t.wide.probe(rows, t.gids[:n])
	for i := range n {
		row := rows[i*(last+1) : (i+1)*(last+1)]
		if g := t.gids[i]; g > 0 && slices.Equal(t.wide.key(g-1), row) {
			t.gids[i] = g - 1
			continue
		}
		if t.frozen && !t.wide.has(row, t.wide.hashes[i]) {
			t.gids[i] = uint32(t.n)
			continue
		}
		g := t.wide.find(row, t.wide.hashes[i])
		t.gids[i] = g
		t.n = max(t.n, int(g)+1)
	}
}

// wideRows lays the codes of n rows side by side, each row's followed by its
// NULL marks.
func (t *groupTable) wideRows(n int) []uint64 {
	width := len(t.keys) + 1
	if t.packed == nil {
		t.packed = t.keys[0].r.buf.uint64s(chunkRows * width)
	}
	rows := t.packed[:n*width]
	for k, kr := range t.keys {
		for i, code := range kr.codes[:n] {
			rows[i*width+k] = code
		}
	}
	for at := width - 1; at < len(rows); at += width {
		rows[at] = 0
	}
	for k, kr := range t.keys {
		for i := kernel.FirstSet(kr.nulls, 0); i >= 0 && i < n; i = kernel.FirstSet(kr.nulls, i+1) {
			rows[i*width+width-1] |= 1 << uint(k&63)
		}
	}
	return rows
}
