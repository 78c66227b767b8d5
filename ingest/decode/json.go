package decode

import (
	"errors"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// NewJSON returns a decoder of JSON records for a schema.
func NewJSON(s *schema.Schema, opt Options) (ingest.Decoder, error) {
	return nil, errors.New("json decoder is not built yet")
}
