package fn

import (
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
)

// AppendDate appends a date in ISO style.
func AppendDate(dst []byte, day int32) []byte {
	switch day {
	case dateInfinity:
		return append(dst, "infinity"...)
	case dateNegInf:
		return append(dst, "-infinity"...)
	}
	dst, bc := appendYMD(dst, int64(day))
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

func appendYMD(dst []byte, day int64) (_ []byte, bc bool) {
	y, m, d := civil(day)
	if y <= 0 {
		y, bc = 1-y, true
	}
	dst = appendPadded(dst, y, 4)
	dst = append(dst, '-')
	dst = append2(dst, m)
	dst = append(dst, '-')
	return append2(dst, d), bc
}

func append2(dst []byte, x int) []byte { return append(dst, byte('0'+x/10), byte('0'+x%10)) }

func appendPadded(dst []byte, x int64, width int) []byte {
	for p := int64(10); width > 1; width-- {
		if x < p {
			dst = append(dst, "000000000"[:width-1]...)
			break
		}
		p *= 10
	}
	return strconv.AppendInt(dst, x, 10)
}

// AppendTimestamp appends a timestamp without zone in ISO style.
func AppendTimestamp(dst []byte, ts int64) []byte {
	return appendTS(dst, ts, func(dst []byte) []byte { return dst })
}

// AppendTimestampTZ appends an instant as wall clock time and offset of a zone.
func AppendTimestampTZ(dst []byte, ts int64, loc *time.Location) []byte {
	off := int64(0)
	if finite(ts) {
		off = offsetAt(loc, ts)
		ts += off * usSecond
	}
	return appendTS(dst, ts, func(dst []byte) []byte { return appendOffset(dst, off) })
}

func appendTS(dst []byte, ts int64, zone func([]byte) []byte) []byte {
	switch ts {
	case tsInfinity:
		return append(dst, "infinity"...)
	case tsNegInfinity:
		return append(dst, "-infinity"...)
	}
	day, us := dayOf(ts)
	dst, bc := appendYMD(dst, day)
	dst = append(dst, ' ')
	dst = zone(appendTime(dst, us))
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// appendTime appends hh:mm:ss[.ffffff] of the microseconds since midnight.
func appendTime(dst []byte, us int64) []byte {
	s := us / usSecond
	dst = append2(dst, int(s/3600))
	dst = append(dst, ':')
	dst = append2(dst, int(s/60%60))
	dst = append(dst, ':')
	dst = append2(dst, int(s%60))
	return appendFraction(dst, us%usSecond)
}

// appendFraction appends .ffffff without trailing zeros, nothing for 0.
func appendFraction(dst []byte, us int64) []byte {
	if us == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = appendPadded(dst, us, 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func appendOffset(dst []byte, secs int64) []byte {
	sign := byte('+')
	if secs < 0 {
		sign, secs = '-', -secs
	}
	dst = append2(append(dst, sign), int(secs/3600))
	if secs%3600 != 0 {
		dst = append2(append(dst, ':'), int(secs/60%60))
	}
	if secs%60 != 0 {
		dst = append2(append(dst, ':'), int(secs%60))
	}
	return dst
}

// AppendInterval appends an interval in PostgreSQL's default style.
func AppendInterval(dst []byte, iv column.Interval) []byte {
	start := len(dst)
	before := false // a previous field was negative, so a positive one gets a sign
	field := func(n int64, unit, plural string) {
		if n == 0 {
			return
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if before && n > 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, n, 10)
		dst = append(dst, ' ')
		if n == 1 {
			dst = append(dst, unit...)
		} else {
			dst = append(dst, plural...)
		}
		before = n < 0
	}
	field(int64(iv.Months/12), "year", "years")
	field(int64(iv.Months%12), "mon", "mons")
	field(int64(iv.Days), "day", "days")
	if iv.Micros == 0 && len(dst) > start {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	return appendIntervalTime(dst, iv.Micros, before)
}

func appendIntervalTime(dst []byte, us int64, before bool) []byte {
	u := uint64(us)
	switch {
	case us < 0:
		dst = append(dst, '-')
		u = -u
	case before:
		dst = append(dst, '+')
	}
	s := u / uint64(usSecond)
	dst = appendPadded(dst, int64(s/3600), 2)
	dst = append2(append(dst, ':'), int(s/60%60))
	dst = append2(append(dst, ':'), int(s%60))
	return appendFraction(dst, int64(u%uint64(usSecond)))
}
