package schema

import (
	"encoding/json"
	"time"
)

// TableType is REALTIME or OFFLINE, as in Pinot. (TEMPORAL tables are one of
// the two with a temporalConfig.)
type TableType string

// The table types.
const (
	Realtime TableType = "REALTIME"
	Offline  TableType = "OFFLINE"
)

// Table is a table as the cluster knows it: identity, schema and config. A
// Table is immutable once published; a change makes a new Version.
type Table struct {
	// ID is assigned by the controller and never reused.
	ID      uint32
	Version uint32
	Name    string // raw name, without _REALTIME / _OFFLINE
	Type    TableType
	Schema  *Schema
	Config  *TableConfig
}

// NameWithType is Pinot's physical table name, such as "events_REALTIME".
func (t *Table) NameWithType() string { return t.Name + "_" + string(t.Type) }

// TableConfig is the typed form of Pinot's table-config JSON. Raw keeps the
// document as the user wrote it.
type TableConfig struct {
	TimeColumn   string
	Replication  int           // 0 means 1
	Retention    time.Duration // 0 means for ever
	BrokerTenant string        // "" means DefaultTenant
	ServerTenant string        // "" means DefaultTenant
	Indexing     IndexingConfig
	Stream       *StreamConfig // nil for OFFLINE
	OnGap        GapPolicy
	// ArrivalColumns take the stream's record timestamp.
	ArrivalColumns []string
	MaxRecordSize  int // bytes of one stream record; 0 means 1 MiB × 8
	Raw            json.RawMessage
}

// GapPolicy says what a partition does when its next offset has fallen out of
// the stream's retention.
type GapPolicy string

// The gap policies.
const (
	GapStop   GapPolicy = "stop"   // the default: stop with a clear state
	GapResume GapPolicy = "resume" // go on at the earliest offset, with a durable gap record
)

// IndexingConfig says how columns are stored and indexed.
type IndexingConfig struct {
	SortedColumn string
	Inverted     []string
	NoDictionary []string
	Dictionary   []string               // forced dictionary
	Range        []string               // buckets of ascending values
	Bloom        map[string]BloomConfig // by column
	JSON         map[string]JSONIndexConfig
	Text         []string                  `json:",omitempty"` // words of texts
	FST          []string                  `json:",omitempty"` // a dictionary for LIKE
	Geo          map[string]GeoIndexConfig `json:",omitempty"`
	Timestamps   map[string][]Granularity  `json:",omitempty"` // by column: times kept truncated
	Compression  map[string]string         // column -> codec of raw chunks
	Partition    map[string]int            // column -> number of partitions
	StarTrees    []StarTreeConfig          `json:",omitempty"`
	// DefaultStarTree asks for a tree whose dimensions are chosen per segment.
	DefaultStarTree bool `json:",omitempty"`
}

// BloomConfig says how large the Bloom filter of a column is.
type BloomConfig struct {
	FPP      float64 // share of absent values that pass; 0 means 0.05
	MaxBytes int     // 0 means no bound
}

// StreamConfig names a stream and how to consume it.
type StreamConfig struct {
	Kind  string // "kafka" or "kinesis"
	Topic string // topic or stream name
	// Decoder is the format of records: "json".
	Decoder string
	// Start is where a new partition begins: "smallest", "largest", a
	// timestamp (RFC 3339 or epoch ms) or "offset:<n>".
	Start string
	// FlushRows, FlushTime and FlushBytes seal a consuming segment, whichever
	// comes first. Zero means the default (5,000,000 rows, 6 h, 200 MiB).
	FlushRows  int
	FlushTime  time.Duration
	FlushBytes int64
	// Properties are the remaining stream keys, for the source.
	Properties map[string]string
}

// Defaults of StreamConfig's thresholds.
const (
	DefaultFlushRows  = 5_000_000
	DefaultFlushTime  = 6 * time.Hour
	DefaultFlushBytes = 200 << 20
)

// DefaultTenant is the tenant of tables and instances that name none.
const DefaultTenant = "DefaultTenant"

// NewTable puts a table together from its documents: what the config says of
// columns (arrival time, bounds) is taken over into a copy of the schema.
func NewTable(id, version uint32, name string, typ TableType, s *Schema, cfg *TableConfig) *Table {
	c := *s
	c.Fields = append([]Field(nil), s.Fields...)
	for _, col := range cfg.ArrivalColumns {
		if i := c.Index(col); i >= 0 {
			c.Fields[i].FromArrival = true
		}
	}
	return &Table{ID: id, Version: version, Name: name, Type: typ, Schema: &c, Config: cfg}
}
