package fn

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// zones caches locations by their name and by its lower-case form, so that its
// size is bounded by the zones that exist.
var zones sync.Map // string -> *time.Location

// abbreviations are the zone names without a place that PostgreSQL knows by
// default and that are in use; offsets in seconds east of UTC.
var abbreviations = map[string]int{
	"UTC": 0, "UT": 0, "GMT": 0, "Z": 0, "ZULU": 0, "WET": 0, "WEST": 3600, "BST": 3600,
	"CET": 3600, "CEST": 7200, "MEZ": 3600, "MESZ": 7200, "EET": 7200, "EEST": 10800, "MSK": 10800,
	"IST": 7200, "JST": 32400, "KST": 32400, "HKT": 28800, "SGT": 28800, "AWST": 28800,
	"AEST": 36000, "AEDT": 39600, "ACST": 34200, "NZST": 43200, "NZDT": 46800, "SAST": 7200,
	"EST": -18000, "EDT": -14400, "CST": -21600, "CDT": -18000, "MST": -25200, "MDT": -21600,
	"PST": -28800, "PDT": -25200, "AKST": -32400, "AKDT": -28800, "HST": -36000,
	"AST": -14400, "ADT": -10800, "NST": -12600, "NDT": -9000, "BRT": -10800, "ART": -10800, "CLT": -10800,
}

// LoadZone returns the location of a time zone name: an IANA name in any
// case, an abbreviation, or a POSIX-style offset such as '+05' (which counts
// west of Greenwich).
func LoadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if l, ok := zones.Load(name); ok {
		return l.(*time.Location), nil
	}
	key := strings.ToLower(strings.TrimSpace(name))
	if l, ok := zones.Load(key); ok {
		return l.(*time.Location), nil
	}
	l, ok := findZone(strings.TrimSpace(name))
	if !ok {
		return nil, sqlerr.New(sqlerr.InvalidParameter, "time zone %q not recognized", name)
	}
	zones.Store(key, l)
	if l.String() == name {
		zones.Store(name, l)
	}
	return l, nil
}

func findZone(name string) (*time.Location, bool) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, false
	}
	if secs, ok := parseOffset(name); ok {
		return time.FixedZone(name, -secs), true
	}
	if off, ok := abbreviations[strings.ToUpper(name)]; ok {
		if off == 0 {
			return time.UTC, true
		}
		return time.FixedZone(strings.ToUpper(name), off), true
	}
	if l, err := time.LoadLocation(name); err == nil {
		return l, true
	}
	l, err := time.LoadLocation(titleZone(name))
	return l, err == nil
}

// titleZone spells a zone name as the database does: Europe/Paris, America/New_York.
func titleZone(name string) string {
	b := []byte(strings.ToLower(name))
	start := true
	for i, c := range b {
		if start && c >= 'a' && c <= 'z' {
			b[i] = c - 32
		}
		start = c == '/' || c == '_' || c == '-'
	}
	return string(b)
}

// parseOffset reads [+-]hh[:mm[:ss]] or [+-]hhmm.
func parseOffset(s string) (secs int, ok bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	parts := strings.Split(s[1:], ":")
	if len(parts) == 1 && len(parts[0]) > 2 {
		if len(parts[0]) == 3 {
			parts[0] = "0" + parts[0]
		}
		if len(parts[0]) != 4 {
			return 0, false
		}
		parts = []string{parts[0][:2], parts[0][2:]}
	}
	if len(parts) > 3 {
		return 0, false
	}
	unit := 3600
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || len(p) > 2 || n < 0 || i > 0 && n > 59 || n > 15 && i == 0 {
			return 0, false
		}
		secs += n * unit
		unit /= 60
	}
	if s[0] == '-' {
		secs = -secs
	}
	return secs, true
}

// sessionZone returns the location of the session's TimeZone.
func sessionZone(ctx *Context) (*time.Location, error) {
	if ctx == nil {
		return time.UTC, nil
	}
	return LoadZone(ctx.Zone)
}

// offsetAt returns the seconds east of UTC that a zone has at an instant.
func offsetAt(loc *time.Location, ts int64) int64 {
	if loc == time.UTC {
		return 0
	}
	_, off := time.Unix(floorDiv(ts, usSecond), 0).In(loc).Zone()
	return int64(off)
}

// toLocal returns the wall clock time of an instant in a zone.
func toLocal(loc *time.Location, ts int64) int64 {
	if !finite(ts) {
		return ts
	}
	return ts + offsetAt(loc, ts)*usSecond
}

// fromLocal returns the instant of a wall clock time. A time that a forward
// change skips is read by the offset before it, one that a backward change
// repeats by the offset after it, as in PostgreSQL.
func fromLocal(loc *time.Location, local int64) int64 {
	if !finite(local) || loc == time.UTC {
		return local
	}
	before := offsetAt(loc, local-usDay)
	after := offsetAt(loc, local+usDay)
	if before != after {
		if t := local - after*usSecond; offsetAt(loc, t) == after {
			return t
		}
	}
	return local - before*usSecond
}

// zoneCursor finds offsets of instants that follow each other: it keeps the
// period in which the last offset holds.
type zoneCursor struct {
	loc    *time.Location
	lo, hi int64 // the period, microseconds; empty at first
	off    int64 // seconds east of UTC
}

// at returns the offset at an instant.
func (z *zoneCursor) at(ts int64) int64 {
	if ts >= z.lo && ts < z.hi {
		return z.off
	}
	t := time.Unix(floorDiv(ts, usSecond), 0).In(z.loc)
	_, off := t.Zone()
	start, end := t.ZoneBounds()
	z.off, z.lo, z.hi = int64(off), minTS, maxTSus
	if !start.IsZero() {
		z.lo = start.Unix() * usSecond
	}
	if !end.IsZero() {
		z.hi = end.Unix() * usSecond
	}
	return z.off
}
