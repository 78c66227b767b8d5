package fn

import (
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// timeField names a unit or field of a point in time.
type timeField uint8

const (
	fieldMicro timeField = iota + 1
	fieldMilli
	fieldSecond
	fieldMinute
	fieldHour
	fieldDay
	fieldWeek
	fieldMonth
	fieldQuarter
	fieldYear
	fieldDecade
	fieldCentury
	fieldMillennium
	// The fields below can be extracted but not truncated to.
	fieldDow
	fieldIsoDow
	fieldDoy
	fieldIsoYear
	fieldEpoch
	fieldJulian
	fieldZone
	fieldZoneHour
	fieldZoneMinute
)

var timeFields = map[string]timeField{
	"microseconds": fieldMicro, "microsecond": fieldMicro, "us": fieldMicro, "usec": fieldMicro, "usecs": fieldMicro,
	"milliseconds": fieldMilli, "millisecond": fieldMilli, "ms": fieldMilli, "msec": fieldMilli, "msecs": fieldMilli,
	"second": fieldSecond, "seconds": fieldSecond, "s": fieldSecond, "sec": fieldSecond, "secs": fieldSecond,
	"minute": fieldMinute, "minutes": fieldMinute, "m": fieldMinute, "min": fieldMinute, "mins": fieldMinute,
	"hour": fieldHour, "hours": fieldHour, "h": fieldHour, "hr": fieldHour, "hrs": fieldHour,
	"day": fieldDay, "days": fieldDay, "d": fieldDay, "week": fieldWeek, "weeks": fieldWeek, "w": fieldWeek,
	"month": fieldMonth, "months": fieldMonth, "mon": fieldMonth, "mons": fieldMonth,
	"quarter": fieldQuarter, "quarters": fieldQuarter, "qtr": fieldQuarter,
	"year": fieldYear, "years": fieldYear, "y": fieldYear, "yr": fieldYear, "yrs": fieldYear,
	"decade": fieldDecade, "decades": fieldDecade, "dec": fieldDecade, "decs": fieldDecade,
	"century": fieldCentury, "centuries": fieldCentury, "c": fieldCentury, "cent": fieldCentury,
	"millennium": fieldMillennium, "millennia": fieldMillennium, "mil": fieldMillennium, "mils": fieldMillennium,
	"dow": fieldDow, "isodow": fieldIsoDow, "doy": fieldDoy, "isoyear": fieldIsoYear, "epoch": fieldEpoch,
	"julian": fieldJulian, "jd": fieldJulian, "timezone": fieldZone, "timezone_h": fieldZoneHour,
	"timezone_hour": fieldZoneHour, "timezone_m": fieldZoneMinute, "timezone_minute": fieldZoneMinute,
}

func badUnit(name string, t schema.Type) error {
	if f := timeFields[strings.ToLower(name)]; f != 0 && (f <= fieldMillennium || f >= fieldZone) {
		return sqlerr.New(sqlerr.FeatureNotSupported, "unit %q not supported for type %s", name, plain(t))
	}
	return sqlerr.New(sqlerr.InvalidParameter, "unit %q not recognized for type %s", name, plain(t))
}

// truncSizes are the units of one length; weeks begin on Monday.
var truncSizes = map[timeField]int64{
	fieldMicro: 1, fieldMilli: 1000, fieldSecond: usSecond, fieldMinute: usMinute,
	fieldHour: usHour, fieldDay: usDay, fieldWeek: 7 * usDay,
}

// weekOrigin is a Monday: 1970-01-05.
const weekOrigin = 4 * usDay

// truncLocal cuts a local time to the beginning of its unit.
func truncLocal(f timeField, ts int64) int64 {
	if !finite(ts) {
		return ts
	}
	if size, ok := truncSizes[f]; ok {
		return truncFixed(ts, size, originOf(f))
	}
	return truncMonths(f, ts)
}

func originOf(f timeField) int64 {
	if f == fieldWeek {
		return weekOrigin
	}
	return 0
}

func truncFixed(ts, size, origin int64) int64 {
	m := (ts - origin) % size
	if m < 0 {
		m += size
	}
	return ts - m
}

func truncMonths(f timeField, ts int64) int64 {
	day, _ := dayOf(ts)
	y, m, _ := civil(day)
	switch f {
	case fieldMonth:
	case fieldQuarter:
		m = (m-1)/3*3 + 1
	default:
		m, y = 1, truncYear(f, y)
	}
	return dayNumber(y, m, 1) * usDay
}

// truncYear is the first year of a decade, century or millennium; the last two
// begin with year 1.
func truncYear(f timeField, y int64) int64 {
	switch f {
	case fieldDecade:
		return floorDiv(y, 10) * 10
	case fieldCentury:
		return floorDiv(y-1, 100)*100 + 1
	case fieldMillennium:
		return floorDiv(y-1, 1000)*1000 + 1
	}
	return y
}

// truncZoned cuts an instant by the wall clock of a zone.
func truncZoned(f timeField, ts int64, loc *time.Location) int64 {
	if loc == time.UTC || !finite(ts) {
		return truncLocal(f, ts)
	}
	local := toLocal(loc, ts)
	cut := truncLocal(f, local)
	if f < fieldDay {
		return ts - (local - cut)
	}
	return fromLocal(loc, cut)
}

func registerDateTime(r *registry) {
	registerNow(r)
	r.vec("date_trunc(text,timestamp) timestamp", dateTrunc(schema.Timestamp))
	r.vec("date_trunc(text,timestamptz) timestamptz stable", dateTrunc(schema.TimestampTZ))
	r.vec("date_trunc(text,timestamptz,text) timestamptz stable", dateTrunc(schema.TimestampTZ))
	r.row("date_trunc(text,interval) interval", truncIntervalRow)
	r.vec("date_bin(interval,timestamp,timestamp) timestamp", dateBin(schema.Timestamp))
	r.vec("date_bin(interval,timestamptz,timestamptz) timestamptz", dateBin(schema.TimestampTZ))
	r.row("timezone(text,timestamp) timestamptz", func(c *call, i int) error { return c.atZone(i, fromLocal) })
	r.row("timezone(text,timestamptz) timestamp", func(c *call, i int) error { return c.atZone(i, toLocal) })
	r.row("timezone(interval,timestamp) timestamptz", func(c *call, i int) error { return c.atOffset(i, -1) })
	r.row("timezone(interval,timestamptz) timestamp", func(c *call, i int) error { return c.atOffset(i, 1) })
	for _, t := range []string{"date", "timestamp", "timestamptz", "interval"} {
		r.row("isfinite("+t+") bool", isFinite)
	}
	registerExtract(r)
}

func registerNow(r *registry) {
	now := func(c *call, i int) error { return c.putI64(c.ctx.NowMicros) }
	for _, name := range []string{"now", "current_timestamp", "transaction_timestamp", "statement_timestamp"} {
		r.row(name+"() timestamptz stable", now)
	}
	r.row("clock_timestamp() timestamptz stable", now)
	r.row("localtimestamp() timestamp stable", func(c *call, i int) error { return c.nowLocal(c.putI64) })
	r.row("current_date() date stable", func(c *call, i int) error {
		return c.nowLocal(func(ts int64) error { return c.putI32(tsToDate(ts)) })
	})
	timeOnly := func(c *call, i int) error {
		return c.nowLocal(func(ts int64) error {
			_, us := dayOf(ts)
			return c.putI64(us)
		})
	}
	r.row("localtime() time stable", timeOnly)
	r.row("current_time() time stable", timeOnly)
	r.row("timeofday() text stable", func(c *call, i int) error {
		return c.putStr(time.UnixMicro(c.ctx.NowMicros).UTC().Format("Mon Jan 02 15:04:05.000000 2006 UTC"))
	})
}

func (c *call) nowLocal(put func(int64) error) error {
	loc, err := sessionZone(c.ctx)
	if err != nil {
		return err
	}
	return put(toLocal(loc, c.ctx.NowMicros))
}

// dateTrunc truncates a whole vector when unit and zone are constant.
func dateTrunc(t schema.Type) evalFunc {
	return func(ctx *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(t)
		if args[0].Const && (len(args) < 3 || args[2].Const) && !args[0].IsNull(0) {
			f, loc, err := truncSpec(ctx, args, t, 0)
			if err != nil {
				return firstLive(args, sel, n, err, func(int) bool { return true })
			}
			truncVector(f, loc, args[1], n, out)
			return nil
		}
		for i := range n {
			if !live(args, sel, i) {
				out.AppendNull()
				continue
			}
			f, loc, err := truncSpec(ctx, args, t, i)
			if err != nil {
				return err
			}
			out.Int64s = append(out.Int64s, truncZoned(f, args[1].Int64s[at(args[1], i)], loc))
			out.N++
		}
		return nil
	}
}

// truncSpec reads unit and zone of row i.
func truncSpec(ctx *Context, args []*column.Vector, t schema.Type, i int) (timeField, *time.Location, error) {
	name := string(args[0].Bytes(i))
	f := timeFields[strings.ToLower(name)]
	if f == 0 || f > fieldMillennium {
		return 0, nil, badUnit(name, t)
	}
	loc, err := zoneIf(ctx, t.ID == schema.TypeTimestampTZ)
	if len(args) > 2 {
		if args[2].IsNull(i) {
			return f, time.UTC, nil
		}
		loc, err = LoadZone(string(args[2].Bytes(i)))
	}
	return f, loc, err
}

// truncVector is the hot loop: units of one length in UTC are a modulo.
func truncVector(f timeField, loc *time.Location, v *column.Vector, n int, out *column.Vector) {
	out.Resize(n)
	dst, s := out.Int64s, step(v)
	size, fixed := truncSizes[f]
	if loc == time.UTC && fixed {
		origin := originOf(f)
		for i := range dst {
			ts := v.Int64s[i*s]
			if !finite(ts) {
				dst[i] = ts
				continue
			}
			dst[i] = truncFixed(ts, size, origin)
		}
		return
	}
	t := truncCursor{f: f, zone: zoneCursor{loc: loc}}
	for i := range dst {
		dst[i] = t.cut(v.Int64s[i*s])
	}
}

// truncCursor truncates timestamps that mostly follow each other: those within
// the unit of the last one need no calendar.
type truncCursor struct {
	f      timeField
	zone   zoneCursor
	lo, hi int64 // local time of the last unit of days or longer; empty at first
}

func (t *truncCursor) cut(ts int64) int64 {
	if !finite(ts) {
		return ts
	}
	off := int64(0)
	if t.zone.loc != time.UTC {
		off = t.zone.at(ts) * usSecond
	}
	local := ts + off
	if t.f < fieldDay {
		return ts - (local - truncLocal(t.f, local))
	}
	if local < t.lo || local >= t.hi {
		t.lo = truncLocal(t.f, local)
		t.hi = nextUnit(t.f, t.lo)
	}
	start := t.lo - off
	if t.zone.loc == time.UTC || start >= t.zone.lo && start < t.zone.hi {
		return start
	}
	return fromLocal(t.zone.loc, t.lo)
}

// nextUnit is the beginning of the unit after the one that begins at lo.
func nextUnit(f timeField, lo int64) int64 {
	if size, ok := truncSizes[f]; ok {
		return lo + size
	}
	months := map[timeField]int64{fieldMonth: 1, fieldQuarter: 3, fieldYear: 12, fieldDecade: 120, fieldCentury: 1200}[f]
	if months == 0 {
		months = 12000
	}
	day, _ := dayOf(lo)
	next := addMonths(day, months)
	if next > maxTSus/usDay {
		return maxTSus
	}
	return next * usDay
}

func truncIntervalRow(c *call, i int) error {
	name := c.str(0, i)
	f := timeFields[strings.ToLower(name)]
	if f == 0 || f > fieldMillennium || f == fieldWeek {
		return badUnit(name, schema.Interval)
	}
	iv := c.iv(1, i)
	months := map[timeField]int32{fieldQuarter: 3, fieldYear: 12, fieldDecade: 120, fieldCentury: 1200, fieldMillennium: 12000}
	switch {
	case f < fieldDay:
		iv.Micros -= iv.Micros % truncSizes[f]
	case f == fieldDay:
		iv.Micros = 0
	case f == fieldMonth:
		iv.Days, iv.Micros = 0, 0
	default:
		iv.Days, iv.Micros = 0, 0
		iv.Months -= iv.Months % months[f]
	}
	return c.putIv(iv)
}

var (
	errBinMonths = sqlerr.New(sqlerr.FeatureNotSupported, "timestamps cannot be binned into intervals containing months or years")
	errBinStride = sqlerr.New(sqlerr.DatetimeOverflow, "stride must be greater than zero")
)

// dateBin puts timestamps into bins of a stride counted from an origin.
func dateBin(t schema.Type) evalFunc {
	return func(_ *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(t)
		out.Resize(n)
		stride, ts, origin := args[0], args[1], args[2]
		ss, st, so := step(stride), step(ts), step(origin)
		for i := range out.Int64s {
			iv := stride.Intervals[i*ss]
			size := int64(iv.Days)*usDay + iv.Micros
			if (iv.Months != 0 || size <= 0) && live(args, sel, i) {
				return binError(iv)
			}
			x := ts.Int64s[i*st]
			if size > 0 && finite(x) {
				x = truncFixed(x, size, origin.Int64s[i*so])
			}
			out.Int64s[i] = x
		}
		return nil
	}
}

func binError(iv column.Interval) error {
	if iv.Months != 0 {
		return errBinMonths
	}
	return errBinStride
}

// atZone is AT TIME ZONE with a zone name.
func (c *call) atZone(i int, shift func(*time.Location, int64) int64) error {
	loc, err := memoize(c, func() (*time.Location, error) { return LoadZone(c.str(0, i)) }, 0)
	if err != nil {
		return err
	}
	ts, err := checkTS(shift(loc, c.i64(1, i)))
	c.putI64(ts)
	return err
}

// atOffset is AT TIME ZONE with an interval.
func (c *call) atOffset(i int, sign int64) error {
	iv, ts := c.iv(0, i), c.i64(1, i)
	if iv.Months != 0 || iv.Days != 0 {
		return sqlerr.New(sqlerr.InvalidParameter, "interval time zone %q must not include months or days", string(AppendInterval(nil, iv)))
	}
	if finite(ts) {
		ts += sign * iv.Micros
	}
	return c.putI64(ts)
}

func isFinite(c *call, i int) error {
	switch v := c.args[0]; v.Kind() {
	case schema.KindInt32:
		d := c.i32(0, i)
		return c.putBool(d != dateInfinity && d != dateNegInf)
	case schema.KindInt64:
		return c.putBool(finite(c.i64(0, i)))
	}
	return c.putBool(true)
}
