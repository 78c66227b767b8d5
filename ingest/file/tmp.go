package file

import (
	"context"

	"github.com/alluviumdb/alluvium/internal/schema"
)

func open(ctx context.Context, in Input, s *schema.Schema, opt Options) (Reader, error) {
	return nil, &Error{Path: in.Path, Err: ErrUnsupported}
}

func infer(ctx context.Context, inputs []Input, opt InferOptions) (*Inferred, error) {
	return nil, ErrUnsupported
}
