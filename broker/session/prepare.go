package session

import (
	"context"
	"strings"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/sql"
)

// Statement is one parsed statement.
type Statement = sql.Statement

// Prepared is a statement that is ready to run.
type Prepared struct {
	stmt *Statement
	// Columns describes the rows; nil for statements that return none.
	Columns    []plan.OutCol
	ParamTypes []schema.Type
	query      *plan.Query // SELECT and EXPLAIN
	explain    *explainOptions
	catalog    uint64 // version that query was planned against
	given      []schema.Type
}

// Text returns the statement's text, "" for an empty statement.
func (p *Prepared) Text() string {
	if p.stmt == nil {
		return ""
	}
	return p.stmt.Text
}

// Parse splits and parses a text of any number of statements, which are
// read-only.
func (s *Session) Parse(text string) ([]Statement, error) {
	key := textKey{text, s.dialect() == fn.Pinot}
	if stmts := s.eng.texts.get(key); stmts != nil {
		return stmts, nil
	}
	stmts, err := sql.Parse(text, key.pinot)
	if err != nil {
		s.eng.metrics.failed(err)
		return nil, err
	}
	if len(text) <= maxParsedText && len(stmts) == 1 {
		s.eng.texts.put(key, stmts)
	}
	return stmts, nil
}

// Prepare resolves a statement; types gives the types of parameters that the
// client declared, an invalid type (or a missing one) means: infer.
func (s *Session) Prepare(ctx context.Context, stmt *Statement, types []schema.Type) (*Prepared, error) {
	p, err := s.prepare(ctx, stmt, types)
	if err != nil {
		s.eng.metrics.failed(err)
		return nil, err
	}
	return p, nil
}

func (s *Session) prepare(ctx context.Context, stmt *Statement, types []schema.Type) (*Prepared, error) {
	if s.tx.failed && !endsFailedBlock(stmt.Node) {
		return nil, inFailedBlock()
	}
	p := &Prepared{stmt: stmt, given: types}
	switch n := stmt.Node.Node.(type) {
	case *pg.Node_SelectStmt:
		return p, s.planQuery(ctx, p, stmt)
	case *pg.Node_ExplainStmt:
		return p, s.prepareExplain(ctx, p, n.ExplainStmt)
	case *pg.Node_VariableShowStmt:
		cols, err := s.showColumns(n.VariableShowStmt.Name)
		p.Columns = cols
		return p, err
	case *pg.Node_VariableSetStmt, *pg.Node_TransactionStmt, *pg.Node_DiscardStmt,
		*pg.Node_DeallocateStmt, *pg.Node_ListenStmt, *pg.Node_UnlistenStmt, *pg.Node_ClosePortalStmt:
		return p, nil
	}
	return nil, sqlerr.Unsupported(statementName(stmt.Node)).At(stmt.Offset)
}

// planQuery fills p from the plan cache or the planner.
func (s *Session) planQuery(ctx context.Context, p *Prepared, stmt *Statement) error {
	key := s.planKey(stmt, p.given)
	p.catalog = key.catalog
	if q := s.eng.plans.get(key); q != nil {
		s.eng.metrics.planHits.Inc()
		p.query = q
	} else {
		s.eng.metrics.planMiss.Inc()
		q, err := s.plan(ctx, stmt, p.given)
		if err != nil {
			return err
		}
		putPlan(s.eng.plans, key, q)
		p.query = q
	}
	p.Columns, p.ParamTypes = p.query.Columns, p.query.ParamTypes
	if p.Columns == nil {
		p.Columns = []plan.OutCol{}
	}
	return nil
}

func (s *Session) planKey(stmt *Statement, types []schema.Type) planKey {
	path, _ := s.settings.get("search_path")
	zone, _ := s.settings.get("timezone")
	return planKey{
		text: stmt.Text[stmt.Offset:stmt.End], types: packTypes(types), dialect: s.dialect(), searchPath: path, zone: zone,
		limit: s.opt.DefaultLimit, catalog: s.eng.cfg.Catalog.Version(),
	}
}

