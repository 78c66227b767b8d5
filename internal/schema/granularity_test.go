package schema

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestTruncate(t *testing.T) {
	f := func(g Granularity, in, want string) {
		t.Helper()
		at, err := time.Parse("2006-01-02T15:04:05.999999", in)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.UnixMicro(g.Truncate(at.UnixMicro())).UTC().Format("2006-01-02T15:04:05.999999"); got != want {
			t.Errorf("%v of %s is %s, want %s", g, in, got, want)
		}
	}
	f(GranularityMillisecond, "1969-12-31T23:59:59.999999", "1969-12-31T23:59:59.999")
	f(GranularityHour, "1969-12-31T23:59:59", "1969-12-31T23:00:00")
	f(GranularityDay, "1960-02-29T01:00:00", "1960-02-29T00:00:00")
	f(GranularityWeek, "1970-01-01T00:00:00", "1969-12-29T00:00:00")
	f(GranularityWeek, "2026-11-23T00:00:00", "2026-11-23T00:00:00")
	f(GranularityMonth, "1900-03-31T23:00:00", "1900-03-01T00:00:00")
	f(GranularityQuarter, "2024-06-30T00:00:00", "2024-04-01T00:00:00")
	f(GranularityYear, "1969-12-31T23:59:59", "1969-01-01T00:00:00")
	for _, us := range []int64{math.MinInt64, math.MaxInt64} {
		if got := GranularityDay.Truncate(us); got != us {
			t.Errorf("infinity becomes %d", got)
		}
	}
}

func TestNests(t *testing.T) {
	for g := GranularityMillisecond; g <= GranularityYear; g++ {
		for unit := GranularityMillisecond; unit <= GranularityYear; unit++ {
			same := true
			for d := range int64(800) {
				us := d * 86_399_000_000
				same = same && unit.Truncate(g.Truncate(us)) == unit.Truncate(us)
			}
			if g.Nests(unit) && !same {
				t.Errorf("%v does not nest in %v", g, unit)
			}
		}
	}
}

func TestParseTimestampConfig(t *testing.T) {
	f := func(fields, failed string, want map[string][]Granularity) {
		t.Helper()
		cfg, _, _, _, err := ParsePinotTable([]byte(`{"tableName":"t","tableType":"OFFLINE","fieldConfigList":[` + fields + `]}`))
		switch {
		case failed != "" && (err == nil || !strings.Contains(err.Error(), failed)):
			t.Errorf("error %v does not say %q", err, failed)
		case failed == "" && (err != nil || !reflect.DeepEqual(cfg.Indexing.Timestamps, want)):
			t.Errorf("%s: %v, %v", fields, cfg, err)
		}
	}
	f(`{"name":"ts","encodingType":"DICTIONARY","indexTypes":["TIMESTAMP"],"timestampConfig":{"granularities":["MONTH","DAY","WEEK"]}}`, "",
		map[string][]Granularity{"ts": {GranularityDay, GranularityWeek, GranularityMonth}})
	f(`{"name":"ts","timestampConfig":{"granularities":["FORTNIGHT"]}}`, `granularities: unknown granularity "FORTNIGHT"`, nil)
}

func TestValidateTimestamps(t *testing.T) {
	s := &Schema{Fields: []Field{{ID: 1, Name: "n", Type: Int64}, {ID: 2, Name: "ts", Type: Timestamp}}}
	cfg := func(n string) *TableConfig {
		return &TableConfig{Indexing: IndexingConfig{Timestamps: map[string][]Granularity{n: {GranularityDay}}}}
	}
	if err := Validate(cfg("ts"), s); err != nil {
		t.Error(err)
	}
	if err := Validate(cfg("n"), s); err == nil || !strings.Contains(err.Error(), "needs a TIMESTAMP column, not LONG") {
		t.Errorf("error %v", err)
	}
}
