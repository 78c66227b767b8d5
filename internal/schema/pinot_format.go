package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeUnits are Java's TimeUnit names.
var timeUnits = map[string]struct {
	unit TimeUnit
	size time.Duration
}{
	"NANOSECONDS":  {UnitNanos, time.Nanosecond},
	"MICROSECONDS": {UnitMicros, time.Microsecond},
	"MILLISECONDS": {UnitMillis, time.Millisecond},
	"SECONDS":      {UnitSeconds, time.Second},
	"MINUTES":      {UnitMinutes, time.Minute},
	"HOURS":        {UnitHours, time.Hour},
	"DAYS":         {UnitDays, 24 * time.Hour},
}

func unitName(u TimeUnit) string {
	for name, t := range timeUnits {
		if t.unit == u {
			return name
		}
	}
	return "MILLISECONDS"
}

// Duration returns the length of one unit.
func (u TimeUnit) Duration() time.Duration { return timeUnits[unitName(u)].size }

const (
	formEpoch     = "EPOCH"
	formTimestamp = "TIMESTAMP"
	formSimple    = "SIMPLE_DATE_FORMAT"
)

// parseTimeFormat reads the format of a date-time field spec: EPOCH|unit|size,
// TIMESTAMP, SIMPLE_DATE_FORMAT|pattern|zone, or the old forms size:unit:EPOCH
// and size:unit:SIMPLE_DATE_FORMAT:pattern, the pattern with an optional
// tz(zone).
func parseTimeFormat(text string) (TimeFormat, error) {
	if text == "" {
		return TimeFormat{}, fmt.Errorf("the format is empty")
	}
	if text[0] >= '0' && text[0] <= '9' {
		return parseOldFormat(text)
	}
	parts := strings.Split(text, "|")
	switch strings.ToUpper(parts[0]) {
	case formEpoch:
		return parseEpoch(text, parts[1:])
	case formTimestamp:
		if len(parts) == 1 {
			return TimeFormat{Kind: FormatTimestamp}, nil
		}
	case formSimple:
		return parseSimple(text, parts[1:])
	default:
		return TimeFormat{}, fmt.Errorf("unknown format %q; known are EPOCH|unit|size, TIMESTAMP, SIMPLE_DATE_FORMAT|pattern|zone", text)
	}
	return TimeFormat{}, fmt.Errorf("format %q has too many parts", text)
}

// parseEpoch reads unit and size, in this order; both may be left out.
func parseEpoch(text string, parts []string) (TimeFormat, error) {
	unit, size := "MILLISECONDS", "1"
	switch len(parts) {
	case 2:
		unit, size = parts[0], parts[1]
	case 1:
		unit = parts[0]
	case 0:
	default:
		return TimeFormat{}, fmt.Errorf("format %q has too many parts", text)
	}
	return epochFormat(text, unit, size)
}

func epochFormat(text, unit, size string) (TimeFormat, error) {
	u, ok := timeUnits[strings.ToUpper(unit)]
	if !ok {
		return TimeFormat{}, fmt.Errorf("format %q: unknown time unit %q", text, unit)
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 1 || n > 1<<31 {
		return TimeFormat{}, fmt.Errorf("format %q: the size %q is not a number of at least 1", text, size)
	}
	return TimeFormat{Kind: FormatEpoch, Unit: u.unit, Size: n}, nil
}

func parseSimple(text string, parts []string) (TimeFormat, error) {
	f := TimeFormat{Kind: FormatSimpleDate}
	switch len(parts) {
	case 2:
		f.Pattern, f.Zone = parts[0], parts[1]
	case 1:
		f.Pattern = parts[0]
	case 0: // ISO 8601, which the timestamp format reads
		return TimeFormat{Kind: FormatTimestamp}, nil
	default:
		return f, fmt.Errorf("format %q has too many parts", text)
	}
	return f, checkSimple(text, f)
}

func checkSimple(text string, f TimeFormat) error {
	if strings.TrimSpace(f.Pattern) == "" {
		return fmt.Errorf("format %q has no pattern", text)
	}
	if f.Zone == "" {
		return nil
	}
	if _, err := time.LoadLocation(f.Zone); err != nil || strings.EqualFold(f.Zone, "local") {
		return fmt.Errorf("format %q: unknown time zone %q", text, f.Zone)
	}
	return nil
}

// parseOldFormat reads size:unit:kind[:pattern].
func parseOldFormat(text string) (TimeFormat, error) {
	parts := strings.SplitN(text, ":", 4)
	if len(parts) < 3 {
		return TimeFormat{}, fmt.Errorf("format %q is not size:unit:EPOCH or size:unit:SIMPLE_DATE_FORMAT:pattern", text)
	}
	epoch, err := epochFormat(text, parts[1], parts[0])
	if err != nil {
		return TimeFormat{}, err
	}
	switch kind := strings.ToUpper(parts[2]); {
	case kind == formEpoch && len(parts) == 3:
		return epoch, nil
	case kind == formTimestamp && len(parts) == 3:
		return TimeFormat{Kind: FormatTimestamp}, nil
	case kind == formSimple && len(parts) == 4:
		f := TimeFormat{Kind: FormatSimpleDate}
		f.Pattern, f.Zone = cutZone(parts[3])
		return f, checkSimple(text, f)
	}
	return TimeFormat{}, fmt.Errorf("format %q is not size:unit:EPOCH or size:unit:SIMPLE_DATE_FORMAT:pattern", text)
}

// cutZone splits "pattern tz(zone)".
func cutZone(s string) (pattern, zone string) {
	at := strings.LastIndex(strings.ToLower(s), "tz(")
	if at < 0 || !strings.HasSuffix(s, ")") {
		return s, ""
	}
	return strings.TrimRight(s[:at], " "), s[at+3 : len(s)-1]
}

// String writes the format as a field spec does.
func (f TimeFormat) String() string {
	switch f.Kind {
	case FormatEpoch:
		return fmt.Sprintf("%s|%s|%d", formEpoch, unitName(f.Unit), max(f.Size, 1))
	case FormatSimpleDate:
		if f.Zone == "" {
			return formSimple + "|" + f.Pattern
		}
		return formSimple + "|" + f.Pattern + "|" + f.Zone
	}
	return formTimestamp
}
