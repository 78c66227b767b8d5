// Package ssb generates the denormalised table of the Star Schema Benchmark
// (O'Neil, O'Neil, Chen: "Star Schema Benchmark", revision 3) with 41 columns,
// in lineorder order with random dates, and holds its queries. Row i is the
// same on every machine, whatever the number of rows asked for.
package ssb

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// rng is splitmix64: small, fast, and the same everywhere.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in 0..n-1.
func (r *rng) below(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

func (r *rng) between(lo, hi int) int { return lo + r.below(hi-lo+1) }

// party is a customer or a supplier.
type party struct{ name, address, city, nation, region, phone, segment string }

type part struct {
	name, mfgr, category, brand, color, kind, container string
	size                                                int32
	price                                               int64 // cents
}

// Generator makes the rows of one scale. It is used by one goroutine.
type Generator struct {
	customers, suppliers []party
	parts                []part
	rows, done           int
	order                int
	line, lines          int
	rng                  rng
	head                 orderHead
}

// orderHead is what the lines of one order share.
type orderHead struct {
	customer int
	date     time.Time
	priority string
	total    int64
}

// New returns a generator of rows rows; dimension sizes follow the scale
// factor rows / 6,000,000, at least 0.1.
func New(rows int) *Generator {
	sf := max(float64(rows)/6e6, 0.1)
	partFactor := 1.0
	for f := 2.0; f <= sf; f *= 2 {
		partFactor++
	}
	g := &Generator{rows: rows, rng: 1}
	g.customers = parties("Customer", max(int(30000*sf), 100), 11)
	g.suppliers = parties("Supplier", max(int(2000*sf), 20), 12)
	g.parts = makeParts(int(200000*min(partFactor, max(sf, 0.1)*partFactor)), 13)
	return g
}

func parties(kind string, n int, seed rng) []party {
	out := make([]party, n)
	for i := range out {
		nat := nations[seed.below(len(nations))]
		out[i] = party{
			name:    fmt.Sprintf("%s#%09d", kind, i+1),
			address: randomText(&seed, seed.between(10, 25)),
			city:    cityOf(nat.name, seed.below(10)), nation: nat.name, region: nat.region,
			phone: fmt.Sprintf("%d-%03d-%03d-%04d", seed.between(10, 34), seed.between(100, 999),
				seed.between(100, 999), seed.between(1000, 9999)),
			segment: segments[seed.below(len(segments))],
		}
	}
	return out
}

// cityOf is the nation's first nine letters, padded, and a digit.
func cityOf(nation string, digit int) string {
	return fmt.Sprintf("%-9.9s%d", nation, digit)
}

func randomText(r *rng, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789, "
	var b strings.Builder
	for range n {
		b.WriteByte(letters[r.below(len(letters))])
	}
	return strings.TrimSpace(b.String())
}

func makeParts(n int, seed rng) []part {
	out := make([]part, max(n, 1000))
	for i := range out {
		key := i + 1
		mfgr := seed.between(1, 5)
		category := fmt.Sprintf("MFGR#%d%d", mfgr, seed.between(1, 5))
		c1, c2 := colors[seed.below(len(colors))], colors[seed.below(len(colors))]
		out[i] = part{
			name: c1 + " " + c2, mfgr: fmt.Sprintf("MFGR#%d", mfgr), category: category,
			brand: fmt.Sprintf("%s%d", category, seed.between(1, 40)), color: c1,
			kind: typeOne[seed.below(6)] + " " + typeTwo[seed.below(5)] + " " + typeThree[seed.below(5)],
			size: int32(seed.between(1, 50)), container: boxOne[seed.below(5)] + " " + boxTwo[seed.below(8)],
			price: int64(90000 + (key/10)%20001 + 100*(key%1000)),
		}
	}
	return out
}

var firstDay = time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC)

// orderDays is the number of order dates: up to 1998-08-02.
const orderDays = 2406

func (g *Generator) nextOrder() {
	g.order++
	g.line, g.lines = 0, g.rng.between(1, 7)
	// A third of the customers never order.
	c := g.rng.below(len(g.customers))
	for (c+1)%3 == 0 {
		c = g.rng.below(len(g.customers))
	}
	g.head = orderHead{
		customer: c, date: firstDay.AddDate(0, 0, g.rng.below(orderDays)),
		priority: priorities[g.rng.below(len(priorities))], total: int64(g.rng.between(100000, 40000000)),
	}
}

