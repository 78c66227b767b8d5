package hits

import (
	"strconv"

	"github.com/alluviumdb/alluvium/bench/data"
)

var (
	pathWords = []string{
		"news", "catalog", "auto", "forum", "video", "music", "shop", "sport", "travel", "weather", "film", "photo",
		"realty", "jobs", "game", "blog", "article", "product", "category", "search", "user", "profile", "image",
		"topic", "city", "price", "review", "archive", "map", "event",
	}
	titleWords = []string{
		"Новости", "Погода", "Купить", "Смотреть", "онлайн", "бесплатно", "Форум", "Авто", "Карта", "Москва", "цены",
		"отзывы", "Фото", "Видео", "Игры", "music", "online", "best", "free", "shop", "photo", "world", "travel",
		"review", "city", "weather", "sport", "live", "home", "auto",
	}
	phraseWords = []string{
		"купить", "скачать", "бесплатно", "смотреть", "онлайн", "погода", "москва", "карта", "как", "рецепт", "фильм",
		"игра", "работа", "квартира", "авто", "отзывы", "форум", "расписание", "новости", "фото", "download", "free",
		"how", "to", "best", "cheap", "hotel", "flight", "music", "video", "game", "photo", "weather", "car", "phone",
		"recipe", "map", "movie", "job", "news",
	}
	phoneModels = []string{
		"iPhone 4", "iPad", "iPhone 5", "GT-I9300", "Nexus 7", "Lumia 800", "GT-N7100", "Xperia Z", "HTC One", "Desire S",
		"GT-I9500", "MeMO Pad", "Galaxy Tab", "BlackBerry", "N900", "Optimus G",
	}
	languages  = []string{"ru", "ru", "ru", "ru", "uk", "en", "en", "de", "tr", "kk", "be", "fr"}
	countries  = []string{"RU", "RU", "RU", "RU", "UA", "US", "BY", "DE", "TR", "KZ", "FR", "GB"}
	charsets   = []string{"utf-8", "utf-8", "utf-8", "windows-1251", "windows-1251", "windows", "koi8-r", ""}
	currencies = []string{"RUB", "USD", "EUR"}
	screens    = [][2]int32{
		{1366, 768}, {1280, 1024}, {1920, 1080}, {1024, 768}, {1280, 800}, {1440, 900}, {1600, 900}, {1680, 1050},
		{320, 480}, {768, 1024}, {360, 640}, {1152, 864}, {800, 600}, {2560, 1440}, {1360, 768}, {1093, 614},
	}
)

// domain is the site of a counter.
func domain(counter int) string {
	h := data.Hash(uint64(counter) + 77)
	tld := []string{"ru", "ru", "ru", "com", "com", "net", "ua", "org"}[h%8]
	return pathWords[h>>8%30] + strconv.Itoa(int(h>>32%9973)) + "." + tld
}

// appendPath appends the path of a page of a site. One page in 1,500 was
// reached by an advertisement of Google's.
func appendPath(dst []byte, counter, page int) []byte {
	dst = append(dst, '/')
	if page == 0 {
		return dst
	}
	h := data.Hash(uint64(counter)<<32 | uint64(page))
	for range 1 + h%3 {
		h = data.Hash(h)
		dst = append(append(dst, pathWords[h%30]...), '/')
	}
	dst = strconv.AppendInt(dst, int64(page), 10)
	dst = append(dst, ".html"...)
	switch {
	case h>>16%1500 == 0:
		dst = append(dst, "?utm_source=google&utm_medium=cpc"...)
	case h>>16%6000 == 1:
		dst = append(dst, "?ref=http%3A%2F%2Fwww.google.ru%2Fsearch"...)
	case h>>16%4 == 2:
		dst = append(dst, "?from="...)
		dst = append(dst, pathWords[h>>40%30]...)
		dst = append(dst, "&id="...)
		dst = strconv.AppendUint(dst, h>>44, 10)
	}
	return dst
}

// appendURL appends the address of a page of a site.
func (g *Generator) appendURL(dst []byte, counter, page int) []byte {
	return appendPath(append(append(dst, "http://"...), g.domains[counter]...), counter, page)
}

// appendTitle appends the title that two neighbouring pages share; the long
// tail of pages of one in 800 speaks of Google.
func (g *Generator) appendTitle(dst []byte, counter, page int) []byte {
	h := data.Hash(uint64(counter)<<33 | uint64(page/2))
	for i := range 2 + h%6 {
		h = data.Hash(h)
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, titleWords[h%30]...)
	}
	if h>>20%800 == 0 {
		dst = append(dst, " Google"...)
	}
	dst = append(append(dst, " - "...), g.domains[counter]...)
	if page > 1 {
		dst = strconv.AppendInt(append(dst, ' '), int64(page/2), 10)
	}
	return dst
}

// appendPhrase appends the words of a search.
func appendPhrase(dst []byte, phrase int) []byte {
	h := data.Hash(uint64(phrase) + 1<<40)
	for i := range 2 + h%4 {
		h = data.Hash(h)
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, phraseWords[h%40]...)
	}
	if phrase > 1000 {
		dst = strconv.AppendInt(append(dst, ' '), int64(phrase%997), 10)
	}
	return dst
}
