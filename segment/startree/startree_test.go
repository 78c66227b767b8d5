package startree

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of testdata anew")

// randomDims returns dimensions of random cardinalities with NULLs now and then.
func randomDims(rng *rand.Rand, rows int) []Dimension {
	dims := make([]Dimension, 1+rng.IntN(5))
	for d := range dims {
		x := &dims[d]
		x.Cardinality, x.NoStar = 1+rng.IntN(20), rng.IntN(5) == 0
		if rng.IntN(10) == 0 {
			x.Cardinality = 1 << 30 // keys of more than 64 bits
		}
		if rng.IntN(3) == 0 {
			x.Nulls = column.NewBitmap(rows)
		}
		for i := range rows {
			x.IDs = append(x.IDs, uint32(rng.IntN(min(x.Cardinality, 30))))
			if x.Nulls != nil && rng.IntN(6) == 0 {
				x.Nulls.Set(i)
			}
		}
	}
	return dims
}

// memory reads dimensions of a shape as a file's reader would.
type memory []uint32

func (m memory) Read(from uint32, dst []uint32) { copy(dst, m[from:]) }

func (m memory) Gather(docs, dst []uint32) {
	for i, d := range docs {
		dst[i] = m[d]
	}
}

func (m memory) Match(uint32, int, segment.IDSet, column.Bitmap) {}

var _ encoding.IDs = memory(nil)

func readers(s *Shape) []Reader {
	var out []Reader
	for d := range s.dims {
		ids, nulls := s.IDs(d)
		r := Reader{IDs: memory(ids), Cardinality: uint32(s.dims[d].Cardinality)}
		if nulls != nil {
			r.Null = func(at uint32) bool { return nulls.Get(int(at)) }
		}
		out = append(out, r)
	}
	return out
}

func openShape(t testing.TB, s *Shape) *Nodes {
	t.Helper()
	n, err := OpenNodes(aligned(s.AppendNodes(nil)), readers(s), uint32(s.Records()))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func aligned(b []byte) []byte {
	words := make([]uint64, (len(b)+7)/8)
	out := encoding.Bytes(words)[:len(b)]
	copy(out, b)
	return out
}

// counts returns the number of rows that each record stands for.
func counts(s *Shape) []int {
	n := make([]int, s.Records())
	for _, r := range s.RowRecord {
		n[r]++
	}
	for _, st := range s.Steps {
		for r := st.From; r < st.To; r++ {
			if st.Into != nil {
				n[st.Into[r-st.From]] += n[r]
			} else {
				n[st.Single] += n[r]
			}
		}
	}
	return n
}

// randomSelection asks for random dimensions.
func randomSelection(rng *rand.Rand, dims []Dimension) segment.StarTreeSelection {
	sel := segment.StarTreeSelection{Dimensions: make([]segment.StarTreeDimension, len(dims))}
	for d := range sel.Dimensions {
		x := &sel.Dimensions[d]
		x.Needed, x.Filtered, x.Nulls = rng.IntN(3) == 0, rng.IntN(3) == 0, rng.IntN(2) == 0
		lo := uint32(rng.IntN(20))
		x.Set = segment.IDSet{Lo: lo, Hi: lo + uint32(rng.IntN(8))}
		if rng.IntN(2) == 0 {
			x.Set.Bits = column.NewBitmap(min(dims[d].Cardinality, 64))
			for id := range min(dims[d].Cardinality, 64) {
				if rng.IntN(2) == 0 {
					x.Set.Bits.Set(id)
				}
			}
		}
	}
	return sel
}

// want counts the passing rows per combination of the needed dimensions.
func want(dims []Dimension, rows int, sel *segment.StarTreeSelection) map[string]int {
	out := map[string]int{}
	for i := range rows {
		key, pass := "", true
		for d := range dims {
			id, x := dims[d].id(i), &sel.Dimensions[d]
			null := dims[d].Nulls != nil && id == uint32(dims[d].Cardinality)
			pass = pass && (!x.Filtered || null && x.Nulls || !null && x.Set.Contains(id))
			if x.Needed {
				key += fmt.Sprint(id, " ")
			}
		}
		if pass {
			out[key]++
		}
	}
	return out
}

// got does the same with the selected records.
func got(t *testing.T, s *Shape, n []int, runs []segment.DocRange, sel *segment.StarTreeSelection) map[string]int {
	t.Helper()
	out, end := map[string]int{}, uint32(0)
	for _, r := range runs {
		if r.From < end || r.To <= r.From {
			t.Fatalf("runs %v are not ascending and disjoint", runs)
		}
		end = r.To
		for at := r.From; at < r.To; at++ {
			key := ""
			for d := range s.dims {
				if sel.Dimensions[d].Needed {
					key += fmt.Sprint(s.layout.fields[d].get(s.keys[at]), " ")
				}
			}
			out[key] += n[at]
		}
	}
	return out
}

func TestSelectMatchesRows(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		rows := 1 + rng.IntN(1500)
		dims := randomDims(rng, rows)
		s := New(dims, rows, []int{1, 3, 50, 10_000}[rng.IntN(4)])
		if s == nil {
			continue // more than 128 bits
		}
		nodes, n := openShape(t, s), counts(s)
		for range 20 {
			sel := randomSelection(rng, dims)
			runs, ok := nodes.Select(&sel, nil)
			if !ok {
				t.Fatalf("seed %d: selection failed without a limit", seed)
			}
			w, g := want(dims, rows, &sel), got(t, s, n, runs, &sel)
			if len(w) != len(g) {
				t.Fatalf("seed %d: %d groups, want %d", seed, len(g), len(w))
			}
			for k, c := range w {
				if g[k] != c {
					t.Fatalf("seed %d, group %s: %d rows, want %d", seed, k, g[k], c)
				}
			}
		}
	}
}

