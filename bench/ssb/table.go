package ssb

import (
	"encoding/json"
	"fmt"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// indexed are the low-cardinality dimensions with inverted indexes, the same
// that the peers' tables have.
var indexed = []string{
	"lo_orderyear", "lo_orderyearmonth", "lo_orderweek", "lo_discount", "lo_quantity",
	"c_region", "c_nation", "c_city", "s_region", "s_nation", "s_city", "p_mfgr", "p_category", "p_brand",
}

// PinotSchema returns Schema as Pinot's JSON.
func PinotSchema() ([]byte, error) {
	type field struct {
		Name     string `json:"name"`
		DataType string `json:"dataType"`
		Format   string `json:"format,omitempty"`
		Gran     string `json:"granularity,omitempty"`
	}
	doc := map[string]any{"schemaName": Schema().Name}
	groups := map[schema.Role][]field{}
	for _, f := range Schema().Fields {
		out := field{Name: f.Name, DataType: f.Type.PinotName()}
		if f.Type.ID == schema.TypeDate {
			out.DataType, out.Format, out.Gran = "DATE", "SIMPLE_DATE_FORMAT|yyyy-MM-dd", "1:DAYS"
		}
		groups[f.Role] = append(groups[f.Role], out)
	}
	doc["dimensionFieldSpecs"], doc["metricFieldSpecs"] = groups[schema.Dimension], groups[schema.Metric]
	doc["dateTimeFieldSpecs"] = groups[schema.DateTime]
	return json.Marshal(doc)
}

// StreamTable returns a REALTIME table config that reads the rows from Kafka
// and seals a segment after flushRows rows.
func StreamTable(broker, topic string, flushRows int) []byte {
	inv, _ := json.Marshal(indexed) // strings always marshal
	return fmt.Appendf(nil, `{"tableName":"lineorder_flat","tableType":"REALTIME",
 "segmentsConfig":{"timeColumnName":"lo_orderdate","schemaName":"lineorder_flat","replication":"1"},
 "tableIndexConfig":{"invertedIndexColumns":%s,"streamConfigs":{"streamType":"kafka",
  "stream.kafka.topic.name":%q,"stream.kafka.broker.list":%q,"stream.kafka.decoder.class.name":"json",
  "stream.kafka.consumer.prop.auto.offset.reset":"smallest",
  "realtime.segment.flush.threshold.rows":"%d","realtime.segment.flush.threshold.segment.size":"4G",
  "realtime.segment.flush.threshold.time":"20s"}},
 "tenants":{},"metadata":{}}`, inv, topic, broker, flushRows)
}
