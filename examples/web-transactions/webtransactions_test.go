package webtransactions

import (
	"context"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/ingest/stream"
	"github.com/alluviumdb/alluvium/internal/demo"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/sql"
)

// table puts the example's table together; the documents give no warnings.
func table(t *testing.T, config []byte) *schema.Table {
	t.Helper()
	s, warnings, err := schema.ParsePinotSchema(SchemaJSON())
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	cfg, name, typ, warnings, err := schema.ParsePinotTable(config)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if name != "web_transactions" || cfg.TimeColumn != "arrivalTime" || cfg.Stream.FlushTime != time.Minute {
		t.Errorf("%s: %+v", name, cfg)
	}
	src, warnings, err := stream.Open(context.Background(), cfg.Stream, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	src.Close()
	return schema.NewTable(1, 1, name, typ, s, cfg)
}

func TestDocuments(t *testing.T) {
	if got := table(t, TableJSON("10.0.0.1:1234")).Config.Stream.Properties["stream.kafka.broker.list"]; got != "10.0.0.1:1234" {
		t.Errorf("broker %q", got)
	}
	props := table(t, KinesisTableJSON("http://10.0.0.1:99", "eu-west-1")).Config.Stream.Properties
	if props["endpoint"] != "http://10.0.0.1:99" || props["region"] != "eu-west-1" {
		t.Errorf("%v", props)
	}
}

// TestEventsFitTheSchema decodes generated events: none is refused.
func TestEventsFitTheSchema(t *testing.T) {
	tab := table(t, TableJSON("h:1"))
	dec, err := decode.New(tab.Config.Stream.Decoder, tab.Schema, decode.Options{TimeColumn: tab.Config.TimeColumn})
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	g := demo.NewGenerator(1)
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	records := make([]ingest.Record, n)
	for i := range records {
		records[i] = ingest.Record{Value: g.AppendEvent(nil, now), Timestamp: now.UnixMicro()}
	}
	var out ingest.Decoded
	dec.Decode(records, &out)
	if out.Rows.N != n || len(out.Rejected) > 0 {
		t.Fatalf("%d rows, %v", out.Rows.N, out.Rejected)
	}
}

func TestQueriesParse(t *testing.T) {
	statements, err := sql.Parse(Queries(), false)
	if err != nil || len(statements) != 6 {
		t.Errorf("%d statements, %v", len(statements), err)
	}
}
