package file

import "context"

func infer(ctx context.Context, inputs []Input, opt InferOptions) (*Inferred, error) {
	return nil, ErrUnsupported
}
