package kernel

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func randomBits(r *rand.Rand, n int) column.Bitmap {
	b := column.NewBitmap(n)
	for i := range n {
		if r.IntN(3) == 0 {
			b.Set(i)
		}
	}
	return b
}

func TestBitmaps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 63, 64, 65, 200, 4096} {
		a, b := randomBits(r, n), randomBits(r, n)
		bools := make([]bool, n)
		UnpackBools(a, bools)
		packed := column.NewBitmap(n)
		PackBools(bools, packed)
		if !slices.Equal(a, packed) {
			t.Fatalf("n=%d: pack and unpack", n)
		}
		and, or, not, diff := slices.Clone(a), slices.Clone(a), slices.Clone(a), slices.Clone(a)
		And(and, b)
		Or(or, b)
		Not(not, n)
		AndNot(diff, b)
		for i := range n {
			x, y := a.Get(i), b.Get(i)
			if and.Get(i) != (x && y) || or.Get(i) != (x || y) || not.Get(i) == x || diff.Get(i) != (x && !y) {
				t.Fatalf("n=%d bit %d", n, i)
			}
		}
		from := r.IntN(n + 1)
		part := column.NewBitmap(n - from)
		CopyBits(part, a, from, n-from)
		count, first := 0, -1
		for i := from; i < n; i++ {
			if a.Get(i) != part.Get(i-from) {
				t.Fatalf("n=%d: copied bit %d", n, i)
			}
			if a.Get(i) {
				count++
				if first < 0 {
					first = i
				}
			}
		}
		if CountRange(a, from, n) != count || FirstSet(a, from) != first {
			t.Fatalf("n=%d: count or first", n)
		}
		set := column.NewBitmap(n)
		SetRange(set, from, n)
		if set.Count() != n-from {
			t.Fatalf("n=%d: SetRange", n)
		}
	}
}

func TestTruth(t *testing.T) {
	// The nine pairs of TRUE, FALSE, NULL, one per bit.
	a, an := column.Bitmap{0b000000111}, column.Bitmap{0b111000000}
	b, bn := column.Bitmap{0b001001001}, column.Bitmap{0b100100100}
	f := func(what string, t1, n1 column.Bitmap, wantT, wantN uint64) {
		t.Helper()
		if t1[0] != wantT || n1[0] != wantN {
			t.Errorf("%s: true %09b null %09b", what, t1[0], n1[0])
		}
	}
	x, xn := slices.Clone(a), slices.Clone(an)
	AndTruth(x, xn, b, bn)
	f("and", x, xn, 0b000000001, 0b101000100)
	x, xn = slices.Clone(a), slices.Clone(an)
	OrTruth(x, xn, b, bn)
	f("or", x, xn, 0b001001111, 0b110100000)
	x, xn = slices.Clone(a), slices.Clone(an)
	NotTruth(x, xn, 9)
	f("not", x, xn, 0b000111000, 0b111000000)
}

func TestMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		n := r.IntN(300)
		a, b, c, d := make([]int32, n), make([]int64, n), make([]float32, n), make([]float64, n)
		ids := make([]uint32, n)
		for i := range n {
			a[i], b[i] = int32(r.IntN(20)-10), int64(r.IntN(20)-10)
			c[i], d[i] = float32(a[i]), float64(b[i])
			if r.IntN(10) == 0 {
				c[i], d[i] = float32(math.NaN()), math.NaN()
			}
			ids[i] = uint32(r.IntN(20))
		}
		lo, hi := r.IntN(24)-12, r.IntN(24)-12
		set := randomBits(r, 20)
		got := func(f func(dst column.Bitmap), want func(i int) bool) {
			t.Helper()
			dst := randomBits(r, n)
			f(dst)
			for i := range n {
				if dst.Get(i) != want(i) {
					t.Fatalf("row %d of %d in %d..%d", i, n, lo, hi)
				}
			}
		}
		got(func(x column.Bitmap) { MatchInt32(a, int32(lo), int32(hi), x) }, func(i int) bool { return int(a[i]) >= lo && int(a[i]) <= hi })
		got(func(x column.Bitmap) { MatchInt64(b, int64(lo), int64(hi), x) }, func(i int) bool { return int(b[i]) >= lo && int(b[i]) <= hi })
		got(func(x column.Bitmap) { MatchFloat32(c, float32(lo), float32(math.NaN()), x) }, func(i int) bool { return c[i] != c[i] || c[i] >= float32(lo) })
		got(func(x column.Bitmap) { MatchFloat64(d, float64(lo), float64(hi), x) }, func(i int) bool { return d[i] >= float64(lo) && d[i] <= float64(hi) })
		got(func(x column.Bitmap) { MatchIDBits(ids, set, x) }, func(i int) bool { return set.Get(int(ids[i])) })
		got(func(x column.Bitmap) { MatchIDRange(ids, 3, 9, x) }, func(i int) bool { return ids[i] >= 3 && ids[i] <= 9 })
		sel := SelectIDs(ids, 3, 9, nil)
		if len(sel) != countIf(ids, func(id uint32) bool { return id >= 3 && id <= 9 }) {
			t.Fatal("SelectIDs")
		}
	}
	dst := column.NewBitmap(2)
	MatchInt64([]int64{math.MinInt64, math.MaxInt64}, math.MinInt64, math.MaxInt64, dst)
	if dst.Count() != 2 {
		t.Error("the whole range of int64")
	}
}

