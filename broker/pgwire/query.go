package pgwire

import (
	"strconv"

	"github.com/jackc/pgproto3/v2"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// simpleQuery runs every statement of a Query message; an error skips the rest.
func (c *conn) simpleQuery(text string) {
	c.closePortal("")
	c.session.Unstore("")
	stmts, err := c.session.Parse(text)
	if err != nil {
		c.statementError(err, text)
		return
	}
	if len(stmts) == 0 {
		c.out.send(&pgproto3.EmptyQueryResponse{})
		return
	}
	for i := range stmts {
		if err := c.simpleStatement(&stmts[i]); err != nil {
			c.statementError(err, text)
			return
		}
	}
}

func (c *conn) simpleStatement(stmt *session.Statement) error {
	p, err := c.session.Prepare(c.ctx, stmt, nil)
	if err != nil {
		return err
	}
	if len(p.ParamTypes) > 0 {
		return sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $1")
	}
	po := &portal{prepared: p}
	if err := c.start(po, false); err != nil {
		return err
	}
	defer po.close()
	if cols := po.result.Columns(); cols != nil {
		c.out.rowDescription(cols, nil)
	}
	return c.rows(po, 0)
}

// portal is a statement with its parameters, begun or not.
type portal struct {
	prepared *session.Prepared
	params   []column.Value
	formats  []int16
	result   *session.Result
	// batch holds the rows being sent, next is the first unsent one.
	batch *column.Batch
	next  int
	done  bool
}

func (p *portal) close() {
	if p.result != nil {
		p.result.Close()
	}
}

func (c *conn) closePortal(name string) {
	if p := c.portals[name]; p != nil {
		p.close()
		delete(c.portals, name)
	}
}

func (c *conn) closeAllPortals() {
	for name := range c.portals {
		c.closePortal(name)
	}
}

// start begins the execution of a portal; paused tells that the client wants
// the rows a few at a time.
func (c *conn) start(p *portal, paused bool) error {
	r, err := c.session.Execute(c.ctx, p.prepared, p.params, session.ExecuteOptions{Paused: paused})
	if err != nil {
		return err
	}
	p.result = r
	c.notices(r)
	return nil
}

func (c *conn) notices(r *session.Result) {
	for _, n := range r.Notices() {
		c.out.notice(n.Severity, n.Code, n.Message)
	}
}

// rows sends up to limit rows (0: all) and the closing message of an Execute.
func (c *conn) rows(p *portal, limit int) error {
	enc := encoder{w: c.out, ctx: p.result.FnContext(), formats: p.formats}
	for n := 0; ; {
		if err := p.fill(); err != nil {
			return err
		}
		if p.done {
			return c.complete(p, n)
		}
		upTo := p.batch.N
		if limit > 0 {
			upTo = min(upTo, p.next+limit-n)
		}
		if err := enc.rows(p.batch, p.next, upTo); err != nil {
			return err
		}
		n += upTo - p.next
		p.next = upTo
		if limit > 0 && n == limit {
			p.result.Suspend()
			c.out.send(&pgproto3.PortalSuspended{})
			return nil
		}
	}
}

// fill makes sure that there are rows to send, or sets done.
func (p *portal) fill() (err error) {
	if p.done || p.batch != nil && p.next < p.batch.N {
		return nil
	}
	p.batch, err = p.result.Next()
	p.next, p.done = 0, p.batch == nil
	return err
}

// complete ends a finished execution that sent n rows: notices, changed
// parameters, then the tag.
func (c *conn) complete(p *portal, n int) error {
	if err := p.result.Finish(); err != nil {
		return err
	}
	c.notices(p.result)
	for _, ps := range p.result.ParamChanges() {
		c.out.parameterStatus(ps.Name, ps.Value)
	}
	p.result.Close()
	if p.result.Empty() {
		c.out.send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	c.out.commandComplete(p.result.Tag(int64(n)))
	return nil
}

// encoder writes the rows of batches as DataRow messages.
type encoder struct {
	w       *writer
	ctx     *fn.Context
	formats []int16
}

// rows queues rows; it fails when the client is gone.
func (e *encoder) rows(b *column.Batch, from, to int) error {
	w := e.w
	for i := from; i < to; i++ {
		w.begin('D')
		w.int16(int16(len(b.Cols)))
		for k, v := range b.Cols {
			if v.IsNull(i) {
				w.int32(-1)
				continue
			}
			at := len(w.buf)
			w.buf = append(w.buf, 0, 0, 0, 0)
			if formatOf(e.formats, k) == formatBinary {
				w.buf = appendBinary(w.buf, v, i)
			} else {
				w.buf = fn.FormatText(w.buf, e.ctx, v, i)
			}
			putLen(w.buf, at)
		}
		w.end()
	}
	return w.err
}

func putLen(buf []byte, at int) {
	n := uint32(len(buf) - at - 4)
	buf[at], buf[at+1], buf[at+2], buf[at+3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
}

// decodeParams turns the parameters of a Bind into values.
func (c *conn) decodeParams(m *pgproto3.Bind, types []schema.Type) ([]column.Value, error) {
	if len(m.Parameters) != len(types) {
		return nil, protocolError("bind message supplies %d parameters, but prepared statement requires %d",
			len(m.Parameters), len(types))
	}
	if n := len(m.ParameterFormatCodes); n > 1 && n != len(m.Parameters) {
		return nil, protocolError("bind message has %d parameter formats but %d parameters", n, len(m.Parameters))
	}
	if len(types) == 0 {
		return nil, nil
	}
	ctx, out := c.session.FnContext(c.ctx), make([]column.Value, len(types))
	for i, raw := range m.Parameters {
		v, err := decodeParam(ctx, raw, types[i], formatOf(m.ParameterFormatCodes, i))
		if err != nil {
			return nil, withParam(err, i)
		}
		out[i] = v
	}
	return out, nil
}

func decodeParam(ctx *fn.Context, raw []byte, t schema.Type, format int16) (column.Value, error) {
	if raw == nil {
		return column.NullValue(t), nil
	}
	switch format {
	case formatText:
		if err := checkText(raw); err != nil {
			return column.Value{}, err
		}
		v, err := fn.ParseText(ctx, raw, t)
		if err == nil && v.B != nil {
			v.B = append([]byte(nil), v.B...) // the message buffer is reused
		}
		return v, err
	case formatBinary:
		v, err := decodeBinary(raw, t)
		if err != nil || v.Type == t {
			return v, err
		}
		return fn.CastValue(ctx, v, t)
	}
	return column.Value{}, sqlerr.New(sqlerr.InvalidParameter, "unsupported format code: %d", format)
}

func withParam(err error, i int) error {
	e := *asSQLError(err)
	if e.Detail == "" {
		e.Detail = "parameter $" + strconv.Itoa(i+1)
	}
	return &e
}

// describeColumns queues RowDescription, or NoData for statements without rows.
func (c *conn) describeColumns(cols []plan.OutCol, formats []int16) {
	if cols == nil {
		c.out.send(&pgproto3.NoData{})
		return
	}
	c.out.rowDescription(cols, formats)
}
