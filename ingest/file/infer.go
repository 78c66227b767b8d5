package file

import (
	"context"
	"encoding/json"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// InferOptions say what Infer shall propose.
type InferOptions struct {
	// Table is the name of the table and of its schema.
	Table string
	// File says how the inputs are read.
	File Options
	// SampleRows bounds the rows that are looked at; 0 means 20,000.
	SampleRows int
}

// Inferred is a proposal for a table.
type Inferred struct {
	Schema *schema.Schema
	// SchemaJSON and TableJSON are Pinot's documents: the schema, and an
	// OFFLINE table config with the proposed time column, sorted column and
	// indexes.
	SchemaJSON, TableJSON json.RawMessage
	// Notes say in sentences what was guessed and why.
	Notes []string
}

// Infer proposes a schema and a table config for inputs: types come from the
// files' own schemas (Parquet, Avro) or from a sample of their values.
func Infer(ctx context.Context, inputs []Input, opt InferOptions) (*Inferred, error) {
	return infer(ctx, inputs, opt)
}
