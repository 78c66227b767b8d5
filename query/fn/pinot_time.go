package fn

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func log2(x float64) float64 { return math.Log2(x) }

// timeArgs are the types in which Pinot's time functions take a time.
var timeArgs = []string{"int8", "timestamp"}

func registerPinotTime(r *registry) {
	r.pinotRow("now() int8 stable", func(c *call, i int) error { return c.putI64(c.ctx.NowMicros / 1000) })
	r.pinotRow("ago(text) int8 stable", func(c *call, i int) error {
		d, err := parseJavaDuration(c.str(0, i))
		c.putI64(c.ctx.NowMicros/1000 - d)
		return err
	})
	for name, size := range map[string]int64{"seconds": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000} {
		for _, t := range timeArgs {
			r.pinotRow("toepoch"+name+"("+t+") int8", func(c *call, i int) error { return c.putI64(c.millisAt(0, i) / size) })
			r.pinotRow("toepoch"+name+"rounded("+t+",int8) int8", func(c *call, i int) error {
				return c.rounded(c.millisAt(0, i)/size, c.i64(1, i), true)
			})
			r.pinotRow("toepoch"+name+"bucket("+t+",int8) int8", func(c *call, i int) error {
				return c.rounded(c.millisAt(0, i)/size, c.i64(1, i), false)
			})
		}
		r.pinotRow("fromepoch"+name+"(int8) int8", func(c *call, i int) error { return c.putI64(c.i64(0, i) * size) })
		r.pinotRow("fromepoch"+name+"bucket(int8,int8) int8", func(c *call, i int) error {
			return c.putI64(c.i64(0, i) * c.i64(1, i) * size)
		})
	}
	r.pinotRow("totimestamp(int8) timestamp", func(c *call, i int) error { return c.putI64(c.i64(0, i) * 1000) }, "to_timestamp")
	r.pinotRow("fromtimestamp(timestamp) int8", func(c *call, i int) error { return c.putI64(c.millisAt(0, i)) }, "from_timestamp")
	registerPinotTrunc(r)
	registerPinotConvert(r)
}

// rounded divides by a bucket; with back it is multiplied again.
func (c *call) rounded(x, size int64, back bool) error {
	if size == 0 {
		return errDivZero
	}
	x /= size
	if back {
		x *= size
	}
	return c.putI64(x)
}

// registerPinotTrunc makes DATETRUNC(unit, time, input unit, zone, output unit).
func registerPinotTrunc(r *registry) {
	f := func(c *call, i int) error {
		unit := timeFields[strings.ToLower(c.str(0, i))]
		if unit == 0 || unit > fieldMillennium {
			return badPinotUnit(c.str(0, i))
		}
		inNum, inDen, err := c.unitArg(2, i)
		if err != nil {
			return err
		}
		loc := time.UTC
		if len(c.args) > 3 {
			if loc, err = LoadZone(c.str(3, i)); err != nil {
				return err
			}
		}
		outNum, outDen := inNum, inDen
		if len(c.args) > 4 {
			if outNum, outDen, err = c.unitArg(4, i); err != nil {
				return err
			}
		}
		ms := c.millisAt(1, i)
		if len(c.args) > 2 {
			ms = c.i64(1, i) * inNum / inDen
		}
		ms = floorDiv(truncZoned(unit, ms*1000, loc), 1000)
		return c.putI64(ms * outDen / outNum)
	}
	for _, name := range []string{"datetrunc", "date_trunc"} {
		for _, t := range timeArgs {
			r.pinotRow(name+"(text,"+t+") int8", f)
		}
		r.pinotRow(name+"(text,int8,text) int8", f)
		r.pinotRow(name+"(text,int8,text,text) int8", f)
		r.pinotRow(name+"(text,int8,text,text,text) int8", f)
	}
}

// unitArg reads an optional time unit argument; milliseconds without it.
func (c *call) unitArg(k, i int) (num, den int64, err error) {
	if k >= len(c.args) {
		return 1, 1, nil
	}
	num, den, ok := pinotUnitMillis(c.str(k, i))
	if !ok {
		return 1, 1, badPinotUnit(c.str(k, i))
	}
	return num, den, nil
}

