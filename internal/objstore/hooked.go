package objstore

import (
	"context"
	"io"
	"time"
)

// Op names an operation of a Store.
type Op string

// The operations that hooks see.
const (
	OpPut         Op = "put"
	OpPutIfAbsent Op = "put_if_absent"
	OpGet         Op = "get"
	OpGetRange    Op = "get_range"
	OpHead        Op = "head"
	OpList        Op = "list"
	OpDelete      Op = "delete"
)

// Call describes an operation that ended. For Get that is the opening of the
// object, not the end of its reading.
type Call struct {
	Op    Op
	Key   string // of List the prefix
	Bytes int64  // written or read; 0 where unknown
	Took  time.Duration
	Err   error
}

// Hooks are called around every operation, from the goroutine that makes it.
// Either may be nil.
type Hooks struct {
	// Before may fail the operation, which is then not made. Tests inject faults
	// with it.
	Before func(ctx context.Context, op Op, key string) error
	// After sees what was done, for metrics.
	After func(Call)
}

// WithHooks returns a store that passes operations on to inner and calls hooks.
func WithHooks(inner Store, hooks Hooks) Store { return &hooked{inner, hooks} }

// hooked is a Store with hooks. What makes no request (URI, Key, Close) is the
// inner store's own.
type hooked struct {
	Store
	hooks Hooks
}

// do makes an operation between its hooks.
func (h *hooked) do(ctx context.Context, op Op, key string, bytes int64, f func() error) error {
	start := time.Now()
	var err error
	if h.hooks.Before != nil {
		err = h.hooks.Before(ctx, op, key)
	}
	if err == nil {
		err = f()
	}
	if err != nil {
		bytes = 0
	}
	if h.hooks.After != nil {
		h.hooks.After(Call{op, key, bytes, time.Since(start), err})
	}
	return err
}

func (h *hooked) Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	return h.do(ctx, OpPut, key, size, func() error { return h.Store.Put(ctx, key, r, size) })
}

func (h *hooked) PutIfAbsent(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	return h.do(ctx, OpPutIfAbsent, key, size, func() error { return h.Store.PutIfAbsent(ctx, key, r, size) })
}

func (h *hooked) Get(ctx context.Context, key string) (r io.ReadCloser, err error) {
	err = h.do(ctx, OpGet, key, 0, func() error {
		r, err = h.Store.Get(ctx, key)
		return err
	})
	return r, err
}

func (h *hooked) GetRange(ctx context.Context, key string, off int64, p []byte) error {
	return h.do(ctx, OpGetRange, key, int64(len(p)), func() error { return h.Store.GetRange(ctx, key, off, p) })
}

func (h *hooked) Head(ctx context.Context, key string) (info Info, err error) {
	err = h.do(ctx, OpHead, key, 0, func() error {
		info, err = h.Store.Head(ctx, key)
		return err
	})
	return info, err
}

func (h *hooked) List(ctx context.Context, prefix string, f func(Info) error) error {
	return h.do(ctx, OpList, prefix, 0, func() error { return h.Store.List(ctx, prefix, f) })
}

func (h *hooked) Delete(ctx context.Context, key string) error {
	return h.do(ctx, OpDelete, key, 0, func() error { return h.Store.Delete(ctx, key) })
}
