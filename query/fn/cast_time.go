package fn

import (
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// timeConversion returns the conversion among dates, times and intervals, nil
// when there is none.
func timeConversion(from, to schema.TypeID) converter {
	switch {
	case from == schema.TypeDate && to == schema.TypeTimestamp:
		return castDateToTS(false)
	case from == schema.TypeDate && to == schema.TypeTimestampTZ:
		return castDateToTS(true)
	case from == schema.TypeTimestamp && to == schema.TypeTimestampTZ:
		return castZoned(fromLocal)
	case from == schema.TypeTimestampTZ && to == schema.TypeTimestamp:
		return castZoned(toLocal)
	case to == schema.TypeDate && from == schema.TypeTimestamp:
		return castTSToDate(false)
	case to == schema.TypeDate && from == schema.TypeTimestampTZ:
		return castTSToDate(true)
	case to == schema.TypeTime && (from == schema.TypeTimestamp || from == schema.TypeTimestampTZ):
		return castTSToTime(from == schema.TypeTimestampTZ)
	case from == schema.TypeTime && to == schema.TypeInterval:
		return castTimeToInterval
	case from == schema.TypeInterval && to == schema.TypeTime:
		return castIntervalToTime
	}
	return nil
}

// castInt64s maps the live rows of an int64 vector.
func (c *castArgs) int64s(src []int64, f func(int64) (int64, error)) error {
	return c.each(func(i int) error {
		x, err := f(src[i])
		c.out.Int64s = append(c.out.Int64s, x)
		c.out.N++
		return err
	})
}

func castZoned(shift func(*time.Location, int64) int64) converter {
	return func(c *castArgs) error {
		loc, err := sessionZone(c.ctx)
		if err != nil {
			return err
		}
		if loc == time.UTC {
			c.out.Int64s = append(c.out.Int64s, c.v.Int64s[:c.v.N]...)
			c.out.N = c.v.N
			return nil
		}
		return c.int64s(c.v.Int64s, func(x int64) (int64, error) { return checkTS(shift(loc, x)) })
	}
}

func castDateToTS(zoned bool) converter {
	return func(c *castArgs) error {
		loc, err := sessionZone(c.ctx)
		if err != nil {
			return err
		}
		return c.each(func(i int) error {
			ts, err := dateToTS(c.v.Int32s[i])
			if zoned && err == nil {
				ts = fromLocal(loc, ts)
			}
			c.out.Int64s = append(c.out.Int64s, ts)
			c.out.N++
			return err
		})
	}
}

// dateToTS is midnight of a day.
func dateToTS(day int32) (int64, error) {
	switch {
	case day == dateInfinity:
		return tsInfinity, nil
	case day == dateNegInf:
		return tsNegInfinity, nil
	case int64(day) > maxTSus/usDay:
		return 0, errTSRange
	}
	return int64(day) * usDay, nil
}

// tsToDate is the day of a local timestamp.
func tsToDate(ts int64) int32 {
	switch ts {
	case tsInfinity:
		return dateInfinity
	case tsNegInfinity:
		return dateNegInf
	}
	return int32(floorDiv(ts, usDay))
}

func castTSToDate(zoned bool) converter {
	return func(c *castArgs) error {
		loc, err := zoneIf(c.ctx, zoned)
		if err != nil {
			return err
		}
		return c.each(func(i int) error {
			c.out.Int32s = append(c.out.Int32s, tsToDate(toLocal(loc, c.v.Int64s[i])))
			c.out.N++
			return nil
		})
	}
}

// zoneIf is the session's zone for timestamptz and UTC for timestamp.
func zoneIf(ctx *Context, zoned bool) (*time.Location, error) {
	if !zoned {
		return time.UTC, nil
	}
	return sessionZone(ctx)
}

func castTSToTime(zoned bool) converter {
	return func(c *castArgs) error {
		loc, err := zoneIf(c.ctx, zoned)
		if err != nil {
			return err
		}
		return c.each(func(i int) error {
			ts := c.v.Int64s[i]
			if !finite(ts) {
				c.out.AppendNull()
				return nil
			}
			_, us := dayOf(toLocal(loc, ts))
			c.out.Int64s = append(c.out.Int64s, us)
			c.out.N++
			return nil
		})
	}
}

func castTimeToInterval(c *castArgs) error {
	return c.each(func(i int) error {
		c.out.Intervals = append(c.out.Intervals, column.Interval{Micros: c.v.Int64s[i]})
		c.out.N++
		return nil
	})
}

func castIntervalToTime(c *castArgs) error {
	return c.each(func(i int) error {
		us := c.v.Intervals[i].Micros % usDay
		if us < 0 {
			us += usDay
		}
		c.out.Int64s = append(c.out.Int64s, us)
		c.out.N++
		return nil
	})
}
