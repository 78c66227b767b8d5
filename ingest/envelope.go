package ingest

import "bytes"

// kplMagic begins a record into which the Kinesis Producer Library packed
// several.
var kplMagic = []byte{0xf3, 0x89, 0x9a, 0xc2}

// EnvelopeReason names the packing in which a stream's producer wrapped a record
// and that is not undone here, "" if the bytes show none. A decoder asks it when
// it cannot read a record, because what it would say itself ("malformed at byte
// 0") does not help anybody.
func EnvelopeReason(value []byte) string {
	if bytes.HasPrefix(value, kplMagic) {
		return "record is aggregated by the Kinesis Producer Library, which is not supported: switch AggregationEnabled off in the producer"
	}
	return ""
}
