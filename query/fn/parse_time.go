package fn

import (
	"strconv"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// parseDateTime reads date, time, timestamp and timestamptz literals: ISO 8601
// and PostgreSQL's other common forms (month names, M/D/Y, AM/PM, BC, special
// words). Two-part numbers follow DateStyle MDY.
func parseDateTime(ctx *Context, s string, t schema.Type) (column.Value, error) {
	p := timeParser{text: s, typ: t, ctx: ctx, year: noField, hour: noField}
	if err := p.run(); err != nil {
		return column.Value{}, err
	}
	x, err := p.value()
	return column.IntValue(t, x), err
}

const noField = -1 << 40

// timeParser collects the fields of a date-time literal.
type timeParser struct {
	text string
	typ  schema.Type
	ctx  *Context

	year       int64
	month, day int
	hour       int
	min, sec   int
	us         int64
	pm, am, bc bool
	zone       *time.Location
	offset     int64
	hasOffset  bool
	special    string
}

func (p *timeParser) bad() error {
	return sqlerr.New(sqlerr.InvalidDatetime, "invalid input syntax for type %s: %q", plain(p.typ), p.text)
}

func (p *timeParser) outOfRange() error {
	return sqlerr.New(sqlerr.DatetimeOverflow, "date/time field value out of range: %q", p.text)
}

func (p *timeParser) run() error {
	s := strings.TrimSpace(p.text)
	if s == "" {
		return p.bad()
	}
	if ok, err := p.iso(s); ok || err != nil {
		return err
	}
	return p.words(s)
}

// iso reads YYYY-MM-DD[ T]hh:mm[:ss[.f]][zone], the form of nearly all input.
func (p *timeParser) iso(s string) (bool, error) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' || !digits(s[:4]) || !digits(s[5:7]) || !digits(s[8:10]) {
		return false, nil
	}
	p.year, p.month, p.day = int64(num(s[:4])), num(s[5:7]), num(s[8:10])
	if len(s) == 10 {
		return true, nil
	}
	if s[10] != ' ' && s[10] != 'T' && s[10] != 't' {
		return false, nil
	}
	rest := strings.TrimLeft(s[11:], " ")
	end := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != ':' && r != '.' })
	if end < 0 {
		end = len(rest)
	}
	if !strings.Contains(rest[:end], ":") {
		p.year = noField
		return false, nil
	}
	if err := p.clock(rest[:end]); err != nil {
		return false, err
	}
	return true, p.tail(strings.TrimSpace(rest[end:]))
}

// tail reads what may follow a time of day: zone, AM/PM, BC.
func (p *timeParser) tail(s string) error {
	for _, w := range strings.Fields(s) {
		if err := p.word(w); err != nil {
			return err
		}
	}
	return nil
}

