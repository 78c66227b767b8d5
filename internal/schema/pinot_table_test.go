package schema

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTableGolden prints what is understood of every table config of testdata.
func TestTableGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/pinot/*.table.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no table configs", err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cfg, name, typ, warnings, err := ParsePinotTable(in)
		var out strings.Builder
		if err != nil {
			fmt.Fprintf(&out, "error:\n%v\n", err)
		} else {
			cfg.Raw = nil
			doc, err := json.MarshalIndent(cfg, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s %s\n%s\n", name, typ, doc)
		}
		fmt.Fprintf(&out, "warnings:\n%s\n", strings.Join(warnings, "\n"))
		golden(t, strings.Replace(file, ".table.json", ".read", 1), []byte(out.String()))
	}
}

// tableDoc is a REALTIME table with more keys and more stream keys.
func tableDoc(more, stream string) string {
	return `{"tableName":"t","tableType":"REALTIME","tableIndexConfig":{"streamConfigs":{"streamType":"kafka",
"stream.kafka.topic.name":"x","stream.kafka.broker.list":"b:1"` + stream + `}}` + more + `}`
}

func TestTableStream(t *testing.T) {
	f := func(stream string, check func(*TableConfig) bool) {
		t.Helper()
		cfg, _, _, _, err := ParsePinotTable([]byte(tableDoc("", stream)))
		if err != nil || !check(cfg) {
			t.Errorf("%s: %v, %+v", stream, err, cfg)
		}
	}
	f(``, func(c *TableConfig) bool {
		return c.Stream.Kind == "kafka" && c.Stream.Topic == "x" && c.Stream.Decoder == "json" && c.Stream.Start == "" &&
			c.Stream.Properties["stream.kafka.broker.list"] == "b:1" && c.OnGap == ""
	})
	const flush = `,"realtime.segment.flush.threshold.`
	f(flush+`rows":"15000"`, func(c *TableConfig) bool { return c.Stream.FlushRows == 15000 })
	f(flush+`rows":15000`, func(c *TableConfig) bool { return c.Stream.FlushRows == 15000 })
	f(flush+`rows":"0"`, func(c *TableConfig) bool { return c.Stream.FlushRows == 0 })
	f(flush+`time":"2m"`, func(c *TableConfig) bool { return c.Stream.FlushTime == 2*time.Minute })
	f(flush+`time":"1d12h"`, func(c *TableConfig) bool { return c.Stream.FlushTime == 36*time.Hour })
	f(flush+`time":"60000"`, func(c *TableConfig) bool { return c.Stream.FlushTime == time.Minute })
	f(flush+`segment.size":"150M"`, func(c *TableConfig) bool { return c.Stream.FlushBytes == 150<<20 })
	f(flush+`segment.size":"1.5GB"`, func(c *TableConfig) bool { return c.Stream.FlushBytes == 3<<29 })
	f(flush+`size":"100000"`, func(c *TableConfig) bool { return c.Stream.FlushRows == 100000 && c.Stream.FlushBytes == 0 })
	f(flush+`size":"100M"`, func(c *TableConfig) bool { return c.Stream.FlushBytes == 100<<20 && c.Stream.FlushRows == 0 })
	const start = `,"stream.kafka.consumer.prop.auto.offset.reset":`
	for in, want := range map[string]string{"smallest": "smallest", "earliest": "smallest", "LATEST": "largest",
		"2024-05-01T00:00:00Z": "2024-05-01T00:00:00Z", "1714521600000": "1714521600000", "offset:12": "offset:12"} {
		f(start+`"`+in+`"`, func(c *TableConfig) bool { return c.Stream.Start == want })
	}
	f(`,"alluvium.on.gap":"resume"`, func(c *TableConfig) bool { return c.OnGap == GapResume })
	f(`,"alluvium.max.record.bytes":"2M"`, func(c *TableConfig) bool { return c.MaxRecordSize == 2<<20 })
	f(`,"stream.kafka.decoder.class.name":"org.apache.pinot.plugin.inputformat.json.JSONMessageDecoder"`,
		func(c *TableConfig) bool { return c.Stream.Decoder == "json" })
}

func TestTableErrors(t *testing.T) {
	f := func(doc, want string) {
		t.Helper()
		if _, _, _, _, err := ParsePinotTable([]byte(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not contain %q", doc, err, want)
		}
	}
	f(`{"tableType":"REALTIME"}`, "tableName: is missing")
	f(`{"tableName":"t"}`, "tableType: is missing")
	f(`{"tableName":"t","tableType":"HYBRID"}`, `tableType: unknown type "HYBRID"`)
	f(`{"tableName":"t","tableType":"REALTIME"}`, "a REALTIME table needs a stream")
	f(`{"tableName":"t_OFFLINE","tableType":"REALTIME"}`, "contradicts the tableType")
	f(`{"tableName":"t_OFFLINE_REALTIME","tableType":"REALTIME"}`, "ends in _OFFLINE")
	f(`{"tableName":"a/b","tableType":"OFFLINE"}`, `contains '/'`)
	f(`{"tableName":"a__b","tableType":"OFFLINE"}`, "contains __")
	f(`{"tableName":"t","tableType":"OFFLINE","isDimTable":true}`, "isDimTable: is not supported yet")
	for _, more := range []struct{ doc, want string }{
		{`,"upsertConfig":{"mode":"FULL"}`, "upsertConfig: is not supported yet"},
		{`,"dedupConfig":{"dedupEnabled":true}`, "dedupConfig: is not supported yet"},
		{`,"quota":{"storage":"1G"}`, "quota: is not supported yet"},
		{`,"tierConfigs":[{"name":"x"}]`, "tierConfigs: is not supported yet"},
		{`,"temporalConfig":{"mode":"PERIOD"}`, "temporalConfig: is not supported yet"},
		{`,"segmentsConfig":{"replication":"2"}`, "segmentsConfig.replication: more than 1 is not supported yet"},
		{`,"segmentsConfig":{"replicasPerPartition":0}`, "segmentsConfig.replicasPerPartition: must be a whole number of at least 1"},
		{`,"segmentsConfig":{"retentionTimeValue":"5"}`, "retentionTimeUnit: is missing"},
		{`,"segmentsConfig":{"retentionTimeValue":"5","retentionTimeUnit":"WEEKS"}`, `unknown time unit "WEEKS"`},
		{`,"segmentsConfig":{"retentionTimeValue":"999999999999","retentionTimeUnit":"DAYS"}`, "too long"},
		{`,"segmentsConfig":{"schemaName":"u"}`, "must be the table's name"},
		{`,"segmentsConfig":[]`, "segmentsConfig: must be an object"},
		{`,"ingestionConfig":{"filterConfig":{"filterFunction":"x"}}`, "ingestionConfig.filterConfig: is not supported yet"},
		{`,"ingestionConfig":{"complexTypeConfig":{"fieldsToUnnest":["a"]}}`, "complexTypeConfig: is not supported yet"},
		{`,"ingestionConfig":{"transformConfigs":[{"columnName":"a","transformFunction":"jsonPathString(b,'$.c')"}]}`,
			`transformConfigs[0].transformFunction: the transform "jsonPathString(b,'$.c')" is not supported yet`},
		{`,"ingestionConfig":{"streamIngestionConfig":{"streamConfigMaps":[{"streamType":"kafka"}]}}`, "the stream is also configured at tableIndexConfig.streamConfigs"},
		{`,"fieldConfigList":[{"name":"a","indexTypes":["VECTOR"]}]`, "fieldConfigList[0].indexTypes: the index VECTOR is not supported yet"},
		{`,"fieldConfigList":[{"name":"a","indexes":{"vector":{}}}]`, "fieldConfigList[0].indexes.vector: the index is not supported yet"},
		{`,"fieldConfigList":[{"name":"a","compressionCodec":"BROTLI"}]`, `the codec "BROTLI" is not supported`},
		{`,"fieldConfigList":[{"name":"a","encodingType":"PACKED"}]`, `unknown encoding "PACKED"`},
		{`,"fieldConfigList":[{"indexType":"INVERTED"}]`, "fieldConfigList[0].name: is missing"},
		{`,"tenants":{"tagOverrideConfig":{"realtimeConsuming":"x"}}`, "tenants.tagOverrideConfig: is not supported yet"},
	} {
		f(tableDoc(more.doc, ""), more.want)
	}
	for _, index := range []string{"multiColumnTextIndexConfig"} {
		f(`{"tableName":"t","tableType":"OFFLINE","tableIndexConfig":{"`+index+`":["a"]}}`, "tableIndexConfig."+index+": is not supported yet")
	}
	f(`{"tableName":"t","tableType":"OFFLINE","tableIndexConfig":{"sortedColumn":["a","b"]}}`, "more than one column")
	f(`{"tableName":"t","tableType":"OFFLINE","tableIndexConfig":{"invertedIndexColumns":["a","a"]}}`, `"a" is named twice`)
	f(`{"tableName":"t","tableType":"OFFLINE","tableIndexConfig":{"streamConfigs":{"streamType":"kafka"}}}`, "an OFFLINE table has no stream")
	for _, stream := range []struct{ doc, want string }{
		{`,"realtime.segment.flush.threshold.time":"soon"`, `["realtime.segment.flush.threshold.time"]: "soon" is no period`},
		{`,"realtime.segment.flush.threshold.rows":"-1"`, `must be a whole number`},
		{`,"realtime.segment.flush.threshold.segment.size":"big"`, `"big" is no size`},
		{`,"stream.kafka.consumer.prop.auto.offset.reset":"2d"`, `"2d" is none of`},
		{`,"stream.kafka.consumer.type":"highlevel"`, `consumer type "highlevel" is not supported`},
		{`,"stream.kafka.decoder.class.name":"x.KafkaAvroMessageDecoder"`, `decoder "x.KafkaAvroMessageDecoder" is not supported yet`},
		{`,"alluvium.on.gap":"panic"`, `"panic" is neither stop nor resume`},
		{`,"stream.kafka.topic.name":""`, `topic.name"]: is missing`},
		{`,"streamType":"pulsar"`, `"pulsar" is not supported; the streams are kafka and kinesis`},
	} {
		f(tableDoc("", stream.doc), stream.want)
	}
}

func TestPeriodsAndSizes(t *testing.T) {
	for _, bad := range []string{"", "h", "5x", "5h3", "-5m", "99999999999d", "5 weeks", "1hm"} {
		if d, err := parsePeriod(bad); err == nil {
			t.Errorf("period %q is read as %v", bad, d)
		}
	}
	for _, bad := range []string{"", "M", "5X", "-5M", "1.2.3M", "99999999T"} {
		if n, err := parseDataSize(bad); err == nil {
			t.Errorf("size %q is read as %d", bad, n)
		}
	}
}

func TestValidate(t *testing.T) {
	s, _, err := ParsePinotSchema([]byte(`{"schemaName":"t","dimensionFieldSpecs":[{"name":"a","dataType":"STRING"},
 {"name":"mv","dataType":"INT","singleValueField":false},{"name":"sym","dataType":"SYMBOL"}],
 "dateTimeFieldSpecs":[{"name":"ts","dataType":"TIMESTAMP","format":"TIMESTAMP"},{"name":"txt","dataType":"STRING","format":"SIMPLE_DATE_FORMAT|yyyy"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, cfg TableConfig) {
		t.Helper()
		err := Validate(&cfg, s)
		switch {
		case want == "" && err != nil:
			t.Errorf("%+v: %v", cfg, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%+v: error %v does not contain %q", cfg, err, want)
		}
	}
	f("", TableConfig{TimeColumn: "ts", ArrivalColumns: []string{"ts"}, Retention: time.Hour,
		Indexing: IndexingConfig{Inverted: []string{"a"}, SortedColumn: "a", NoDictionary: []string{"mv"}}})
	f(`timeColumnName: no column "tss" in the schema, did you mean ts?`, TableConfig{TimeColumn: "tss"})
	f(`timeColumnName: "a" is not one of dateTimeFieldSpecs`, TableConfig{TimeColumn: "a"})
	f("retentionTimeValue needs it", TableConfig{Retention: time.Hour})
	f(`invertedIndexColumns: no column "z"`, TableConfig{Indexing: IndexingConfig{Inverted: []string{"z"}}})
	f(`has no dictionary`, TableConfig{Indexing: IndexingConfig{Inverted: []string{"a"}, NoDictionary: []string{"a"}}})
	f("", TableConfig{Indexing: IndexingConfig{Inverted: []string{"mv"}}})
	f(`has no dictionary`, TableConfig{Indexing: IndexingConfig{Inverted: []string{"mv"}, NoDictionary: []string{"mv"}}})
	f(`always has a dictionary`, TableConfig{Indexing: IndexingConfig{NoDictionary: []string{"sym"}}})
	f(`"mv" has several values`, TableConfig{Indexing: IndexingConfig{SortedColumn: "mv"}})
	f(`fieldConfigList: no column "q"`, TableConfig{Indexing: IndexingConfig{Compression: map[string]string{"q": "LZ4"}}})
	f(`"a" of type STRING cannot hold the record timestamp`, TableConfig{ArrivalColumns: []string{"a"}})
	f(`"txt" of type STRING cannot hold`, TableConfig{ArrivalColumns: []string{"txt"}})
}

func FuzzParsePinotTable(f *testing.F) {
	files, _ := filepath.Glob("testdata/pinot/*.table.json")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(tableDoc(`,"fieldConfigList":[{"name":"a","indexes":{"inverted":{"disabled":"true"}}}]`, `,"alluvium.on.gap":"stop"`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg, name, typ, _, err := ParsePinotTable(b)
		if err != nil {
			return
		}
		if cfg == nil || name == "" || typ != Realtime && typ != Offline || (cfg.Stream != nil) != (typ == Realtime) {
			t.Fatalf("read %+v, %q, %q", cfg, name, typ)
		}
		if err := CheckTableName(name); err != nil {
			t.Fatal(err)
		}
	})
}
