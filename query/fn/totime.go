package fn

import (
	"strings"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// zoneOffset is an offset that a text gave, in seconds east of UTC.
type zoneOffset struct {
	set  bool
	secs int64
}

// templateReader reads a text by a template.
type templateReader struct {
	s      string
	full   string
	y      int64
	hasY   bool
	iso    bool
	m, d   int
	doy    int
	week   int
	wd     int
	h      int
	h12    bool
	pm     int // 0 unknown, 1 AM, 2 PM
	mi, ss int
	us     int64
	bc     bool
	cc     int
	julian int64
	zone   zoneOffset
	negTZ  bool
}

// readTemplate is to_timestamp and to_date: the local time that s gives.
func readTemplate(s, template string) (int64, zoneOffset, error) {
	r := templateReader{s: s, full: s, julian: -1}
	tokens := parseTemplate(template)
	for i, t := range tokens {
		next := i+1 < len(tokens) && tokens[i+1].field != ""
		if err := r.token(t, next); err != nil {
			return 0, r.zone, err
		}
	}
	ts, err := r.value()
	return ts, r.zone, err
}

func (r *templateReader) bad(t tplToken) error {
	return sqlerr.New(sqlerr.InvalidDatetime, "invalid value %q for %q", firstWord(r.s), t.written)
}

func firstWord(s string) string {
	if i := strings.IndexAny(s, " -/:."); i > 0 {
		return s[:i]
	}
	return s
}

// token reads one field; glued tells that another follows without a separator,
// so that numbers end at their width.
func (r *templateReader) token(t tplToken, glued bool) error {
	if t.field == "" {
		r.literal(t.written)
		return nil
	}
	r.s = strings.TrimLeft(r.s, " ")
	if r.s == "" {
		return nil
	}
	switch t.field {
	case "MONTH", "MON":
		return r.monthName(t)
	case "DAY", "DY":
		n := 0
		for n < len(r.s) && isIdentByte(r.s[n], true) {
			n++
		}
		r.s = r.s[n:]
		return nil
	case "AM", "PM", "A.M.", "P.M.":
		return r.meridiem(t)
	case "BC", "AD", "B.C.", "A.D.":
		return r.era(t)
	case "RM":
		return r.roman(t)
	case "TZ", "OF", "TZH", "TZM":
		return r.offset(t)
	}
	return r.number(t, glued)
}

// literal skips the template's text: a separator matches any separators.
func (r *templateReader) literal(text string) {
	for _, c := range text {
		if r.s == "" {
			return
		}
		if c == ' ' {
			r.s = strings.TrimLeft(r.s, " ")
			continue
		}
		first := rune(r.s[0])
		isSep := !isIdentByte(r.s[0], true) && (first < '0' || first > '9')
		if first == c || isSep && strings.ContainsRune("-/.,:;'", c) {
			r.s = r.s[1:]
		} else if c == 'T' || c == 'Z' || isIdentByte(byte(c), true) {
			r.s = r.s[1:]
		}
	}
}

func (r *templateReader) monthName(t tplToken) error {
	low := strings.ToLower(r.s)
	for i, m := range monthNames {
		name := m
		if t.field == "MON" {
			name = m[:3]
		}
		if strings.HasPrefix(low, name) {
			r.m, r.s = i+1, r.s[len(name):]
			return nil
		}
	}
	return r.bad(t)
}

func (r *templateReader) roman(t tplToken) error {
	up := strings.ToUpper(r.s)
	for i := len(romanMonths) - 1; i >= 0; i-- {
		if firstWord(up) == romanMonths[i] {
			r.m, r.s = i+1, r.s[len(romanMonths[i]):]
			return nil
		}
	}
	return r.bad(t)
}

func (r *templateReader) meridiem(t tplToken) error {
	low := strings.ToLower(r.s)
	for _, form := range []string{"am", "pm", "a.m.", "p.m."} {
		if strings.HasPrefix(low, form) {
			r.pm = 1
			if form[0] == 'p' {
				r.pm = 2
			}
			r.s = r.s[len(form):]
			return nil
		}
	}
	return r.bad(t)
}

func (r *templateReader) era(t tplToken) error {
	low := strings.ToLower(r.s)
	for _, form := range []string{"bc", "ad", "b.c.", "a.d."} {
		if strings.HasPrefix(low, form) {
			r.bc = form[0] == 'b'
			r.s = r.s[len(form):]
			return nil
		}
	}
	return r.bad(t)
}

func (r *templateReader) offset(t tplToken) error {
	if t.field == "TZM" {
		n, err := r.digits(t, 2)
		if r.negTZ {
			n = -n
		}
		r.zone.secs += n * 60
		return err
	}
	end := 0
	for end < len(r.s) && strings.IndexByte("+-:0123456789", r.s[end]) >= 0 && (end < 3 || t.field != "TZH") {
		end++
	}
	if end > 0 {
		secs, ok := parseOffset(r.s[:end])
		if !ok {
			return r.bad(t)
		}
		r.negTZ = r.s[0] == '-'
		r.zone, r.s = zoneOffset{true, int64(secs)}, r.s[end:]
		return nil
	}
	word := firstWord(r.s)
	off, ok := abbreviations[strings.ToUpper(word)]
	if !ok {
		return r.bad(t)
	}
	r.zone, r.s = zoneOffset{true, int64(off)}, r.s[len(word):]
	return nil
}

// widths bound the digits of a field that another follows directly.
var tplWidths = map[string]int{
	"YYYY": 4, "IYYY": 4, "YYY": 3, "YY": 2, "Y": 1, "IYY": 3, "IY": 2, "I": 1, "MM": 2, "DD": 2, "DDD": 3, "IDDD": 3, "D": 1,
	"ID": 1, "HH": 2, "HH12": 2, "HH24": 2, "MI": 2, "SS": 2, "MS": 3, "US": 6, "WW": 2, "IW": 2, "W": 1, "Q": 1, "CC": 2,
	"SSSS": 5, "SSSSS": 5, "J": 7, "FF1": 1, "FF2": 2, "FF3": 3, "FF4": 4, "FF5": 5, "FF6": 6, "Y,YYY": 5,
}

// digits reads a number of at most width digits.
func (r *templateReader) digits(t tplToken, width int) (int64, error) {
	n, used := int64(0), 0
	for used < len(r.s) && used < width && r.s[used] >= '0' && r.s[used] <= '9' {
		n = n*10 + int64(r.s[used]-'0')
		used++
	}
	if used == 0 {
		return 0, r.bad(t)
	}
	r.s = r.s[used:]
	return n, nil
}

func (r *templateReader) number(t tplToken, glued bool) error {
	if t.field == "Y,YYY" {
		return r.commaYear(t)
	}
	width := tplWidths[t.field]
	if !glued && (t.field == "YYYY" || t.field == "J") {
		width = 9
	}
	before := len(r.s)
	n, err := r.digits(t, width)
	if err != nil {
		return err
	}
	if t.th != "" && len(r.s) >= 2 {
		r.s = r.s[2:]
	}
	r.store(t.field, n, before-len(r.s))
	return nil
}

func (r *templateReader) commaYear(t tplToken) error {
	k, err := r.digits(t, 3)
	if err != nil || !strings.HasPrefix(r.s, ",") {
		return r.bad(t)
	}
	r.s = r.s[1:]
	n, err := r.digits(t, 3)
	r.y, r.hasY = k*1000+n, true
	return err
}

func (r *templateReader) store(field string, n int64, used int) {
	switch field {
	case "YYYY", "IYYY":
		r.y, r.hasY, r.iso = n, true, field[0] == 'I'
	case "YYY", "YY", "Y", "IYY", "IY", "I":
		r.y, r.hasY, r.iso = nearYear(n, used), true, field[0] == 'I'
	case "MM":
		r.m = int(n)
	case "DD":
		r.d = int(n)
	case "DDD", "IDDD":
		r.doy = int(n)
	case "WW", "IW":
		r.week, r.iso = int(n), r.iso || field == "IW"
	case "D":
		r.wd = int(n+5)%7 + 1
	case "ID":
		r.wd = int(n)
	case "HH", "HH12":
		r.h, r.h12 = int(n), true
	case "HH24":
		r.h = int(n)
	case "MI":
		r.mi = int(n)
	case "SS":
		r.ss = int(n)
	case "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		for ; used < 6; used++ {
			n *= 10
		}
		r.us = n
	case "SSSS", "SSSSS":
		r.h, r.mi, r.ss = int(n/3600), int(n/60%60), int(n%60)
	case "CC":
		r.cc = int(n)
	case "J":
		r.julian = n
	}
}

