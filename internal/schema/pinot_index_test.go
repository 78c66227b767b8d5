package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var indexedSchema = &Schema{Fields: []Field{
	{ID: 1, Name: "place", Type: Bytea}, {ID: 2, Name: "note", Type: Text}, {ID: 3, Name: "doc", Type: JSON},
	{ID: 4, Name: "n", Type: Int32}, {ID: 5, Name: "tags", Type: Text.AsList()},
}}

// readIndexed reads and validates a table config with the given sections.
func readIndexed(tableIndex, fields string) (ix IndexingConfig, warnings, fault string) {
	doc := fmt.Sprintf(`{"tableName":"t","tableType":"OFFLINE","tableIndexConfig":{%s},"fieldConfigList":[%s]}`, tableIndex, fields)
	cfg, _, _, warned, err := ParsePinotTable([]byte(doc))
	if err == nil {
		err = Validate(cfg, indexedSchema)
		ix = cfg.Indexing
	}
	if err != nil {
		fault = err.Error()
	}
	return ix, strings.Join(warned, "\n"), fault
}

func TestGeoIndexConfig(t *testing.T) {
	f := func(field string, want []int, warned, failed string) {
		t.Helper()
		ix, warnings, fault := readIndexed("", field)
		if !strings.Contains(fault, failed) || failed == "" && fault != "" {
			t.Errorf("%s: error %q, want %q", field, fault, failed)
		}
		if failed == "" && !slices.Equal(ix.Geo["place"].Resolutions, want) {
			t.Errorf("%s: %v, want %v", field, ix.Geo, want)
		}
		if !strings.Contains(warnings, warned) || warned == "" && warnings != "" && failed == "" {
			t.Errorf("%s: warnings %q, want %q", field, warnings, warned)
		}
		if strings.Contains(warnings, "resolutions: has no effect") {
			t.Errorf("%s: warnings %q are of a key that is used", field, warnings)
		}
	}
	const cells = "properties.resolutions: the geo index of \"place\" has cells of S2 of about the size of H3's at resolution 6"
	f(`{"name":"place","encodingType":"RAW","indexTypes":["H3"],"properties":{"resolutions":"6, 5"}}`, []int{5, 6}, cells, "")
	f(`{"name":"place","indexType":"h3","properties":{"resolutions":"6","x":"y"}}`, []int{6}, "properties.x: has no effect", "")
	f(`{"name":"place","indexes":{"h3":{"resolutions":[5,5,6]}}}`, []int{5, 6}, "resolution 6", "")
	f(`{"name":"place","indexes":{"h3":{"resolution":7}}}`, []int{7}, "resolution 7", "")
	f(`{"name":"place","indexes":{"h3":{"disabled":true,"resolutions":[5]}}}`, nil, "", "")
	f(`{"name":"n","properties":{"a":"b"}}`, nil, "properties: has no effect", "")
	f(`{"name":"place","indexTypes":["H3"]}`, nil, "", "resolutions is missing")
	f(`{"name":"place","indexTypes":["H3"],"properties":{}}`, nil, "", "resolutions: is missing")
	f(`{"name":"place","indexTypes":["H3"],"properties":{"resolutions":"16"}}`, nil, "", `"16" is no resolution of H3`)
	f(`{"name":"place","indexTypes":["H3"],"properties":{"resolutions":"x"}}`, nil, "", `"x" is no resolution of H3`)
	f(`{"name":"note","indexTypes":["H3"],"properties":{"resolutions":"5"}}`, nil, "", "a column of type STRING has no points")
	f(`{"name":"plce","indexTypes":["H3"],"properties":{"resolutions":"5"}}`, nil, "", "did you mean place?")
}

func TestTextIndexConfigs(t *testing.T) {
	f := func(tableIndex, fields string, text, fst []string, warned, failed string) {
		t.Helper()
		ix, warnings, fault := readIndexed(tableIndex, fields)
		if !strings.Contains(fault, failed) || failed == "" && fault != "" {
			t.Errorf("%s %s: error %q, want %q", tableIndex, fields, fault, failed)
		}
		if failed == "" && (!slices.Equal(ix.Text, text) || !slices.Equal(ix.FST, fst)) {
			t.Errorf("%s %s: %v %v", tableIndex, fields, ix.Text, ix.FST)
		}
		if !strings.Contains(warnings, warned) {
			t.Errorf("%s %s: warnings %q, want %q", tableIndex, fields, warnings, warned)
		}
	}
	note := []string{"note"}
	f(`"textIndexColumns":["note"]`, "", note, nil, "", "")
	f("", `{"name":"note","indexTypes":["TEXT"]}`, note, nil, "", "")
	f("", `{"name":"note","indexes":{"text":{"luceneAnalyzerClass":"x"}}}`, note, nil, "luceneAnalyzerClass: has no effect", "")
	f("", `{"name":"note","indexes":{"text":{"disabled":true}}}`, nil, nil, "", "")
	f("", `{"name":"note","indexes":{"fst":{}}}`, nil, note, `the FST index of "note" is the sorted dictionary itself`, "")
	f(`"fstIndexColumns":["note"]`, "", nil, note, "sorted dictionary", "")
	f("", `{"name":"n","indexTypes":["TEXT"]}`, nil, nil, "", "a column of type INT has no words")
	f(`"fstIndexColumns":["n"]`, "", nil, nil, "", `"n" of type INT cannot be matched by LIKE`)
	f(`"fstIndexColumns":["note"],"noDictionaryColumns":["note"]`, "", nil, nil, "", `"note" has no dictionary`)
}

func TestJSONIndexConfigs(t *testing.T) {
	f := func(tableIndex, fields string, want *JSONIndexConfig, failed string) {
		t.Helper()
		ix, _, fault := readIndexed(tableIndex, fields)
		if !strings.Contains(fault, failed) || failed == "" && fault != "" {
			t.Errorf("%s %s: error %q, want %q", tableIndex, fields, fault, failed)
		}
		c, has := ix.JSON["doc"]
		if failed == "" && (has != (want != nil) || has && fmt.Sprint(c) != fmt.Sprint(*want)) {
			t.Errorf("%s %s: %v, want %v", tableIndex, fields, ix.JSON, want)
		}
	}
	f(`"jsonIndexColumns":["doc"]`, "", &JSONIndexConfig{}, "")
	f("", `{"name":"doc","indexTypes":["JSON"]}`, &JSONIndexConfig{}, "")
	f(`"jsonIndexConfigs":{"doc":{"maxLevels":2,"excludeArray":true,"excludePaths":["$.a"]}}`, "",
		&JSONIndexConfig{MaxLevels: 2, ExcludeArrays: true, ExcludePaths: []string{"$.a"}}, "")
	f("", `{"name":"doc","indexes":{"json":{"maxLevels":-1,"excludeFields":["x"]}}}`, &JSONIndexConfig{ExcludeFields: []string{"x"}}, "")
	f("", `{"name":"doc","indexes":{"json":{"disabled":true}}}`, nil, "")
	f(`"jsonIndexConfigs":{"doc":{"includePaths":["$.a"],"excludePaths":["$.b"]}}`, "", nil, "cannot be given beside includePaths")
	f(`"jsonIndexConfigs":{"doc":{"maxValueLength":5}}`, "", nil, "values are indexed whole")
	f(`"jsonIndexColumns":["n"]`, "", nil, `"n"`)
}
