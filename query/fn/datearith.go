package fn

import (
	"math"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

var errIntervalRange = sqlerr.New(sqlerr.DatetimeOverflow, "interval out of range")

// registerDateArith makes + - * / among dates, times and intervals.
func registerDateArith(r *registry) {
	registerDatePlus(r)
	registerStampPlus(r)
	registerIntervalArith(r)
	r.row("-(timestamp,timestamp) interval", diffRow)
	r.row("-(timestamptz,timestamptz) interval", diffRow)
	r.row("age(timestamp,timestamp) interval", func(c *call, i int) error {
		return c.putIv(age(c.i64(0, i), c.i64(1, i)))
	})
	r.row("age(timestamptz,timestamptz) interval stable", func(c *call, i int) error {
		loc, err := sessionZone(c.ctx)
		if err != nil {
			return err
		}
		return c.putIv(age(toLocal(loc, c.i64(0, i)), toLocal(loc, c.i64(1, i))))
	})
	r.row("age(timestamp) interval stable", ageToday)
	r.row("age(timestamptz) interval stable", ageToday)
}

func registerDatePlus(r *registry) {
	addDays := func(c *call, day int32, n int64) error {
		if day == dateInfinity || day == dateNegInf {
			return c.putI32(day)
		}
		sum := int64(day) + n
		if sum < minDay || sum > maxDay {
			return sqlerr.New(sqlerr.DatetimeOverflow, "date out of range")
		}
		return c.putI32(int32(sum))
	}
	r.row("+(date,int4) date", func(c *call, i int) error { return addDays(c, c.i32(0, i), int64(c.i32(1, i))) })
	r.row("+(int4,date) date", func(c *call, i int) error { return addDays(c, c.i32(1, i), int64(c.i32(0, i))) })
	r.row("-(date,int4) date", func(c *call, i int) error { return addDays(c, c.i32(0, i), -int64(c.i32(1, i))) })
	r.row("-(date,date) int4", func(c *call, i int) error {
		a, b := c.i32(0, i), c.i32(1, i)
		if a == dateInfinity || a == dateNegInf || b == dateInfinity || b == dateNegInf {
			return sqlerr.New(sqlerr.DatetimeOverflow, "cannot subtract infinite dates")
		}
		return c.putI32(a - b)
	})
	dateTime := func(c *call, day int32, us int64) error {
		ts, err := dateToTS(day)
		if err == nil && finite(ts) {
			ts += us
		}
		c.putI64(ts)
		return err
	}
	r.row("+(date,time) timestamp", func(c *call, i int) error { return dateTime(c, c.i32(0, i), c.i64(1, i)) })
	r.row("+(time,date) timestamp", func(c *call, i int) error { return dateTime(c, c.i32(1, i), c.i64(0, i)) })
	plus := func(c *call, day int32, iv column.Interval, sign int64) error {
		ts, err := dateToTS(day)
		if err != nil {
			return err
		}
		return c.putShifted(time.UTC, ts, iv, sign)
	}
	r.row("+(date,interval) timestamp", func(c *call, i int) error { return plus(c, c.i32(0, i), c.iv(1, i), 1) })
	r.row("+(interval,date) timestamp", func(c *call, i int) error { return plus(c, c.i32(1, i), c.iv(0, i), 1) })
	r.row("-(date,interval) timestamp", func(c *call, i int) error { return plus(c, c.i32(0, i), c.iv(1, i), -1) })
}

func registerStampPlus(r *registry) {
	r.row("+(timestamp,interval) timestamp", func(c *call, i int) error { return c.putShifted(time.UTC, c.i64(0, i), c.iv(1, i), 1) })
	r.row("+(interval,timestamp) timestamp", func(c *call, i int) error { return c.putShifted(time.UTC, c.i64(1, i), c.iv(0, i), 1) })
	r.row("-(timestamp,interval) timestamp", func(c *call, i int) error { return c.putShifted(time.UTC, c.i64(0, i), c.iv(1, i), -1) })
	zoned := func(k, iv int, sign int64) rowFunc {
		return func(c *call, i int) error {
			loc, err := sessionZone(c.ctx)
			if err != nil {
				return err
			}
			return c.putShifted(loc, c.i64(k, i), c.iv(iv, i), sign)
		}
	}
	r.row("+(timestamptz,interval) timestamptz stable", zoned(0, 1, 1))
	r.row("+(interval,timestamptz) timestamptz stable", zoned(1, 0, 1))
	r.row("-(timestamptz,interval) timestamptz stable", zoned(0, 1, -1))
	clock := func(c *call, us int64, iv column.Interval, sign int64) error {
		us = (us + sign*(iv.Micros%usDay)) % usDay
		if us < 0 {
			us += usDay
		}
		return c.putI64(us)
	}
	r.row("+(time,interval) time", func(c *call, i int) error { return clock(c, c.i64(0, i), c.iv(1, i), 1) })
	r.row("+(interval,time) time", func(c *call, i int) error { return clock(c, c.i64(1, i), c.iv(0, i), 1) })
	r.row("-(time,interval) time", func(c *call, i int) error { return clock(c, c.i64(0, i), c.iv(1, i), -1) })
	r.row("-(time,time) interval", func(c *call, i int) error {
		return c.putIv(column.Interval{Micros: c.i64(0, i) - c.i64(1, i)})
	})
}

// putShifted appends ts moved by an interval.
func (c *call) putShifted(loc *time.Location, ts int64, iv column.Interval, sign int64) error {
	ts, err := shift(loc, ts, iv, sign)
	c.putI64(ts)
	return err
}

// shift moves an instant: months and days by the wall clock of the zone, the
// rest by elapsed time.
func shift(loc *time.Location, ts int64, iv column.Interval, sign int64) (int64, error) {
	if !finite(ts) {
		return ts, nil
	}
	if iv.Months != 0 || iv.Days != 0 {
		day, us := dayOf(toLocal(loc, ts))
		if iv.Months != 0 {
			day = addMonths(day, sign*int64(iv.Months))
		}
		day += sign * int64(iv.Days)
		if day < minDay || day > maxTSus/usDay {
			return 0, errTSRange
		}
		ts = fromLocal(loc, day*usDay+us)
	}
	sum := ts + sign*iv.Micros
	if (sum > ts) != (sign*iv.Micros > 0) && iv.Micros != 0 {
		return 0, errTSRange
	}
	return checkTS(sum)
}

// diffRow is timestamp - timestamp: days and the rest, never months.
func diffRow(c *call, i int) error {
	a, b := c.i64(0, i), c.i64(1, i)
	if !finite(a) || !finite(b) {
		return sqlerr.New(sqlerr.DatetimeOverflow, "cannot subtract infinite timestamps")
	}
	if opSub.overflows(a, b) {
		return errIntervalRange
	}
	d := a - b
	return c.putIv(column.Interval{Days: int32(d / usDay), Micros: d % usDay})
}

// age is a difference in years, months, days and time, as a calendar counts.
func age(a, b int64) column.Interval {
	if !finite(a) || !finite(b) {
		return column.Interval{}
	}
	neg := a < b
	if neg {
		a, b = b, a
	}
	da, ua := dayOf(a)
	db, ub := dayOf(b)
	ya, ma, dda := civil(da)
	yb, mb, ddb := civil(db)
	us, days := ua-ub, int64(dda-ddb)
	months := (ya*12 + int64(ma)) - (yb*12 + int64(mb))
	if us < 0 {
		us += usDay
		days--
	}
	if days < 0 {
		days += int64(daysIn(yb, mb)) // borrow the month of the earlier time
		months--
	}
	iv := column.Interval{Months: int32(months), Days: int32(days), Micros: us}
	if neg {
		iv = column.Interval{Months: -iv.Months, Days: -iv.Days, Micros: -iv.Micros}
	}
	return iv
}

func ageToday(c *call, i int) error {
	return c.nowLocal(func(now int64) error {
		ts := c.i64(0, i)
		if c.args[0].Type.OID() == 1184 {
			loc, err := sessionZone(c.ctx)
			if err != nil {
				return err
			}
			ts = toLocal(loc, ts)
		}
		return c.putIv(age(truncFixed(now, usDay, 0), ts))
	})
}

func registerIntervalArith(r *registry) {
	r.row("+(interval,interval) interval", func(c *call, i int) error {
		iv, err := addIntervals(c.iv(0, i), c.iv(1, i))
		c.putIv(iv)
		return err
	})
	r.row("-(interval,interval) interval", func(c *call, i int) error {
		neg, err := negInterval(c.iv(1, i))
		if err != nil {
			return err
		}
		iv, err := addIntervals(c.iv(0, i), neg)
		c.putIv(iv)
		return err
	})
	r.row("*(interval,float8) interval", func(c *call, i int) error { return c.scaled(c.iv(0, i), c.f64(1, i)) })
	r.row("*(float8,interval) interval", func(c *call, i int) error { return c.scaled(c.iv(1, i), c.f64(0, i)) })
	r.row("/(interval,float8) interval", func(c *call, i int) error {
		if c.f64(1, i) == 0 {
			return errDivZero
		}
		return c.scaled(c.iv(0, i), 1/c.f64(1, i))
	})
	r.row("justify_hours(interval) interval", func(c *call, i int) error { return c.putIv(justifyHours(c.iv(0, i))) })
	r.row("justify_days(interval) interval", func(c *call, i int) error { return c.putIv(justifyDays(c.iv(0, i))) })
	r.row("justify_interval(interval) interval", func(c *call, i int) error { return c.putIv(justifyInterval(c.iv(0, i))) })
}

func negInterval(iv column.Interval) (column.Interval, error) {
	if iv.Months == math.MinInt32 || iv.Days == math.MinInt32 || iv.Micros == math.MinInt64 {
		return iv, errIntervalRange
	}
	return column.Interval{Months: -iv.Months, Days: -iv.Days, Micros: -iv.Micros}, nil
}

func addIntervals(a, b column.Interval) (column.Interval, error) {
	months, days := int64(a.Months)+int64(b.Months), int64(a.Days)+int64(b.Days)
	if months != int64(int32(months)) || days != int64(int32(days)) || opAdd.overflows(a.Micros, b.Micros) {
		return a, errIntervalRange
	}
	return column.Interval{Months: int32(months), Days: int32(days), Micros: a.Micros + b.Micros}, nil
}

// scaled multiplies an interval: fractions of months become days, fractions of
// days become time.
func (c *call) scaled(iv column.Interval, f float64) error {
	months, days := float64(iv.Months)*f, float64(iv.Days)*f
	us := float64(iv.Micros) * f
	if math.IsNaN(f) || math.Abs(months) > math.MaxInt32 || math.Abs(days) > math.MaxInt32 || math.Abs(us) > 9.2e18 {
		return errIntervalRange
	}
	out := column.Interval{Months: int32(months), Days: int32(days)}
	// The fraction of months, in days, rounded to microseconds of a day.
	monthDays := cleanFraction((months - float64(out.Months)) * 30)
	seconds := cleanFraction((days - float64(out.Days) + monthDays - math.Trunc(monthDays)) * 86400)
	if math.Abs(seconds) >= 86400 {
		out.Days += int32(seconds / 86400)
		seconds -= math.Trunc(seconds/86400) * 86400
	}
	out.Days += int32(monthDays)
	out.Micros = int64(math.RoundToEven(us + seconds*float64(usSecond)))
	return c.putIv(out)
}

func justifyHours(iv column.Interval) column.Interval {
	iv.Days += int32(iv.Micros / usDay)
	iv.Micros %= usDay
	switch {
	case iv.Days > 0 && iv.Micros < 0:
		iv.Micros += usDay
		iv.Days--
	case iv.Days < 0 && iv.Micros > 0:
		iv.Micros -= usDay
		iv.Days++
	}
	return iv
}

func justifyDays(iv column.Interval) column.Interval {
	iv.Months += iv.Days / 30
	iv.Days %= 30
	switch {
	case iv.Months > 0 && iv.Days < 0:
		iv.Days += 30
		iv.Months--
	case iv.Months < 0 && iv.Days > 0:
		iv.Days -= 30
		iv.Months++
	}
	return iv
}

func justifyInterval(iv column.Interval) column.Interval {
	iv = justifyDays(justifyHours(iv))
	switch {
	case iv.Months > 0 && (iv.Days < 0 || iv.Days == 0 && iv.Micros < 0):
		iv.Days += 30
		iv.Months--
	case iv.Months < 0 && (iv.Days > 0 || iv.Days == 0 && iv.Micros > 0):
		iv.Days -= 30
		iv.Months++
	}
	return justifyHours(iv)
}