// pinotFields are the functions that extract a field of a time as INT.
var pinotFields = map[string]timeField{
	"year": fieldYear, "quarter": fieldQuarter, "month": fieldMonth, "monthofyear": fieldMonth,
	"week": fieldWeek, "weekofyear": fieldWeek, "day": fieldDay, "dayofmonth": fieldDay,
	"dayofweek": fieldIsoDow, "dow": fieldIsoDow, "dayofyear": fieldDoy, "doy": fieldDoy,
	"hour": fieldHour, "minute": fieldMinute, "yearofweek": fieldIsoYear,
}

func registerPinotFields(r *registry) {
	field := func(get func(local int64) int64) rowFunc {
		return func(c *call, i int) error {
			us := c.millisAt(0, i) * 1000
			if len(c.args) > 1 {
				loc, err := LoadZone(c.str(1, i))
				if err != nil {
					return err
				}
				us = toLocal(loc, us)
			}
			return c.putI32(int32(get(us)))
		}
	}
	add := func(name string, get func(int64) int64) {
		for _, t := range timeArgs {
			r.pinotRow(name+"("+t+") int4", field(get))
			r.pinotRow(name+"("+t+",text) int4", field(get))
		}
	}
	for name, f := range pinotFields {
		add(name, func(local int64) int64 {
			x, _ := timestampField(f, local, 0)
			return x
		})
	}
	add("second", func(local int64) int64 { return (local - truncFixed(local, usMinute, 0)) / usSecond })
	add("millisecond", func(local int64) int64 { return (local - truncFixed(local, usSecond, 0)) / 1000 })
}

// registerPinotConvert makes TODATETIME, FROMDATETIME and DATETIMECONVERT.
func registerPinotConvert(r *registry) {
	for _, t := range timeArgs {
		r.pinotRow("todatetime("+t+",text) text", func(c *call, i int) error { return c.printJava(i, time.UTC) })
		r.pinotRow("todatetime("+t+",text,text) text", func(c *call, i int) error {
			loc, err := LoadZone(c.str(2, i))
			if err != nil {
				return err
			}
			return c.printJava(i, loc)
		})
	}
	r.pinotRow("fromdatetime(text,text) int8", func(c *call, i int) error {
		ms, err := parseJavaTime(c.str(0, i), c.str(1, i), time.UTC)
		c.putI64(ms)
		return err
	})
	for _, t := range []string{"int8", "timestamp", "text"} {
		r.pinotRow("datetimeconvert("+t+",text,text,text) text", dateTimeConvert)
	}
}

func (c *call) printJava(i int, loc *time.Location) error {
	layout, err := javaLayout(c.str(1, i))
	if err != nil {
		return err
	}
	return c.putStr(time.UnixMilli(c.millisAt(0, i)).In(loc).Format(layout))
}

// javaLayouts maps the letters of Java's patterns to Go's reference time.
var javaLayouts = []struct{ java, layout string }{
	{"yyyy", "2006"}, {"yy", "06"}, {"y", "2006"}, {"uuuu", "2006"}, {"MMMM", "January"}, {"MMM", "Jan"}, {"MM", "01"}, {"M", "1"},
	{"dd", "02"}, {"d", "2"}, {"EEEE", "Monday"}, {"EEE", "Mon"}, {"E", "Mon"}, {"HH", "15"}, {"H", "15"}, {"hh", "03"}, {"h", "3"},
	{"mm", "04"}, {"m", "4"}, {"ss", "05"}, {"s", "5"}, {"SSSSSS", "000000"}, {"SSS", "000"}, {"a", "PM"},
	{"XXX", "Z07:00"}, {"XX", "Z0700"}, {"X", "Z07"}, {"Z", "-0700"}, {"z", "MST"}, {"DDD", "002"},
}

// javaLayout translates a Java pattern; letters without an equal are refused.
func javaLayout(pattern string) (string, error) {
	var b strings.Builder
	for s := pattern; s != ""; {
		if s[0] == '\'' {
			text, rest, _ := strings.Cut(s[1:], "'")
			b.WriteString(text)
			s = rest
			continue
		}
		n := 0
		for _, l := range javaLayouts {
			if strings.HasPrefix(s, l.java) {
				n = len(l.java)
				b.WriteString(l.layout)
				break
			}
		}
		if n == 0 {
			if isIdentByte(s[0], true) && s[0] != '_' && s[0] < 0x80 {
				return "", sqlerr.Unsupported("letter " + s[:1] + " in the date pattern " + strconv.Quote(pattern))
			}
			b.WriteByte(s[0])
			n = 1
		}
		s = s[n:]
	}
	return b.String(), nil
}

