package reduce

import (
	"bytes"
	"container/heap"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// SortKey orders rows by one of their columns.
type SortKey struct {
	Col        int
	Desc       bool
	NullsFirst bool
}

// appendRowKey appends the comparable bytes of row i.
func appendRowKey(dst []byte, b *column.Batch, i int, keys []SortKey) []byte {
	for _, k := range keys {
		dst = kernel.AppendOrderKey(dst, b.Cols[k.Col], i, k.Desc, k.NullsFirst)
	}
	return dst
}

// rowKeys returns the comparable bytes of all rows.
func rowKeys(b *column.Batch, keys []SortKey) [][]byte {
	out := make([][]byte, b.N)
	ends := make([]int, b.N)
	var data []byte
	for i := range b.N {
		data = appendRowKey(data, b, i, keys)
		ends[i] = len(data)
	}
	from := 0
	for i, to := range ends {
		out[i] = data[from:to]
		from = to
	}
	return out
}

// Sort returns the first limit rows (all when negative) of a batch in order.
// Rows with equal keys stay in their order.
func Sort(b *column.Batch, keys []SortKey, limit int64) *column.Batch {
	rk := rowKeys(b, keys)
	order := make([]uint32, b.N)
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(x, y uint32) int { return bytes.Compare(rk[x], rk[y]) })
	if limit >= 0 && int64(len(order)) > limit {
		order = order[:limit]
	}
	return Take(b, order)
}

// Take returns the rows of b at the given positions, in that order.
func Take(b *column.Batch, pos []uint32) *column.Batch {
	out := &column.Batch{N: len(pos)}
	for _, v := range b.Cols {
		dst := &column.Vector{}
		kernel.Gather(v, pos, dst)
		out.Cols = append(out.Cols, dst)
	}
	return out
}

// Concat returns the rows of all batches, which have the same columns; nil for
// no batches.
func Concat(batches []*column.Batch) *column.Batch {
	if len(batches) == 0 {
		return nil
	}
	out := &column.Batch{}
	for _, v := range batches[0].Cols {
		out.Cols = append(out.Cols, column.New(v.Type, 0))
	}
	for _, b := range batches {
		for k, v := range b.Cols {
			kernel.Concat(out.Cols[k], v)
		}
		out.N += b.N
	}
	return out
}

// source is a sorted batch that is being merged.
type source struct {
	batch int
	at    uint32 // row in the concatenation
	keys  [][]byte
}

// sources is a heap with the source of the smallest next row on top; among
// equal rows the earlier batch comes first.
type sources []*source

func (s sources) Len() int { return len(s) }
func (s sources) Less(i, j int) bool {
	if c := bytes.Compare(s[i].keys[0], s[j].keys[0]); c != 0 {
		return c < 0
	}
	return s[i].batch < s[j].batch
}
func (s sources) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *sources) Push(x any)   { *s = append(*s, x.(*source)) }
func (s *sources) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// MergeSorted merges batches that are each sorted by keys and returns the
// first limit rows (all when negative); nil for no batches.
func MergeSorted(batches []*column.Batch, keys []SortKey, limit int64) *column.Batch {
	all := Concat(batches)
	if all == nil {
		return nil
	}
	var h sources
	at := 0
	for i, b := range batches {
		if b.N > 0 {
			h = append(h, &source{batch: i, at: uint32(at), keys: rowKeys(b, keys)})
		}
		at += b.N
	}
	heap.Init(&h)
	var order []uint32
	for len(h) > 0 && (limit < 0 || int64(len(order)) < limit) {
		s := h[0]
		order = append(order, s.at)
		s.at++
		if s.keys = s.keys[1:]; len(s.keys) == 0 {
			heap.Pop(&h)
			continue
		}
		heap.Fix(&h, 0)
	}
	return Take(all, order)
}
