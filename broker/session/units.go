package session

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// unit is a unit of a setting's value.
type unit struct {
	name string
	size int64
}

// units are the units of a kind of setting, from the largest to the smallest.
type units struct {
	list []unit
	// bare is the size of the unit of a number without one.
	bare int64
	// limit is the largest value, in the smallest unit.
	limit int64
	hint  string
}

// timeUnits count microseconds.
var timeUnits = units{
	list: []unit{{"d", 86_400_000_000}, {"h", 3_600_000_000}, {"min", 60_000_000}, {"s", 1_000_000}, {"ms", 1000}, {"us", 1}},
	bare: 1000, limit: math.MaxInt32 * 1000,
	hint: `Valid units are "us", "ms", "s", "min", "h", and "d".`,
}

// sizeUnits count bytes.
var sizeUnits = units{
	list: []unit{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}, {"B", 1}},
	bare: 1 << 10, limit: math.MaxInt32 << 10,
	hint: `Valid units are "B", "kB", "MB", "GB", and "TB".`,
}

// parse reads a number with an optional unit. A hint says what is wrong.
func (u *units) parse(v string) (n int64, hint string) {
	v = strings.TrimSpace(v)
	end := strings.IndexFunc(v, func(r rune) bool { return !strings.ContainsRune("0123456789.+-", r) })
	if end < 0 {
		end = len(v)
	}
	num, err := strconv.ParseFloat(v[:end], 64)
	if err != nil {
		return 0, "A number with an optional unit is needed. " + u.hint
	}
	size, ok := u.size(strings.TrimSpace(v[end:]))
	if !ok {
		return 0, u.hint
	}
	total := math.Round(num * float64(size))
	if total < 0 || total > float64(u.limit) {
		return 0, "The value must be between 0 and " + u.format(u.limit) + "."
	}
	return int64(total), ""
}

func (u *units) size(name string) (int64, bool) {
	if name == "" {
		return u.bare, true
	}
	for _, x := range u.list {
		if x.name == name {
			return x.size, true
		}
	}
	return 0, false
}

// format prints a value in the largest unit that it is a multiple of.
func (u *units) format(n int64) string {
	for _, x := range u.list {
		if n != 0 && n%x.size == 0 {
			return strconv.FormatInt(n/x.size, 10) + x.name
		}
	}
	return "0"
}

// duration returns a settingMillis value.
func (s *settings) duration(name string) time.Duration {
	v, _ := s.get(name)
	n, _ := timeUnits.parse(v) // checked when it was set
	return time.Duration(n) * time.Microsecond
}

// bytes returns a settingBytes value.
func (s *settings) bytes(name string) int64 {
	v, _ := s.get(name)
	n, _ := sizeUnits.parse(v)
	return n
}

// bool returns a settingBool value.
func (s *settings) bool(name string) bool {
	v, _ := s.get(name)
	b, _ := parseBool(v)
	return b
}
