// Package webtransactions embeds the documents of the web-transactions
// example, for the demo and for tests.
package webtransactions

import (
	"bytes"
	_ "embed" // for the documents
	"strconv"
)

//go:embed schema.json
var schemaJSON []byte

//go:embed table-kafka.json
var kafkaJSON []byte

//go:embed table-kinesis.json
var kinesisJSON []byte

//go:embed queries.sql
var queries string

// SchemaJSON returns the schema document.
func SchemaJSON() []byte { return bytes.Clone(schemaJSON) }

// TableJSON returns the table config for a Kafka broker at an address.
func TableJSON(broker string) []byte {
	return bytes.Replace(kafkaJSON, []byte(`"127.0.0.1:9092"`), []byte(strconv.Quote(broker)), 1)
}

// KinesisTableJSON returns the table config for a Kinesis endpoint and region.
func KinesisTableJSON(endpoint, region string) []byte {
	out := bytes.Replace(kinesisJSON, []byte(`"http://127.0.0.1:4567"`), []byte(strconv.Quote(endpoint)), 1)
	return bytes.Replace(out, []byte(`"us-east-1"`), []byte(strconv.Quote(region)), 1)
}

// Queries returns the example's statements, separated by semicolons.
func Queries() string { return queries }
