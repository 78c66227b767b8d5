package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// alluvium is this store as an engine: a process of its own, asked over the
// PostgreSQL wire.
type alluvium struct {
	*store
	conn *pgx.Conn
}

var _ engine = (*alluvium)(nil)

// startAlluvium starts the store with one connection.
func startAlluvium(ctx context.Context) (*alluvium, error) {
	s, err := startStore(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		s.stop()
		return nil, err
	}
	return &alluvium{s, conn}, nil
}

func (a *alluvium) name() string { return "Alluvium" }
func (a *alluvium) pid() int     { return a.cmd.Process.Pid }

func (a *alluvium) close() {
	a.conn.Close(context.Background())
	a.stop()
}

// load implements engine.
func (a *alluvium) load(ctx context.Context, d *dataset) (loadFigures, error) {
	return a.loadDataset(ctx, d, d.Config)
}

// tableBytes returns the size of a table's sealed segments.
func (s *store) tableBytes(ctx context.Context, table string) (int64, error) {
	var doc struct {
		Tables []struct {
			Name  string
			Bytes int64
		}
	}
	if err := s.get(ctx, "/v1/overview", &doc); err != nil {
		return 0, err
	}
	var n int64
	for _, t := range doc.Tables {
		if t.Name == table || t.Name == table+"_OFFLINE" || t.Name == table+"_REALTIME" {
			n += t.Bytes
		}
	}
	return n, nil
}

// set changes a setting of the connection.
func (a *alluvium) set(ctx context.Context, name, value string) error {
	_, err := a.conn.Exec(ctx, fmt.Sprintf("SET %s = %s", name, value), pgx.QueryExecModeSimpleProtocol)
	return err
}

// run implements engine: a prepared statement, whose rows are read as they come.
func (a *alluvium) run(ctx context.Context, q *query, runs int) ([]float64, error) {
	out := make([]float64, 0, runs)
	for range runs {
		start := time.Now()
		rows, err := a.conn.Query(ctx, q.SQL)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			rows.RawValues()
		}
		if rows.Err() != nil {
			return nil, rows.Err()
		}
		out = append(out, ms(time.Since(start)))
	}
	return out, nil
}

// rows implements engine.
func (a *alluvium) rows(ctx context.Context, q *query) ([][]*string, error) {
	return fetchText(ctx, a.conn, q.check())
}

// fetchText runs a query by the simple protocol, whose values are text.
func fetchText(ctx context.Context, conn *pgx.Conn, sql string) ([][]*string, error) {
	res, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	var out [][]*string
	for _, row := range res[0].Rows {
		line := make([]*string, len(row))
		for i, v := range row {
			if v != nil {
				text := string(v)
				line[i] = &text
			}
		}
		out = append(out, line)
	}
	return out, nil
}
