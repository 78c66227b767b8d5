package decode

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// clockReader reads points in time of one field by its format. Events of a
// stream share their second more often than not, so it remembers the last text
// and what it meant.
type clockReader struct {
	kind    schema.TimeFormatKind
	pattern *Pattern       // FormatSimpleDate
	loc     *time.Location // FormatTimestamp: zone of texts without one
	// nanos is the length of one tick of a number: a millisecond unless the
	// format is EPOCH.
	nanos int64

	last   [48]byte
	lastN  int
	lastAt int64
}

func newClockReader(f schema.TimeFormat) (*clockReader, error) {
	r := &clockReader{kind: f.Kind, nanos: int64(time.Millisecond)}
	var err error
	switch f.Kind {
	case schema.FormatTimestamp:
		r.loc, err = loadZone(f.Zone)
	case schema.FormatSimpleDate:
		r.pattern, err = CompilePattern(f.Pattern, f.Zone)
	case schema.FormatEpoch:
		r.nanos, err = tickNanos(f)
	default:
		err = fmt.Errorf("unknown time format %d", f.Kind)
	}
	return r, err
}

// tickNanos returns the length of an epoch format's tick.
func tickNanos(f schema.TimeFormat) (int64, error) {
	units := [...]time.Duration{schema.UnitMillis: time.Millisecond, schema.UnitNanos: time.Nanosecond,
		schema.UnitMicros: time.Microsecond, schema.UnitSeconds: time.Second, schema.UnitMinutes: time.Minute,
		schema.UnitHours: time.Hour, schema.UnitDays: 24 * time.Hour}
	size := max(f.Size, 1)
	if int(f.Unit) >= len(units) || size > math.MaxInt64/int64(units[f.Unit]) {
		return 0, fmt.Errorf("EPOCH format with unit %d and size %d is not supported", f.Unit, f.Size)
	}
	return size * int64(units[f.Unit]), nil
}

// text reads a point in time from a string.
func (r *clockReader) text(b []byte) (micros int64, ok bool) {
	if len(b) == r.lastN && bytes.Equal(b, r.last[:r.lastN]) && r.lastN > 0 {
		return r.lastAt, true
	}
	if micros, ok = r.parse(b); ok && len(b) <= len(r.last) {
		r.lastN = copy(r.last[:], b)
		r.lastAt = micros
	}
	return micros, ok
}

func (r *clockReader) parse(b []byte) (int64, bool) {
	b = bytes.TrimSpace(b)
	if r.kind == schema.FormatSimpleDate {
		return r.pattern.Parse(b)
	}
	if r.kind == schema.FormatTimestamp {
		if micros, ok := ParseTimestamp(b, r.loc); ok {
			return micros, true
		}
	}
	d, fits, ok := parseNumber(b)
	if !ok || !fits {
		return 0, false
	}
	return r.number(d)
}

// number reads a point in time from a count of ticks, rounded to µs.
func (r *clockReader) number(d decimal) (micros int64, ok bool) {
	if r.nanos%1000 == 0 {
		v, res := d.scaled(uint64(r.nanos/1000), 0)
		return v, res != scaleOverflow
	}
	v, res := d.scaled(uint64(r.nanos), -3)
	return v, res != scaleOverflow
}

// ticks is the inverse of number, rounded down.
func (r *clockReader) ticks(micros int64) int64 {
	if r.nanos%1000 == 0 {
		return floorDiv(micros, r.nanos/1000)
	}
	return floorDiv(micros*1000, r.nanos)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
