package schema

import (
	"slices"
	"strings"
	"testing"
)

func TestParseRange(t *testing.T) {
	doc := `{"tableName":"t","tableType":"OFFLINE","tableIndexConfig":{"rangeIndexColumns":["a"],"rangeIndexVersion":2},
		"fieldConfigList":[{"name":"b","indexTypes":["RANGE"]},{"name":"c","indexes":{"range":{"version":2}}},{"name":"d","indexes":{"range":{"disabled":true}}}]}`
	cfg, _, _, _, err := ParsePinotTable([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.Indexing.Range, []string{"a", "b", "c"}) {
		t.Errorf("range columns %v", cfg.Indexing.Range)
	}
}

func TestCheckRange(t *testing.T) {
	f := func(typ Type, raw bool, want string) {
		t.Helper()
		err := CheckRange(typ, raw)
		if want == "" && err == nil {
			return
		}
		if want == "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", typ, err, want)
		}
	}
	f(Int64, true, "")
	f(Float32, true, "")
	f(Timestamp, true, "")
	f(Text, false, "")
	f(Numeric, false, "")
	f(Text, true, "needs a dictionary")
	f(Numeric, true, "needs a dictionary")
	f(JSON, false, "ordered as they are stored")
	f(Bool, false, "two buckets")
	f(Int32.AsList(), false, "multi-value")
}
