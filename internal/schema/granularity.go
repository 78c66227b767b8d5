package schema

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Granularity is a unit to which points in time are truncated, in UTC. The
// numbers are part of the segment format.
type Granularity uint8

// The granularities, from fine to coarse.
const (
	GranularityMillisecond Granularity = 1 + iota
	GranularitySecond
	GranularityMinute
	GranularityHour
	GranularityDay
	GranularityWeek // from Monday on
	GranularityMonth
	GranularityQuarter
	GranularityYear
)

var granularityNames = []string{"", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"}

// String returns Pinot's name of the granularity.
func (g Granularity) String() string {
	if int(g) < len(granularityNames) && g > 0 {
		return granularityNames[g]
	}
	return fmt.Sprintf("granularity(%d)", uint8(g))
}

// ParseGranularity returns the granularity of that name, in any case.
func ParseGranularity(name string) (Granularity, bool) {
	i := slices.Index(granularityNames, strings.ToUpper(name))
	return Granularity(max(i, 0)), i > 0
}

// Nests reports whether truncating to g first does not change what truncating
// to unit gives.
func (g Granularity) Nests(unit Granularity) bool {
	return g <= unit && (g != GranularityWeek || unit == GranularityWeek)
}

var granularityMicros = map[Granularity]int64{
	GranularityMillisecond: 1000, GranularitySecond: 1_000_000, GranularityMinute: 60_000_000,
	GranularityHour: 3_600_000_000, GranularityDay: 86_400_000_000, GranularityWeek: 7 * 86_400_000_000,
}

// monday is a Monday before 1970 in µs.
const monday = -3 * 86_400_000_000

// Truncate returns the beginning of the unit that a point in time (µs since
// 1970, UTC) lies in. The infinities stay.
func (g Granularity) Truncate(us int64) int64 {
	if us == math.MaxInt64 || us == math.MinInt64 {
		return us
	}
	if size, ok := granularityMicros[g]; ok {
		origin := int64(0)
		if g == GranularityWeek {
			origin = monday
		}
		return us - floorMod(us-origin, size)
	}
	y, m, _ := time.UnixMicro(us).UTC().Date()
	switch g {
	case GranularityQuarter:
		m -= (m - 1) % 3
	case GranularityYear:
		m = time.January
	}
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
}

func floorMod(a, b int64) int64 {
	if m := a % b; m >= 0 {
		return m
	} else {
		return m + b
	}
}

// readTimestampConfig reads timestampConfig of a field.
func (r *tableReader) readTimestampConfig(o *object, column string) {
	for _, name := range o.names("granularities") {
		g, ok := ParseGranularity(name)
		if !ok {
			o.fail("granularities", "unknown granularity %q; they are %s", name, strings.Join(granularityNames[1:], ", "))
			continue
		}
		r.addGranularity(column, g)
	}
	o.done()
}

func (r *tableReader) addGranularity(column string, g Granularity) {
	ix := &r.cfg.Indexing
	if ix.Timestamps == nil {
		ix.Timestamps = map[string][]Granularity{}
	}
	if list := ix.Timestamps[column]; !slices.Contains(list, g) {
		list = append(list, g)
		slices.Sort(list)
		ix.Timestamps[column] = list
	}
}

// CheckTimestampIndex tells why columns of a type cannot have granularities, nil
// if they can.
func CheckTimestampIndex(t Type) error {
	if t.List || t.ID != TypeTimestamp && t.ID != TypeTimestampTZ {
		return fmt.Errorf("a timestamp index needs a TIMESTAMP column, not %s", dataTypeName(t))
	}
	return nil
}

// timestamps checks the columns of timestamp indexes.
func (v *validator) timestamps(ix *IndexingConfig) {
	const path = "fieldConfigList"
	for n := range ix.Timestamps {
		v.columns(path, []string{n})
		if i := v.schema.Index(n); i >= 0 {
			if err := CheckTimestampIndex(v.schema.Fields[i].Type); err != nil {
				v.fail("%s: %q: %w", path, n, err)
			}
		}
	}
}
