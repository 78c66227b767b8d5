package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/jsonmatch"
	"github.com/alluviumdb/alluvium/internal/jsontext"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// ErrIndexTooLarge is returned when an index would have more parts than its
// format can number.
var ErrIndexTooLarge = errors.New("index too large")

// maxJSONDepth bounds the nesting that is indexed. Paths of conditions are
// shorter.
const maxJSONDepth = 128

// coversPath reports whether an index with these options holds all values that
// a path leads to.
func coversPath(o *segment.JSONOptions, p jsonmatch.Path) bool {
	if len(p) > maxJSONDepth || o.MaxLevels > 0 && len(p) > o.MaxLevels {
		return false
	}
	for _, s := range p {
		if s.Array && o.ExcludeArrays || !s.Array && slices.Contains(o.ExcludeFields, s.Key) {
			return false
		}
	}
	key := p.Key()
	return (len(o.Include) == 0 || underAny(key, o.Include)) && !underAny(key, o.Exclude)
}

func underAny(key string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return isUnder(key, r) })
}

// isUnder reports whether a path is root or leads below it.
func isUnder(key, root string) bool {
	return strings.HasPrefix(key, root) && (len(key) == len(root) || key[len(root)] == 0x01 || key[len(root)] == 0x02)
}

// JSONBuilder makes a JSON index of documents that are added in order.
type JSONBuilder struct {
	options segment.JSONOptions
	root    *jsonNode
	nodes   []*jsonNode // by id
	terms   int
	starts  []int64 // first form of each document
	postTo  []uint32
	forms   []uint32 // of postTo[i]; ascending
}

// jsonNode is a path with the scalars found there.
type jsonNode struct {
	key      []byte
	skip     bool // neither the path nor anything below it is indexed
	partial  bool // not indexed itself, but perhaps what is below
	depth    int
	members  map[string]*jsonNode
	element  *jsonNode
	position *jsonNode         // of the positions of its elements
	values   map[string]uint32 // text -> term
	id       uint32
}

// NewJSONBuilder returns a builder.
func NewJSONBuilder(o segment.JSONOptions) *JSONBuilder {
	b := &JSONBuilder{options: o, starts: []int64{0}}
	b.root = b.node(nil, 0, false)
	return b
}

func (b *JSONBuilder) node(key []byte, depth int, skip bool) *jsonNode {
	n := &jsonNode{key: key, depth: depth, skip: skip, values: map[string]uint32{}, id: uint32(len(b.nodes))}
	o := &b.options
	n.skip = n.skip || depth > maxJSONDepth || o.MaxLevels > 0 && depth > o.MaxLevels || underAny(string(key), o.Exclude)
	if len(o.Include) > 0 && !underAny(string(key), o.Include) {
		n.partial = true
		n.skip = n.skip || !slices.ContainsFunc(o.Include, func(r string) bool { return isUnder(r, string(key)) })
	}
	b.nodes = append(b.nodes, n)
	return n
}

func (b *JSONBuilder) member(n *jsonNode, name []byte) *jsonNode {
	if m := n.members[string(name)]; m != nil {
		return m
	}
	if n.members == nil {
		n.members = map[string]*jsonNode{}
	}
	skip := slices.Contains(b.options.ExcludeFields, string(name))
	m := b.node(jsonmatch.AppendMember(slices.Clone(n.key), name), n.depth+1, skip)
	n.members[string(name)] = m
	return m
}

func (b *JSONBuilder) elementOf(n *jsonNode) *jsonNode {
	if n.element == nil {
		key := jsonmatch.AppendElement(slices.Clone(n.key))
		n.element = b.node(key, n.depth+1, b.options.ExcludeArrays)
		n.position = b.node(append(slices.Clone(key), keyPosition), n.depth+1, n.element.skip)
	}
	return n.element
}

// Flatten returns the forms of a document, at least one: the ids of its terms.
func (b *JSONBuilder) Flatten(doc []byte) [][]uint32 {
	forms := b.flatten(b.root, doc)
	if len(forms) == 0 {
		forms = [][]uint32{nil}
	}
	return forms
}

// AddForms adds the next document by the result of Flatten; one that is NULL has
// no forms.
func (b *JSONBuilder) AddForms(forms [][]uint32) error {
	next := b.starts[len(b.starts)-1]
	if next+int64(len(forms)) >= math.MaxUint32 || b.terms+len(b.nodes) > maxJSONParts {
		return ErrIndexTooLarge
	}
	for i, terms := range forms {
		for _, t := range terms {
			b.postTo = append(b.postTo, t)
			b.forms = append(b.forms, uint32(next)+uint32(i))
		}
	}
	b.starts = append(b.starts, next+int64(len(forms)))
	return nil
}

// flatten returns the forms of a value; none when it has no scalar.
func (b *JSONBuilder) flatten(n *jsonNode, value []byte) [][]uint32 {
	i := jsontext.SkipSpace(value, 0)
	if n.skip || i >= len(value) {
		return nil
	}
	switch value[i] {
	case '{':
		return b.flattenObject(n, value)
	case '[':
		return b.flattenArray(n, value)
	}
	text, ok := jsontext.Scalar(value)
	if !ok || n.partial {
		return nil
	}
	return [][]uint32{{b.term(n, text)}}
}

