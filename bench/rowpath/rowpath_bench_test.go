// Package rowpath measures the hot path of ingestion as one: JSON records
// through the decoder into a consuming segment. It stands here because the
// decoder and the segment must not know each other.
package rowpath

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

// demoTable is the table of the web-transactions demo, with two inverted indexes.
func demoTable() *schema.Table {
	text := func(id uint32, name string) schema.Field {
		return schema.Field{ID: id, Name: name, Type: schema.Text}
	}
	return &schema.Table{ID: 1, Name: "web_transactions", Type: schema.Realtime,
		Schema: &schema.Schema{Name: "web_transactions", Fields: []schema.Field{
			text(1, "userID"), text(2, "productName"), text(3, "color"), text(4, "department"),
			text(5, "product"), text(6, "campaign"),
			{ID: 7, Name: "price", Type: schema.Int32, Role: schema.Metric},
			{ID: 8, Name: "creationTimestamp", Type: schema.Timestamp, Role: schema.DateTime,
				Format: schema.TimeFormat{Kind: schema.FormatSimpleDate, Pattern: "yyyy-MM-dd hh:mm:ss"}},
		}},
		Config: &schema.TableConfig{TimeColumn: "creationTimestamp",
			Indexing: schema.IndexingConfig{Inverted: []string{"department", "campaign"}}},
	}
}

// demoRecords returns n events of about 220 bytes.
func demoRecords(n int) []ingest.Record {
	r := rand.New(rand.NewPCG(1, 2))
	colors := []string{"azure", "black", "cyan", "gold", "indigo", "lavender", "maroon", "white"}
	departments := []string{"Automotive", "Baby", "Books & Magazines", "Clothing", "Electronics", "Garden & Outdoors"}
	products := []string{"Bacon", "Ball", "Bike", "Car", "Chair", "Cheese", "Chicken", "Computer", "Gloves", "Keyboard"}
	adjectives := []string{"Awesome", "Bespoke", "Electronic", "Fantastic", "Handcrafted", "Incredible"}
	materials := []string{"Bronze", "Concrete", "Cotton", "Granite", "Plastic", "Rubber", "Steel", "Wooden"}
	campaigns := []string{"BlackFriday", "10Percent", "NONE"}
	pick := func(s []string) string { return s[r.IntN(len(s))] }
	out := make([]ingest.Record, n)
	for i := range out {
		product, s := pick(products), i/5000
		out[i].Value = fmt.Appendf(nil, `{"userID": "%d", "productName": "%s %s %s", "color": "%s", "department": "%s", "product": "%s", "campaign": "%s", "price": %d, "creationTimestamp": "2026-11-24 %02d:%02d:%02d"}`,
			1+r.IntN(100), pick(adjectives), pick(materials), product, pick(colors), pick(departments), product,
			pick(campaigns), 10+r.IntN(141), 1+s/3600%12, s/60%60, s%60)
	}
	return out
}

// BenchmarkDecodeAppend decodes, appends and commits batches of 500 records,
// beginning a segment every 5 million rows.
func BenchmarkDecodeAppend(b *testing.B) {
	const batch, segmentRows = 500, 5_000_000
	table := demoTable()
	d, err := decode.NewJSON(table.Schema, decode.Options{TimeColumn: "creationTimestamp", MaxRecordBytes: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	records := demoRecords(100_000)
	size := 0
	for _, r := range records {
		size += len(r.Value)
	}
	b.SetBytes(int64(size / len(records)))
	b.ReportAllocs()
	b.ResetTimer()
	var s *mutable.Segment
	var out ingest.Decoded
	for rows := 0; rows < b.N; rows += batch {
		if rows%segmentRows == 0 {
			if s, err = mutable.New(mutable.Config{Table: table}); err != nil {
				b.Fatal(err)
			}
		}
		k := rows % len(records)
		d.Decode(records[k:k+batch], &out)
		if len(out.Rejected) > 0 {
			b.Fatal(out.Rejected[0].Reason)
		}
		if err := s.Append(&out.Rows); err != nil {
			b.Fatal(err)
		}
		if err := s.Commit(mutable.Commit{Records: batch}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
