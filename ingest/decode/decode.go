// Package decode turns raw stream records into typed column vectors against a
// schema. It knows record formats, JSON paths, type coercions and time
// formats; it knows nothing of streams, segments or queries.
//
// A decoder is a pure function of the record's bytes, the stream's record
// timestamp and the schema: it never reads the wall clock and never depends on
// what it decoded before, so that replicas agree. The caches that it keeps
// (expected field order, last parsed time) change its speed only.
package decode

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// DefaultMaxDepth is the nesting of objects and arrays that a record may have
// when Options.MaxDepth is zero.
const DefaultMaxDepth = 256

// BytesFormat says how BYTES values are written in text records.
type BytesFormat uint8

// The formats of BYTES values.
const (
	BytesHex    BytesFormat = iota // pairs of hexadecimal digits, as Pinot writes them; a leading \x is allowed
	BytesBase64                    // RFC 4648, with or without padding
)

// Options configure a decoder. The zero value is useful.
type Options struct {
	// TimeColumn names the table's time column: a record without a value for
	// it is rejected. Empty means that the table has none.
	TimeColumn string
	// MaxRecordBytes rejects longer records; 0 means no limit.
	MaxRecordBytes int
	// MaxDepth bounds nesting; 0 means DefaultMaxDepth.
	MaxDepth int
	// IgnoreCase lets a record's key match a field whose name differs only by
	// case when no key matches exactly.
	IgnoreCase bool
	// Bytes is the format of BYTES values.
	Bytes BytesFormat
}

// factories holds the record formats by name.
var factories = map[string]func(*schema.Schema, Options) (ingest.Decoder, error){
	"json": NewJSON,
}

// New returns a decoder for the record format kind, such as "json". An unknown
// kind, and a schema that the format cannot fill, is refused by name.
func New(kind string, s *schema.Schema, opt Options) (ingest.Decoder, error) {
	f, ok := factories[strings.ToLower(kind)]
	if !ok {
		return nil, fmt.Errorf("decoder %q is not supported (known: %s)", kind, strings.Join(Kinds(), ", "))
	}
	return f(s, opt)
}

// Kinds lists the supported record formats.
func Kinds() []string { return slices.Sorted(maps.Keys(factories)) }