// nearYear completes a short year to the one nearest to 2020.
func nearYear(n int64, used int) int64 {
	switch {
	case used <= 2 && n < 70:
		return 2000 + n
	case used <= 2:
		return 1900 + n
	case used == 3 && n < 520:
		return 2000 + n
	}
	return 1000 + n
}

func (r *templateReader) outOfRange() error {
	return sqlerr.New(sqlerr.DatetimeOverflow, "date/time field value out of range: %q", r.full)
}

// value puts the fields together.
func (r *templateReader) value() (int64, error) {
	if r.h12 {
		if r.h < 1 || r.h > 12 {
			return 0, sqlerr.New(sqlerr.InvalidDatetime, "hour %q is invalid for the 12-hour clock", itoa(int64(r.h))).
				WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
		}
		if r.h == 12 && r.pm != 0 {
			r.h = 0
		}
	}
	if r.pm == 2 {
		r.h += 12
	}
	if r.h > 24 || r.mi > 59 || r.ss > 59 && !(r.ss == 60) {
		return 0, r.outOfRange()
	}
	day, err := r.dayValue()
	if err != nil {
		return 0, err
	}
	us := int64(r.h)*usHour + int64(r.mi)*usMinute + int64(r.ss)*usSecond + r.us
	return checkTS(day*usDay + us)
}

func (r *templateReader) dayValue() (int64, error) {
	if r.julian >= 0 {
		return r.julian - 2440588, nil
	}
	y := r.y
	if !r.hasY && r.cc > 0 {
		y = int64(r.cc-1)*100 + 1
	}
	if r.bc {
		y = 1 - y
	} else if !r.hasY && r.cc == 0 {
		y = 0 // PostgreSQL's year without one: 1 BC
	}
	switch {
	case r.iso && r.week > 0:
		jan4 := dayNumber(y, 1, 4)
		monday := jan4 - int64(weekday(jan4)+6)%7
		return monday + int64(r.week-1)*7 + int64(max(r.wd, 1)-1), nil
	case r.doy > 0:
		if r.doy > 366 {
			return 0, r.outOfRange()
		}
		return dayNumber(y, 1, 1) + int64(r.doy-1), nil
	case r.week > 0:
		return dayNumber(y, 1, 1) + int64(r.week-1)*7, nil
	}
	m, d := max(r.m, 1), max(r.d, 1)
	if m > 12 || d > daysIn(y, m) {
		return 0, r.outOfRange()
	}
	return dayNumber(y, m, d), nil
}
