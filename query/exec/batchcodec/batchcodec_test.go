package batchcodec

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

var types = []schema.Type{
	schema.Bool, schema.Int16, schema.Int32, schema.Int64, schema.Float32, schema.Float64, schema.Numeric,
	{ID: schema.TypeNumeric, Precision: 10, Scale: 2}, schema.Date, schema.TimestampTZ, schema.Interval, schema.Text,
	{ID: schema.TypeVarchar, Length: 7}, schema.Bytea, schema.UUID, schema.Int32.AsList(), schema.Text.AsList(), schema.Numeric.AsList(),
	{ID: schema.TypeOIDVector},
}

func randomValue(r *rand.Rand, t schema.Type) column.Value {
	v := column.Value{Type: t, Null: r.IntN(5) == 0, I: int64(r.Uint64()), F: math.Float64frombits(r.Uint64())}
	switch t.Kind() {
	case schema.KindBool:
		v.I &= 1
	case schema.KindInt32:
		v.I = int64(int32(v.I))
	case schema.KindFloat32:
		v.F = float64(float32(r.NormFloat64()))
	case schema.KindBytes:
		v.B = []byte(strings.Repeat("é\x00", r.IntN(5)))
	case schema.KindDecimal:
		v.D = column.Decimal{Coef: column.Int128{Hi: int64(r.Uint64()) >> 2, Lo: r.Uint64()}, Scale: uint8(r.IntN(256))}
	case schema.KindInterval:
		v.Iv = column.Interval{Months: int32(r.Uint32()), Days: int32(r.Uint32()), Micros: v.I}
	case schema.KindList:
		v.List = column.New(t.Elem(), 0)
		for range r.IntN(4) {
			v.List.Append(randomValue(r, t.Elem()))
		}
	}
	return v
}

func randomBatch(r *rand.Rand, n int) *column.Batch {
	b := &column.Batch{N: n}
	for _, t := range types {
		if r.IntN(6) == 0 && n > 0 {
			b.Cols = append(b.Cols, column.NewConst(randomValue(r, t), n))
			continue
		}
		v := column.New(t, 0)
		for range n + 70 {
			v.Append(randomValue(r, t))
		}
		b.Cols = append(b.Cols, v.Slice(r.IntN(70), v.N).Slice(0, n))
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 7, 64, 300} {
		b := randomBatch(r, n)
		data, err := Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if got.N != n || len(got.Cols) != len(b.Cols) {
			t.Fatalf("%d rows of %d columns", got.N, len(got.Cols))
		}
		for k, want := range b.Cols {
			if got.Cols[k].Type != want.Type {
				t.Fatalf("type %s, want %s", got.Cols[k].Type, want.Type)
			}
			for i := range n {
				if x, y := got.Cols[k].Value(i), want.Value(i); x.Null != y.Null || !x.Null && (x.D != y.D || x.Iv != y.Iv || !sameRow(got.Cols[k], want, i)) {
					t.Fatalf("%s row %d: %v, want %v", want.Type, i, x, y)
				}
			}
		}
	}
}

func sameRow(a, b *column.Vector, i int) bool {
	return string(kernel.AppendKey(nil, a, i)) == string(kernel.AppendKey(nil, b, i))
}

func TestNoColumns(t *testing.T) {
	data, err := Encode(&column.Batch{N: 5})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Decode(data); err != nil || b.N != 5 {
		t.Errorf("%v, %v", b, err)
	}
}

func TestEncodeRefusesUnknownType(t *testing.T) {
	if _, err := Encode(&column.Batch{Cols: []*column.Vector{{}}}); err == nil {
		t.Error("a vector without a type was encoded")
	}
}

func TestDecodeMalformed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	data, err := Encode(randomBatch(r, 20))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(data) - 16 {
		if _, err := Decode(data[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for range 3000 {
		bad := append([]byte(nil), data...)
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
		}
		if b, err := Decode(bad); err == nil {
			checkReadable(b)
		} else if !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
	}
}

// checkReadable reads every value, which must not panic.
func checkReadable(b *column.Batch) {
	var buf []byte
	for _, v := range b.Cols {
		for i := range b.N {
			buf = kernel.AppendKey(buf[:0], v, i)
		}
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 9} {
		data, err := Encode(randomBatch(r, n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		checkReadable(b)
	})
}

func BenchmarkEncodeDecode(b *testing.B) {
	v, s := column.New(schema.Int64, 0), column.New(schema.Text, 0)
	for i := range 8192 {
		v.Append(column.IntValue(schema.Int64, int64(i)))
		s.AppendString("some text value")
	}
	batch := &column.Batch{N: v.N, Cols: []*column.Vector{v, s}}
	b.ReportAllocs()
	for b.Loop() {
		data, err := Encode(batch)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