func (b *JSONBuilder) term(n *jsonNode, text []byte) uint32 {
	t, ok := n.values[string(text)]
	if !ok {
		t = uint32(b.terms)
		n.values[string(text)] = t
		b.terms++
	}
	return t
}

// flattenObject gives the scalars of members with one form to the forms of all
// others.
func (b *JSONBuilder) flattenObject(n *jsonNode, value []byte) [][]uint32 {
	var single []uint32
	var many [][]uint32
	eachLastMember(value, func(key, v []byte) {
		switch forms := b.flatten(b.member(n, key), v); len(forms) {
		case 0:
		case 1:
			single = append(single, forms[0]...)
		default:
			many = append(many, forms...)
		}
	})
	if len(many) == 0 {
		if len(single) == 0 {
			return nil
		}
		return [][]uint32{single}
	}
	for i := range many {
		many[i] = append(many[i], single...)
	}
	return many
}

// eachLastMember calls f for the members of an object, keys without quotes; of
// equal keys only the last counts.
func eachLastMember(value []byte, f func(key, v []byte)) {
	type member struct{ key, v []byte }
	var list []member
	jsontext.EachMember(value, func(k, v []byte) bool {
		list = append(list, member{jsontext.Unquote(k), v})
		return true
	})
	slices.SortStableFunc(list, func(a, c member) int { return bytes.Compare(a.key, c.key) })
	for i, m := range list {
		if i+1 == len(list) || !bytes.Equal(m.key, list[i+1].key) {
			f(m.key, m.v)
		}
	}
}

func (b *JSONBuilder) flattenArray(n *jsonNode, value []byte) [][]uint32 {
	var out [][]uint32
	e := b.elementOf(n)
	k := 0
	jsontext.EachItem(value, func(v []byte) bool {
		forms := b.flatten(e, v)
		if len(forms) > 0 {
			at := b.term(n.position, strconv.AppendInt(nil, int64(k), 10))
			for i := range forms {
				forms[i] = append(forms[i], at)
			}
			out = append(out, forms...)
		}
		k++
		return !e.skip
	})
	return out
}

// Append appends the finished index.
func (b *JSONBuilder) Append(dst []byte) ([]byte, error) {
	nodes := slices.DeleteFunc(slices.Clone(b.nodes), func(n *jsonNode) bool { return len(n.values) == 0 })
	slices.SortFunc(nodes, func(a, c *jsonNode) int { return bytes.Compare(a.key, c.key) })
	order := make([]uint32, b.terms) // term -> its place
	pathOf := make([]uint32, b.terms)
	first := make([]int64, 1, len(nodes)+1)
	var keys, terms [][]byte
	for i, n := range nodes {
		keys = append(keys, n.key)
		for _, text := range slices.Sorted(maps.Keys(n.values)) {
			order[n.values[text]], pathOf[n.values[text]] = uint32(len(terms)), uint32(i)
			terms = append(terms, []byte(text))
		}
		first = append(first, int64(len(terms)))
	}
	lists, starts := b.group(order, pathOf, len(nodes))
	posts := appendPostings(nil, lists, starts)
	s := sections{b.appendOptions(len(nodes)), nil, nil, encoding.AppendFOR(nil, first), nil, nil, encoding.AppendFOR(nil, b.starts), posts}
	s[1], s[2] = appendTextList(keys)
	s[4], s[5] = appendTextList(terms)
	return s.append(dst), nil
}

func (b *JSONBuilder) appendOptions(paths int) []byte {
	o := &b.options
	out := binary.AppendUvarint(nil, uint64(max(o.MaxLevels, 0)))
	arrays := uint64(0)
	if o.ExcludeArrays {
		arrays = 1
	}
	out = binary.AppendUvarint(out, arrays)
	for _, l := range [][]string{o.Include, o.Exclude, o.ExcludeFields} {
		out = binary.AppendUvarint(out, uint64(len(l)))
		for _, s := range l {
			out = binary.AppendUvarint(out, uint64(len(s)))
			out = append(out, s...)
		}
	}
	out = binary.AppendUvarint(out, uint64(paths))
	out = binary.AppendUvarint(out, uint64(b.terms))
	return binary.AppendUvarint(out, uint64(b.starts[len(b.starts)-1]))
}

// group orders the forms by the places of their terms, and after them by path.
func (b *JSONBuilder) group(order, pathOf []uint32, paths int) (lists, starts []uint32) {
	n := len(order) + paths
	starts = make([]uint32, n+2)
	for _, t := range b.postTo {
		starts[order[t]+2]++
		starts[len(order)+int(pathOf[t])+2]++
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	lists = make([]uint32, starts[n+1])
	put := func(at int, form uint32) {
		lists[starts[at+1]] = form
		starts[at+1]++
	}
	for i, t := range b.postTo {
		put(int(order[t]), b.forms[i])
		put(len(order)+int(pathOf[t]), b.forms[i])
	}
	return lists, starts[:n+1]
}
