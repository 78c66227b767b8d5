package index

import (
	"encoding/binary"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/jsonmatch"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// JSON is a JSON index. Each document is flattened to forms: one for each
// element of its arrays, with the element's scalars and those outside all
// arrays or around the element. (Arrays beside each other are not multiplied:
// a condition that joins elements of both gets candidates from the index and is
// then decided by the document.) The index holds, for each path and scalar that
// it leads to, the forms that have it, and for each path the forms that have
// any. Its parts are
//
//	options          JSONOptions, and the numbers of paths, terms and forms
//	path offsets     where each path's key begins, frame of reference
//	path keys        ascending
//	first terms      of each path, and the number of terms; frame of reference
//	term offsets     where each scalar's text begins, frame of reference
//	term texts       ascending within a path
//	first forms      of each document, and the number of forms; frame of reference
//	postings         as in an inverted index, over forms: of terms, then of paths
//
// A path that ends in an array's step followed by keyPosition holds the
// positions of elements. It is safe for concurrent use.
type JSON struct {
	options segment.JSONOptions
	paths   texts
	terms   texts
	first   []int64 // of each path, the first term
	forms   *encoding.FOR[int64]
	posts   *Inverted
	docs    uint32
	total   uint32 // forms
}

var _ segment.JSONIndex = (*JSON)(nil)

// keyPosition follows the key of an array's elements in the path of their
// positions. No member's key begins so.
const keyPosition = 0x03

const jsonParts = 8

// OpenJSON returns the index over docs documents in buf.
func OpenJSON(buf []byte, docs uint32) (*JSON, error) {
	s, err := openSections(buf, jsonParts)
	if err != nil {
		return nil, err
	}
	x := &JSON{docs: docs}
	paths, terms, err := x.readOptions(s[0])
	if err != nil {
		return nil, err
	}
	if x.paths, err = openTexts(s[1], s[2], paths); err != nil {
		return nil, err
	}
	if err := x.readFirst(s[3], paths, terms); err != nil {
		return nil, err
	}
	if x.terms, err = openTexts(s[4], s[5], terms); err != nil {
		return nil, err
	}
	if docs == 0 && x.total != 0 {
		return nil, segment.Corruptf("JSON index of no documents has forms")
	}
	if x.forms, err = encoding.NewFOR[int64](s[6], int(docs)+1); err != nil {
		return nil, err
	}
	if x.posts, err = OpenInverted(s[7], terms+paths, x.total); err != nil {
		return nil, err
	}
	return x, nil
}

// maxJSONParts bounds the numbers of paths and of terms, so that their sum is
// an id.
const maxJSONParts = 1 << 30

func (x *JSON) readOptions(b []byte) (paths, terms int, err error) {
	r := partReader{b: b}
	x.options.MaxLevels = int(r.uvarint())
	x.options.ExcludeArrays = r.uvarint() != 0
	for _, l := range []*[]string{&x.options.Include, &x.options.Exclude, &x.options.ExcludeFields} {
		*l = r.strings()
	}
	p, t, forms := r.uvarint(), r.uvarint(), r.uvarint()
	if r.bad || len(r.b) != 0 || p > maxJSONParts || t > maxJSONParts || forms >= 1<<32 {
		return 0, 0, segment.Corruptf("options of a JSON index")
	}
	x.total = uint32(forms)
	return int(p), int(t), nil
}

func (x *JSON) readFirst(b []byte, paths, terms int) error {
	f, err := encoding.NewFOR[int64](b, paths+1)
	if err != nil {
		return err
	}
	x.first = make([]int64, paths+1)
	f.Read(0, x.first)
	if x.first[0] != 0 || x.first[paths] != int64(terms) || !sort.SliceIsSorted(x.first, func(i, j int) bool { return x.first[i] < x.first[j] }) {
		return segment.Corruptf("terms of a JSON index do not belong to its paths")
	}
	return nil
}

// Options returns what the index was limited to.
func (x *JSON) Options() segment.JSONOptions { return x.options }

// Sizes returns the numbers of paths, terms and forms.
func (x *JSON) Sizes() (paths, terms int, forms uint32) { return x.paths.n, x.terms.n, x.total }

// Path returns the key of a path and the number of its terms.
func (x *JSON) Path(i int) (key string, terms int) {
	return string(x.paths.at(i)), int(x.first[i+1] - x.first[i])
}

// Check reads everything.
func (x *JSON) Check() error {
	if err := x.paths.check(); err != nil {
		return err
	}
	if err := x.terms.check(); err != nil {
		return err
	}
	all := make([]int64, x.docs+1)
	x.forms.Read(0, all)
	if all[0] != 0 || all[x.docs] != int64(x.total) || !sort.SliceIsSorted(all, func(i, j int) bool { return all[i] < all[j] }) {
		return segment.Corruptf("forms of a JSON index do not belong to its documents")
	}
	return x.posts.Check()
}

// find returns the position of a path.
func (x *JSON) find(key string) (int, bool) { return x.paths.find(0, x.paths.n, []byte(key)) }

// toDocs returns the documents that forms belong to.
func (x *JSON) toDocs(forms *roaring.Bitmap) *roaring.Bitmap {
	out := roaring.New()
	w := formWalk{x: x}
	list := make([]uint32, 0, 512)
	for it := forms.Iterator(); it.HasNext(); {
		doc, end := w.docOf(it.Next())
		if len(list) == cap(list) {
			out.AddMany(list)
			list = list[:0]
		}
		list = append(list, doc)
		it.AdvanceIfNeeded(end)
	}
	out.AddMany(list)
	return out
}

// toForms returns all forms of documents.
func (x *JSON) toForms(docs *roaring.Bitmap) *roaring.Bitmap {
	out := roaring.New()
	var b [2]int64
	for it := docs.Iterator(); it.HasNext(); {
		d := it.Next()
		x.forms.Gather([]uint32{d, d + 1}, b[:])
		if b[0] >= 0 && b[0] < b[1] && b[1] <= int64(x.total) {
			out.AddRange(uint64(b[0]), uint64(b[1]))
		}
	}
	return out
}

// formWalk finds the documents of ascending forms. It reads the forms of a
// stretch of documents at once.
type formWalk struct {
	x     *JSON
	from  uint32 // the first document of first
	first [513]int64
	n     int // documents in first
}

// docOf returns the document of a form and the first form of the next document.
func (w *formWalk) docOf(form uint32) (doc, end uint32) {
	if w.n == 0 || int64(form) >= w.first[w.n] {
		w.load(form)
	}
	i := sort.Search(w.n, func(i int) bool { return w.first[i+1] > int64(form) })
	if i == w.n { // corrupt: the form belongs to no document
		return w.from + uint32(w.n-1), w.x.total
	}
	return w.from + uint32(i), uint32(min(w.first[i+1], int64(w.x.total)))
}

// load reads the stretch that the document of the form lies in.
func (w *formWalk) load(form uint32) {
	docs := int(w.x.docs)
	stretch := sort.Search((docs+511)/512, func(i int) bool {
		var b [1]int64
		w.x.forms.Gather([]uint32{uint32(min(docs, 512*(i+1)))}, b[:])
		return b[0] > int64(form)
	})
	stretch = min(stretch, max(0, (docs-1)/512))
	w.from = uint32(512 * stretch)
	w.n = min(512, docs-512*stretch)
	w.x.forms.Read(w.from, w.first[:w.n+1])
}

// covers reports whether the index holds all values of a path.
func (x *JSON) covers(p jsonmatch.Path) bool { return coversPath(&x.options, p) }

// partReader reads numbers and texts; it turns bad at the end of its bytes.
type partReader struct {
	b   []byte
	bad bool
}

func (r *partReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *partReader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *partReader) strings() []string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	var out []string
	for range n {
		out = append(out, r.string())
	}
	return out
}
