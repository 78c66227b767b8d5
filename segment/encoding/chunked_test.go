package encoding

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func randomTexts(rng *rand.Rand, n int) *column.Vector {
	v := column.New(schema.Text, n)
	for range n {
		size := rng.IntN(60)
		if rng.IntN(200) == 0 {
			size = rng.IntN(100_000)
		}
		v.AppendString(strings.Repeat(string(rune('a'+rng.IntN(26))), size))
	}
	return v
}

func TestChunkedEqualsValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, codec := range []Codec{CodecNone, CodecLZ4, CodecZSTD} {
		v := randomTexts(rng, 6000)
		buf, err := AppendChunked(nil, v, codec)
		if err != nil {
			t.Fatal(err)
		}
		c, err := NewChunked(aligned(buf), v.N)
		if err != nil {
			t.Fatal(err)
		}
		out := column.New(schema.Text, 0)
		for from := 0; from < v.N; from += 700 {
			if err := c.Read(uint32(from), min(700, v.N-from), out); err != nil {
				t.Fatal(err)
			}
		}
		docs := []uint32{0, 1, 77, 2048, 2049, 5999}
		some := column.New(schema.Text, 0)
		if err := c.Gather(docs, some); err != nil {
			t.Fatal(err)
		}
		for i := range v.N {
			if !bytes.Equal(out.Bytes(i), v.Bytes(i)) {
				t.Fatalf("%v: value %d differs", codec, i)
			}
		}
		for i, d := range docs {
			if !bytes.Equal(some.Bytes(i), v.Bytes(int(d))) {
				t.Fatalf("%v: gathered value %d differs", codec, d)
			}
		}
	}
}

func FuzzChunked(f *testing.F) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, codec := range []Codec{CodecNone, CodecLZ4, CodecZSTD} {
		b, err := AppendChunked(nil, randomTexts(rng, 50), codec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 50)
	}
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 1 || n > 1<<16 {
			return
		}
		c, err := NewChunked(aligned(b), n)
		if err != nil {
			return
		}
		for i := range c.entries {
			if c.entries[i].Raw > 1<<20 { // keep the fuzzer's memory small
				return
			}
		}
		out := column.New(schema.Text, 0)
		_ = c.Read(0, n, out)
		out.Reset(schema.Text)
		_ = c.Gather([]uint32{0, uint32(n - 1)}, out)
	})
}

func TestParseCodec(t *testing.T) {
	f := func(name string, want Codec, ok bool) {
		t.Helper()
		got, err := ParseCodec(name)
		if got != want || (err == nil) != ok {
			t.Errorf("ParseCodec(%q) = %v, %v", name, got, err)
		}
	}
	f("LZ4", CodecLZ4, true)
	f("zstandard", CodecZSTD, true)
	f("PASS_THROUGH", CodecNone, true)
	f("SNAPPY", CodecLZ4, true)
	f("CLP", 0, false)
}
