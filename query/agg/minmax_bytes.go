package agg

import (
	"bytes"

	"github.com/alluviumdb/alluvium/internal/column"
)

// bytesExtreme is min or max of text and other bytes, in byte order.
type bytesExtreme struct {
	spec  *Spec
	sign  int
	val   [][]byte // nil: none yet
	bytes int64
}

func (a *bytesExtreme) Grow(n int)   { a.val = extend(a.val, n) }
func (a *bytesExtreme) Bytes() int64 { return int64(cap(a.val))*24 + a.bytes }

func (a *bytesExtreme) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		g, x := group(groups, i), v.Bytes(i)
		cur := a.val[g]
		if cur != nil && bytes.Compare(x, cur)*a.sign <= 0 {
			continue
		}
		if cur == nil {
			cur = make([]byte, 0, max(len(x), 8))
		}
		a.bytes += int64(len(x) - len(cur))
		a.val[g] = append(cur[:0], x...)
	}
	return nil
}

func (a *bytesExtreme) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	return a.Update(groups, n, states)
}

func (a *bytesExtreme) State(from, to int, dst []*column.Vector) error {
	return a.Final(from, to, dst[0])
}

func (a *bytesExtreme) Final(from, to int, dst *column.Vector) error {
	for _, b := range a.val[from:to] {
		if b == nil {
			dst.AppendNull()
			continue
		}
		dst.AppendBytes(b)
	}
	return nil
}