func parseJavaTime(s, pattern string, loc *time.Location) (int64, error) {
	layout, err := javaLayout(pattern)
	if err != nil {
		return 0, err
	}
	t, err := time.ParseInLocation(layout, s, loc)
	if err != nil {
		return 0, sqlerr.New(sqlerr.InvalidDatetime, "%q does not match the date pattern %q", s, pattern)
	}
	return t.UnixMilli(), nil
}

// pinotFormat is a time format of DATETIMECONVERT: 1:MILLISECONDS:EPOCH, or
// 1:DAYS:SIMPLE_DATE_FORMAT:pattern, also with | instead of a leading size.
type pinotFormat struct {
	num, den int64 // an epoch number is num/den milliseconds
	pattern  string
}

func parsePinotFormat(s string) (pinotFormat, error) {
	bad := sqlerr.New(sqlerr.InvalidParameter, "invalid date-time format %q", s)
	if parts := strings.SplitN(s, "|", 3); strings.EqualFold(parts[0], "EPOCH") && len(parts) > 1 {
		size := "1"
		if len(parts) > 2 {
			size = parts[2]
		}
		s = size + ":" + parts[1] + ":EPOCH"
	} else if strings.EqualFold(parts[0], "SIMPLE_DATE_FORMAT") && len(parts) > 1 {
		return pinotFormat{pattern: parts[1]}, nil
	}
	parts := strings.SplitN(s, ":", 4)
	if len(parts) < 3 {
		return pinotFormat{}, bad
	}
	if strings.EqualFold(parts[2], "SIMPLE_DATE_FORMAT") && len(parts) == 4 {
		return pinotFormat{pattern: parts[3]}, nil
	}
	size, err := strconv.ParseInt(parts[0], 10, 64)
	num, den, ok := pinotUnitMillis(parts[1])
	if strings.EqualFold(parts[2], "TIMESTAMP") {
		return pinotFormat{num: 1, den: 1}, nil
	}
	if err != nil || !ok || size <= 0 || !strings.EqualFold(parts[2], "EPOCH") {
		return pinotFormat{}, bad
	}
	return pinotFormat{num: num * size, den: den}, nil
}

// dateTimeConvert reads a time in one format, cuts it to a granularity and
// prints it in another.
func dateTimeConvert(c *call, i int) error {
	in, err := parsePinotFormat(c.str(1, i))
	if err != nil {
		return err
	}
	out, err := parsePinotFormat(c.str(2, i))
	if err != nil {
		return err
	}
	parts := strings.SplitN(c.str(3, i), ":", 2)
	if len(parts) != 2 {
		return sqlerr.New(sqlerr.InvalidParameter, "invalid granularity %q", c.str(3, i))
	}
	size, err := strconv.ParseInt(parts[0], 10, 64)
	num, den, ok := pinotUnitMillis(parts[1])
	if err != nil || !ok || size <= 0 {
		return sqlerr.New(sqlerr.InvalidParameter, "invalid granularity %q", c.str(3, i))
	}
	ms, err := c.convertInput(i, in)
	if err != nil {
		return err
	}
	if grain := size * num / den; grain > 0 {
		ms = truncFixed(ms, grain, 0)
	}
	if out.pattern == "" {
		return c.putStr(strconv.FormatInt(ms*out.den/out.num, 10))
	}
	layout, err := javaLayout(out.pattern)
	if err != nil {
		return err
	}
	return c.putStr(time.UnixMilli(ms).UTC().Format(layout))
}

func (c *call) convertInput(i int, in pinotFormat) (int64, error) {
	text := c.args[0].Type.IsText()
	switch {
	case in.pattern != "" && text:
		return parseJavaTime(c.str(0, i), in.pattern, time.UTC)
	case in.pattern != "":
		return parseJavaTime(strconv.FormatInt(c.i64(0, i), 10), in.pattern, time.UTC)
	case text:
		n, err := strconv.ParseInt(c.str(0, i), 10, 64)
		if err != nil {
			return 0, sqlerr.New(sqlerr.InvalidText, "invalid input syntax for type bigint: %q", c.str(0, i))
		}
		return n * in.num / in.den, nil
	case c.args[0].Type.Kind() != 0 && c.args[0].Type.IsTime():
		return c.millisAt(0, i), nil
	}
	return c.i64(0, i) * in.num / in.den, nil
}
