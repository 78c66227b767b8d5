package decode

import (
	"time"
)

const (
	microsPerSecond = int64(1_000_000)
	microsPerMinute = 60 * microsPerSecond
	microsPerHour   = 60 * microsPerMinute
	microsPerDay    = 24 * microsPerHour
)

// civil is a point on the calendar and the clock, before a zone is applied.
type civil struct {
	year, month, day     int
	hour, minute, second int
	micros               int
	// offset is the zone's distance from UTC in seconds, if hasOffset.
	offset    int
	hasOffset bool
}

// daysFromCivil returns the days since 1970-01-01 in the proleptic Gregorian
// calendar. Years are counted from March, so that the leap day is the last of
// a year and every month's start follows from one linear formula.
func daysFromCivil(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yearOfEra := y - era*400
	dayOfYear := (153*(m-3)+2)/5 + d - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return int64(era)*146097 + int64(dayOfEra) - 719468
}

func daysInMonth(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func (c *civil) validDate() bool {
	return c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= daysInMonth(c.year, c.month)
}

// resolve returns the point in µs since 1970. loc (nil means UTC) applies
// where the text named no zone.
func (c *civil) resolve(loc *time.Location) int64 {
	if !c.hasOffset && loc != nil {
		t := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, c.micros*1000, loc)
		return t.UnixMicro()
	}
	s := daysFromCivil(c.year, c.month, c.day)*86400 + int64(c.hour*3600+c.minute*60+c.second-c.offset)
	return s*microsPerSecond + int64(c.micros)
}

// two reads two digits at i, -1 if they are not there.
func two(b []byte, i int) int {
	if i+2 > len(b) || !isDigit(b[i]) || !isDigit(b[i+1]) {
		return -1
	}
	return int(b[i]-'0')*10 + int(b[i+1]-'0')
}

// four reads four digits at i, -1 if they are not there.
func four(b []byte, i int) int {
	hi, lo := two(b, i), two(b, i+2)
	if hi < 0 || lo < 0 {
		return -1
	}
	return hi*100 + lo
}

// ParseDate reads YYYY-MM-DD and returns the days since 1970-01-01.
func ParseDate(b []byte) (days int32, ok bool) {
	var c civil
	if n := c.readDate(b); n != len(b) {
		return 0, false
	}
	return int32(daysFromCivil(c.year, c.month, c.day)), true
}

// readDate reads a date at the start of b and returns its length, -1 if there
// is none.
func (c *civil) readDate(b []byte) int {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return -1
	}
	c.year, c.month, c.day = four(b, 0), two(b, 5), two(b, 8)
	if c.year < 1 || !c.validDate() {
		return -1
	}
	return 10
}

// readClock reads hh:mm[:ss[.fraction]] at i and returns the position after it,
// -1 if there is none. 24:00:00 and second 60 are allowed, as in PostgreSQL.
func (c *civil) readClock(b []byte, i int) int {
	c.hour, c.minute = two(b, i), two(b, i+3)
	if c.hour < 0 || c.minute < 0 || b[i+2] != ':' || c.hour > 24 || c.minute > 59 {
		return -1
	}
	i += 5
	if i < len(b) && b[i] == ':' {
		if c.second = two(b, i+1); c.second < 0 || c.second > 60 {
			return -1
		}
		i += 3
		if i < len(b) && (b[i] == '.' || b[i] == ',') {
			if i = c.readFraction(b, i+1); i < 0 {
				return -1
			}
		}
	}
	if c.hour == 24 && (c.minute|c.second|c.micros) != 0 {
		return -1
	}
	return i
}

// readFraction reads one to nine fraction digits and rounds them to µs.
func (c *civil) readFraction(b []byte, i int) int {
	end := digits(b, i)
	n := end - i
	if n < 1 || n > 9 {
		return -1
	}
	nanos := 0
	for k := range 9 {
		nanos *= 10
		if k < n {
			nanos += int(b[i+k] - '0')
		}
	}
	c.micros = (nanos + 500) / 1000
	return end
}

// readOffset reads Z, UTC, GMT, ±hh, ±hhmm or ±hh:mm at i and returns the
// position after it, -1 if there is none.
func (c *civil) readOffset(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	c.hasOffset, c.offset = true, 0
	switch b[i] {
	case 'Z', 'z':
		return i + 1
	case '+', '-':
		return c.readSigned(b, i)
	}
	if len(b)-i >= 3 && (string(b[i:i+3]) == "UTC" || string(b[i:i+3]) == "GMT") {
		return i + 3
	}
	return -1
}

func (c *civil) readSigned(b []byte, i int) int {
	neg := b[i] == '-'
	h, m := two(b, i+1), 0
	if i += 3; h < 0 || h > 18 {
		return -1
	}
	if i < len(b) && b[i] == ':' {
		if m = two(b, i+1); m < 0 {
			return -1
		}
		i += 3
	} else if v := two(b, i); v >= 0 {
		m = v
		i += 2
	}
	if m > 59 {
		return -1
	}
	c.offset = h*3600 + m*60
	if neg {
		c.offset = -c.offset
	}
	return i
}

// ParseTimestamp reads an ISO 8601 or SQL timestamp: a date, then optionally
// 'T' or a space and hh:mm[:ss[.fraction]], then optionally a zone (Z, UTC,
// GMT, ±hh[[:]mm]). A fraction has one to nine digits and is rounded to µs.
// Text without a zone is read in loc; nil means UTC. It returns µs since 1970.
func ParseTimestamp(b []byte, loc *time.Location) (micros int64, ok bool) {
	var c civil
	i := c.readDate(b)
	if i < 0 {
		return 0, false
	}
	if i < len(b) && (b[i]|0x20 == 't' || b[i] == ' ') {
		if i = c.readClock(b, i+1); i < 0 {
			return 0, false
		}
		if i < len(b) {
			if b[i] == ' ' {
				i++
			}
			i = c.readOffset(b, i)
		}
	}
	if i != len(b) {
		return 0, false
	}
	return c.resolve(loc), true
}

// ParseTimeOfDay reads hh:mm[:ss[.fraction]] and returns µs since midnight.
func ParseTimeOfDay(b []byte) (micros int64, ok bool) {
	var c civil
	if len(b) < 5 || c.readClock(b, 0) != len(b) {
		return 0, false
	}
	s := int64(c.hour*3600 + c.minute*60 + c.second)
	return s*microsPerSecond + int64(c.micros), true
}
