package session

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/rel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// ExecuteOptions say how a client takes a result.
type ExecuteOptions struct {
	// Paused tells that the client takes rows a few at a time, with Suspend and
	// Resume between: statement_timeout then bounds each turn, and only the
	// engine's limit the whole.
	Paused bool
}

// Execute begins a prepared statement with its parameters. For a query the
// rows are then pulled from the result; a command is carried out at once.
func (s *Session) Execute(ctx context.Context, p *Prepared, params []column.Value, opt ExecuteOptions) (*Result, error) {
	r := &Result{session: s, columns: p.Columns, start: s.eng.now(), paused: opt.Paused}
	if p.stmt == nil {
		r.empty = true
		return r, nil
	}
	if s.tx.failed && !endsFailedBlock(p.stmt.Node) {
		return nil, inFailedBlock()
	}
	if err := s.run(ctx, r, p, params); err != nil {
		r.failed = r.explain(err)
		r.Close()
		return nil, r.failed
	}
	return r, nil
}

func (s *Session) run(ctx context.Context, r *Result, p *Prepared, params []column.Value) error {
	switch n := p.stmt.Node.Node.(type) {
	case *pg.Node_SelectStmt:
		return s.runQuery(ctx, r, p, params)
	case *pg.Node_ExplainStmt:
		return s.runExplain(ctx, r, p, params)
	case *pg.Node_VariableShowStmt:
		return s.show(r, n.VariableShowStmt.Name)
	}
	return s.command(r, p.stmt.Node)
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

// replan plans a stored statement again when names may resolve differently
// since. The client knows the types of its parameters and the shape of its
// result: they must stay.
func (s *Session) replan(ctx context.Context, p *Prepared) error {
	if p.catalog == s.eng.cfg.Catalog.Version() {
		return nil
	}
	next := &Prepared{stmt: p.stmt, given: p.ParamTypes}
	var err error
	if p.explain != nil {
		err = s.planExplained(ctx, next, p.explain.inner)
		next.Columns = p.Columns
	} else {
		err = s.planQuery(ctx, next, p.stmt)
	}
	if err != nil {
		return err
	}
	if !sameShape(p, next) {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cached plan must not change result type")
	}
	p.query, p.catalog = next.query, next.catalog
	return nil
}

func sameShape(a, b *Prepared) bool {
	return slices.Equal(a.ParamTypes, b.ParamTypes) &&
		slices.EqualFunc(a.Columns, b.Columns, func(x, y plan.OutCol) bool { return x.Type == y.Type && x.Name == y.Name })
}

// arm gives a statement its id, deadline, cancel switch and leaf runner.
func (s *Session) arm(ctx context.Context, r *Result, text string, trace bool) {
	cctx, cancel := context.WithCancelCause(ctx)
	limit, timeout := s.eng.cfg.MaxStatementTime, s.settings.duration("statement_timeout")
	if timeout > 0 && !r.paused {
		limit = min(limit, timeout)
	}
	dctx, stop := context.WithTimeoutCause(cctx, limit, errTimeout)
	if timeout > 0 && r.paused {
		r.turn, r.turnTime = time.AfterFunc(timeout, func() { cancel(errTimeout) }), timeout
	}
	id := strconv.FormatUint(s.eng.nextID.Add(1), 36) + "-" + strconv.Itoa(int(s.pid))
	app, _ := s.settings.get("application_name")
	r.query = &runningQuery{id: id, session: s, app: app, text: text, start: r.start, cancel: cancel}
	s.eng.begin(r.query)
	r.ctx, r.stop = dctx, stop
	r.fnCtx = s.FnContext(dctx)
	r.runner = s.eng.cfg.NewRunner(LeafOptions{
		QueryID: id, User: s.opt.User, AllowPartial: s.settings.bool("allow_partial"),
		MemoryLimit: s.settings.bytes("memory_limit"), Trace: trace, Settings: s.resultSettings(),
	})
}

// serverSettings are the settings that change what servers do.
var serverSettings = []string{"float_sum", "result_cache", "star_tree"}

// resultSettings are the server settings that differ from their defaults;
// servers get them with each fragment.
func (s *Session) resultSettings() map[string]string {
	var out map[string]string
	for _, name := range serverSettings {
		if v, _ := s.settings.get(name); v != settingByName[name].def {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = v
		}
	}
	return out
}

// record counts a finished statement and logs slow or failed ones.
func (s *Session) record(r *Result) {
	m, log := s.eng.metrics, s.eng.cfg.Logger
	if r.failed != nil {
		m.failed(r.failed)
	}
	if r.query == nil {
		return
	}
	took := s.eng.now().Sub(r.start)
	m.total.Observe(took.Seconds())
	m.rows.Add(float64(r.n))
	if r.failed != nil {
		log.Info("query failed", "query_id", r.query.id, "user", s.opt.User,
			"sqlstate", sqlerr.Code(r.failed), "err", r.failed, "took", took, "sql", clip(r.query.text))
		return
	}
	m.ok.Inc()
	level := slog.LevelDebug
	if took > slowQuery {
		level = slog.LevelInfo
	}
	if log.Enabled(context.Background(), level) {
		log.Log(context.Background(), level, "query", "query_id", r.query.id, "user", s.opt.User,
			"rows", r.n, "took", took, "sql", clip(r.query.text))
	}
}

// slowQuery is how long a statement takes that is worth a line in the log.
const slowQuery = time.Second

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
		s.resetAll()
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