func countIf(ids []uint32, f func(uint32) bool) int {
	n := 0
	for _, id := range ids {
		if f(id) {
			n++
		}
	}
	return n
}

func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{0, 1, 5, 1000} {
		a, b, c := make([]int32, n), make([]int64, n), make([]float64, n)
		groups, nulls := make([]uint32, n), randomBits(r, n)
		sumA, sumB, sumC, exceptA, exceptB, kept := int64(0), new(big.Int), 0.0, int64(0), new(big.Int), 0
		for i := range n {
			a[i], b[i], c[i] = int32(r.Uint32()), int64(r.Uint64()), float64(r.IntN(100))/4
			groups[i] = uint32(r.IntN(3))
			sumA, sumC = sumA+int64(a[i]), sumC+c[i]
			sumB.Add(sumB, big.NewInt(b[i]))
			if !nulls.Get(i) {
				kept++
				exceptA += int64(a[i])
				exceptB.Add(exceptB, big.NewInt(b[i]))
			}
		}
		gotA, nA := SumInt32Except(a, nulls)
		gotB, nB := SumInt64Except(b, nulls)
		if SumInt32(a) != sumA || SumInt64(b).Big().Cmp(sumB) != 0 || SumFloat64(c) != sumC ||
			gotA != exceptA || gotB.Big().Cmp(exceptB) != 0 || nA != kept || nB != kept {
			t.Fatalf("n=%d", n)
		}
		if n > 0 {
			lo, hi := MinMaxInt64(b)
			if lo != slices.Min(b) || hi != slices.Max(b) {
				t.Fatal("MinMaxInt64")
			}
		}
	}
	st := make([]SumCount, 1)
	if n := SumGroupsInt64(st, make([]uint32, 3), []int64{math.MaxInt64, 1, 1}); n != 1 || st[0].Sum != math.MaxInt64 {
		t.Errorf("stopped after %d rows", n)
	}
}

// values are vectors of every kind with values in ascending order, NULL last.
func orderedVectors() []*column.Vector {
	dec := func(s string) column.Value {
		d, _ := column.ParseDecimal(s)
		return column.DecimalValue(d)
	}
	vec := func(t schema.Type, vals ...column.Value) *column.Vector {
		v := column.New(t, 0)
		for _, x := range vals {
			x.Type = t
			v.Append(x)
		}
		v.AppendNull()
		return v
	}
	i := func(x int64) column.Value { return column.Value{I: x} }
	f := func(x float64) column.Value { return column.Value{F: x} }
	b := func(x string) column.Value { return column.Value{B: []byte(x)} }
	list := func(x ...int64) column.Value {
		v := column.New(schema.Int32, 0)
		for _, y := range x {
			v.Append(column.IntValue(schema.Int32, y))
		}
		return column.Value{List: v}
	}
	iv := func(m, d int32, us int64) column.Value {
		return column.Value{Iv: column.Interval{Months: m, Days: d, Micros: us}}
	}
	return []*column.Vector{
		vec(schema.Bool, i(0), i(1)),
		vec(schema.Int32, i(math.MinInt32), i(-1), i(0), i(7), i(math.MaxInt32)),
		vec(schema.Int64, i(math.MinInt64), i(-1), i(0), i(1<<40), i(math.MaxInt64)),
		vec(schema.Float32, f(math.Inf(-1)), f(-2), f(0), f(1.5), f(math.Inf(1)), f(math.NaN())),
		vec(schema.Float64, f(math.Inf(-1)), f(-2), f(-1e-300), f(0), f(1.5), f(math.Inf(1)), f(math.NaN())),
		vec(schema.Text, b(""), b("\x00"), b("\x00\x01"), b("\x01"), b("a"), b("a\x00"), b("a\x00b"), b("ab"), b("b"), b("\xff")),
		vec(schema.Numeric, dec("-1000"), dec("-12.5"), dec("-12.25"), dec("-1"), dec("-0.001"), dec("0"), dec("0.00002"), dec("0.001"), dec("1"),
			dec("1.5"), dec("2"), dec("10"), dec("11.25"), dec("99999999999999999999999999999999999999"), dec("NaN")),
		vec(schema.Interval, iv(-1, 0, 0), iv(0, -1, 5), iv(0, 0, -1), iv(0, 0, 0), iv(0, 0, 1), iv(0, 1, 0), iv(1, 0, 0), iv(math.MaxInt32, 0, 0)),
		vec(schema.Int32.AsList(), list(), list(-5), list(1), list(1, -5), list(1, 2), list(2)),
	}
}

