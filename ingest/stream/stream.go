// Package stream opens the source that a table's stream config names. Adding a
// kind of stream is one line in its table.
package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/ingest/kafka"
	"github.com/alluviumdb/alluvium/ingest/kinesis"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// opener opens a source and returns warnings for properties without effect.
type opener func(ctx context.Context, cfg *schema.StreamConfig, ev ingest.Events) (ingest.Source, []string, error)

var openers = map[string]opener{
	"kafka":   source(kafka.Open),
	"kinesis": source(kinesis.Open),
}

// source adapts a package's Open. With an error the source is nil as an
// interface too, not a nil pointer inside one.
func source[S ingest.Source](open func(context.Context, *schema.StreamConfig, ingest.Events) (S, []string, error)) opener {
	return func(ctx context.Context, cfg *schema.StreamConfig, ev ingest.Events) (ingest.Source, []string, error) {
		src, warnings, err := open(ctx, cfg, ev)
		if err != nil {
			return nil, nil, err
		}
		return src, warnings, nil
	}
}

// Kinds lists the kinds of streams that exist.
func Kinds() []string {
	var out []string
	for k := range openers {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Open opens the source of a stream. It does not wait for the stream to answer.
func Open(ctx context.Context, cfg *schema.StreamConfig, ev ingest.Events) (ingest.Source, []string, error) {
	open, ok := openers[strings.ToLower(cfg.Kind)]
	if !ok {
		return nil, nil, fmt.Errorf("streamType %q is not supported (%s are)", cfg.Kind, strings.Join(Kinds(), ", "))
	}
	return open(ctx, cfg, ev)
}
