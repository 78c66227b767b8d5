package decode

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// node is one key of the tree that the schema's paths span. A record is
// walked along it: a key without a node is skipped.
//
// Records of one stream mostly have their keys in one order, so a node
// remembers which of its siblings followed it last (next) and its first child
// that was seen (first). A guess costs one comparison; only a wrong one costs
// a look-up in the hash table.
type node struct {
	key    string
	quoted string // key and closing quote as in the record; "" if it needs escapes there
	// targets are the columns that take the value at this node.
	targets []*target
	kids    []*node
	// leaves are the columns at and below the node.
	leaves []*target
	row    uint64 // the row in which the node was last seen, to notice duplicates

	next, first *node

	table  []*node // open addressing by keyHash, a power of two
	shift  uint
	folded map[string]*node // by lower-case key; nil unless case is ignored
}

// child returns the node of a key, made if needed.
func (n *node) child(key string) *node {
	for _, k := range n.kids {
		if k.key == key {
			return k
		}
	}
	k := &node{key: key}
	if isPlain(key) {
		k.quoted = key + `"`
	}
	n.kids = append(n.kids, k)
	return k
}

// isPlain tells that a key may stand in a record byte for byte as it is.
func isPlain(key string) bool {
	for i := range len(key) {
		if key[i] < ' ' || key[i] == '"' || key[i] == '\\' {
			return false
		}
	}
	return utf8.ValidString(key)
}

// seal builds the look-up tables of the tree once all nodes are there.
func (n *node) seal(ignoreCase bool) {
	n.leaves = append(n.leaves, n.targets...)
	if len(n.kids) == 0 {
		return
	}
	width := bits.Len(uint(2*len(n.kids) - 1))
	n.table = make([]*node, 1<<width)
	n.shift = uint(64 - width)
	if ignoreCase {
		n.folded = map[string]*node{}
	}
	for i, k := range n.kids {
		k.seal(ignoreCase)
		n.leaves = append(n.leaves, k.leaves...)
		n.insert(k)
		k.next = n.kids[(i+1)%len(n.kids)]
	}
	n.first = n.kids[0]
}

func (n *node) insert(k *node) {
	h := keyHash([]byte(k.key)) >> n.shift
	for n.table[h] != nil {
		h = (h + 1) & uint64(len(n.table)-1)
	}
	n.table[h] = k
	if n.folded == nil {
		return
	}
	// Of keys that differ only by case the first in the schema wins.
	if low := strings.ToLower(k.key); n.folded[low] == nil {
		n.folded[low] = k
	}
}

// find returns the child of a key, nil if there is none.
func (n *node) find(key []byte) *node {
	if len(n.table) == 0 {
		return nil
	}
	h := keyHash(key) >> n.shift
	for {
		k := n.table[h]
		if k == nil {
			break
		}
		if k.key == string(key) {
			return k
		}
		h = (h + 1) & uint64(len(n.table)-1)
	}
	if n.folded == nil {
		return nil
	}
	return n.folded[strings.ToLower(string(key))]
}

// keyHash mixes the length and the first and last eight bytes of a key, which
// tell field names apart well enough for a small table.
func keyHash(key []byte) uint64 {
	var a, b uint64
	switch n := len(key); {
	case n >= 8:
		a, b = binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[n-8:])
	case n >= 4:
		a, b = uint64(binary.LittleEndian.Uint32(key)), uint64(binary.LittleEndian.Uint32(key[n-4:]))
	case n > 0:
		a, b = uint64(key[0]), uint64(key[n/2])<<8|uint64(key[n-1])
	}
	hi, lo := bits.Mul64(a^0x9E3779B97F4A7C15, (b+uint64(len(key)))^0xD1B54A32D192ED03)
	return (hi ^ lo) * 0x9E3779B97F4A7C15
}
