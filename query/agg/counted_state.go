package agg

import (
	"cmp"
	"encoding/binary"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// The states of counted values: how they are written, read and merged.

func (a *counted) State(from, to int, dst []*column.Vector) error {
	var buf []byte
	for g := from; g < to; g++ {
		r := a.counts(g)
		buf = appendHeader(buf[:0], a.spec.ID)
		buf = binary.AppendUvarint(buf, uint64(len(r.words)))
		prev := uint64(0)
		for i, w := range r.words {
			if a.wide != nil {
				buf = appendValue(buf, a.wide.vals, int(w))
			} else {
				buf = binary.AppendUvarint(buf, w-prev)
			}
			buf = binary.AppendUvarint(buf, uint64(r.counts[i]))
			prev = w
		}
		dst[0].AppendBytes(buf)
	}
	return nil
}

// Absorb implements Absorber.
func (a *counted) Absorb(groups []uint32, other Accumulator) error {
	o := other.(*counted)
	for g := range groups {
		a.absorb(&a.st[groups[g]], &o.st[g], o)
	}
	return nil
}

// absorb folds a group of o into t.
func (a *counted) absorb(t, from *tally, o *counted) {
	before := t.size()
	words := from.words
	if a.wide != nil {
		from.fold()
		words = make([]uint64, len(from.words))
		for i, w := range from.words {
			words[i] = a.wide.id(o.wide.vals, int(w))
		}
		words, from.counts = sortRuns(words, from.counts, cmp.Compare[uint64])
	}
	switch {
	case len(words) == 0:
	case len(t.words) == 0:
		t.words, t.counts = words, from.counts
	default:
		t.mergeRuns(words, from.counts)
	}
	if a.wide == nil {
		t.full = append(t.full, from.full...)
		t.takePending(from.pending)
		t.loose = t.loose || from.loose
	}
	a.bytes += t.size() - before
	*from = tally{}
}

// takePending takes over pending words.
func (t *tally) takePending(words []uint64) {
	if len(t.full) > 0 || len(words) >= fullWords/2 {
		t.full = append(t.full, words)
		return
	}
	t.pending = append(t.pending, words...)
}

func (a *counted) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	for i := range n {
		if states[0].IsNull(i) {
			return ErrCorruptState
		}
		words, counts, err := a.decode(states[0].Bytes(i))
		if err != nil {
			return err
		}
		if len(words) == 0 {
			continue
		}
		t := &a.st[group(groups, i)]
		before := t.size()
		t.fold()
		t.mergeRuns(words, counts)
		a.bytes += t.size() - before
	}
	return nil
}

// decode reads counted words, in the order of the words.
func (a *counted) decode(b []byte) (words []uint64, counts []int64, err error) {
	b, err = readHeader(b, a.spec.ID)
	if err != nil {
		return nil, nil, err
	}
	d := decoder{b: b}
	total := uint64(0)
	for k := range d.count() {
		w := a.decodeWord(&d, words, k)
		c := d.uvarint()
		total += c
		if d.failed = d.failed || c == 0 || c > maxCount || total > maxCount; d.failed {
			break
		}
		words, counts = append(words, w), append(counts, int64(c))
	}
	d.failed = d.failed || len(d.b) > 0
	if d.failed || a.wide == nil {
		return words, counts, d.err("counted values")
	}
	words, counts = sortRuns(words, counts, cmp.Compare[uint64])
	for i := 1; i < len(words); i++ {
		d.failed = d.failed || words[i] == words[i-1]
	}
	return words, counts, d.err("counted values")
}

func (a *counted) decodeWord(d *decoder, words []uint64, k int) uint64 {
	if a.wide != nil {
		v := column.New(a.spec.Args[0], 1)
		if d.value(v); d.failed {
			return 0
		}
		return a.wide.id(v, 0)
	}
	w := d.uvarint()
	if k > 0 {
		prev := words[k-1]
		w += prev
		d.failed = d.failed || w <= prev
	}
	d.failed = d.failed || !a.isWord(w)
	return w
}

// isWord reports whether a value of the argument's kind has that word.
func (a *counted) isWord(w uint64) bool {
	x := a.orderedValue(w)
	switch a.spec.Args[0].Kind() {
	case schema.KindBool:
		return x.I == 0 || x.I == 1
	case schema.KindInt32:
		return x.I == int64(int32(x.I))
	case schema.KindFloat32:
		return orderFloat(float64(float32(x.F))) == w
	case schema.KindFloat64:
		return orderFloat(x.F) == w
	}
	return true
}
