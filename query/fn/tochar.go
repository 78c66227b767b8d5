package fn

import (
	"strconv"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// registerToChar makes the functions that print and read by templates.
func registerToChar(r *registry) {
	r.row("to_char(timestamp,text) text", func(c *call, i int) error { return c.charOf(c.i64(0, i), c.str(1, i), time.UTC, false) })
	r.row("to_char(timestamptz,text) text stable", func(c *call, i int) error {
		loc, err := sessionZone(c.ctx)
		if err != nil {
			return err
		}
		return c.charOf(c.i64(0, i), c.str(1, i), loc, true)
	})
	r.row("to_char(interval,text) text", func(c *call, i int) error {
		p := fieldsOfInterval(c.iv(0, i))
		return c.putStr(p.print(parseTemplate(c.str(1, i))))
	})
	r.row("to_timestamp(text,text) timestamptz stable", func(c *call, i int) error {
		ts, off, err := readTemplate(c.str(0, i), c.str(1, i))
		if err != nil {
			return err
		}
		loc, err := sessionZone(c.ctx)
		switch {
		case err != nil:
			return err
		case off.set:
			return c.putI64(ts - off.secs*usSecond)
		}
		return c.putI64(fromLocal(loc, ts))
	})
	r.row("to_date(text,text) date", func(c *call, i int) error {
		ts, _, err := readTemplate(c.str(0, i), c.str(1, i))
		c.putI32(tsToDate(ts))
		return err
	})
	registerNumberChar(r)
}

// timeParts are the fields of a time that templates print.
type timeParts struct {
	day      int64
	y        int64
	m, d     int
	us       int64 // since midnight; hours beyond a day for intervals
	offset   int64
	zone     string
	interval bool
}

func (c *call) charOf(ts int64, template string, loc *time.Location, zoned bool) error {
	if !finite(ts) {
		return c.putStr("")
	}
	p := timeParts{}
	if zoned {
		p.offset = offsetAt(loc, ts)
		p.zone, _ = time.Unix(floorDiv(ts, usSecond), 0).In(loc).Zone()
		ts += p.offset * usSecond
	}
	p.day, p.us = dayOf(ts)
	p.y, p.m, p.d = civil(p.day)
	return c.putStr(p.print(parseTemplate(template)))
}

func fieldsOfInterval(iv column.Interval) *timeParts {
	return &timeParts{y: int64(iv.Months / 12), m: int(iv.Months % 12), d: int(iv.Days), us: iv.Micros, interval: true}
}

func (p *timeParts) print(tokens []tplToken) string {
	var b strings.Builder
	for _, t := range tokens {
		if t.field == "" {
			b.WriteString(t.written)
			continue
		}
		text := p.field(t)
		b.WriteString(text)
		if t.th != "" {
			suffix := ordinal(text)
			if t.th == "TH" {
				suffix = strings.ToUpper(suffix)
			}
			b.WriteString(suffix)
		}
	}
	return b.String()
}

func ordinal(number string) string {
	n := len(number)
	if n == 0 {
		return ""
	}
	if n > 1 && number[n-2] == '1' {
		return "th"
	}
	switch number[n-1] {
	case '1':
		return "st"
	case '2':
		return "nd"
	case '3':
		return "rd"
	}
	return "th"
}

// padNumber prints x with leading zeros to a width, or bare with FM.
func padNumber(x int64, width int, t tplToken) string {
	s := strconv.FormatInt(max(x, -x), 10)
	if !t.fill {
		for len(s) < width {
			s = "0" + s
		}
	}
	if x < 0 {
		s = "-" + s
	}
	return s
}

func (p *timeParts) field(t tplToken) string {
	hour := p.us / usHour
	half := hour % 12
	if half == 0 {
		half = 12
	}
	switch t.field {
	case "HH24":
		return padNumber(hour, 2, t)
	case "HH", "HH12":
		return padNumber(half, 2, t)
	case "MI":
		return padNumber(p.us/usMinute%60, 2, t)
	case "SS":
		return padNumber(p.us/usSecond%60, 2, t)
	case "MS":
		return padNumber(p.us%usSecond/1000, 3, t)
	case "US":
		return padNumber(p.us%usSecond, 6, t)
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		n := int(t.field[2] - '0')
		return padNumber(p.us%usSecond, 6, tplToken{})[:n]
	case "SSSS", "SSSSS":
		return strconv.FormatInt(p.us/usSecond, 10)
	case "AM", "PM", "A.M.", "P.M.":
		return meridiem(t.written, hour%24 >= 12)
	case "BC", "AD", "B.C.", "A.D.":
		return era(t.written, p.y <= 0)
	case "TZ":
		if t.written == "tz" {
			return strings.ToLower(p.zone)
		}
		return p.zone
	case "OF", "TZH", "TZM":
		return p.zoneField(t.field)
	}
	return p.dateField(t)
}

func (p *timeParts) zoneField(f string) string {
	switch f {
	case "OF":
		return string(appendOffset(nil, p.offset))
	case "TZH":
		return string(appendOffset(nil, p.offset/3600*3600))
	}
	off := p.offset
	if off < 0 {
		off = -off
	}
	return padNumber(off/60%60, 2, tplToken{})
}

func meridiem(written string, pm bool) string {
	out := "am"
	if pm {
		out = "pm"
	}
	if strings.Contains(written, ".") {
		out = out[:1] + "." + out[1:] + "."
	}
	if written[0] < 'a' {
		out = strings.ToUpper(out)
	}
	return out
}

func era(written string, bc bool) string {
	out := "ad"
	if bc {
		out = "bc"
	}
	if strings.Contains(written, ".") {
		out = out[:1] + "." + out[1:] + "."
	}
	if written[0] < 'a' {
		out = strings.ToUpper(out)
	}
	return out
}

func (p *timeParts) shownYear() int64 {
	if p.y <= 0 && !p.interval {
		return 1 - p.y
	}
	return p.y
}

func (p *timeParts) dateField(t tplToken) string {
	y := p.shownYear()
	isoYear, week := int64(0), 0
	if !p.interval {
		isoYear, week = isoWeek(p.day)
	}
	switch t.field {
	case "YYYY":
		return padNumber(y, 4, t)
	case "Y,YYY":
		return padNumber(y/1000, 1, t) + "," + padNumber(y%1000, 3, tplToken{})
	case "YYY":
		return padNumber(y%1000, 3, t)
	case "YY":
		return padNumber(y%100, 2, t)
	case "Y":
		return padNumber(y%10, 1, t)
	case "IYYY":
		return padNumber(isoYear, 4, t)
	case "IYY":
		return padNumber(isoYear%1000, 3, t)
	case "IY":
		return padNumber(isoYear%100, 2, t)
	case "I":
		return padNumber(isoYear%10, 1, t)
	case "CC":
		return padNumber((y+99)/100, 2, t)
	case "MM":
		return padNumber(int64(p.m), 2, t)
	case "DD":
		return padNumber(int64(p.d), 2, t)
	case "IW":
		return padNumber(int64(week), 2, t)
	case "MONTH", "MON", "DAY", "DY", "RM":
		return p.name(t)
	}
	return p.dayNumberField(t, week)
}

func (p *timeParts) dayNumberField(t tplToken, week int) string {
	doy := p.day - dayNumber(p.y, 1, 1) + 1
	wd := int64(weekday(p.day))
	if p.interval {
		doy = p.y*360 + int64(p.m)*30 + int64(p.d)
	}
	switch t.field {
	case "DDD":
		return padNumber(doy, 3, t)
	case "IDDD":
		return padNumber(int64(week-1)*7+(wd+6)%7+1, 3, t)
	case "D":
		return padNumber(wd+1, 1, t)
	case "ID":
		return padNumber((wd+6)%7+1, 1, t)
	case "W":
		return padNumber(int64((p.d-1)/7+1), 1, t)
	case "WW":
		return padNumber((doy-1)/7+1, 2, t)
	case "Q":
		if p.m == 0 {
			return ""
		}
		return padNumber(int64((p.m-1)/3+1), 1, t)
	case "J":
		return strconv.FormatInt(p.day+2440588, 10)
	}
	return t.written
}

var romanMonths = [...]string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}

