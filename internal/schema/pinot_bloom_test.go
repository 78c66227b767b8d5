package schema

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseBloom(t *testing.T) {
	f := func(indexing, fields string, want map[string]BloomConfig, warned, failed string) {
		t.Helper()
		doc := `{"tableName":"t","tableType":"OFFLINE","tableIndexConfig":{` + indexing + `},"fieldConfigList":[` + fields + `]}`
		cfg, _, _, warnings, err := ParsePinotTable([]byte(doc))
		if failed != "" {
			if err == nil || !strings.Contains(err.Error(), failed) {
				t.Errorf("error %v does not say %q", err, failed)
			}
			return
		}
		if err != nil || !reflect.DeepEqual(cfg.Indexing.Bloom, want) {
			t.Errorf("%s: %v, %v", doc, cfg, err)
		}
		if got := strings.Join(warnings, "\n"); !strings.Contains(got, warned) {
			t.Errorf("warnings %q lack %q", got, warned)
		}
	}
	f(`"bloomFilterColumns":["a","b"]`, ``, map[string]BloomConfig{"a": {}, "b": {}}, "", "")
	f(`"bloomFilterColumns":["a"],"bloomFilterConfigs":{"a":{"fpp":0.01,"maxSizeInBytes":1000,"loadOnHeap":true}}`, ``,
		map[string]BloomConfig{"a": {FPP: 0.01, MaxBytes: 1000}}, "bloomFilterConfigs.a.loadOnHeap: has no effect", "")
	f(``, `{"name":"a","indexTypes":["BLOOM"]},{"name":"b","indexes":{"bloom":{"fpp":"0.2"}}},{"name":"c","indexes":{"bloom":{"disabled":true}}}`,
		map[string]BloomConfig{"a": {}, "b": {FPP: 0.2}}, "", "")
	f(`"bloomFilterConfigs":{"a":{"fpp":1}}`, ``, nil, "", "bloomFilterConfigs.a.fpp: must be a number between 0 and 1")
	f(`"bloomFilterConfigs":{"a":{"maxSizeInBytes":-1}}`, ``, nil, "", "must be a whole number")
}

func TestValidateBloom(t *testing.T) {
	s := &Schema{Fields: []Field{
		{ID: 1, Name: "name", Type: Text}, {ID: 2, Name: "doc", Type: JSON}, {ID: 3, Name: "flag", Type: Bool},
		{ID: 4, Name: "tags", Type: Text.AsList()}, {ID: 5, Name: "price", Type: Numeric},
	}}
	f := func(column, want string) {
		t.Helper()
		cfg := &TableConfig{Indexing: IndexingConfig{Bloom: map[string]BloomConfig{column: {}}}}
		err := Validate(cfg, s)
		if want == "" && err == nil {
			return
		}
		if want == "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", column, err, want)
		}
	}
	f("name", "")
	f("price", "")
	f("nme", "did you mean name?")
	f("doc", `"doc": a bloom filter looks values up by their bytes`)
	f("flag", "BOOLEAN")
	f("tags", "multi-value")
}
