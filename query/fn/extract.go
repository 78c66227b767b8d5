package fn

import (
	"math"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// registerExtract makes EXTRACT, which gives numeric, and date_part, which
// gives float8.
func registerExtract(r *registry) {
	for _, t := range []string{"date", "timestamp", "timestamptz", "time", "interval"} {
		flags := ""
		if t == "timestamptz" {
			flags = " stable"
		}
		get := fieldReader(mustType(t))
		r.row("extract(text,"+t+") numeric"+flags, func(c *call, i int) error {
			x, scale, state, err := get(c, i)
			if err != nil || state != 0 {
				return firstErr(err, c.null)
			}
			return c.putDec(column.DecimalFromInt64(x, scale))
		})
		r.row("date_part(text,"+t+") float8"+flags, func(c *call, i int) error {
			x, scale, state, err := get(c, i)
			switch {
			case err != nil:
				return err
			case state == stateNull:
				return c.null()
			case state != 0:
				return c.putF64(math.Inf(int(state)))
			}
			return c.putF64(float64(x) / powersOfTen[scale])
		})
	}
}

func firstErr(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// fieldState says that a field of an infinite time has no number: NULL or an
// infinity of its sign.
type fieldState int

const stateNull fieldState = 2

// fieldFunc computes a field of row i as x × 10^-scale.
type fieldFunc func(c *call, i int) (x int64, scale uint8, state fieldState, err error)

// fieldReader returns the extraction for values of a type.
func fieldReader(t schema.Type) fieldFunc {
	return func(c *call, i int) (int64, uint8, fieldState, error) {
		f, err := memoize(c, func() (timeField, error) { return fieldOf(c.str(0, i), t) }, 0)
		if err != nil {
			return 0, 0, 0, err
		}
		switch t.ID {
		case schema.TypeTime:
			x, scale := clockField(f, c.i64(1, i))
			return x, scale, 0, nil
		case schema.TypeInterval:
			x, scale := intervalField(f, c.iv(1, i))
			return x, scale, 0, nil
		}
		ts, offset, err := c.timeArg(i, t)
		if err != nil {
			return 0, 0, 0, err
		}
		if !finite(ts) {
			return 0, 0, infiniteField(f, ts), nil
		}
		x, scale := timestampField(f, ts, offset)
		if f == fieldEpoch && t.ID == schema.TypeDate {
			x, scale = x/usSecond, 0
		}
		return x, scale, 0, nil
	}
}

// timeArg reads argument 1 as a local timestamp with its offset in seconds.
func (c *call) timeArg(i int, t schema.Type) (ts, offset int64, err error) {
	if t.ID == schema.TypeDate {
		ts, err = dateToTS(c.i32(1, i))
		return ts, 0, err
	}
	ts = c.i64(1, i)
	if t.ID == schema.TypeTimestamp || !finite(ts) {
		return ts, 0, nil
	}
	loc, err := sessionZone(c.ctx)
	if err != nil || loc == time.UTC {
		return ts, 0, err
	}
	offset = offsetAt(loc, ts)
	return ts + offset*usSecond, offset, nil
}

// fieldOf finds a field and refuses those that a type does not have.
func fieldOf(name string, t schema.Type) (timeField, error) {
	f := timeFields[strings.ToLower(name)]
	ok := f != 0
	switch t.ID {
	case schema.TypeTime:
		ok = f >= fieldMicro && f <= fieldHour || f == fieldEpoch
	case schema.TypeInterval:
		ok = f >= fieldMicro && f <= fieldMillennium && f != fieldWeek || f == fieldEpoch
	case schema.TypeDate:
		ok = ok && f >= fieldDay && f < fieldZone
	case schema.TypeTimestamp:
		ok = ok && f < fieldZone
	}
	if !ok {
		return 0, badUnit(name, t)
	}
	return f, nil
}

// infiniteField is NULL for fields that come round and infinite for the others.
func infiniteField(f timeField, ts int64) fieldState {
	switch f {
	case fieldYear, fieldDecade, fieldCentury, fieldMillennium, fieldIsoYear, fieldEpoch, fieldJulian:
		if ts == tsInfinity {
			return 1
		}
		return -1
	}
	return stateNull
}

// clockField computes the fields of a time of day.
func clockField(f timeField, us int64) (int64, uint8) {
	switch f {
	case fieldMicro:
		return us % usMinute, 0
	case fieldMilli:
		return us % usMinute, 3
	case fieldSecond:
		return us % usMinute, 6
	case fieldMinute:
		return us / usMinute % 60, 0
	case fieldHour:
		return us / usHour, 0
	}
	return us, 6 // epoch
}

// timestampField computes a field of a local timestamp; offset is the zone's.
func timestampField(f timeField, ts, offset int64) (int64, uint8) {
	if f == fieldEpoch {
		return ts - offset*usSecond, 6
	}
	day, us := dayOf(ts)
	if f <= fieldHour {
		return clockField(f, us)
	}
	switch f {
	case fieldDow:
		return int64(weekday(day)), 0
	case fieldIsoDow:
		return int64((weekday(day)+6)%7 + 1), 0
	case fieldWeek:
		_, w := isoWeek(day)
		return int64(w), 0
	case fieldIsoYear:
		y, _ := isoWeek(day)
		return displayYear(y), 0
	case fieldJulian:
		return day + 2440588, 0
	case fieldZone:
		return offset, 0
	case fieldZoneHour:
		return offset / 3600, 0
	case fieldZoneMinute:
		return offset / 60 % 60, 0
	}
	return dateField(f, day), 0
}

// displayYear makes astronomical years what SQL shows: there is no year 0.
func displayYear(y int64) int64 {
	if y <= 0 {
		return y - 1
	}
	return y
}

func dateField(f timeField, day int64) int64 {
	y, m, d := civil(day)
	switch f {
	case fieldDay:
		return int64(d)
	case fieldMonth:
		return int64(m)
	case fieldQuarter:
		return int64((m-1)/3 + 1)
	case fieldDoy:
		return day - dayNumber(y, 1, 1) + 1
	case fieldDecade:
		return floorDiv(y, 10)
	case fieldCentury:
		return displayCount(y, 100)
	case fieldMillennium:
		return displayCount(y, 1000)
	}
	return displayYear(y)
}

// displayCount numbers centuries and millennia, which have no number 0.
func displayCount(y, size int64) int64 {
	if y > 0 {
		return (y + size - 1) / size
	}
	return -((size - 1 - (y - 1)) / size)
}

func intervalField(f timeField, iv column.Interval) (int64, uint8) {
	years, months := int64(iv.Months/12), int64(iv.Months%12)
	switch f {
	case fieldHour:
		return iv.Micros / usHour, 0
	case fieldDay:
		return int64(iv.Days), 0
	case fieldMonth:
		return months, 0
	case fieldQuarter:
		return months/3 + 1, 0
	case fieldYear:
		return years, 0
	case fieldDecade:
		return years / 10, 0
	case fieldCentury:
		return years / 100, 0
	case fieldMillennium:
		return years / 1000, 0
	case fieldEpoch:
		// A year counts 365.25 days and a month 30.
		secs := years*31557600 + months*30*86400 + int64(iv.Days)*86400
		return secs*usSecond + iv.Micros, 6
	}
	return clockField(f, iv.Micros)
}