// name prints the name of a month or day in the case of the template.
func (p *timeParts) name(t tplToken) string {
	var s string
	width := 9
	switch t.field {
	case "DAY":
		s = dayNames[weekday(p.day)]
	case "DY":
		s, width = dayNames[weekday(p.day)][:3], 3
	default:
		if p.m < 1 {
			return ""
		}
		switch t.field {
		case "MONTH":
			s = monthNames[p.m-1]
		case "MON":
			s, width = monthNames[p.m-1][:3], 3
		case "RM":
			s, width = strings.ToLower(romanMonths[p.m-1]), 4
			if t.written[0] < 'a' {
				s = strings.ToUpper(s)
			}
		}
	}
	if t.field != "RM" {
		s = inCase(s, t.written)
	}
	if !t.fill {
		for len(s) < width {
			s += " "
		}
	}
	return s
}

// inCase writes a name as its template is written: DAY, Day or day.
func inCase(s, like string) string {
	switch {
	case len(like) > 1 && like[0] < 'a' && like[1] < 'a':
		return strings.ToUpper(s)
	case like[0] < 'a':
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return s
}

// numericOf reads a number argument of any type as text with sign.
func numericOf(c *call, i int) (column.Decimal, error) {
	v := c.args[0]
	if v.Kind() == schema.KindFloat32 || v.Kind() == schema.KindFloat64 {
		return anyToDecimal(v, at(v, i))
	}
	return decimalAt(v, at(v, i)), nil
}
