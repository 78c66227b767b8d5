// Package demo makes the events of the web-transactions example and streams
// that carry them: an embedded one for the standalone process, and producers
// into real ones. It knows the example's records, nothing of tables.
package demo

import (
	"math"
	"math/bits"
	"strconv"
	"time"
)

// Generator makes shop events with the skew of real ones: few users and
// products cause most of them. The same seed gives the same events. It is used
// by one goroutine.
type Generator struct {
	rng      uint64
	users    zipf
	products zipf
	second   int64  // since 1970, of clock
	clock    []byte // formatted, as most events share it with the one before
}

type product struct{ name, department, kind string }

var (
	adjectives = []string{"Rustic", "Sleek", "Ergonomic", "Handmade", "Refined", "Practical", "Fantastic", "Intelligent"}
	kinds      = []struct{ kind, department string }{
		{"Chair", "Home"}, {"Table", "Home"}, {"Lamp", "Home"}, {"Shirt", "Clothing"}, {"Shoes", "Clothing"},
		{"Hat", "Clothing"}, {"Keyboard", "Computers"}, {"Mouse", "Computers"}, {"Monitor", "Computers"},
		{"Ball", "Sports"}, {"Bike", "Sports"}, {"Car", "Toys"}, {"Puzzle", "Toys"}, {"Soap", "Beauty"}, {"Towels", "Beauty"},
	}
	colors    = []string{"red", "blue", "green", "black", "white", "silver", "gold", "violet", "orange", "teal"}
	campaigns = []string{"NONE", "NONE", "NONE", "NONE", "NONE", "NONE", "BlackFriday", "BlackFriday", "10Percent"}
	products  = makeProducts()
)

func makeProducts() []product {
	var out []product
	for _, a := range adjectives {
		for _, k := range kinds {
			out = append(out, product{a + " " + k.kind, k.department, k.kind})
		}
	}
	return out
}

// users is the number of user ids, 1..users.
const users = 100

// NewGenerator returns a generator.
func NewGenerator(seed uint64) *Generator {
	return &Generator{rng: seed, users: newZipf(users, 0.9), products: newZipf(len(products), 0.8)}
}

// next is splitmix64.
func (g *Generator) next() uint64 {
	g.rng += 0x9e3779b97f4a7c15
	z := g.rng
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (g *Generator) below(n int) int {
	hi, _ := bits.Mul64(g.next(), uint64(n))
	return int(hi)
}

func (g *Generator) fraction() float64 { return float64(g.next()>>11) / (1 << 53) }

// AppendEvent appends one event as JSON. The timestamp is a 12-hour clock
// without AM or PM, as the feed that the example follows writes it.
func (g *Generator) AppendEvent(dst []byte, now time.Time) []byte {
	p := &products[g.products.pick(g.fraction())]
	dst = append(dst, `{"userID":"`...)
	dst = strconv.AppendInt(dst, int64(g.users.pick(g.fraction())+1), 10)
	dst = append(dst, `","productName":"`...)
	dst = append(dst, p.name...)
	dst = append(dst, `","color":"`...)
	dst = append(dst, colors[g.below(len(colors))]...)
	dst = append(dst, `","department":"`...)
	dst = append(dst, p.department...)
	dst = append(dst, `","product":"`...)
	dst = append(dst, p.kind...)
	dst = append(dst, `","campaign":"`...)
	dst = append(dst, campaigns[g.below(len(campaigns))]...)
	dst = append(dst, `","price":`...)
	dst = strconv.AppendInt(dst, int64(10+g.below(141)), 10)
	dst = append(dst, `,"creationTimestamp":"`...)
	dst = append(dst, g.format(now)...)
	return append(dst, `"}`...)
}

func (g *Generator) format(now time.Time) []byte {
	if sec := now.Unix(); sec != g.second || len(g.clock) == 0 {
		g.second = sec
		g.clock = now.UTC().AppendFormat(g.clock[:0], "2006-01-02 03:04:05")
	}
	return g.clock
}

// zipf picks ranks with a probability that falls with rank^-s, by a table of
// cumulated probabilities.
type zipf struct{ cumulated []float64 }

func newZipf(n int, s float64) zipf {
	z := zipf{make([]float64, n)}
	sum := 0.0
	for i := range n {
		sum += math.Pow(float64(i+1), -s)
		z.cumulated[i] = sum
	}
	for i := range z.cumulated {
		z.cumulated[i] /= sum
	}
	return z
}

// pick returns the rank, from 0, for a number in [0, 1).
func (z zipf) pick(f float64) int {
	lo, hi := 0, len(z.cumulated)-1
	for lo < hi {
		if mid := (lo + hi) / 2; z.cumulated[mid] <= f {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
