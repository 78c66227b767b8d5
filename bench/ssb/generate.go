// Package ssb generates the denormalised table of the Star Schema Benchmark
// (O'Neil, O'Neil, Chen: "Star Schema Benchmark", revision 3) with 41 columns,
// in lineorder order with random dates, and holds its queries. Row i is the
// same on every machine, whatever the number of rows asked for.
package ssb

import (
	"fmt"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

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
	rng                  data.Rand
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
	sf := scale(rows)
	partFactor := 1.0
	for f := 2.0; f <= sf; f *= 2 {
		partFactor++
	}
	g := &Generator{rows: rows, rng: 1}
	g.customers = parties("Customer", Customers(rows), 11)
	g.suppliers = parties("Supplier", max(int(2000*sf), 20), 12)
	g.parts = makeParts(int(200000*min(partFactor, max(sf, 0.1)*partFactor)), 13)
	return g
}

// scale is the scale factor of a number of rows.
func scale(rows int) float64 { return max(float64(rows)/6e6, 0.1) }

// Customers returns the number of customers in a table of that many rows.
func Customers(rows int) int { return max(int(30000*scale(rows)), 100) }

func parties(kind string, n int, seed data.Rand) []party {
	out := make([]party, n)
	for i := range out {
		nat := nations[seed.Below(len(nations))]
		out[i] = party{
			name:    fmt.Sprintf("%s#%09d", kind, i+1),
			address: randomText(&seed, seed.Between(10, 25)),
			city:    cityOf(nat.name, seed.Below(10)), nation: nat.name, region: nat.region,
			phone: fmt.Sprintf("%d-%03d-%03d-%04d", seed.Between(10, 34), seed.Between(100, 999),
				seed.Between(100, 999), seed.Between(1000, 9999)),
			segment: segments[seed.Below(len(segments))],
		}
	}
	return out
}

// cityOf is the nation's first nine letters, padded, and a digit.
func cityOf(nation string, digit int) string {
	return fmt.Sprintf("%-9.9s%d", nation, digit)
}

func randomText(r *data.Rand, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789, "
	var b strings.Builder
	for range n {
		b.WriteByte(letters[r.Below(len(letters))])
	}
	return strings.TrimSpace(b.String())
}

func makeParts(n int, seed data.Rand) []part {
	out := make([]part, max(n, 1000))
	for i := range out {
		key := i + 1
		mfgr := seed.Between(1, 5)
		category := fmt.Sprintf("MFGR#%d%d", mfgr, seed.Between(1, 5))
		c1, c2 := colors[seed.Below(len(colors))], colors[seed.Below(len(colors))]
		out[i] = part{
			name: c1 + " " + c2, mfgr: fmt.Sprintf("MFGR#%d", mfgr), category: category,
			brand: fmt.Sprintf("%s%d", category, seed.Between(1, 40)), color: c1,
			kind: typeOne[seed.Below(6)] + " " + typeTwo[seed.Below(5)] + " " + typeThree[seed.Below(5)],
			size: int32(seed.Between(1, 50)), container: boxOne[seed.Below(5)] + " " + boxTwo[seed.Below(8)],
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
	g.line, g.lines = 0, g.rng.Between(1, 7)
	// A third of the customers never order.
	c := g.rng.Below(len(g.customers))
	for (c+1)%3 == 0 {
		c = g.rng.Below(len(g.customers))
	}
	g.head = orderHead{
		customer: c, date: firstDay.AddDate(0, 0, g.rng.Below(orderDays)),
		priority: priorities[g.rng.Below(len(priorities))], total: int64(g.rng.Between(100000, 40000000)),
	}
}

// Next fills b, whose vectors follow Schema, with up to n rows; false means
// that all rows were made.
func (g *Generator) Next(n int, b *column.Batch) bool {
	n = min(n, g.rows-g.done)
	data.Prepare(Schema(), b, n)
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
	pk, sk := r.Below(len(g.parts)), r.Below(len(g.suppliers))
	p, s, c := &g.parts[pk], &g.suppliers[sk], &g.customers[g.head.customer]
	quantity, discount := int64(r.Between(1, 50)), int64(r.Between(0, 10))
	price := quantity * p.price
	date := g.head.date
	_, week := date.ISOWeek()
	w := data.Writer{B: b}
	w.Long(int64(g.order))
	w.Int(int32(g.line))
	w.Int(int32(g.head.customer + 1))
	w.Int(int32(pk + 1))
	w.Int(int32(sk + 1))
	w.Int(days(date))
	w.Text(g.head.priority)
	w.Int(0)
	w.Int(int32(quantity))
	w.Long(price)
	w.Long(g.head.total)
	w.Int(int32(discount))
	w.Long(price * (100 - discount) / 100)
	w.Long(6 * p.price / 10)
	w.Int(int32(r.Between(0, 8)))
	w.Int(days(date) + int32(r.Between(30, 90)))
	w.Text(shipModes[r.Below(len(shipModes))])
	w.Int(int32(date.Year()))
	w.Int(int32(date.Year()*100 + int(date.Month())))
	w.Int(int32(week))
	for _, v := range []string{c.name, c.address, c.city, c.nation, c.region, c.phone, c.segment,
		s.name, s.address, s.city, s.nation, s.region, s.phone,
		p.name, p.mfgr, p.category, p.brand, p.color, p.kind} {
		w.Text(v)
	}
	w.Int(p.size)
	w.Text(p.container)
}

func days(t time.Time) int32 { return int32(t.Unix() / 86400) }

var tableSchema = func() *schema.Schema {
	s := &schema.Schema{Name: "lineorder_flat", Version: 1}
	data.Fields(s, schema.Int64, schema.Dimension, "lo_orderkey")
	data.Fields(s, schema.Int32, schema.Dimension, "lo_linenumber", "lo_custkey", "lo_partkey", "lo_suppkey")
	data.Fields(s, schema.Date, schema.DateTime, "lo_orderdate")
	data.Fields(s, schema.Text, schema.Dimension, "lo_orderpriority")
	data.Fields(s, schema.Int32, schema.Dimension, "lo_shippriority", "lo_quantity")
	data.Fields(s, schema.Int64, schema.Metric, "lo_extendedprice", "lo_ordtotalprice")
	data.Fields(s, schema.Int32, schema.Dimension, "lo_discount")
	data.Fields(s, schema.Int64, schema.Metric, "lo_revenue", "lo_supplycost")
	data.Fields(s, schema.Int32, schema.Dimension, "lo_tax")
	data.Fields(s, schema.Date, schema.DateTime, "lo_commitdate")
	data.Fields(s, schema.Text, schema.Dimension, "lo_shipmode")
	data.Fields(s, schema.Int32, schema.Dimension, "lo_orderyear", "lo_orderyearmonth", "lo_orderweek")
	data.Fields(s, schema.Text, schema.Dimension, "c_name", "c_address", "c_city", "c_nation", "c_region", "c_phone", "c_mktsegment",
		"s_name", "s_address", "s_city", "s_nation", "s_region", "s_phone",
		"p_name", "p_mfgr", "p_category", "p_brand", "p_color", "p_type")
	data.Fields(s, schema.Int32, schema.Dimension, "p_size")
	data.Fields(s, schema.Text, schema.Dimension, "p_container")
	return s
}()

// Schema returns the schema of lineorder_flat. It is shared: read-only.
func Schema() *schema.Schema { return tableSchema }
