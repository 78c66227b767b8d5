package pgwire

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func decimal(t *testing.T, s string) column.Value {
	t.Helper()
	d, err := column.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return column.DecimalValue(d)
}

func list(t schema.Type, values ...column.Value) column.Value {
	l := column.New(t, len(values))
	for _, v := range values {
		l.Append(v)
	}
	return column.Value{Type: t.AsList(), List: l}
}

// The wanted bytes are what PostgreSQL 15 sends (int4send, numeric_send, …).
func TestBinaryFormat(t *testing.T) {
	f := func(v column.Value, wantHex string) {
		t.Helper()
		vec := column.New(v.Type, 1)
		vec.Append(v)
		got := appendBinary(nil, vec, 0)
		if hex.EncodeToString(got) != wantHex {
			t.Errorf("%v: encoded as %x, want %s", v.Type, got, wantHex)
		}
		back, err := decodeBinary(got, v.Type)
		if err != nil {
			t.Fatalf("%v: %v", v.Type, err)
		}
		vec2 := column.New(back.Type, 1)
		vec2.Append(back)
		if again := appendBinary(nil, vec2, 0); !bytes.Equal(again, got) {
			t.Errorf("%v: decoded and encoded again as %x, want %x", v.Type, again, got)
		}
	}
	f(column.BoolValue(true), "01")
	f(column.IntValue(schema.Int16, -2), "fffe")
	f(column.IntValue(schema.Int32, 42), "0000002a")
	f(column.IntValue(schema.Int64, -1), "ffffffffffffffff")
	f(column.IntValue(schema.Date, 10957), "00000000")
	f(column.IntValue(schema.Timestamp, 946684800000001), "0000000000000001")
	f(column.IntValue(schema.Timestamp, math.MaxInt64), "7fffffffffffffff")
	f(column.FloatValue(schema.Float64, 1.5), "3ff8000000000000")
	f(column.TextValue("añb"), "61c3b162")
	f(column.BytesValue(schema.JSONB, []byte(`{}`)), "017b7d")
	f(decimal(t, "0"), "0000000000000000")
	f(decimal(t, "12345.678"), "0003000100000003000109291a7c")
	f(decimal(t, "-0.0001"), "0001ffff400000040001")
	f(decimal(t, "10000"), "00010001000000000001")
	f(decimal(t, "NaN"), "00000000c0000000")
	f(column.Value{Type: schema.Interval, Iv: column.Interval{Months: 1, Days: 2, Micros: 3}}, "00000000000000030000000200000001")
	f(list(schema.Int32, column.IntValue(schema.Int32, 7), column.NullValue(schema.Int32)),
		"00000001000000010000001700000002000000010000000400000007ffffffff")
	f(list(schema.Text), "000000000000000000000019")
}

func TestBinaryRefusesBadLengths(t *testing.T) {
	f := func(typ schema.Type, raw string) {
		t.Helper()
		b, _ := hex.DecodeString(raw)
		if _, err := decodeBinary(b, typ); sqlerr.Code(err) != sqlerr.InvalidBinary {
			t.Errorf("%v %s: error %v", typ, raw, err)
		}
	}
	f(schema.Int32, "0001")
	f(schema.Numeric, "0005")
	f(schema.Numeric, "ffff000000000000")
	f(schema.Numeric, "0001000000000000ffff")
	f(schema.Numeric, "0000000012340000")
	f(schema.Int32.AsList(), "0000000100000000000000170fffffff00000001")
	f(schema.Int32.AsList(), "00000001000000000000001700000001000000017fffffff")
	f(schema.Int32.AsList(), "00000001000000000000001700000001000000010000000400000007ff")
	f(schema.Int32.AsList(), "0000000100000000000003ef0000000100000001000000040000000000000000")
	f(schema.JSONB, "")
}

func TestBinaryNumericOutOfReach(t *testing.T) {
	f := func(raw, code string) {
		t.Helper()
		b, _ := hex.DecodeString(raw)
		if _, err := decodeBinary(b, schema.Numeric); sqlerr.Code(err) != code {
			t.Errorf("%s: error %v, want SQLSTATE %s", raw, err, code)
		}
	}
	f("00000000d0000000", sqlerr.FeatureNotSupported)
	f("00000000f0000000", sqlerr.FeatureNotSupported)
	f("0001007f000000000001", sqlerr.NumericOutOfRange)
	f("0001000a000000000001", sqlerr.NumericOutOfRange)
}

func FuzzDecodeBinary(f *testing.F) {
	f.Add(uint8(schema.TypeNumeric), false, []byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add(uint8(schema.TypeInt32), true, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7})
	f.Fuzz(func(t *testing.T, id uint8, isList bool, raw []byte) {
		typ := schema.Type{ID: schema.TypeID(id % uint8(schema.TypeRecord)), List: isList}
		if typ.Kind() == schema.KindInvalid {
			return
		}
		v, err := decodeBinary(raw, typ)
		if err != nil {
			return
		}
		vec := column.New(v.Type, 1)
		vec.Append(v)
		appendBinary(nil, vec, 0)
	})
}
