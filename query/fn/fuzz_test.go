package fn

import (
	"bytes"
	"context"
	"math"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// FuzzParseText reads any text as any type: no panic, and what is read prints
// to a text that reads back as the same.
func FuzzParseText(f *testing.F) {
	for _, s := range []string{"1", "-5", "1.50", "1e10", "NaN", "inf", "t", "2024-01-02", "2024-01-02 03:04:05.678+02",
		"Jan 5 2024 3pm", "1 year 2 mons -3 days 04:05:06", "P1Y2M3DT4H", `\xdead`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
		`{"a":[1,2,{"b":null}]}`, `{1,"x y",NULL}`, "1 2 3", "{}", "infinity", "epoch", "0044-03-15 BC", "now", "24:00"} {
		for id := schema.TypeUnknown; id <= schema.TypeRecord; id++ {
			f.Add([]byte(s), uint8(id), false)
			f.Add([]byte(s), uint8(id), true)
		}
	}
	f.Fuzz(func(t *testing.T, s []byte, id uint8, list bool) {
		typ := schema.Type{ID: schema.TypeID(id%uint8(schema.TypeRecord)) + 1, List: list}
		if typ.ID == schema.TypeInt2Vector || typ.ID == schema.TypeOIDVector {
			typ.List = false
		}
		ctx := &Context{Context: context.Background(), Zone: "Europe/Paris"}
		v, err := ParseText(ctx, s, typ)
		if err != nil {
			return
		}
		text := FormatValue(ctx, v)
		again, err := ParseText(ctx, []byte(text), typ)
		if err != nil {
			t.Fatalf("%s: %q reads, but its text %q does not: %v", typ, s, text, err)
		}
		if back := FormatValue(ctx, again); back != text {
			t.Fatalf("%s: %q prints as %q and then as %q", typ, s, text, back)
		}
	})
}

// FuzzCast converts a value of one type to another: no panic, vectors and
// values agree.
func FuzzCast(f *testing.F) {
	f.Add(int64(5), 1.5, []byte("12"), uint8(3), uint8(7))
	f.Add(int64(math.MinInt64), math.NaN(), []byte("x"), uint8(5), uint8(6))
	f.Fuzz(func(t *testing.T, i int64, x float64, b []byte, from, to uint8) {
		ft := schema.Type{ID: schema.TypeID(from%uint8(schema.TypeRecord)) + 1}
		tt := schema.Type{ID: schema.TypeID(to%uint8(schema.TypeRecord)) + 1}
		ctx := &Context{Context: context.Background(), Zone: "America/New_York"}
		v, err := ParseText(ctx, b, ft)
		if err != nil {
			switch ft.Kind() {
			case schema.KindInt32:
				i = int64(int16(i))
				fallthrough
			case schema.KindInt64:
				if isOIDLike(ft.ID) {
					i = int64(uint32(i))
				}
				v = column.IntValue(ft, i)
			case schema.KindFloat64:
				v = column.FloatValue(ft, x)
			case schema.KindFloat32:
				v = column.FloatValue(ft, float64(float32(x)))
			default:
				return
			}
		}
		one, err := CastValue(ctx, v, tt)
		vec, out := column.New(ft, 3), column.New(tt, 3)
		vec.AppendNull()
		vec.Append(v)
		vec.AppendNull()
		err2 := Cast(ctx, vec, tt, nil, out)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%s to %s: %v and %v", ft, tt, err, err2)
		}
		if err != nil {
			return
		}
		if out.N != 3 || !out.IsNull(0) || !out.IsNull(2) {
			t.Fatalf("%s to %s: NULLs are lost", ft, tt)
		}
		if a, b := FormatValue(ctx, one), string(FormatText(nil, ctx, out, 1)); a != b {
			t.Fatalf("%s to %s: %q and %q", ft, tt, a, b)
		}
	})
}

// FuzzLike compares the matcher with a plain one.
func FuzzLike(f *testing.F) {
	f.Add("hello", "h%o")
	f.Add("héllo", "h_llo")
	f.Add("aab", "%a_")
	f.Add("a%b", `a\%b`)
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if len(s) > 30 || len(pattern) > 12 || bytes.ContainsRune([]byte(s+pattern), '\uFFFD') || !validText(s) || !validText(pattern) {
			return
		}
		p, err := CompileLike(pattern, '\\', false)
		if err != nil {
			return
		}
		if got, want := p.Match([]byte(s)), plainLike([]rune(s), []rune(pattern)); got != want {
			t.Fatalf("%q like %q: %v", s, pattern, got)
		}
	})
}

func validText(s string) bool {
	for _, r := range s {
		if r == '\uFFFD' {
			return false
		}
	}
	return true
}

func plainLike(s, p []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '%':
		for i := range len(s) + 1 {
			if plainLike(s[i:], p[1:]) {
				return true
			}
		}
		return false
	case len(s) == 0:
		return false
	case p[0] == '\\':
		return len(p) > 1 && s[0] == p[1] && plainLike(s[1:], p[2:])
	}
	return (p[0] == '_' || p[0] == s[0]) && plainLike(s[1:], p[1:])
}

// FuzzTemplate prints and reads times by any template.
func FuzzTemplate(f *testing.F) {
	f.Add("YYYY-MM-DD HH24:MI:SS.US", "2024-01-02 03:04:05.6", int64(1))
	f.Add("FMDay, DDth Month BC", "x", int64(-1))
	f.Fuzz(func(t *testing.T, template, text string, ts int64) {
		_, _, _ = readTemplate(text, template) // only a panic is a fault
		out := column.New(schema.Text, 1)
		c := call{ctx: &Context{}, out: out}
		if ts > minTS && ts < maxTSus {
			if err := c.charOf(ts, template, time.UTC, true); err != nil {
				t.Fatal(err)
			}
		}
		if nf, err := parseNumFormat(template); err == nil {
			nf.print("12.5", ts < 0)
		}
	})
}

// FuzzRegexp translates any pattern: the result compiles or is refused.
func FuzzRegexp(f *testing.F) {
	f.Add(`^(a|b)*[[:alpha:]]\d{2,3}$`, "i")
	f.Add(`[]a-]\m\M(?:x)`, "")
	f.Fuzz(func(t *testing.T, pattern, flags string) {
		if re, err := CompileRegexp(pattern, flags); err == nil {
			re.MatchString("abc")
		}
	})
}
