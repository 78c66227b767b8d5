package session

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/rel"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Notice is a message beside a result.
type Notice struct{ Severity, Code, Message string }

// Result is a statement in execution: rows to be pulled, or a command that is
// already done. It must be closed.
type Result struct {
	session *Session
	columns []plan.OutCol
	tag     string // without a row count
	empty   bool
	rows    rel.Rows
	// batches are rows that are already there (SHOW, EXPLAIN).
	batches []*column.Batch
	notices []Notice
	runner  LeafRunner
	stats   *LeafStats // set by Finish
	query   *runningQuery
	fnCtx   *fn.Context
	ctx     context.Context
	stop    context.CancelFunc // of ctx
	start   time.Time
	n       int64
	closed  bool
	failed  error
	// turn cancels a statement whose turn takes longer than turnTime; nil
	// without a timeout.
	paused   bool
	turn     *time.Timer
	turnTime time.Duration
}

// Columns describes the rows; nil for a command.
func (r *Result) Columns() []plan.OutCol { return r.columns }

// FnContext is the context in which values are printed (time zone).
func (r *Result) FnContext() *fn.Context {
	if r.fnCtx == nil {
		r.fnCtx = r.session.FnContext(context.Background())
	}
	return r.fnCtx
}

// Suspend ends a turn of a paused result: its time stands still, and a
// cancellation of the session means other statements.
func (r *Result) Suspend() {
	if r.turn != nil {
		r.turn.Stop()
	}
	if r.query != nil {
		r.session.running.CompareAndSwap(r.query, nil)
	}
}

// Resume begins the next turn of a suspended result.
func (r *Result) Resume() {
	if r.query == nil || r.closed {
		return
	}
	if r.turn != nil {
		r.turn.Reset(r.turnTime)
	}
	r.session.running.Store(r.query)
}

// QueryID names the execution for cancellation; "" for commands.
func (r *Result) QueryID() string {
	if r.query == nil {
		return ""
	}
	return r.query.id
}

// Empty tells that the statement was empty.
func (r *Result) Empty() bool { return r.empty }

// Next returns the next rows, nil at the end. The batch is valid until the
// following call.
func (r *Result) Next() (*column.Batch, error) {
	if len(r.batches) > 0 {
		b := r.batches[0]
		r.batches = r.batches[1:]
		r.n += int64(b.N)
		return b, nil
	}
	if r.rows == nil {
		return nil, nil
	}
	for {
		b, err := r.rows.Next()
		if err != nil {
			r.failed = r.explain(err)
			return nil, r.failed
		}
		if b == nil || b.N > 0 {
			if b != nil {
				r.n += int64(b.N)
			}
			return b, nil
		}
	}
}

// explain turns the error of a cancelled context into the reason for it.
func (r *Result) explain(err error) error {
	if r.ctx == nil || r.ctx.Err() == nil {
		return err
	}
	var named *sqlerr.Error
	if errors.As(err, &named) && named.Code == sqlerr.QueryCanceled && named.Detail != "" {
		return err // it says which server was slow
	}
	var cause *sqlerr.Error
	if errors.As(context.Cause(r.ctx), &cause) {
		return cause
	}
	return errCanceled // the caller's own context ended
}

// Finish is called when all rows were pulled: it checks that the answer is
// whole and adds the notice of a partial one.
func (r *Result) Finish() error {
	if r.runner == nil {
		return nil
	}
	st := r.runner.Stats()
	r.stats = &st
	if len(st.Missing) > 0 {
		r.notice("WARNING", sqlerr.PartialResult, "partial result: missing "+joinLimited(st.Missing, 10))
	}
	return nil
}

// Stats returns what the servers did for the statement, up to Finish.
func (r *Result) Stats() LeafStats {
	if r.stats == nil {
		return LeafStats{}
	}
	return *r.stats
}

// Notices returns the notices since the last call.
func (r *Result) Notices() []Notice {
	n := r.notices
	r.notices = nil
	return n
}

func (r *Result) notice(severity, code, message string) {
	r.notices = append(r.notices, Notice{severity, code, message})
}

// ParamChanges returns reported settings that the statement changed, once.
func (r *Result) ParamChanges() []ParamStatus {
	ch := r.session.takeChanges()
	if r.stats == nil {
		return ch
	}
	if partial := len(r.stats.Missing) > 0; partial != r.session.partial {
		r.session.partial = partial
		ch = append(ch, ParamStatus{"alluvium.partial", onOff(partial)})
	}
	return ch
}

// Tag returns the command tag for a number of rows sent.
func (r *Result) Tag(rows int64) string {
	if r.tag == "SELECT" {
		return "SELECT " + strconv.FormatInt(rows, 10)
	}
	return r.tag
}

// Close releases what the statement holds and records its outcome. It may be
// called more than once.
func (r *Result) Close() {
	if r.closed {
		return
	}
	r.closed = true
	if r.rows != nil {
		r.rows.Close()
	}
	if r.turn != nil {
		r.turn.Stop()
	}
	if r.query != nil {
		r.stop()
		r.query.cancel(nil)
		r.session.eng.end(r.query)
	}
	r.session.record(r)
}

func joinLimited(items []string, limit int) string {
	out := ""
	for i, it := range items {
		if i == limit {
			return out + ", … (" + strconv.Itoa(len(items)) + " in all)"
		}
		if i > 0 {
			out += ", "
		}
		out += it
	}
	return out
}
