package immutable

import (
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// elements are the elements of a list column with a dictionary.
type elements struct{ col *Column }

var (
	_ segment.MultiValued = (*Column)(nil)
	_ segment.Elements    = elements{}
)

// Elements implements segment.MultiValued.
func (c *Column) Elements() segment.Elements {
	if l, ok := c.vals.(*listValues); ok && l.child.dict != nil {
		return elements{c}
	}
	return nil
}

func (e elements) lists() *listValues { return e.col.vals.(*listValues) }

// Column implements segment.Elements.
func (e elements) Column() segment.Column { return e.lists().child }

// Starts implements segment.Elements.
func (e elements) Starts(from uint32, dst []int64) { e.lists().starts.Read(from, dst) }

// Inverted implements segment.Elements. The index is checked at the first call;
// when it is corrupt its Postings return the error.
func (e elements) Inverted() segment.InvertedIndex {
	c := e.col
	c.invOnce.Do(func() {
		if b := c.entry.Buffer(format.RoleInverted); b != nil {
			c.inv = c.openInverted(b, e.lists().child.dict.Len())
		}
	})
	return c.inv
}

// checkLists verifies the elements of a list column and their index.
func (c *Column) checkLists() error {
	l, ok := c.vals.(*listValues)
	if !ok {
		return nil
	}
	if err := l.child.check(); err != nil {
		return err
	}
	if l.child.dict == nil {
		return nil
	}
	switch x := (elements{c}).Inverted().(type) {
	case *index.Inverted:
		return x.Check()
	case brokenIndex:
		return x.err
	}
	return nil
}