func TestOrder(t *testing.T) {
	for _, v := range orderedVectors() {
		for i := range v.N {
			for j := range v.N {
				want := cmp.Compare(i, j)
				if got := CompareRows(v, i, v, j); got != want {
					t.Errorf("%s: CompareRows(%d, %d) = %d", v.Type, i, j, got)
				}
				asc := bytes.Compare(AppendOrderKey(nil, v, i, false, false), AppendOrderKey(nil, v, j, false, false))
				if asc != want {
					t.Errorf("%s: ascending keys of %d and %d: %d", v.Type, i, j, asc)
				}
				desc := bytes.Compare(AppendOrderKey(nil, v, i, true, true), AppendOrderKey(nil, v, j, true, true))
				if desc != -want {
					t.Errorf("%s: descending keys of %d and %d: %d", v.Type, i, j, desc)
				}
				if same := bytes.Equal(AppendKey(nil, v, i), AppendKey(nil, v, j)); same != (i == j) {
					t.Errorf("%s: keys of %d and %d are equal: %v", v.Type, i, j, same)
				}
			}
		}
	}
}

func TestEqualValuesHaveEqualKeys(t *testing.T) {
	f := func(t1 schema.Type, a, b column.Value) {
		t.Helper()
		v := column.New(t1, 2)
		v.Append(a)
		v.Append(b)
		if !bytes.Equal(AppendKey(nil, v, 0), AppendKey(nil, v, 1)) || CompareRows(v, 0, v, 1) != 0 ||
			!bytes.Equal(AppendOrderKey(nil, v, 0, false, false), AppendOrderKey(nil, v, 1, false, false)) {
			t.Errorf("%s: keys differ", t1)
		}
	}
	dec := func(x int64, s uint8) column.Value { return column.DecimalValue(column.DecimalFromInt64(x, s)) }
	f(schema.Numeric, dec(10, 1), dec(1, 0))
	f(schema.Numeric, dec(0, 3), dec(0, 0))
	f(schema.Numeric, dec(-12500, 3), dec(-125, 1))
	f(schema.Float64, column.FloatValue(schema.Float64, 0), column.FloatValue(schema.Float64, math.Copysign(0, -1)))
	f(schema.Float64, column.FloatValue(schema.Float64, math.NaN()), column.FloatValue(schema.Float64, -math.NaN()))
	f(schema.Interval, column.Value{Type: schema.Interval, Iv: column.Interval{Months: 1}}, column.Value{Type: schema.Interval, Iv: column.Interval{Days: 30}})
}

func TestGatherAndConcat(t *testing.T) {
	for _, v := range orderedVectors() {
		pos := []uint32{uint32(v.N - 1), 0, 0, 1}
		var g column.Vector
		Gather(v, pos, &g)
		Concat(&g, v)
		Concat(&g, column.NewConst(v.Value(0), 2))
		Concat(&g, v.Slice(1, v.N))
		want := append([]int{v.N - 1, 0, 0, 1}, make([]int, 0)...)
		for i := range v.N {
			want = append(want, i)
		}
		want = append(want, 0, 0)
		for i := 1; i < v.N; i++ {
			want = append(want, i)
		}
		if g.N != len(want) {
			t.Fatalf("%s: %d rows, want %d", v.Type, g.N, len(want))
		}
		for i, w := range want {
			if CompareRows(&g, i, v, w) != 0 {
				t.Errorf("%s: row %d", v.Type, i)
			}
		}
	}
}

