package fn

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// registerDateMake makes the functions that build times from numbers.
func registerDateMake(r *registry) {
	r.row("make_date(int4,int4,int4) date", func(c *call, i int) error {
		day, err := makeDay(c.i32(0, i), c.i32(1, i), c.i32(2, i))
		c.putI32(int32(day))
		return err
	})
	r.row("make_time(int4,int4,float8) time", func(c *call, i int) error {
		us, err := makeTime(c.i32(0, i), c.i32(1, i), c.f64(2, i))
		c.putI64(us)
		return err
	})
	r.row("make_timestamp(int4,int4,int4,int4,int4,float8) timestamp", func(c *call, i int) error {
		ts, err := c.makeStamp(i)
		c.putI64(ts)
		return err
	})
	r.row("make_timestamptz(int4,int4,int4,int4,int4,float8) timestamptz stable", func(c *call, i int) error {
		return c.makeZoned(i, c.ctx.Zone)
	})
	r.row("make_timestamptz(int4,int4,int4,int4,int4,float8,text) timestamptz", func(c *call, i int) error {
		return c.makeZoned(i, c.str(6, i))
	})
	registerMakeInterval(r)
	r.row("to_timestamp(float8) timestamptz", func(c *call, i int) error {
		ts, err := epochSeconds(c.f64(0, i))
		c.putI64(ts)
		return err
	})
}

func makeDay(y, m, d int32) (int64, error) {
	bad := sqlerr.New(sqlerr.DatetimeOverflow, "date field value out of range: %d-%02d-%02d", y, m, d)
	if y == 0 || m < 1 || m > 12 || d < 1 {
		return 0, bad
	}
	year := int64(y)
	if y < 0 {
		year++
	}
	if int(d) > daysIn(year, int(m)) {
		return 0, bad
	}
	day := dayNumber(year, int(m), int(d))
	if day < minDay || day > maxDay {
		return 0, sqlerr.New(sqlerr.DatetimeOverflow, "date out of range: %d-%02d-%02d", y, m, d)
	}
	return day, nil
}

func makeTime(h, m int32, s float64) (int64, error) {
	if h < 0 || m < 0 || m > 59 || !(s >= 0 && s <= 60) || h > 24 || h == 24 && (m > 0 || s > 0) {
		return 0, sqlerr.New(sqlerr.DatetimeOverflow, "time field value out of range: %d:%02d:%02g", h, m, s)
	}
	return int64(h)*usHour + int64(m)*usMinute + int64(math.Round(s*float64(usSecond))), nil
}

func (c *call) makeStamp(i int) (int64, error) {
	day, err := makeDay(c.i32(0, i), c.i32(1, i), c.i32(2, i))
	if err != nil {
		return 0, err
	}
	us, err := makeTime(c.i32(3, i), c.i32(4, i), c.f64(5, i))
	if err != nil {
		return 0, err
	}
	if day > maxTSus/usDay {
		return 0, errTSRange
	}
	return day*usDay + us, nil
}

func (c *call) makeZoned(i int, zone string) error {
	ts, err := c.makeStamp(i)
	if err != nil {
		return err
	}
	loc, err := LoadZone(zone)
	if err != nil {
		return err
	}
	return c.putI64(fromLocal(loc, ts))
}

// registerMakeInterval makes make_interval with any number of its seven
// positions: years, months, weeks, days, hours, mins, secs.
func registerMakeInterval(r *registry) {
	types := []string{"int4", "int4", "int4", "int4", "int4", "int4", "float8"}
	for n := range len(types) + 1 {
		sig := "make_interval("
		for k, t := range types[:n] {
			if k > 0 {
				sig += ","
			}
			sig += t
		}
		r.row(sig+") interval", makeInterval)
	}
}

func makeInterval(c *call, i int) error {
	get := func(k int) int64 {
		if k >= len(c.args) {
			return 0
		}
		return int64(c.i32(k, i))
	}
	secs := 0.0
	if len(c.args) > 6 {
		secs = c.f64(6, i)
	}
	months, days := get(0)*12+get(1), get(2)*7+get(3)
	us := get(4)*usHour + get(5)*usMinute
	if months != int64(int32(months)) || days != int64(int32(days)) || !(math.Abs(secs) < 9e12) {
		return errIntervalRange
	}
	return c.putIv(column.Interval{
		Months: int32(months), Days: int32(days), Micros: us + int64(math.Round(secs*float64(usSecond))),
	})
}

// epochSeconds is the instant of so many seconds since 1970.
func epochSeconds(s float64) (int64, error) {
	switch {
	case math.IsInf(s, 1):
		return tsInfinity, nil
	case math.IsInf(s, -1):
		return tsNegInfinity, nil
	case math.IsNaN(s):
		return 0, sqlerr.New(sqlerr.DatetimeOverflow, "timestamp cannot be NaN")
	case math.Abs(s) > 9.2e12:
		return 0, sqlerr.New(sqlerr.DatetimeOverflow, "timestamp out of range: \"%g\"", s)
	}
	return checkTS(int64(math.RoundToEven(s * float64(usSecond))))
}
