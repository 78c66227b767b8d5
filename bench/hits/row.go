package hits

import (
	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
)

// rowWriter writes the columns of one view in the order of Schema.
type rowWriter struct {
	data.Writer
	g   *Generator
	r   *data.Rand
	v   *view
	buf []byte
}

// row appends one row.
func (g *Generator) row(b *column.Batch) {
	v := g.view()
	w := rowWriter{Writer: data.Writer{B: b}, g: g, r: &g.rng, v: &v}
	w.where()
	w.browser()
	w.source()
	w.window()
	w.session()
	w.timings()
	w.campaign()
}

// flag writes 1 once in n times, else 0.
func (w *rowWriter) flag(n int) {
	if w.r.Chance(n) {
		w.Int(1)
	} else {
		w.Int(0)
	}
}

// usually writes 1 but once in n times.
func (w *rowWriter) usually(n int) {
	if w.r.Chance(n) {
		w.Int(0)
	} else {
		w.Int(1)
	}
}

// zeros writes n columns of 0.
func (w *rowWriter) zeros(n int) {
	for range n {
		w.Int(0)
	}
}

// rarely writes one of the words once in n times, else nothing.
func (w *rowWriter) rarely(n int, words ...string) {
	if w.r.Chance(n) {
		w.Text(words[w.r.Zipf(len(words))])
	} else {
		w.Text("")
	}
}

// where writes WatchID to URLRegionID.
func (w *rowWriter) where() {
	v, g := w.v, w.g
	w.Long(int64(w.r.Next() >> 1))
	w.usually(10)
	w.buf = g.appendTitle(w.buf[:0], v.site, v.page)
	if w.r.Chance(10) {
		w.buf = w.buf[:0]
	}
	w.Bytes(w.buf)
	w.Int(1)
	w.Long(v.second * 1e6)
	w.Int(int32(v.second / 86400))
	w.Int(counterID(v.site))
	w.Int(v.ip)
	w.Int(v.region)
	w.Long(v.id)
	w.Int(int32(v.site % 3))
	w.Int(v.os)
	w.Int(v.agent)
	w.buf = g.appendURL(w.buf[:0], v.site, v.page)
	w.Bytes(w.buf)
	w.Bytes(v.referer)
	w.flag(8)
	w.Int(int32(w.r.Zipf(40)) * 250)
	w.Int(int32(w.r.Zipf(2000)))
	w.Int(int32(v.site%40) * 250)
	w.Int(int32(v.site % 2000))
}

// browser writes ResolutionWidth to MobilePhoneModel.
func (w *rowWriter) browser() {
	v := w.v
	w.Int(v.screen[0])
	w.Int(v.screen[1])
	w.Int(v.depth)
	w.Int(v.flash)
	w.Int(v.flash % 4)
	if v.flash > 9 {
		w.Text([...]string{"700", "700.224", "602", "202"}[v.flash%4])
	} else {
		w.Text("")
	}
	w.zeros(2)
	w.Int(v.agentMajor)
	w.Text(v.agentMinor)
	w.usually(50)
	w.usually(60)
	if v.phone < 0 {
		w.zeros(2)
		w.Text("")
		return
	}
	w.Int(1)
	w.Int(int32(v.phone%9 + 1))
	w.Text(phoneModels[v.phone])
}

// source writes Params to IsArtifical.
func (w *rowWriter) source() {
	v := w.v
	w.rarely(200, "{}", "{a:1}", "{b:2}")
	w.Int(v.ip >> 8)
	w.Int(v.traffic)
	w.Int(v.engine)
	w.buf = w.buf[:0]
	if v.phrase >= 0 {
		w.buf = appendPhrase(w.buf, v.phrase)
	}
	w.Bytes(w.buf)
	w.Int(v.adv)
	w.Int(0)
}

// window writes WindowClientWidth to PageCharset.
func (w *rowWriter) window() {
	v := w.v
	w.Int(max(v.screen[0]-int32(w.r.Below(200)), 0))
	w.Int(max(v.screen[1]-int32(w.r.Below(300)), 0))
	w.Int(v.zone)
	w.Long((v.second + int64(w.r.Below(40)) - 20) * 1e6)
	w.Int(int32(5 * w.r.Below(2)))
	w.Int(1)
	w.Int(int32(50_000 + w.r.Zipf(20_000)))
	w.Int(0)
	w.Text(charsets[v.site%len(charsets)])
}

// session writes CodeVersion to HistoryLength.
func (w *rowWriter) session() {
	v, r := w.v, w.r
	w.Int(int32(1500 + v.site%300))
	w.flag(20)
	w.flag(300)
	w.flag(4)
	w.Long(int64(data.Hash(uint64(v.id))>>1) * int64(r.Below(2)))
	if r.Chance(12) {
		w.Bytes(v.referer)
	} else {
		w.Text("")
	}
	w.Int(int32(r.Below(1 << 30)))
	w.flag(30)
	w.flag(25)
	w.flag(400)
	w.flag(15)
	w.flag(5)
	w.Text([...]string{"5", "g", "k", "e", "D"}[r.Zipf(5)])
	w.Long((v.second + int64(v.zone)*60) * 1e6)
	for _, x := range []int32{v.age, v.sex, v.income, v.interests, int32(r.Zipf(200))} {
		w.Int(x)
	}
	w.Int(v.ip ^ int32(r.Below(256)))
	w.Int(int32(r.Zipf(100_000)) - 1)
	w.Int(int32(r.Zipf(100_000)) - 1)
	w.Int(int32(r.Zipf(60)) - 1)
}

// timings writes BrowserLanguage to FetchTiming.
func (w *rowWriter) timings() {
	v, r := w.v, w.r
	w.Text(languages[v.locale])
	w.Text(countries[v.locale])
	w.rarely(500, "facebook", "vkontakte", "twitter")
	w.rarely(500, "like", "share", "unlike")
	w.zeros(1)
	for _, n := range []int{2000, 500, 800, 3000, 9000, 4000} {
		w.Int(int32(r.Zipf(n)))
	}
}

// campaign writes SocialSourceNetworkID to CLID.
func (w *rowWriter) campaign() {
	v, r := w.v, w.r
	w.flag(200)
	w.rarely(300, "http://vk.com/feed", "http://ok.ru/")
	w.Long(int64(r.Below(100_000)) * int64(r.Below(200)/199))
	w.rarely(2000, "1001", "1002", "1003", "1004")
	w.rarely(500, currencies...)
	w.zeros(1)
	w.rarely(400, "direct.yandex.ru", "begun")
	w.rarely(400, "1234567", "2345678", "3456789")
	w.rarely(400, "99887766", "88776655")
	w.rarely(400, "yandex.ru:premium", "yandex.ru:guarantee")
	w.rarely(100, "yandex", "google", "mail", "vk")
	w.rarely(100, "cpc", "banner", "email")
	w.rarely(100, "summer", "brand", "sale", "retarget")
	w.rarely(300, "text1", "text2", "text3")
	w.rarely(300, "key1", "key2", "key3")
	w.rarely(250, "rss", "mail", "widget")
	w.flag(600)
	w.Long(v.refererHash)
	w.Long(pageHash(v.site, v.page))
	w.Int(int32(r.Zipf(5000)) * int32(r.Below(2)))
}
