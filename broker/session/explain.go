package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/rel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// explainOptions are the options of EXPLAIN and the statement that it is about.
type explainOptions struct {
	analyze bool
	inner   *Statement
}

func (s *Session) prepareExplain(ctx context.Context, p *Prepared, e *pg.ExplainStmt) error {
	opt, err := parseExplain(e)
	if err != nil {
		return err
	}
	inner := *p.stmt
	inner.Node = e.Query
	if inner.Node.GetSelectStmt() == nil {
		return sqlerr.Unsupported("EXPLAIN " + statementName(inner.Node))
	}
	opt.inner = &inner
	if err := s.planExplained(ctx, p, &inner); err != nil {
		return err
	}
	p.explain = opt
	p.Columns = []plan.OutCol{textColumn("QUERY PLAN")}
	return nil
}

// planExplained plans the inner statement without the cache, whose key is the
// text of the whole statement.
func (s *Session) planExplained(ctx context.Context, p *Prepared, inner *Statement) error {
	q, err := s.plan(ctx, inner, p.given)
	if err != nil {
		return err
	}
	p.query, p.ParamTypes, p.catalog = q, q.ParamTypes, s.eng.cfg.Catalog.Version()
	return nil
}

func parseExplain(e *pg.ExplainStmt) (*explainOptions, error) {
	opt := &explainOptions{}
	for _, o := range e.Options {
		d := o.GetDefElem()
		value := defValue(d)
		on, isBool := parseBool(value)
		if value == "" {
			on, isBool = true, true
		}
		switch name := strings.ToLower(d.Defname); name {
		case "analyze":
			if !isBool {
				return nil, sqlerr.New(sqlerr.InvalidParameter, "EXPLAIN option ANALYZE needs a Boolean")
			}
			opt.analyze = on
		case "format":
			if !strings.EqualFold(value, "text") {
				return nil, sqlerr.Unsupported("EXPLAIN (FORMAT " + strings.ToUpper(value) + ")")
			}
		case "verbose", "costs", "timing", "summary", "settings", "buffers", "wal", "generic_plan", "memory", "serialize":
			// What they ask for is either always shown or does not exist here.
		default:
			return nil, sqlerr.New(sqlerr.SyntaxError, "unrecognized EXPLAIN option %q", d.Defname).At(int(d.Location))
		}
	}
	return opt, nil
}

func defValue(d *pg.DefElem) string {
	switch v := d.GetArg().GetNode().(type) {
	case *pg.Node_String_:
		return v.String_.Sval
	case *pg.Node_Integer:
		return fmt.Sprint(v.Integer.Ival)
	case *pg.Node_Boolean:
		return onOff(v.Boolean.Boolval)
	}
	return ""
}

// runExplain prints the plan; with ANALYZE it runs the statement and adds what
// was chosen, pruned and scanned, and how long it took.
func (s *Session) runExplain(ctx context.Context, r *Result, p *Prepared, params []column.Value) error {
	if err := s.replan(ctx, p); err != nil {
		return err
	}
	r.tag = "EXPLAIN"
	r.columns = p.Columns
	s.arm(ctx, r, p.Text(), p.explain.analyze)
	root, err := p.query.Bind(r.fnCtx, params)
	if err != nil {
		return err
	}
	var extra plan.ExplainOptions
	var tail []string
	if p.explain.analyze {
		if extra, tail, err = s.analyze(r, root); err != nil {
			return err
		}
	}
	var rows [][]string
	for _, line := range append(plan.Explain(root, extra), tail...) {
		rows = append(rows, []string{line})
	}
	r.batches = []*column.Batch{textRows(rows, 1)}
	return nil
}

// analyze runs a plan to its end and returns the lines per leaf and at the end.
func (s *Session) analyze(r *Result, root plan.Node) (plan.ExplainOptions, []string, error) {
	start := s.eng.now()
	rows, err := rel.Run(r.fnCtx, root, rel.Env{Leaves: r.runner, MemoryLimit: s.settings.bytes("memory_limit")})
	if err != nil {
		return plan.ExplainOptions{}, nil, err
	}
	defer rows.Close()
	n := 0
	for {
		b, err := rows.Next()
		if err != nil {
			return plan.ExplainOptions{}, nil, err
		}
		if b == nil {
			break
		}
		n += b.N
	}
	took := s.eng.now().Sub(start)
	st := r.runner.Stats()
	tail := []string{
		fmt.Sprintf("Rows: %d", n),
		fmt.Sprintf("Servers: %d queried, %d responded", st.ServersQueried, st.ServersResponded),
		fmt.Sprintf("Segments: %d pruned by broker, %d queried, %d pruned by server, %d matched (%d consuming)",
			st.PrunedByBroker, st.SegmentsQueried, st.SegmentsPruned, st.SegmentsMatched, st.ConsumingMatched),
		fmt.Sprintf("Documents: %d scanned of %d; entries scanned: %d in filter, %d after",
			st.DocsScanned, st.TotalDocs, st.EntriesScannedInFilter, st.EntriesScannedPostFilter),
		fmt.Sprintf("Execution Time: %.3f ms", float64(took)/float64(time.Millisecond)),
	}
	return plan.ExplainOptions{LeafLines: func(l *plan.Leaf) []string { return st.Leaves[l] }}, tail, nil
}
