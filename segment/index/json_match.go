package index

import (
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/jsonmatch"
)

// Match implements segment.JSONIndex.
func (x *JSON) Match(c *jsonmatch.Cond) (docs *roaring.Bitmap, exact, covered bool, err error) {
	covered = true
	c.Tests(func(t *jsonmatch.Cond) { covered = covered && x.covers(t.Path) })
	if !covered {
		return nil, false, false, nil
	}
	forms, exact, err := x.match(c)
	if err != nil {
		return nil, false, true, err
	}
	return x.toDocs(forms), exact, true, nil
}

// Terms implements segment.JSONIndex.
func (x *JSON) Terms(c *jsonmatch.Cond) int {
	n := 0
	c.Tests(func(t *jsonmatch.Cond) {
		switch test := t.Test.(type) {
		case jsonmatch.Exists:
			n++
		case *jsonmatch.Equals:
			n += len(test.Values)
		default:
			if i, ok := x.find(t.Path.Key()); ok {
				n += int(x.first[i+1] - x.first[i])
			}
		}
	})
	return n
}

// match returns the forms for which a condition may be TRUE, and whether it is
// for all of them. The bitmap belongs to the caller.
func (x *JSON) match(c *jsonmatch.Cond) (forms *roaring.Bitmap, exact bool, err error) {
	switch c.Op {
	case jsonmatch.OpTest:
		forms, err = x.matchTest(c)
		return forms, true, err
	case jsonmatch.OpNot:
		return x.matchNot(c.Args[0])
	case jsonmatch.OpAnd:
		return x.matchAnd(c)
	}
	forms, exact = roaring.New(), true
	for _, a := range c.Args {
		part, ok, err := x.match(a)
		if err != nil {
			return nil, false, err
		}
		forms.Or(part)
		exact = exact && ok
	}
	return forms, exact, nil
}

// matchNot returns all forms of the documents none of whose forms fulfil c, or
// all forms when the index cannot tell.
func (x *JSON) matchNot(c *jsonmatch.Cond) (*roaring.Bitmap, bool, error) {
	all := roaring.New()
	all.AddRange(0, uint64(x.total))
	forms, exact, err := x.match(c)
	if err != nil || !exact {
		return all, false, err
	}
	all.AndNot(x.toForms(x.toDocs(forms)))
	return all, true, nil
}

// matchAnd intersects forms where one form decides all parts, and else the
// documents.
func (x *JSON) matchAnd(c *jsonmatch.Cond) (forms *roaring.Bitmap, exact bool, err error) {
	joins := c.Joins()
	exact = joins
	for i, a := range c.Args {
		part, ok, err := x.match(a)
		if err != nil {
			return nil, false, err
		}
		exact = exact && ok
		if !joins {
			part = x.toDocs(part)
		}
		if i == 0 {
			forms = part
		} else {
			forms.And(part)
		}
	}
	if !joins {
		forms = x.toForms(forms)
	}
	return forms, exact, nil
}

// matchTest returns the forms in which the path leads to a scalar that passes.
func (x *JSON) matchTest(c *jsonmatch.Cond) (*roaring.Bitmap, error) {
	forms := roaring.New()
	path, ok := x.find(c.Path.Key())
	if !ok {
		return forms, nil
	}
	err := x.eachTerm(c.Test, path, func(id int) error {
		p, err := x.posts.Postings(uint32(id))
		if err == nil {
			forms.Or(p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return forms, x.atPositions(c.Path, forms)
}

// eachTerm calls f for postings whose union is the forms that pass a test.
func (x *JSON) eachTerm(t jsonmatch.Test, path int, f func(id int) error) error {
	lo, hi := int(x.first[path]), int(x.first[path+1])
	switch t := t.(type) {
	case jsonmatch.Exists:
		return f(x.terms.n + path)
	case *jsonmatch.Equals:
		if !t.Not {
			return x.eachValue(t, lo, hi, f)
		}
	}
	for id := lo; id < hi; id++ {
		if !t.Match(x.terms.at(id)) {
			continue
		}
		if err := f(id); err != nil {
			return err
		}
	}
	return nil
}

func (x *JSON) eachValue(t *jsonmatch.Equals, lo, hi int, f func(id int) error) error {
	for v := range t.Values {
		if id, ok := x.terms.find(lo, hi, []byte(v)); ok {
			if err := f(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// atPositions keeps the forms that chose the elements that a path names.
func (x *JSON) atPositions(p jsonmatch.Path, forms *roaring.Bitmap) error {
	for i, s := range p {
		if !s.Array || s.Index == jsonmatch.AnyElement {
			continue
		}
		path, ok := x.find(p[:i+1].Key() + string([]byte{keyPosition}))
		id, found := 0, false
		if ok {
			id, found = x.terms.find(int(x.first[path]), int(x.first[path+1]), []byte(strconv.Itoa(s.Index)))
		}
		if !found {
			forms.Clear()
			return nil
		}
		at, err := x.posts.Postings(uint32(id))
		if err != nil {
			return err
		}
		forms.And(at)
	}
	return nil
}