// The quotients are PostgreSQL's.
func TestDivDecimal(t *testing.T) {
	f := func(a, b, want string) {
		t.Helper()
		x, _ := column.ParseDecimal(a)
		y, _ := column.ParseDecimal(b)
		got, err := DivDecimal(x, y)
		if err != nil || got.String() != want {
			t.Errorf("%s / %s = %s (%v), want %s", a, b, got, err, want)
		}
		big, err := DivBig(x.Coef.Big(), int(x.Scale), y.Coef.Big(), int(y.Scale))
		if !x.IsNaN() && (err != nil || big != got) {
			t.Errorf("%s / %s: %s by big integers", a, b, big)
		}
	}
	f("1", "3", "0.33333333333333333333")
	f("2", "3", "0.66666666666666666667")
	f("-2", "3", "-0.66666666666666666667")
	f("10", "3", "3.3333333333333333")
	f("10000", "3", "3333.3333333333333333")
	f("100000", "3", "33333.333333333333")
	f("1.0", "8", "0.12500000000000000000")
	f("1", "0.0003", "3333.3333333333333333")
	f("0", "7", "0.00000000000000000000")
	f("9223372036854775807", "1", "9223372036854775807")
	f("99999999999999999999999999999999999999", "7", "14285714285714285714285714285714285714")
	f("NaN", "7", "NaN")
}

func TestDecimalArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 2000 {
		a := column.Decimal{Coef: column.Int128{Hi: int64(r.Uint64()) >> uint(r.IntN(64)), Lo: r.Uint64()}, Scale: uint8(r.IntN(4))}
		b := column.Decimal{Coef: column.Int128From(int64(r.Uint64()) >> uint(r.IntN(64))), Scale: uint8(r.IntN(4))}
		if _, err := column.Int128FromBig(a.Coef.Big()); err != nil {
			continue
		}
		scale := int(max(a.Scale, b.Scale))
		want := new(big.Int).Add(ScaledBig(a, scale), ScaledBig(b, scale))
		got, err := AddDecimal(a, b)
		if _, fits := column.Int128FromBig(want); (err == nil) != (fits == nil) || err == nil && got.Coef.Big().Cmp(want) != 0 {
			t.Fatalf("%s + %s = %s (%v)", a, b, got, err)
		}
		p, err := MulDecimal(b, b)
		if want := new(big.Int).Mul(b.Coef.Big(), b.Coef.Big()); err == nil && p.Coef.Big().Cmp(want) != 0 {
			t.Fatalf("%s squared is %s", b, p)
		}
		if c := Canonical(a); c.Cmp(a) != 0 || c.Scale > a.Scale {
			t.Fatalf("canonical form of %s is %s", a, c)
		}
	}
}

func TestSets(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var pairs PairSet
	table := NewKeyTable()
	seen, keys := map[[2]uint64]bool{}, map[string]uint32{}
	for range 5000 {
		p := [2]uint64{r.Uint64N(5), r.Uint64N(500)}
		if pairs.Insert(uint32(p[0]), p[1]) == seen[p] {
			t.Fatal("Insert told the wrong thing")
		}
		seen[p] = true
		k := string(AppendKey(nil, column.NewConst(column.TextValue(string(rune(p[1]))), 1), 0))
		id, isNew := table.Find([]byte(k))
		if old, ok := keys[k]; ok == isNew || ok && old != id || string(table.Key(int(id))) != k {
			t.Fatal("Find told the wrong thing")
		}
		keys[k] = id
	}
	n := 0
	pairs.Each(func(g uint32, w uint64) {
		n++
		if !seen[[2]uint64{uint64(g), w}] {
			t.Fatal("a pair that was not inserted")
		}
	})
	if n != len(seen) || pairs.Len() != n || table.Len() != len(keys) || pairs.Bytes() == 0 || table.Bytes() == 0 {
		t.Error("sizes")
	}
}

// TestScanLoopsDoNotAllocate guards the steady state of the inner loops.
func TestScanLoopsDoNotAllocate(t *testing.T) {
	vals, wide, ids := make([]int32, 4096), make([]int64, 4096), make([]uint32, 4096)
	dst, table := column.NewBitmap(4096), make([]uint32, 4096)
	st := make([]SumCount, 4096)
	dict := column.New(schema.Int64, 0)
	dict.Append(column.IntValue(schema.Int64, 5))
	var out column.Vector
	Gather(dict, ids, &out)
	n := testing.AllocsPerRun(10, func() {
		MatchInt32(vals, 1, 5, dst)
		MatchInt64(wide, 1, 5, dst)
		MatchIDBits(ids, dst, dst)
		SumGroupsInt32(st, ids, vals)
		SumGroupsInt64(st, ids, wide)
		SetTable(table, ids, table)
		AddTable(table, ids, table)
		Gather(dict, ids, &out)
		_ = SumInt32(vals)
		_ = SumInt64(wide)
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}
