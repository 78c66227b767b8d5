package exec

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// parallel calls work(worker, task) for tasks 0..n-1, each once, from the
// calling goroutine (worker 0) and from up to maxWorkers-1 helpers for which the
// engine has tokens. Tasks are taken in ascending order. The first error stops
// the rest.
func (e *Engine) parallel(n, maxWorkers int, work func(worker, task int) error) error {
	if n <= 1 || maxWorkers <= 1 {
		return alone(n, work)
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	run := func(worker int) {
		for failed.Load() == nil {
			task := int(next.Add(1)) - 1
			if task >= n {
				return
			}
			if err := guard(func() error { return work(worker, task) }); err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		}
	}
	var wg sync.WaitGroup
	for w := 1; w < min(maxWorkers, n); w++ {
		if !e.acquire() {
			break
		}
		wg.Go(func() {
			defer e.release()
			run(w)
		})
	}
	run(0)
	wg.Wait()
	if p := failed.Load(); p != nil {
		return *p
	}
	return nil
}

// alone does all tasks on the calling goroutine.
func alone(n int, work func(worker, task int) error) error {
	return guard(func() error {
		for task := range n {
			if err := work(0, task); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *Engine) acquire() bool {
	select {
	case e.tokens <- struct{}{}:
		return true
	default:
		return false
	}
}

func (e *Engine) release() { <-e.tokens }

// guard turns a panic into an internal error: one query must not take a server
// down.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = sqlerr.New(sqlerr.InternalError, "internal error: %v", r).WithDetail("%s", debug.Stack())
		}
	}()
	return f()
}

// canceled returns the error of a context that is done, nil while it is not.
func canceled(ctx *fn.Context) error {
	if ctx == nil || ctx.Context == nil {
		return nil
	}
	err := ctx.Err()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout: %w", err)
	}
	return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request: %w", err)
}

// errStop ends a leaf early without an error: its limit is reached.
var errStop = fmt.Errorf("exec: enough rows")
