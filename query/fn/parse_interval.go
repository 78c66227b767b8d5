package fn

import (
	"math"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// unit is a unit of an interval: so many months, days or microseconds.
type unit struct {
	months, days int64
	micros       int64
}

var intervalUnits = map[string]unit{
	"microsecond": {micros: 1}, "us": {micros: 1}, "usec": {micros: 1},
	"millisecond": {micros: 1000}, "ms": {micros: 1000}, "msec": {micros: 1000},
	"second": {micros: usSecond}, "sec": {micros: usSecond}, "s": {micros: usSecond},
	"minute": {micros: usMinute}, "min": {micros: usMinute}, "m": {micros: usMinute},
	"hour": {micros: usHour}, "hr": {micros: usHour}, "h": {micros: usHour},
	"day": {days: 1}, "d": {days: 1}, "week": {days: 7}, "w": {days: 7},
	"month": {months: 1}, "mon": {months: 1}, "quarter": {months: 3},
	"year": {months: 12}, "yr": {months: 12}, "y": {months: 12},
	"decade": {months: 120}, "dec": {months: 120},
	"century": {months: 1200}, "centurie": {months: 1200}, "cent": {months: 1200}, "c": {months: 1200},
	"millennium": {months: 12000}, "millennia": {months: 12000}, "mil": {months: 12000},
}

func findUnit(w string) (unit, bool) {
	u, ok := intervalUnits[w]
	if !ok && len(w) > 1 {
		u, ok = intervalUnits[strings.TrimSuffix(w, "s")]
	}
	return u, ok
}

// intervalParser adds up the fields of an interval literal.
type intervalParser struct {
	text   string
	months float64
	days   float64
	micros float64
	exact  int64 // microseconds of whole clock fields
	seen   bool
}

// ParseInterval reads PostgreSQL's and ISO 8601's forms of intervals.
func ParseInterval(s string) (column.Interval, error) {
	p := intervalParser{text: s}
	low := strings.ToLower(strings.TrimSpace(s))
	var err error
	if strings.HasPrefix(low, "p") {
		err = p.iso(low[1:])
	} else {
		err = p.words(low)
	}
	if err == nil && !p.seen {
		err = p.bad()
	}
	if err != nil {
		return column.Interval{}, err
	}
	return p.result()
}

func (p *intervalParser) bad() error {
	return sqlerr.New(sqlerr.InvalidDatetime, "invalid input syntax for type interval: %q", p.text)
}

// result checks the bounds of the three parts.
func (p *intervalParser) result() (column.Interval, error) {
	us := p.micros + float64(p.exact)
	if math.Abs(p.months) > math.MaxInt32 || math.Abs(p.days) > math.MaxInt32 || math.Abs(us) > 9.2e18 {
		return column.Interval{}, sqlerr.New(sqlerr.DatetimeOverflow, "interval field value out of range: %q", p.text)
	}
	return column.Interval{
		Months: int32(p.months), Days: int32(p.days), Micros: int64(math.Round(p.micros)) + p.exact,
	}, nil
}

// add folds n units in; fractions of months spill into days of 30 a month,
// fractions of days into microseconds.
func (p *intervalParser) add(n float64, u unit) {
	p.seen = true
	switch {
	case u.months > 0:
		whole, frac := math.Modf(n * float64(u.months))
		if u.months > 1 {
			// Years and longer units carry only whole months, rounded.
			whole = math.Round(n * float64(u.months))
			frac = 0
		}
		p.months += whole
		if frac != 0 {
			p.add(cleanFraction(frac*30), unit{days: 1})
		}
	case u.days > 0:
		whole, frac := math.Modf(n * float64(u.days))
		p.days += whole
		p.micros += frac * float64(usDay)
	default:
		whole, frac := math.Modf(n)
		p.exact += int64(whole) * u.micros
		p.micros += frac * float64(u.micros)
	}
}

// cleanFraction removes the noise of a decimal fraction times 30.
func cleanFraction(f float64) float64 { return math.Round(f*1e9) / 1e9 }

// words reads "1 year 2 mons 3 days 04:05:06 ago" and its like.
func (p *intervalParser) words(s string) error {
	fields := strings.Fields(strings.TrimPrefix(s, "@"))
	ago := false
	if n := len(fields); n > 0 && fields[n-1] == "ago" {
		ago, fields = true, fields[:n-1]
	}
	for i := 0; i < len(fields); i++ {
		next := ""
		if i+1 < len(fields) {
			next = fields[i+1]
		}
		used, err := p.field(fields[i], next)
		if err != nil {
			return err
		}
		if used {
			i++
		}
	}
	if ago {
		p.months, p.days, p.micros, p.exact = -p.months, -p.days, -p.micros, -p.exact
	}
	return nil
}

// field reads one word, or a number and the unit that follows it.
func (p *intervalParser) field(w, next string) (usedNext bool, err error) {
	if strings.Contains(w, ":") {
		return false, p.clock(w)
	}
	num, name := splitNumber(w)
	if num == "" {
		return false, p.bad()
	}
	if name != "" {
		if strings.HasPrefix(name, "-") {
			return false, p.yearMonth(num, name[1:])
		}
		return false, p.number(num, name)
	}
	if u, ok := findUnit(next); ok {
		n, err := strconv.ParseFloat(num, 64)
		if err != nil {
			return false, p.bad()
		}
		p.add(n, u)
		return true, nil
	}
	if strings.Contains(next, ":") {
		return false, p.number(num, "day")
	}
	if next != "" {
		return false, p.bad()
	}
	return false, p.number(num, "second")
}

func (p *intervalParser) number(num, name string) error {
	u, ok := findUnit(name)
	n, err := strconv.ParseFloat(num, 64)
	if !ok || err != nil {
		return p.bad()
	}
	p.add(n, u)
	return nil
}

// yearMonth reads SQL's 1-2.
func (p *intervalParser) yearMonth(y, m string) error {
	yn, err1 := strconv.Atoi(y)
	mn, err2 := strconv.Atoi(m)
	if err1 != nil || err2 != nil || mn < 0 || mn > 11 {
		return p.bad()
	}
	if strings.HasPrefix(y, "-") {
		mn = -mn
	}
	p.months += float64(yn*12 + mn)
	p.seen = true
	return nil
}

// splitNumber splits a signed decimal number from what follows it.
func splitNumber(w string) (num, rest string) {
	i := 0
	if i < len(w) && (w[i] == '+' || w[i] == '-') {
		i++
	}
	start := i
	for i < len(w) && (w[i] >= '0' && w[i] <= '9' || w[i] == '.') {
		i++
	}
	if i == start || w[start:i] == "." {
		return "", w
	}
	return w[:i], w[i:]
}

// clock reads [+-]hh:mm[:ss[.f]] or mm:ss.f.
func (p *intervalParser) clock(w string) error {
	neg := strings.HasPrefix(w, "-")
	parts := strings.Split(strings.TrimLeft(w, "+-"), ":")
	if len(parts) > 3 {
		return p.bad()
	}
	secs, frac, hasFrac := strings.Cut(parts[len(parts)-1], ".")
	us, ok := fraction(frac)
	if !ok {
		return p.bad()
	}
	scale := usHour
	if len(parts) == 2 && hasFrac {
		scale = usMinute
	}
	parts[len(parts)-1] = secs
	total := us
	for i, s := range parts {
		if !digits(s) || len(s) > 9 || i > 0 && num(s) > 59 {
			return p.bad()
		}
		total += int64(num(s)) * scale
		scale /= 60
	}
	if neg {
		total = -total
	}
	p.exact += total
	p.seen = true
	return nil
}

// iso reads what follows the P of ISO 8601: 1Y2M3W4DT5H6M7.8S.
func (p *intervalParser) iso(s string) error {
	names := map[byte]string{'y': "year", 'm': "month", 'w': "week", 'd': "day"}
	for s != "" {
		if s[0] == 't' {
			names = map[byte]string{'h': "hour", 'm': "minute", 's': "second"}
			s = s[1:]
			continue
		}
		num, rest := splitNumber(s)
		if num == "" || rest == "" || names[rest[0]] == "" {
			return p.bad()
		}
		if err := p.number(num, names[rest[0]]); err != nil {
			return err
		}
		s = rest[1:]
	}
	return nil
}
