package index

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// sections cuts an index into parts. Its head holds one length (uint64) per
// part; head and parts are padded with zeros to multiples of 64 bytes.
type sections [][]byte

func (s sections) append(dst []byte) []byte {
	base := len(dst)
	for _, p := range s {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(len(p)))
	}
	dst = padZeros(dst, base)
	for _, p := range s {
		dst = padZeros(append(dst, p...), base)
	}
	return dst
}

func padZeros(b []byte, base int) []byte {
	for (len(b)-base)%64 != 0 {
		b = append(b, 0)
	}
	return b
}

// openSections returns n parts, which must make up all of buf.
func openSections(buf []byte, n int) (sections, error) {
	at := (8*n + 63) &^ 63
	if len(buf) < at {
		return nil, segment.Corruptf("index of %d bytes", len(buf))
	}
	out := make(sections, n)
	for i := range out {
		size := binary.LittleEndian.Uint64(buf[8*i:])
		if size > uint64(len(buf)-at) {
			return nil, segment.Corruptf("part %d of an index lies outside it", i)
		}
		out[i] = buf[at : at+int(size) : at+int(size)]
		at = min(len(buf), (at+int(size)+63)&^63)
	}
	if at != len(buf) {
		return nil, segment.Corruptf("%d bytes follow an index", len(buf)-at)
	}
	return out, nil
}

// texts is a list of texts: offsets in frame of reference, and the bytes.
type texts struct {
	offsets *encoding.FOR[int64]
	data    []byte
	n       int
}

func appendTextList(list [][]byte) (offsets, data []byte) {
	ends := make([]int64, len(list)+1)
	for i, t := range list {
		data = append(data, t...)
		ends[i+1] = int64(len(data))
	}
	return encoding.AppendFOR(nil, ends), data
}

func openTexts(offsets, data []byte, n int) (texts, error) {
	f, err := encoding.NewFOR[int64](offsets, n+1)
	return texts{f, data, n}, err
}

// at returns text i; none when the offsets are corrupt, which check finds.
func (t *texts) at(i int) []byte {
	var b [2]int64
	docs := [2]uint32{uint32(i), uint32(i + 1)}
	t.offsets.Gather(docs[:], b[:])
	if b[0] < 0 || b[0] > b[1] || b[1] > int64(len(t.data)) {
		return nil
	}
	return t.data[b[0]:b[1]]
}

// search returns the first text of from..to-1, which ascend, that is not below key.
func (t *texts) search(from, to int, key []byte) int {
	return from + sort.Search(to-from, func(i int) bool { return bytes.Compare(t.at(from+i), key) >= 0 })
}

// find returns the position of a text among from..to-1, which ascend.
func (t *texts) find(from, to int, key []byte) (int, bool) {
	i := t.search(from, to, key)
	return i, i < to && bytes.Equal(t.at(i), key)
}

// check verifies that the offsets ascend and cover the data.
func (t *texts) check() error {
	all := make([]int64, t.n+1)
	t.offsets.Read(0, all)
	if all[0] != 0 || all[t.n] != int64(len(t.data)) || !slices.IsSorted(all) {
		return segment.Corruptf("texts of an index do not lie one after the other")
	}
	return nil
}

// appendPostings appends postings in the form of an inverted index: lists[starts[i]:starts[i+1]]
// are the ascending documents of posting i.
func appendPostings(dst []byte, lists, starts []uint32) []byte {
	offsets := make([]int64, len(starts))
	var body []byte
	for i := range len(starts) - 1 {
		offsets[i] = int64(len(body))
		body = appendPosting(body, lists[starts[i]:starts[i+1]])
	}
	offsets[len(starts)-1] = int64(len(body))
	head := make([]byte, invertedHead)
	binary.LittleEndian.PutUint64(head, uint64(encoding.SizeFOR(offsets)))
	dst = append(dst, head...)
	dst = encoding.AppendFOR(dst, offsets)
	return append(dst, body...)
}
