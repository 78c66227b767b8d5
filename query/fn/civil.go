package fn

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// Units of time in microseconds.
const (
	usSecond = int64(1_000_000)
	usMinute = 60 * usSecond
	usHour   = 60 * usMinute
	usDay    = 24 * usHour
)

// The infinities of dates and timestamps.
const (
	tsInfinity    = int64(math.MaxInt64)
	tsNegInfinity = int64(math.MinInt64)
	dateInfinity  = int32(math.MaxInt32)
	dateNegInf    = int32(math.MinInt32)
)

// The bounds of dates (PostgreSQL's: 4713-11-24 BC to 5874897-12-31) and of
// timestamps, which end with the last whole day that 64 bits of microseconds
// since 1970 can hold (294247-01-09).
const (
	minDay  = -2440588
	maxDay  = 2145042541
	minTS   = minDay * usDay
	maxTSus = math.MaxInt64/usDay*usDay - 1
)

func finite(ts int64) bool { return ts != tsInfinity && ts != tsNegInfinity }

var errTSRange = sqlerr.New(sqlerr.DatetimeOverflow, "timestamp out of range")

// floorDiv divides rounding towards minus infinity.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// dayOf splits a timestamp into its day and the microseconds within it.
func dayOf(ts int64) (day int64, us int64) {
	day = floorDiv(ts, usDay)
	return day, ts - day*usDay
}

// civil returns year (astronomical: 0 is 1 BC), month and day of a day number.
func civil(day int64) (y int64, m, d int) {
	z := day + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy - (153*mp+2)/5 + 1)
	m = int(mp) + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

// dayNumber is the inverse of civil; d may lie outside the month.
func dayNumber(y int64, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	mp := int64(m) - 3
	if m <= 2 {
		mp = int64(m) + 9
	}
	doy := (153*mp+2)/5 + int64(d) - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

func leap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

var monthDays = [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(y int64, m int) int {
	if m == 2 && leap(y) {
		return 29
	}
	return monthDays[m-1]
}

// addMonths moves a day by months, staying within the target month.
func addMonths(day int64, months int64) int64 {
	y, m, d := civil(day)
	total := y*12 + int64(m-1) + months
	y = floorDiv(total, 12)
	m = int(total-y*12) + 1
	return dayNumber(y, m, min(d, daysIn(y, m)))
}

// weekday returns 0 for Sunday.
func weekday(day int64) int {
	w := (day + 4) % 7
	if w < 0 {
		w += 7
	}
	return int(w)
}

// isoWeek returns the ISO 8601 week and the year that it belongs to.
func isoWeek(day int64) (year int64, week int) {
	wd := int64(weekday(day)+6) % 7 // Monday is 0
	thursday := day - wd + 3
	y, _, _ := civil(thursday)
	return y, int((thursday-dayNumber(y, 1, 1))/7) + 1
}