func TestSelectLimit(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	ids := make([]uint32, 5000)
	for i := range ids {
		ids[i] = uint32(rng.IntN(1000))
	}
	s := New([]Dimension{{IDs: ids, Cardinality: 1000}}, len(ids), 1)
	nodes := openShape(t, s)
	f := func(limit int, fits bool) {
		t.Helper()
		sel := segment.StarTreeSelection{Dimensions: []segment.StarTreeDimension{{Needed: true}}, Limit: limit}
		if _, ok := nodes.Select(&sel, nil); ok != fits {
			t.Errorf("limit %d: %v", limit, ok)
		}
	}
	f(0, true)
	f(10, false)
	f(s.Base, true)
	f(s.Base-1, false)
}

func TestNewIsDeterministic(t *testing.T) {
	build := func() []byte {
		rng := rand.New(rand.NewPCG(9, 9))
		s := New(randomDims(rng, 3000), 3000, 10)
		return s.AppendNodes(nil)
	}
	if !bytes.Equal(build(), build()) {
		t.Error("the same rows gave different trees")
	}
}

func TestTooWideKeysGiveNoTree(t *testing.T) {
	d := Dimension{IDs: []uint32{0}, Cardinality: 1 << 30}
	if New([]Dimension{d, d, d, d, d}, 1, 1) != nil {
		t.Error("a tree of keys of 150 bits")
	}
}

// TestTreeGolden shows a small tree: its records and nodes.
func TestTreeGolden(t *testing.T) {
	country, day, null := []uint32{0, 0, 1, 1, 1, 2}, []uint32{3, 4, 3, 3, 4, 3}, column.NewBitmap(6)
	null.Set(5)
	s := New([]Dimension{{IDs: country, Cardinality: 3}, {IDs: day, Cardinality: 5, Nulls: null}}, 6, 1)
	var b strings.Builder
	for i, n := range counts(s) {
		fmt.Fprintf(&b, "record %d: %d %d, %d rows\n", i, s.layout.fields[0].get(s.keys[i]), s.layout.fields[1].get(s.keys[i]), n)
	}
	for i, n := range s.nodes {
		fmt.Fprintf(&b, "node %d: value %d, records %d..%d, total %d, children %d+%d\n", i, n.value, n.start, n.end, n.total, n.child, n.children)
	}
	const path = "testdata/tree.txt"
	if *rewrite {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(golden) {
		t.Errorf("differs from %s:\n%s", path, b.String())
	}
}

func sampleShape() *Shape {
	rng := rand.New(rand.NewPCG(4, 4))
	dims := make([]Dimension, 3)
	for d := range dims {
		dims[d].Cardinality = 4
		for range 60 {
			dims[d].IDs = append(dims[d].IDs, uint32(rng.IntN(4)))
		}
	}
	return New(dims, 60, 2)
}

// FuzzOpenNodes opens damaged nodes: they are refused, or every selection ends
// within the records.
func FuzzOpenNodes(f *testing.F) {
	s := sampleShape()
	f.Add(s.AppendNodes(nil), uint16(0))
	f.Add(s.AppendNodes(nil), uint16(0x1ff))
	f.Fuzz(func(t *testing.T, raw []byte, ask uint16) {
		nodes, err := OpenNodes(aligned(raw), readers(s), uint32(s.Records()))
		if err != nil {
			if !errors.Is(err, segment.ErrCorrupt) {
				t.Fatalf("error without class: %v", err)
			}
			return
		}
		sel := segment.StarTreeSelection{Dimensions: make([]segment.StarTreeDimension, 3)}
		for d := range sel.Dimensions {
			bits := ask >> (3 * d)
			sel.Dimensions[d] = segment.StarTreeDimension{Needed: bits&1 != 0, Filtered: bits&2 != 0, Set: segment.IDSet{Lo: uint32(bits & 4), Hi: 3}}
		}
		runs, _ := nodes.Select(&sel, nil)
		if slices.ContainsFunc(runs, func(r segment.DocRange) bool { return r.To > uint32(s.Records()) }) {
			t.Fatalf("records %v of %d", runs, s.Records())
		}
	})
}

func TestEveryFlippedBitOfNodes(t *testing.T) {
	s := sampleShape()
	raw := s.AppendNodes(nil)
	sel := segment.StarTreeSelection{Dimensions: []segment.StarTreeDimension{{}, {Needed: true}, {Filtered: true, Set: segment.IDSet{Lo: 1, Hi: 2}}}}
	for bit := range len(raw) * 8 {
		b := aligned(raw)
		b[bit/8] ^= 1 << (bit % 8)
		nodes, err := OpenNodes(b, readers(s), uint32(s.Records()))
		if err == nil {
			_, _ = nodes.Select(&sel, nil)
		} else if !errors.Is(err, segment.ErrCorrupt) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	}
}
