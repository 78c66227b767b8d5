package decode

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// demoSchema is the schema of the web-transactions demo.
func demoSchema() *schema.Schema {
	return &schema.Schema{Name: "web_transactions", Fields: []schema.Field{
		{ID: 1, Name: "userID", Type: schema.Text},
		{ID: 2, Name: "productName", Type: schema.Text},
		{ID: 3, Name: "color", Type: schema.Text},
		{ID: 4, Name: "department", Type: schema.Text},
		{ID: 5, Name: "product", Type: schema.Text},
		{ID: 6, Name: "campaign", Type: schema.Text},
		{ID: 7, Name: "price", Type: schema.Int32, Role: schema.Metric},
		{ID: 8, Name: "creationTimestamp", Type: schema.Timestamp, Role: schema.DateTime,
			Format: schema.TimeFormat{Kind: schema.FormatSimpleDate, Pattern: "yyyy-MM-dd hh:mm:ss"}},
	}}
}

// demoRecords returns n events of the web-transactions demo, about 220 bytes each.
func demoRecords(n int) []ingest.Record {
	r := rand.New(rand.NewPCG(1, 2))
	colors := []string{"azure", "black", "cyan", "gold", "indigo", "lavender", "maroon", "white"}
	departments := []string{"Automotive", "Baby", "Books", "Clothing", "Electronics", "Garden", "Grocery", "Outdoors", "Toys"}
	products := []string{"Bacon", "Ball", "Bike", "Car", "Chair", "Cheese", "Chicken", "Chips", "Computer", "Fish", "Gloves", "Hat", "Keyboard"}
	adjectives := []string{"Awesome", "Bespoke", "Electronic", "Fantastic", "Generic", "Handcrafted", "Incredible", "Licensed"}
	materials := []string{"Bronze", "Concrete", "Cotton", "Fresh", "Frozen", "Granite", "Metal", "Plastic", "Rubber", "Soft", "Steel", "Wooden"}
	campaigns := []string{"BlackFriday", "10Percent", "NONE"}
	pick := func(s []string) string { return s[r.IntN(len(s))] }
	out := make([]ingest.Record, n)
	for i := range out {
		product := pick(products)
		s := i / 5000
		out[i].Value = fmt.Appendf(nil, `{"userID": "%d", "productName": "%s %s %s", "color": "%s", "department": "%s", "product": "%s", "campaign": "%s", "price": %d, "creationTimestamp": "2026-11-24 %02d:%02d:%02d"}`,
			1+r.IntN(100), pick(adjectives), pick(materials), product, pick(colors), pick(departments), product,
			pick(campaigns), 10+r.IntN(141), 1+s/3600%12, s/60%60, s%60)
	}
	return out
}

func BenchmarkDecodeJSON(b *testing.B) {
	d, err := NewJSON(demoSchema(), Options{TimeColumn: "creationTimestamp"})
	if err != nil {
		b.Fatal(err)
	}
	records := demoRecords(50_000)
	var out ingest.Decoded
	bytes := 0
	for _, r := range records {
		bytes += len(r.Value)
	}
	b.SetBytes(int64(bytes / len(records)))
	b.ReportAllocs()
	b.ResetTimer()
	const batch = 1000
	for rows := 0; rows < b.N; rows += batch {
		k := rows % len(records)
		d.Decode(records[k:k+batch], &out)
		if len(out.Rejected) > 0 {
			b.Fatal(out.Rejected[0].Reason)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
