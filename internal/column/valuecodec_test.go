package column

import (
	"bytes"
	"math"
	"testing"

	"github.com/alluviumdb/alluvium/internal/schema"
)

func sampleValues() []Value {
	list := New(schema.Text, 0)
	list.AppendString("a")
	list.AppendNull()
	return []Value{
		BoolValue(true),
		BoolValue(false),
		IntValue(schema.Int16, -5),
		IntValue(schema.Int64, math.MinInt64),
		IntValue(schema.Type{ID: schema.TypeNumeric, Precision: 12, Scale: 2}, 12345),
		FloatValue(schema.Float32, 1.5),
		FloatValue(schema.Float64, math.Inf(-1)),
		DecimalValue(Decimal{Coef: Int128{Hi: -1, Lo: 7}, Scale: 9}),
		{Type: schema.Interval, Iv: Interval{Months: -1, Days: 2, Micros: 3}},
		TextValue(""),
		TextValue("Grüße"),
		BytesValue(schema.Type{ID: schema.TypeVarchar, Length: 20}, []byte("x")),
		{Type: schema.Text.AsList(), List: list},
		NullValue(schema.UUID),
	}
}

func TestValueCodec(t *testing.T) {
	for _, v := range sampleValues() {
		b := AppendValue([]byte("head"), v)[4:]
		got, n, err := DecodeValue(append(b, 9, 9))
		if err != nil || n != len(b) {
			t.Errorf("%v: %d of %d bytes, %v", v, n, len(b), err)
			continue
		}
		if got.Type != v.Type || !bytes.Equal(AppendValue(nil, got), b) {
			t.Errorf("got %+v, want %+v", got, v)
		}
		for cut := range b {
			if _, _, err := DecodeValue(b[:cut]); err == nil {
				t.Errorf("%v cut at %d was accepted", v, cut)
			}
		}
	}
}

func TestTypeCodec(t *testing.T) {
	f := func(typ schema.Type, size int) {
		t.Helper()
		b := AppendType(nil, typ)
		got, n, err := DecodeType(b)
		if got != typ || n != size || err != nil {
			t.Errorf("%v: got %v in %d bytes, %v", typ, got, n, err)
		}
	}
	f(schema.Int64, 1)
	f(schema.Text.AsList(), 5)
	f(schema.Type{ID: schema.TypeNumeric, Precision: 38, Scale: 4}, 5)
	f(schema.Type{ID: schema.TypeVarchar, Length: 1000}, 6)
	if _, _, err := DecodeType([]byte{0x7f}); err == nil {
		t.Error("unknown type accepted")
	}
}

func FuzzDecodeValue(f *testing.F) {
	for _, v := range sampleValues() {
		f.Add(AppendValue(nil, v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, n, err := DecodeValue(b)
		if err != nil {
			return
		}
		again := AppendValue(nil, v)
		w, _, err := DecodeValue(again)
		if err != nil || !bytes.Equal(AppendValue(nil, w), again) {
			t.Fatalf("%d bytes do not survive a second round: %v", n, err)
		}
	})
}
