// Package hits generates a table of page views of web sites with the columns of
// the public ClickBench benchmark and a like skew (few sites and users make
// most views, most searches are empty), in order of time over one month, and
// holds 43 queries of ClickBench's shapes. Row i is the same on every machine
// for one number of rows.
package hits

import (
	"math/bits"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
)

const (
	// sites is the number of counters; site 0 has the identity mainCounter and
	// about one view in thirteen.
	sites       = 6000
	mainCounter = 62
	firstSecond = 1_372_636_800 // 2013-07-01
	monthLen    = 31 * 86400
	// probeUser is the user that a query looks for.
	probeUser = 4711
)

// Generator makes the rows of one size. It is used by one goroutine.
type Generator struct {
	rows, done     int
	users, phrases int
	rng            data.Rand
	domains        []string
	buf            []byte
}

// New returns a generator of rows rows.
func New(rows int) *Generator {
	g := &Generator{rows: rows, rng: 1, users: rows/6 + probeUser + 1, phrases: rows/16 + 100}
	for c := range sites {
		g.domains = append(g.domains, domain(c))
	}
	return g
}

// Next fills b with up to n rows; false means that all rows were made.
func (g *Generator) Next(n int, b *column.Batch) bool {
	n = min(n, g.rows-g.done)
	data.Prepare(Schema(), b, n)
	for range n {
		g.row(b)
		g.done++
	}
	return n > 0
}

// UserID is the identity of a user.
func UserID(user int) int64 { return int64(data.Hash(uint64(user)+1<<50) >> 1) }

// pageHash is the hash of the address of a page.
func pageHash(site, page int) int64 {
	return int64(data.Hash(uint64(site)<<32|uint64(page)+1<<55) >> 1)
}

// counterID is the identity of a site.
func counterID(site int) int32 {
	if site == 0 {
		return mainCounter
	}
	return int32(100 + (site*7919)%200_000)
}

// visitor holds what does not change for a user.
type visitor struct {
	id                    int64
	ip, region            int32
	os, agent, agentMajor int32
	agentMinor            string
	screen                [2]int32
	flash, depth          int32
	phone                 int // position in phoneModels, -1 for a computer
	locale                int
	age, sex, income      int32
	interests, zone       int32
}

func (g *Generator) visitor(user int) (v visitor) {
	r := data.Rand(data.Hash(uint64(user)))
	v.id = UserID(user)
	v.ip = int32(r.Below(1<<30)) + 1<<28
	v.region = int32(r.Zipf(5000) + 1)
	v.os = int32(r.Zipf(90))
	v.agent = int32(r.Zipf(80))
	v.agentMajor = int32(r.Between(1, 60))
	v.agentMinor = [...]string{"0", "1", "01", "D", "5", "6", "20", "cE"}[r.Zipf(8)]
	v.screen = screens[r.Zipf(len(screens))]
	v.flash = int32(r.Between(0, 11))
	v.depth = [...]int32{24, 32, 16, 8}[r.Zipf(4)]
	v.phone = -1
	if r.Chance(16) {
		v.phone = r.Zipf(len(phoneModels))
	}
	v.locale = r.Below(len(languages))
	v.age = int32(r.Below(6) * r.Below(2) * 10)
	v.sex = int32(r.Below(3))
	v.income = int32(r.Below(4))
	v.interests = int32(r.Zipf(16000))
	v.zone = int32([...]int{240, 180, 120, 300, 360, 420, 600, 0}[r.Zipf(8)])
	return v
}

// view holds what is drawn for a row before its columns are written.
type view struct {
	visitor
	second               int64
	site, page           int
	referer              []byte
	refererHash          int64
	phrase               int // -1 for none
	engine, adv, traffic int32
}

// user mixes the few busy users with the many others.
func (g *Generator) user() int {
	if g.rng.Chance(10) {
		return g.rng.Zipf(g.users)
	}
	return g.rng.Below(g.users)
}

// pages is the number of pages of a site, a quarter of its expected views.
func (g *Generator) pages(site int) int {
	octaves := bits.Len(uint(sites))
	size := 1 << (bits.Len(uint(site+1)) - 1)
	return g.rows/octaves/size/4 + 8
}

func (g *Generator) page(site int) int {
	if n := g.pages(site); g.rng.Chance(2) {
		return g.rng.Zipf(n)
	} else {
		return g.rng.Below(n)
	}
}

func (g *Generator) view() (v view) {
	r := &g.rng
	v.visitor = g.visitor(g.user())
	v.second = firstSecond + int64(g.done)*monthLen/int64(g.rows)
	v.site = r.Zipf(sites)
	v.page = g.page(v.site)
	v.phrase, v.traffic = -1, int32(r.Below(4))
	if r.Chance(8) {
		v.phrase, v.engine = r.Zipf(g.phrases), int32(2+r.Zipf(30))
		if r.Chance(2) {
			v.phrase = r.Below(g.phrases)
		}
	}
	if r.Chance(120) {
		v.adv = int32([...]int{2, 27, 13, 45, 44, 3, 62, 52, 50, 28, 53, 25, 61, 21, 42, 16, 7}[r.Zipf(17)])
	}
	g.refer(&v)
	return v
}

// refer draws where the user came from.
func (g *Generator) refer(v *view) {
	r := &g.rng
	g.buf = g.buf[:0]
	switch k := r.Below(20); {
	case v.phrase >= 0:
		g.buf = append(g.buf, "http://yandex.ru/yandsearch?text="...)
		g.buf = appendHex(g.buf, uint64(v.phrase)*0x9e37)
		v.refererHash, v.traffic = int64(data.Hash(uint64(v.phrase)+1<<52)>>1), 2
	case k < 5:
		v.refererHash = int64(data.Hash(1<<53) >> 1)
	case k < 9: // the site's own first page
		g.buf = g.appendURL(g.buf, v.site, 0)
		v.refererHash = pageHash(v.site, 0)
		if r.Chance(2) {
			v.traffic = -1
		}
	case k < 15:
		p := g.page(v.site)
		g.buf = g.appendURL(g.buf, v.site, p)
		v.refererHash = pageHash(v.site, p)
		if r.Chance(3) {
			v.traffic = 6
		}
	default:
		site := r.Zipf(sites)
		p := g.page(site)
		g.buf = g.appendURL(g.buf, site, p)
		v.refererHash = pageHash(site, p)
	}
	v.referer = g.buf
}

func appendHex(dst []byte, x uint64) []byte {
	for range 6 {
		dst = append(dst, '%', "0123456789ABCDEF"[x>>4&15], "0123456789ABCDEF"[x&15])
		x = x>>7 ^ x<<5
	}
	return dst
}