// words reads a literal word by word.
func (p *timeParser) words(s string) error {
	p.year = noField
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	for i := 0; i < len(fields); i++ {
		if err := p.word(fields[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *timeParser) word(w string) error {
	c := w[0]
	switch {
	case strings.Contains(w, ":") && c >= '0' && c <= '9':
		return p.clockWithZone(w)
	case c == '+' || c == '-' && p.hour != noField:
		secs, ok := parseOffset(w)
		if !ok {
			return p.bad()
		}
		p.offset, p.hasOffset = int64(secs), true
		return nil
	case strings.Count(w, "-") == 2 || strings.Count(w, "/") == 2 || strings.Count(w, ".") == 2:
		return p.dateWord(w)
	case c >= '0' && c <= '9':
		return p.number(w)
	}
	return p.name(w)
}

// clockWithZone splits 10:20:30+02, 10:20Z and 10:20pm.
func (p *timeParser) clockWithZone(w string) error {
	end := strings.IndexFunc(w, func(r rune) bool { return (r < '0' || r > '9') && r != ':' && r != '.' })
	if end < 0 {
		return p.clock(w)
	}
	if err := p.clock(w[:end]); err != nil {
		return err
	}
	return p.word(w[end:])
}

// clock reads hh:mm[:ss[.ffffff]].
func (p *timeParser) clock(w string) error {
	parts := strings.Split(w, ":")
	if len(parts) < 2 || len(parts) > 3 || !digits(parts[0]) || !digits(parts[1]) || len(parts[0]) > 2 || len(parts[1]) > 2 {
		return p.bad()
	}
	p.hour, p.min = num(parts[0]), num(parts[1])
	if len(parts) < 3 {
		return nil
	}
	secs, frac, _ := strings.Cut(parts[2], ".")
	if !digits(secs) || len(secs) > 2 {
		return p.bad()
	}
	p.sec = num(secs)
	us, ok := fraction(frac)
	if !ok {
		return p.bad()
	}
	p.us = us
	return nil
}

// fraction reads digits after a point as microseconds, rounded.
func fraction(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	if !digits(s) {
		return 0, false
	}
	us := int64(0)
	for i := range 6 {
		us *= 10
		if i < len(s) {
			us += int64(s[i] - '0')
		}
	}
	if len(s) > 6 && s[6] >= '5' {
		us++
	}
	return us, true
}

// dateWord reads Y-M-D, M/D/Y, D-Mon-Y and their like.
func (p *timeParser) dateWord(w string) error {
	if d, t, ok := strings.Cut(strings.ToUpper(w), "T"); ok && t != "" && t[0] >= '0' && t[0] <= '9' && strings.Count(d, "-") == 2 {
		if err := p.dateWord(d); err != nil {
			return err
		}
		if !strings.Contains(t, ":") {
			return p.compactClock(t)
		}
		return p.clockWithZone(t)
	}
	parts := strings.FieldsFunc(w, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if len(parts) != 3 {
		return p.bad()
	}
	if m := monthNumber(parts[1]); m > 0 && digits(parts[0]) && digits(parts[2]) {
		if len(parts[0]) > 2 {
			return p.setDate(parts[0], m, num(parts[2]))
		}
		return p.setDate(parts[2], m, num(parts[0]))
	}
	if m := monthNumber(parts[0]); m > 0 && digits(parts[1]) && digits(parts[2]) {
		return p.setDate(parts[2], m, num(parts[1]))
	}
	if !digits(parts[0]) || !digits(parts[1]) || !digits(parts[2]) {
		return p.bad()
	}
	if len(parts[0]) > 2 {
		return p.setDate(parts[0], num(parts[1]), num(parts[2]))
	}
	return p.setDate(parts[2], num(parts[0]), num(parts[1]))
}

func (p *timeParser) setDate(year string, month, day int) error {
	if p.year != noField || len(year) > 7 {
		return p.bad()
	}
	y := int64(num(year))
	if len(year) <= 2 {
		y += 1900
		if y < 1970 {
			y += 100
		}
	}
	p.year, p.month, p.day = y, month, day
	return nil
}

// number reads YYYYMMDD, YYYYMMDDThhmmss, a day or a year.
func (p *timeParser) number(w string) error {
	d, t, isT := strings.Cut(strings.ToUpper(w), "T")
	switch {
	case len(d) == 8 && digits(d):
		if err := p.setDate(d[:4], num(d[4:6]), num(d[6:])); err != nil || !isT {
			return err
		}
		return p.compactClock(t)
	case isT || !digits(w):
		return p.letters(w)
	case p.month > 0 && p.day == 0 && len(w) <= 2:
		p.day = num(w)
	case p.month == 0 && p.day == 0 && len(w) <= 2:
		p.day = num(w)
	case p.month > 0 && p.year == noField:
		return p.setDate(w, p.month, p.day)
	default:
		return p.bad()
	}
	return nil
}

// letters reads a number glued to a word, such as 10pm.
func (p *timeParser) letters(w string) error {
	end := strings.IndexFunc(w, func(r rune) bool { return r < '0' || r > '9' })
	low := strings.ToLower(w[end:])
	if end > 2 || low != "am" && low != "pm" || p.hour != noField {
		return p.bad()
	}
	p.hour = num(w[:end])
	return p.name(low)
}

func (p *timeParser) compactClock(t string) error {
	end := strings.IndexFunc(t, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(t)
	}
	main, frac, _ := strings.Cut(t[:end], ".")
	if !digits(main) || len(main) != 4 && len(main) != 6 && len(main) != 2 {
		return p.bad()
	}
	p.hour = num(main[:2])
	if len(main) >= 4 {
		p.min = num(main[2:4])
	}
	if len(main) == 6 {
		p.sec = num(main[4:])
	}
	us, ok := fraction(frac)
	if !ok {
		return p.bad()
	}
	p.us = us
	return p.tail(t[end:])
}

func (p *timeParser) name(w string) error {
	low := strings.ToLower(w)
	switch low {
	case "am", "pm":
		if p.hour == noField || p.hour > 12 {
			return p.bad()
		}
		p.am, p.pm = low == "am", low == "pm"
		return nil
	case "bc", "ad":
		p.bc = low == "bc"
		return nil
	case "t", "at":
		return nil
	case "infinity", "-infinity", "epoch", "now", "today", "tomorrow", "yesterday", "allballs":
		p.special = low
		return nil
	case "z", "zulu":
		p.hasOffset = true
		return nil
	}
	if m := monthNumber(low); m > 0 && p.month == 0 {
		p.month = m
		return nil
	}
	if isWeekday(low) {
		return nil
	}
	return p.zoneName(w)
}

func (p *timeParser) zoneName(w string) error {
	if p.year == noField && p.hour == noField && p.special == "" || p.zone != nil {
		return p.bad()
	}
	loc, ok := findZone(w)
	if !ok {
		if strings.Contains(w, "/") {
			return sqlerr.New(sqlerr.InvalidParameter, "time zone %q not recognized", w)
		}
		return p.bad()
	}
	p.zone = loc
	return nil
}

var monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july",
	"august", "september", "october", "november", "december"}

var dayNames = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func monthNumber(s string) int {
	low := strings.ToLower(s)
	if low == "sept" {
		return 9
	}
	for i, m := range monthNames {
		if low == m || low == m[:3] {
			return i + 1
		}
	}
	return 0
}

func isWeekday(low string) bool {
	for _, d := range dayNames {
		if low == d || len(low) >= 3 && strings.HasPrefix(d, low) {
			return true
		}
	}
	return false
}

// value turns the fields into the stored number.
func (p *timeParser) value() (int64, error) {
	if p.special != "" {
		return p.specialValue()
	}
	us, err := p.timeOfDay()
	if err != nil {
		return 0, err
	}
	if p.typ.ID == schema.TypeTime {
		return us, nil
	}
	day, err := p.dayValue()
	if err != nil {
		return 0, err
	}
	if p.typ.ID == schema.TypeDate {
		return day, nil
	}
	return p.instant(day, us)
}

func (p *timeParser) timeOfDay() (int64, error) {
	if p.hour == noField {
		if p.typ.ID == schema.TypeTime {
			return 0, p.bad()
		}
		return 0, nil
	}
	h := p.hour
	switch {
	case p.pm && h != 12:
		h += 12
	case p.am && h == 12:
		h = 0
	}
	if p.min > 59 || p.sec > 60 || p.us > usSecond || h > 24 || h == 24 && (p.min > 0 || p.sec > 0 || p.us > 0) {
		return 0, p.outOfRange()
	}
	return int64(h)*usHour + int64(p.min)*usMinute + int64(p.sec)*usSecond + p.us, nil
}

func (p *timeParser) dayValue() (int64, error) {
	y := p.year
	if y == noField || p.month == 0 && p.day == 0 {
		return 0, p.bad()
	}
	if p.month < 1 || p.month > 12 || p.day < 1 || p.day > 31 || y == 0 {
		return 0, p.outOfRange()
	}
	if p.bc {
		y = 1 - y
	}
	if p.day > daysIn(y, p.month) {
		return 0, p.outOfRange()
	}
	day := dayNumber(y, p.month, p.day)
	if day < minDay || day > maxDay {
		return 0, sqlerr.New(sqlerr.DatetimeOverflow, "date out of range: %q", p.text)
	}
	return day, nil
}

// instant joins day and time of day; for timestamptz it applies the zone.
func (p *timeParser) instant(day, us int64) (int64, error) {
	if day > maxTSus/usDay {
		return 0, sqlerr.New(sqlerr.DatetimeOverflow, "timestamp out of range: %q", p.text)
	}
	local := day*usDay + us
	if p.typ.ID == schema.TypeTimestamp {
		return checkTS(local)
	}
	switch {
	case p.hasOffset:
		return checkTS(local - p.offset*usSecond)
	case p.zone != nil:
		return checkTS(fromLocal(p.zone, local))
	}
	loc, err := sessionZone(p.ctx)
	if err != nil {
		return 0, err
	}
	return checkTS(fromLocal(loc, local))
}

// checkTS refuses timestamps beyond PostgreSQL's bounds.
func checkTS(ts int64) (int64, error) {
	if finite(ts) && (ts < minTS || ts > maxTSus) {
		return 0, errTSRange
	}
	return ts, nil
}

func (p *timeParser) specialValue() (int64, error) {
	if p.typ.ID == schema.TypeTime && p.special != "now" && p.special != "allballs" {
		return 0, p.bad()
	}
	switch p.special {
	case "infinity":
		return p.infinite(int64(dateInfinity), tsInfinity), nil
	case "-infinity":
		return p.infinite(int64(dateNegInf), tsNegInfinity), nil
	case "epoch", "allballs":
		return 0, nil
	}
	loc, err := sessionZone(p.ctx)
	if err != nil {
		return 0, err
	}
	if p.ctx == nil {
		return 0, p.bad()
	}
	return p.relative(loc, p.ctx.NowMicros), nil
}

func (p *timeParser) infinite(date, ts int64) int64 {
	if p.typ.ID == schema.TypeDate {
		return date
	}
	return ts
}

// relative is now, today, tomorrow or yesterday.
func (p *timeParser) relative(loc *time.Location, now int64) int64 {
	local := toLocal(loc, now)
	day, us := dayOf(local)
	switch p.special {
	case "tomorrow":
		day++
	case "yesterday":
		day--
	}
	if p.special != "now" {
		us = 0
	}
	switch p.typ.ID {
	case schema.TypeTime:
		return us
	case schema.TypeDate:
		return day
	case schema.TypeTimestampTZ:
		if p.special == "now" {
			return now
		}
		return fromLocal(loc, day*usDay+us)
	}
	return day*usDay + us
}

// digits reports whether s is one or more ASCII digits.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// num reads digits; the caller has checked them and bounded their length.
func num(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1 << 30
	}
	return n
}
