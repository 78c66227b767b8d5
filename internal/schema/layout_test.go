package schema

import (
	"reflect"
	"testing"
)

func TestLayout(t *testing.T) {
	table := func(ix IndexingConfig) *Table { return &Table{Config: &TableConfig{Indexing: ix}} }
	plain := table(IndexingConfig{}).Layout()
	if plain == "" || plain != table(IndexingConfig{}).Layout() {
		t.Error("equal configs differ")
	}
	for _, ix := range []IndexingConfig{
		{Inverted: []string{"a"}}, {Range: []string{"a"}}, {Bloom: map[string]BloomConfig{"a": {}}}, {SortedColumn: "a"},
		{Timestamps: map[string][]Granularity{"a": {GranularityDay}}}, {StarTrees: []StarTreeConfig{{Dimensions: []string{"a"}}}},
		{JSON: map[string]JSONIndexConfig{"a": {}}}, {NoDictionary: []string{"a"}}, {DefaultStarTree: true},
		{Text: []string{"a"}}, {FST: []string{"a"}}, {Geo: map[string]GeoIndexConfig{"a": {Resolutions: []int{5}}}},
	} {
		if table(ix).Layout() == plain {
			t.Errorf("%+v has the layout of no indexes", ix)
		}
	}
	if (&Table{}).Layout() != "" {
		t.Error("a table without config has a layout")
	}
}

func TestIndexingForOlderSchema(t *testing.T) {
	s := &Schema{Fields: []Field{{ID: 1, Name: "a", Type: Text}}}
	ix := IndexingConfig{
		SortedColumn: "b", Inverted: []string{"a", "b"}, Range: []string{"b"},
		Text: []string{"a", "b"}, FST: []string{"b"}, Geo: map[string]GeoIndexConfig{"b": {Resolutions: []int{5}}},
		Bloom:      map[string]BloomConfig{"a": {}, "b": {}},
		Timestamps: map[string][]Granularity{"b": {GranularityDay}},
		StarTrees:  []StarTreeConfig{{Dimensions: []string{"a"}}, {Dimensions: []string{"a", "b"}}},
	}
	want := IndexingConfig{
		Inverted: []string{"a"}, Range: []string{}, Bloom: map[string]BloomConfig{"a": {}},
		Text: []string{"a"}, FST: []string{}, Geo: map[string]GeoIndexConfig{},
		Timestamps: map[string][]Granularity{}, StarTrees: []StarTreeConfig{{Dimensions: []string{"a"}}},
	}
	if got := ix.For(s); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestSameButIndexing(t *testing.T) {
	a := &TableConfig{TimeColumn: "ts", Indexing: IndexingConfig{Inverted: []string{"a"}}, Raw: []byte("1")}
	b := &TableConfig{TimeColumn: "ts", Raw: []byte("2")}
	if !SameButIndexing(a, b) {
		t.Error("configs with other indexes differ")
	}
	b.Replication = 2
	if SameButIndexing(a, b) {
		t.Error("another replication is no change")
	}
}