func (s *Session) plan(ctx context.Context, stmt *Statement, types []schema.Type) (*plan.Query, error) {
	start := s.eng.now()
	q, err := plan.Prepare(s.FnContext(ctx), stmt, plan.Options{
		Catalog: s.eng.cfg.Catalog, Dialect: s.dialect(), SearchPath: s.searchPath(),
		ParamTypes: types, DefaultLimit: s.opt.DefaultLimit,
	})
	s.eng.metrics.plan.Observe(s.eng.now().Sub(start).Seconds())
	return q, err
}

// maxStored bounds the prepared statements of a session.
const maxStored = 10_000

// Store prepares a statement under a name ("" is the unnamed one).
func (s *Session) Store(ctx context.Context, name string, stmt *Statement, types []schema.Type) error {
	if err := s.makeRoom(name); err != nil {
		return err
	}
	p, err := s.Prepare(ctx, stmt, types)
	if err != nil {
		return err
	}
	s.stored[name] = p
	return nil
}

// StoreEmpty stores the empty statement under a name.
func (s *Session) StoreEmpty(name string) error {
	if err := s.makeRoom(name); err != nil {
		return err
	}
	s.stored[name] = &Prepared{}
	return nil
}

// makeRoom checks that a statement of that name can be stored; an unnamed one
// makes way.
func (s *Session) makeRoom(name string) error {
	if name == "" {
		delete(s.stored, "")
		return nil
	}
	if s.stored[name] != nil {
		return sqlerr.New(sqlerr.DuplicatePreparedStmt, "prepared statement %q already exists", name)
	}
	if len(s.stored) >= maxStored {
		return sqlerr.New(sqlerr.ConfigLimitExceeded, "the session has %d prepared statements, which is the limit", maxStored).
			WithHint("DEALLOCATE ALL removes them.")
	}
	return nil
}

// Stored returns a prepared statement by name.
func (s *Session) Stored(name string) (*Prepared, error) {
	p := s.stored[name]
	if p == nil {
		if name == "" {
			return nil, sqlerr.New(sqlerr.InvalidStatementName, "unnamed prepared statement does not exist")
		}
		return nil, sqlerr.New(sqlerr.InvalidStatementName, "prepared statement %q does not exist", name)
	}
	if s.tx.failed && p.stmt != nil && !endsFailedBlock(p.stmt.Node) {
		return nil, inFailedBlock()
	}
	return p, nil
}

// Unstore forgets a prepared statement; an unknown name is no error.
func (s *Session) Unstore(name string) { delete(s.stored, name) }

// endsFailedBlock tells whether a statement is allowed in a failed transaction.
func endsFailedBlock(n *pg.Node) bool {
	t := n.GetTransactionStmt()
	if t == nil {
		return false
	}
	switch t.Kind {
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK,
		pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return true
	}
	return false
}

// statementNames are the names of statements that are refused, as people
// write them.
var statementNames = map[string]string{
	"CreateStmt": "CREATE TABLE over SQL (create the table with POST /tables or alluvium table create)",
	"DropStmt":   "DROP over SQL (use DELETE /tables/{name} or alluvium table delete)",
	"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE", "MergeStmt": "MERGE",
	"CopyStmt": "COPY", "DeclareCursorStmt": "DECLARE CURSOR", "FetchStmt": "FETCH",
	"PrepareStmt": "PREPARE", "ExecuteStmt": "EXECUTE", "AlterTableStmt": "ALTER TABLE",
	"IndexStmt": "CREATE INDEX", "ViewStmt": "CREATE VIEW", "TruncateStmt": "TRUNCATE",
	"CreateTableAsStmt": "CREATE TABLE AS", "CreateFunctionStmt": "CREATE FUNCTION",
	"CommentStmt": "COMMENT", "LockStmt": "LOCK TABLE", "DoStmt": "DO", "GrantStmt": "GRANT and REVOKE",
	"CreateRoleStmt": "CREATE ROLE", "VacuumStmt": "VACUUM and ANALYZE", "NotifyStmt": "NOTIFY",
	"CallStmt": "CALL", "CreateSchemaStmt": "CREATE SCHEMA", "AlterRoleStmt": "ALTER ROLE",
}

func statementName(n *pg.Node) string {
	f := n.ProtoReflect().WhichOneof(n.ProtoReflect().Descriptor().Oneofs().Get(0))
	if f == nil {
		return "this statement"
	}
	kind := string(f.Message().Name())
	if name, ok := statementNames[kind]; ok {
		return name
	}
	return strings.TrimSuffix(kind, "Stmt")
}
