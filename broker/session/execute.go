package session

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/rel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Execute begins a prepared statement with its parameters. For a query the
// rows are then pulled from the result; a command is carried out at once.
func (s *Session) Execute(ctx context.Context, p *Prepared, params []column.Value) (*Result, error) {
	r := &Result{session: s, columns: p.Columns, start: s.eng.now(), fnCtx: s.FnContext(ctx)}
	if p.stmt == nil {
		r.empty = true
		return r, nil
	}
	if s.tx.failed && !endsFailedBlock(p.stmt.Node) {
		return nil, inFailedBlock()
	}
	var err error
	switch n := p.stmt.Node.Node.(type) {
	case *pg.Node_SelectStmt:
		err = s.runQuery(ctx, r, p, params)
	case *pg.Node_ExplainStmt:
		err = s.runExplain(ctx, r, p, params)
	case *pg.Node_VariableShowStmt:
		err = s.show(r, n.VariableShowStmt.Name)
	default:
		err = s.command(r, p.stmt.Node)
	}
	if err != nil {
		r.failed = err
		r.Close()
		return nil, r.explain(err)
	}
	return r, nil
}

// runQuery binds the parameters and starts the operators.
func (s *Session) runQuery(ctx context.Context, r *Result, p *Prepared, params []column.Value) error {
	if err := s.replan(ctx, p); err != nil {
		return err
	}
	s.arm(ctx, r, p.Text(), false)
	root, err := p.query.Bind(r.fnCtx, params)
	if err != nil {
		return err
	}
	r.tag = "SELECT"
	r.rows, err = rel.Run(r.fnCtx, root, rel.Env{Leaves: r.runner, MemoryLimit: s.settings.bytes("memory_limit")})
	return err
}

// replan plans a stored statement again when the catalog changed since; the
// shape of its result must stay as the client knows it.
func (s *Session) replan(ctx context.Context, p *Prepared) error {
	if p.catalog == s.eng.cfg.Catalog.Version() {
		return nil
	}
	before := p.Columns
	stmt := p.stmt
	if p.explain != nil {
		stmt = p.explain.inner
	}
	if err := s.planQuery(ctx, p, stmt); err != nil {
		return err
	}
	if p.explain != nil {
		p.Columns = before
		return nil
	}
	if len(before) != len(p.Columns) {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cached plan must not change result type")
	}
	for i := range before {
		if before[i].Type != p.Columns[i].Type {
			return sqlerr.New(sqlerr.FeatureNotSupported, "cached plan must not change result type")
		}
	}
	return nil
}

// arm gives a statement its id, deadline, cancel switch and leaf runner.
func (s *Session) arm(ctx context.Context, r *Result, text string, trace bool) {
	cctx, cancel := context.WithCancelCause(ctx)
	limit := s.eng.cfg.MaxStatementTime
	if d := s.settings.duration("statement_timeout"); d > 0 {
		limit = min(limit, d)
	}
	dctx, stopTimer := context.WithTimeoutCause(cctx, limit, errTimeout)
	id := strconv.FormatUint(s.eng.nextID.Add(1), 36) + "-" + strconv.Itoa(int(s.pid))
	r.query = &runningQuery{id: id, session: s, text: text, start: r.start, cancel: cancel}
	s.eng.begin(r.query)
	r.ctx = dctx
	r.fnCtx = s.FnContext(dctx)
	r.stop = func() {
		stopTimer()
		cancel(nil)
		s.eng.end(r.query)
	}
	r.runner = s.eng.cfg.NewRunner(LeafOptions{
		QueryID: id, User: s.opt.User, AllowPartial: s.settings.bool("allow_partial"),
		MemoryLimit: s.settings.bytes("memory_limit"), Trace: trace, Settings: s.resultSettings(),
	})
}

// resultSettings are the settings that can change an answer; servers get them
// with each fragment.
func (s *Session) resultSettings() map[string]string {
	v, _ := s.settings.get("float_sum")
	if v == "fast" {
		return nil
	}
	return map[string]string{"float_sum": v}
}

// record counts a finished statement and logs slow or failed ones.
func (s *Session) record(r *Result) {
	if r.query == nil {
		return
	}
	took := s.eng.now().Sub(r.start)
	m := s.eng.metrics
	m.phase.WithLabelValues("total").Observe(took.Seconds())
	m.rows.Add(float64(r.n))
	if r.failed != nil {
		code := sqlerr.Code(r.failed)
		m.queries.WithLabelValues(code[:2]).Inc()
		s.eng.cfg.Logger.Info("query failed", "query_id", r.query.id, "user", s.opt.User,
			"sqlstate", code, "err", r.failed, "took", took, "sql", clip(r.query.text))
		return
	}
	m.queries.WithLabelValues("ok").Inc()
	level := slog.LevelDebug
	if took > time.Second {
		level = slog.LevelInfo
	}
	s.eng.cfg.Logger.Log(context.Background(), level, "query", "query_id", r.query.id, "user", s.opt.User,
		"rows", r.n, "took", took, "sql", clip(r.query.text))
}

func clip(s string) string {
	if len(s) > 500 {
		return strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}

// command carries out a statement that returns no rows.
func (s *Session) command(r *Result, n *pg.Node) (err error) {
	switch st := n.Node.(type) {
	case *pg.Node_TransactionStmt:
		r.tag, err = s.transaction(st.TransactionStmt, r)
	case *pg.Node_VariableSetStmt:
		r.tag, err = s.variableSet(st.VariableSetStmt, r)
	case *pg.Node_DiscardStmt:
		r.tag, err = s.discard(st.DiscardStmt)
	case *pg.Node_DeallocateStmt:
		r.tag, err = s.deallocate(st.DeallocateStmt)
	case *pg.Node_ListenStmt:
		return sqlerr.Unsupported("LISTEN")
	case *pg.Node_UnlistenStmt:
		r.tag = "UNLISTEN"
	case *pg.Node_ClosePortalStmt:
		if st.ClosePortalStmt.Portalname != "" {
			return sqlerr.New(sqlerr.InvalidCursorName, "cursor %q does not exist", st.ClosePortalStmt.Portalname)
		}
		r.tag = "CLOSE CURSOR ALL"
	default:
		return sqlerr.Unsupported(statementName(n))
	}
	return err
}

func (s *Session) deallocate(d *pg.DeallocateStmt) (string, error) {
	if d.Isall || d.Name == "" {
		clear(s.stored)
		return "DEALLOCATE ALL", nil
	}
	if s.stored[d.Name] == nil {
		return "", sqlerr.New(sqlerr.InvalidStatementName, "prepared statement %q does not exist", d.Name)
	}
	delete(s.stored, d.Name)
	return "DEALLOCATE", nil
}

func (s *Session) discard(d *pg.DiscardStmt) (string, error) {
	switch d.Target {
	case pg.DiscardMode_DISCARD_ALL:
		if s.tx.open {
			return "", sqlerr.New(sqlerr.ActiveTransaction, "DISCARD ALL cannot run inside a transaction block")
		}
		clear(s.stored)
		next := newSettings()
		next.base = s.settings.base
		s.restore(next)
		return "DISCARD ALL", nil
	case pg.DiscardMode_DISCARD_PLANS:
		return "DISCARD PLANS", nil
	case pg.DiscardMode_DISCARD_SEQUENCES:
		return "DISCARD SEQUENCES", nil
	}
	return "DISCARD TEMP", nil
}

// textColumn describes a column of text made by a utility statement.
func textColumn(name string) plan.OutCol { return plan.OutCol{Name: name, Type: textType} }
