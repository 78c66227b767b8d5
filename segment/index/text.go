package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/vellum"

	"github.com/alluviumdb/alluvium/internal/fulltext"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// Text is a text index: an automaton (FST) that leads from each word to its
// number in byte order, and the documents of each word. Where words stand is
// not kept: a query with phrases gets candidates, which the texts decide. Its
// parts are
//
//	head      uvarint: number of words
//	words     vellum's FST, version 1
//	not NULL  documents, roaring
//	postings  as in an inverted index
//
// It is safe for concurrent use. The library trusts the bytes of the automaton,
// so that what it does on corrupt ones is caught here.
type Text struct {
	fst   *vellum.FST
	posts *Inverted
	valid *roaring.Bitmap
	words int
}

var _ segment.TextIndex = (*Text)(nil)

const textParts = 4

// OpenText returns the index over docs documents in buf.
func OpenText(buf []byte, docs uint32) (x *Text, err error) {
	s, err := openSections(buf, textParts)
	if err != nil {
		return nil, err
	}
	n, k := binary.Uvarint(s[0])
	if k != len(s[0]) || n > maxJSONParts {
		return nil, segment.Corruptf("head of a text index")
	}
	x = &Text{words: int(n)}
	if x.valid, err = encoding.OpenBitmap(s[2], docs); err != nil {
		return nil, err
	}
	if x.posts, err = OpenInverted(s[3], x.words, docs); err != nil {
		return nil, err
	}
	err = guardFST(func() error {
		x.fst, err = vellum.Load(s[1])
		if err == nil && x.fst.Len() != x.words {
			return segment.Corruptf("automaton of %d words, not %d", x.fst.Len(), x.words)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

// guardFST turns what the library does on corrupt bytes into ErrCorrupt.
func guardFST(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = segment.Corruptf("automaton: %v", r)
		}
	}()
	if err = f(); err != nil && !errors.Is(err, segment.ErrCorrupt) {
		err = segment.Corruptf("automaton: %v", err)
	}
	return err
}

// Words returns the number of distinct words.
func (x *Text) Words() int { return x.words }

// Check reads everything.
func (x *Text) Check() error {
	next := uint64(0)
	var last []byte
	err := x.eachWord("", func(word []byte, id uint64) error {
		if id != next || next > 0 && bytes.Compare(last, word) >= 0 {
			return segment.Corruptf("word %d of a text index", next)
		}
		last, next = append(last[:0], word...), next+1
		return nil
	})
	if err == nil && next != uint64(x.words) {
		err = segment.Corruptf("automaton of %d words, not %d", next, x.words)
	}
	if err != nil {
		return err
	}
	return x.posts.Check()
}

// eachWord calls f for the words that begin with a prefix, in order.
func (x *Text) eachWord(prefix string, f func(word []byte, id uint64) error) error {
	var inner error
	err := guardFST(func() error {
		it, err := x.fst.Iterator([]byte(prefix), prefixEnd([]byte(prefix)))
		for n := 0; err == nil; n++ {
			if n > x.words {
				return segment.Corruptf("automaton of more than %d words", x.words)
			}
			word, id := it.Current()
			if inner = f(word, id); inner != nil {
				return nil
			}
			err = it.Next()
		}
		if errors.Is(err, vellum.ErrIteratorDone) {
			err = nil
		}
		return err
	})
	if err == nil {
		err = inner
	}
	return err
}

// prefixEnd returns the first key after all that begin with a prefix, nil for
// the end.
func prefixEnd(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}

// Match implements segment.TextIndex.
func (x *Text) Match(q *fulltext.Query) (*roaring.Bitmap, bool, error) {
	switch {
	case q.All:
		return x.valid.Clone(), true, nil
	case q.Word != "":
		docs, err := x.word(q.Word)
		return docs, true, err
	case len(q.Phrase) > 0:
		docs, err := x.phrase(q.Phrase)
		return docs, false, err
	case q.Pattern != nil:
		docs, err := x.pattern(q.Pattern)
		return docs, true, err
	}
	return x.boolean(q)
}

// Terms implements segment.TextIndex. For a corrupt index it returns 0; Match
// then returns the error.
func (x *Text) Terms(q *fulltext.Query) int {
	switch {
	case q.Word != "":
		return 1
	case len(q.Phrase) > 0:
		return len(q.Phrase)
	case q.Pattern != nil:
		from, to := x.firstWord([]byte(q.Pattern.Prefix)), x.words
		if end := prefixEnd([]byte(q.Pattern.Prefix)); end != nil {
			to = x.firstWord(end)
		}
		return max(to-from, 0)
	}
	n := 0
	for _, c := range q.Clauses {
		n += x.Terms(c.Query)
	}
	return n
}

// firstWord returns the number of the first word that is not below key.
func (x *Text) firstWord(key []byte) int {
	n := x.words
	err := guardFST(func() error {
		it, err := x.fst.Iterator(key, nil)
		if errors.Is(err, vellum.ErrIteratorDone) {
			return nil
		}
		if err == nil {
			_, id := it.Current()
			n = int(min(id, uint64(x.words)))
		}
		return err
	})
	if err != nil {
		return 0
	}
	return n
}

func (x *Text) word(word string) (*roaring.Bitmap, error) {
	docs := roaring.New()
	err := guardFST(func() error {
		id, found, err := x.fst.Get([]byte(word))
		if err == nil && found {
			err = x.addDocs(id, docs)
		}
		return err
	})
	return docs, err
}

// addDocs adds the documents of a word.
func (x *Text) addDocs(id uint64, docs *roaring.Bitmap) error {
	if id >= uint64(x.words) {
		return segment.Corruptf("word %d of %d", id, x.words)
	}
	p, err := x.posts.Postings(uint32(id))
	if err == nil {
		docs.Or(p)
	}
	return err
}

// phrase returns the documents that have all words.
func (x *Text) phrase(words []string) (*roaring.Bitmap, error) {
	docs, err := x.word(words[0])
	for _, w := range words[1:] {
		if err != nil || docs.IsEmpty() {
			break
		}
		var next *roaring.Bitmap
		if next, err = x.word(w); err == nil {
			docs.And(next)
		}
	}
	return docs, err
}

func (x *Text) pattern(p *fulltext.Pattern) (*roaring.Bitmap, error) {
	docs := roaring.New()
	err := x.eachWord(p.Prefix, func(word []byte, id uint64) error {
		if !p.Match(word) {
			return nil
		}
		return x.addDocs(id, docs)
	})
	return docs, err
}

// boolean combines the clauses of a query as fulltext.Query.Combine does. An
// excluded clause of which only candidates are known excludes nothing.
func (x *Text) boolean(q *fulltext.Query) (*roaring.Bitmap, bool, error) {
	var must, should, not *roaring.Bitmap
	exact := true
	for _, c := range q.Clauses {
		docs, ok, err := x.Match(c.Query)
		if err != nil {
			return nil, false, err
		}
		switch exact = exact && ok; {
		case c.Occur == fulltext.MustNot && !ok:
		case c.Occur == fulltext.MustNot:
			not = union(not, docs)
		case c.Occur == fulltext.Should:
			should = union(should, docs)
		case must == nil:
			must = docs
		default:
			must.And(docs)
		}
	}
	switch {
	case must == nil && should == nil:
		return roaring.New(), true, nil
	case must == nil:
		must = should
	}
	if not != nil {
		must.AndNot(not)
	}
	return must, exact, nil
}

func union(a, b *roaring.Bitmap) *roaring.Bitmap {
	if a == nil {
		return b
	}
	a.Or(b)
	return a
}

// TextBuilder makes a text index.
type TextBuilder struct {
	words  map[string]uint32
	postTo []uint32
	docs   []uint32 // of postTo[i]; ascending
	valid  *roaring.Bitmap
}

// NewTextBuilder returns a builder.
func NewTextBuilder() *TextBuilder {
	return &TextBuilder{words: map[string]uint32{}, valid: roaring.New()}
}

// Words returns the numbers of the distinct words of a text.
func (b *TextBuilder) Words(text []byte) []uint32 {
	var out []uint32
	fulltext.EachWord(text, func(w []byte) bool {
		id, ok := b.words[string(w)]
		if !ok {
			id = uint32(len(b.words))
			b.words[string(w)] = id
		}
		out = append(out, id)
		return true
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// Add adds a document, which comes after the one before, by the result of Words.
func (b *TextBuilder) Add(doc uint32, words []uint32) {
	b.valid.Add(doc)
	for _, w := range words {
		b.postTo = append(b.postTo, w)
		b.docs = append(b.docs, doc)
	}
}

// Append appends the finished index. It returns ErrIndexTooLarge for more words
// than the format can number.
func (b *TextBuilder) Append(dst []byte) ([]byte, error) {
	if len(b.words) > maxJSONParts {
		return nil, ErrIndexTooLarge
	}
	var buf bytes.Buffer
	w, err := vellum.New(&buf, nil)
	if err != nil {
		return nil, err
	}
	order := make([]uint32, len(b.words))
	for i, word := range slices.Sorted(maps.Keys(b.words)) {
		order[b.words[word]] = uint32(i)
		if err := w.Insert([]byte(word), uint64(i)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	ids := make([]uint32, len(b.postTo))
	for i, t := range b.postTo {
		ids[i] = order[t]
	}
	at, starts := groupByID(ids, len(b.words), nil)
	for i, k := range at {
		at[i] = b.docs[k]
	}
	posts := appendPostings(nil, at, starts)
	b.valid.RunOptimize()
	valid, err := encoding.AppendBitmap(nil, b.valid)
	if err != nil {
		return nil, err
	}
	return sections{binary.AppendUvarint(nil, uint64(len(b.words))), buf.Bytes(), valid, posts}.append(dst), nil
}
