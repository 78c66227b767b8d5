package load

import (
	"context"

	"github.com/alluviumdb/alluvium/ingest/file"
)

func run(ctx context.Context, opt Options, inputs []file.Input, emit func(context.Context, Built) error) (Summary, error) {
	return Summary{}, file.ErrUnsupported
}
