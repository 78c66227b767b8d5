package jsonmatch

import (
	"errors"
	"slices"

	"github.com/alluviumdb/alluvium/internal/jsontext"
)

// ErrTooManyForms is returned when the flattened forms of a document differ in
// more ways than can be told apart in reasonable memory.
var ErrTooManyForms = errors.New("the document has too many combinations of array elements for the condition")

// maxForms bounds the distinct answers of a document's flattened forms.
const maxForms = 1 << 14

// Matcher evaluates a condition for documents. It walks only what the paths of
// the condition lead to, and instead of the flattened forms, whose number is
// the product of the arrays' lengths, it keeps the distinct sets of tests that
// forms pass. It is not safe for concurrent use; it keeps its memory between
// documents.
type Matcher struct {
	cond *Cond
	root *pathNode
}

// pathNode is a step that paths of the condition have in common.
type pathNode struct {
	tests    []*Cond // that end here
	members  []memberNode
	elements []elementNode
}

type memberNode struct {
	key  string
	node *pathNode
}

type elementNode struct {
	index int
	node  *pathNode
}

// NewMatcher returns a matcher of the condition.
func NewMatcher(c *Cond) *Matcher {
	m := &Matcher{cond: c, root: &pathNode{}}
	c.Tests(func(t *Cond) {
		n := m.root
		for _, s := range t.Path {
			n = n.child(s)
		}
		n.tests = append(n.tests, t)
	})
	return m
}

func (n *pathNode) child(s Step) *pathNode {
	if s.Array {
		for _, e := range n.elements {
			if e.index == s.Index {
				return e.node
			}
		}
		n.elements = append(n.elements, elementNode{s.Index, &pathNode{}})
		return n.elements[len(n.elements)-1].node
	}
	for _, m := range n.members {
		if m.key == s.Key {
			return m.node
		}
	}
	n.members = append(n.members, memberNode{s.Key, &pathNode{}})
	return n.members[len(n.members)-1].node
}

// Match reports whether the condition is TRUE for a document. Text that is no
// JSON has no values.
func (m *Matcher) Match(doc []byte) (bool, error) {
	forms, err := m.root.forms(doc)
	if err != nil {
		return false, err
	}
	return anyForm(m.cond, forms), nil
}

// anyForm reports whether a form fulfils the condition. forms are the sets of
// passed tests, a bit each.
func anyForm(c *Cond, forms []uint64) bool {
	return slices.ContainsFunc(forms, func(f uint64) bool { return c.holds(f, forms) })
}

// holds decides the condition for one of the forms.
func (c *Cond) holds(form uint64, forms []uint64) bool {
	switch c.Op {
	case OpTest:
		return form>>c.atom&1 != 0
	case OpNot:
		return !anyForm(c.Args[0], forms)
	case OpAnd:
		for _, a := range c.Args {
			if !a.holds(form, forms) {
				return false
			}
		}
		return true
	}
	for _, a := range c.Args {
		if a.holds(form, forms) {
			return true
		}
	}
	return false
}

var nothing = []uint64{0}

// forms returns the distinct sets of tests below the node that forms of the
// value pass; at least one.
func (n *pathNode) forms(value []byte) ([]uint64, error) {
	i := jsontext.SkipSpace(value, 0)
	if i >= len(value) {
		return nothing, nil
	}
	switch value[i] {
	case '{':
		return n.objectForms(value)
	case '[':
		return n.arrayForms(value)
	}
	text, ok := jsontext.Scalar(value)
	if !ok || len(n.tests) == 0 {
		return nothing, nil
	}
	var passed uint64
	for _, t := range n.tests {
		if t.Test.Match(text) {
			passed |= 1 << t.atom
		}
	}
	return []uint64{passed}, nil
}

// objectForms combines the forms of the members that paths name.
func (n *pathNode) objectForms(value []byte) (out []uint64, err error) {
	out = nothing
	for _, m := range n.members {
		v := jsontext.Field(value, m.key)
		if v == nil {
			continue
		}
		forms, err := m.node.forms(v)
		if err != nil {
			return nil, err
		}
		if out, err = combine(out, forms); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// combine returns the union of every set of a with every set of b.
func combine(a, b []uint64) ([]uint64, error) {
	if len(b) == 1 && b[0] == 0 {
		return a, nil
	}
	if len(a)*len(b) > maxForms*4 {
		return nil, ErrTooManyForms
	}
	out := make([]uint64, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x|y)
		}
	}
	return distinct(out)
}

func distinct(forms []uint64) ([]uint64, error) {
	slices.Sort(forms)
	forms = slices.Compact(forms)
	if len(forms) > maxForms {
		return nil, ErrTooManyForms
	}
	return forms, nil
}

// arrayForms collects the forms of all elements: each form chooses one.
func (n *pathNode) arrayForms(value []byte) (out []uint64, err error) {
	if len(n.elements) == 0 {
		return nothing, nil
	}
	k := 0
	jsontext.EachItem(value, func(v []byte) bool {
		var forms []uint64
		if forms, err = n.elementForms(v, k); err == nil {
			out = append(out, forms...)
			if len(out) > 4*maxForms {
				out, err = distinct(out)
			}
		}
		k++
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nothing, nil
	}
	return distinct(out)
}

// elementForms returns the forms of element k, which the steps to it and those
// to any element lead into.
func (n *pathNode) elementForms(v []byte, k int) ([]uint64, error) {
	out := nothing
	for _, e := range n.elements {
		if e.index != AnyElement && e.index != k {
			continue
		}
		forms, err := e.node.forms(v)
		if err != nil {
			return nil, err
		}
		if out, err = combine(out, forms); err != nil {
			return nil, err
		}
	}
	return out, nil
}
