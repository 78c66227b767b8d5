package immutable

import (
	"cmp"
	"slices"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// check verifies what opening a column leaves out because of its cost.
func (c *Column) check() error {
	if c.dict != nil {
		if err := c.dict.CheckOrder(); err != nil {
			return err
		}
	}
	switch x := c.Inverted().(type) {
	case nil:
	case *index.Inverted:
		if err := x.Check(); err != nil {
			return err
		}
	case brokenIndex:
		return x.err
	}
	if err := c.checkRange(); err != nil {
		return err
	}
	if err := c.checkBloom(); err != nil {
		return err
	}
	if err := c.checkText(); err != nil {
		return err
	}
	if err := c.checkGeo(); err != nil {
		return err
	}
	if err := c.checkJSON(); err != nil {
		return err
	}
	return c.checkLists()
}

// checkGaps verifies that only zeros lie between the buffers.
func (s *Segment) checkGaps() error {
	var all []format.Buffer
	for i := range s.footer.Columns {
		for c := &s.footer.Columns[i]; c != nil; c = c.Child {
			all = append(all, c.Buffers...)
		}
	}
	for i := range s.footer.StarTrees {
		t := &s.footer.StarTrees[i]
		all = append(all, t.Nodes)
		t.EachColumn(func(c *format.Column) { all = append(all, c.Buffers...) })
	}
	slices.SortFunc(all, func(a, b format.Buffer) int { return cmp.Compare(a.Offset, b.Offset) })
	pos := uint64(format.HeaderBytes)
	for _, b := range all {
		if b.Offset > pos && !zero(s.data[pos:b.Offset]) {
			return segment.Corruptf("bytes between buffers at %d", pos)
		}
		pos = max(pos, b.Offset+b.Length)
	}
	if !zero(s.data[pos:s.end]) {
		return segment.Corruptf("bytes between buffers at %d", pos)
	}
	return nil
}

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