// Next fills b, whose vectors follow Schema, with up to n rows; false means
// that all rows were made.
func (g *Generator) Next(n int, b *column.Batch) bool {
	n = min(n, g.rows-g.done)
	if b.Cols == nil {
		for _, f := range Schema().Fields {
			b.Cols = append(b.Cols, column.New(f.Type, n))
		}
	}
	for i, f := range Schema().Fields {
		b.Cols[i].Reset(f.Type)
	}
	b.N = n
	for range n {
		if g.line == g.lines {
			g.nextOrder()
		}
		g.line++
		g.row(b)
	}
	g.done += n
	return n > 0
}

// row appends one row; the order of columns is that of Schema.
func (g *Generator) row(b *column.Batch) {
	r := &g.rng
	pk, sk := r.below(len(g.parts)), r.below(len(g.suppliers))
	p, s, c := &g.parts[pk], &g.suppliers[sk], &g.customers[g.head.customer]
	quantity, discount := int64(r.between(1, 50)), int64(r.between(0, 10))
	price := quantity * p.price
	date := g.head.date
	_, week := date.ISOWeek()
	w := rowWriter{b: b}
	w.long(int64(g.order))
	w.int(int32(g.line))
	w.int(int32(g.head.customer + 1))
	w.int(int32(pk + 1))
	w.int(int32(sk + 1))
	w.int(days(date))
	w.text(g.head.priority)
	w.int(0)
	w.int(int32(quantity))
	w.long(price)
	w.long(g.head.total)
	w.int(int32(discount))
	w.long(price * (100 - discount) / 100)
	w.long(6 * p.price / 10)
	w.int(int32(r.between(0, 8)))
	w.int(days(date) + int32(r.between(30, 90)))
	w.text(shipModes[r.below(len(shipModes))])
	w.int(int32(date.Year()))
	w.int(int32(date.Year()*100 + int(date.Month())))
	w.int(int32(week))
	for _, v := range []string{c.name, c.address, c.city, c.nation, c.region, c.phone, c.segment,
		s.name, s.address, s.city, s.nation, s.region, s.phone,
		p.name, p.mfgr, p.category, p.brand, p.color, p.kind} {
		w.text(v)
	}
	w.int(p.size)
	w.text(p.container)
}

func days(t time.Time) int32 { return int32(t.Unix() / 86400) }

// rowWriter appends values to consecutive columns.
type rowWriter struct {
	b *column.Batch
	i int
}

func (w *rowWriter) col() *column.Vector {
	v := w.b.Cols[w.i]
	w.i++
	v.N++
	return v
}

func (w *rowWriter) int(x int32) {
	v := w.col()
	v.Int32s = append(v.Int32s, x)
}

func (w *rowWriter) long(x int64) {
	v := w.col()
	v.Int64s = append(v.Int64s, x)
}

func (w *rowWriter) text(s string) {
	v := w.col()
	v.Data = append(v.Data, s...)
	v.Offsets = append(v.Offsets, uint32(len(v.Data)))
}

var tableSchema = func() *schema.Schema {
	s := &schema.Schema{Name: "lineorder_flat", Version: 1}
	add := func(t schema.Type, role schema.Role, names ...string) {
		for _, n := range names {
			s.Fields = append(s.Fields, schema.Field{ID: uint32(len(s.Fields) + 1), Name: n, Type: t, Role: role})
		}
	}
	add(schema.Int64, schema.Dimension, "lo_orderkey")
	add(schema.Int32, schema.Dimension, "lo_linenumber", "lo_custkey", "lo_partkey", "lo_suppkey")
	add(schema.Date, schema.DateTime, "lo_orderdate")
	add(schema.Text, schema.Dimension, "lo_orderpriority")
	add(schema.Int32, schema.Dimension, "lo_shippriority", "lo_quantity")
	add(schema.Int64, schema.Metric, "lo_extendedprice", "lo_ordtotalprice")
	add(schema.Int32, schema.Dimension, "lo_discount")
	add(schema.Int64, schema.Metric, "lo_revenue", "lo_supplycost")
	add(schema.Int32, schema.Dimension, "lo_tax")
	add(schema.Date, schema.DateTime, "lo_commitdate")
	add(schema.Text, schema.Dimension, "lo_shipmode")
	add(schema.Int32, schema.Dimension, "lo_orderyear", "lo_orderyearmonth", "lo_orderweek")
	add(schema.Text, schema.Dimension, "c_name", "c_address", "c_city", "c_nation", "c_region", "c_phone", "c_mktsegment",
		"s_name", "s_address", "s_city", "s_nation", "s_region", "s_phone",
		"p_name", "p_mfgr", "p_category", "p_brand", "p_color", "p_type")
	add(schema.Int32, schema.Dimension, "p_size")
	add(schema.Text, schema.Dimension, "p_container")
	s.NextColumnID = uint32(len(s.Fields) + 1)
	return s
}()

// Schema returns the schema of lineorder_flat. It is shared: read-only.
func Schema() *schema.Schema { return tableSchema }
