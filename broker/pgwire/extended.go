package pgwire

import (
	"github.com/jackc/pgproto3/v2"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// extended serves one message of the extended query protocol. It returns the
// text of the statement concerned beside an error, for its position.
func (c *conn) extended(msg pgproto3.FrontendMessage) (text string, err error) {
	switch m := msg.(type) {
	case *pgproto3.Parse:
		return m.Query, c.parse(m)
	case *pgproto3.Bind:
		return c.bind(m)
	case *pgproto3.Describe:
		return "", c.describe(m)
	case *pgproto3.Execute:
		return c.execute(m)
	case *pgproto3.Close:
		return "", c.closeTarget(m)
	}
	return "", protocolError("unexpected message %T", msg)
}

func (c *conn) parse(m *pgproto3.Parse) error {
	types := make([]schema.Type, len(m.ParameterOIDs))
	for i, oid := range m.ParameterOIDs {
		if oid == 0 || oid == schema.Unknown.OID() {
			continue // to be inferred
		}
		t, ok := schema.TypeByOID(oid)
		if !ok {
			return sqlerr.New(sqlerr.UndefinedObject, "type with OID %d is not known", oid)
		}
		types[i] = t
	}
	stmts, err := c.session.Parse(m.Query)
	if err != nil {
		return err
	}
	if len(stmts) > 1 {
		return sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	if len(stmts) == 0 {
		err = c.session.StoreEmpty(m.Name)
	} else {
		err = c.session.Store(c.ctx, m.Name, &stmts[0], types)
	}
	if err != nil {
		return err
	}
	c.out.send(&pgproto3.ParseComplete{})
	return nil
}

func (c *conn) bind(m *pgproto3.Bind) (string, error) {
	p, err := c.session.Stored(m.PreparedStatement)
	if err != nil {
		return "", err
	}
	if m.DestinationPortal != "" && c.portals[m.DestinationPortal] != nil {
		return p.Text(), sqlerr.New(sqlerr.DuplicateCursor, "portal %q already exists", m.DestinationPortal)
	}
	params, err := c.decodeParams(m, p.ParamTypes)
	if err != nil {
		return p.Text(), err
	}
	for _, f := range m.ResultFormatCodes {
		if f != formatText && f != formatBinary {
			return p.Text(), sqlerr.New(sqlerr.InvalidParameter, "unsupported format code: %d", f)
		}
	}
	if n := len(m.ResultFormatCodes); n > 1 && n != len(p.Columns) {
		return p.Text(), protocolError("bind message has %d result formats but query has %d columns", n, len(p.Columns))
	}
	c.closePortal(m.DestinationPortal)
	c.portals[m.DestinationPortal] = &portal{prepared: p, params: params, formats: m.ResultFormatCodes}
	c.out.send(&pgproto3.BindComplete{})
	return "", nil
}

func (c *conn) describe(m *pgproto3.Describe) error {
	switch m.ObjectType {
	case 'S':
		p, err := c.session.Stored(m.Name)
		if err != nil {
			return err
		}
		oids := make([]uint32, len(p.ParamTypes))
		for i, t := range p.ParamTypes {
			oids[i] = wireOID(t)
		}
		c.out.send(&pgproto3.ParameterDescription{ParameterOIDs: oids})
		c.describeColumns(p.Columns, nil)
		return nil
	case 'P':
		po, err := c.portal(m.Name)
		if err != nil {
			return err
		}
		c.describeColumns(po.prepared.Columns, po.formats)
		return nil
	}
	return protocolError("invalid DESCRIBE message subtype %d", m.ObjectType)
}

func (c *conn) execute(m *pgproto3.Execute) (string, error) {
	po, err := c.portal(m.Portal)
	if err != nil {
		return "", err
	}
	if po.result == nil {
		err = c.start(po, m.MaxRows > 0)
	} else {
		po.result.Resume()
	}
	if err == nil {
		err = c.rows(po, int(m.MaxRows))
	}
	if err != nil {
		c.closePortal(m.Portal)
	}
	return po.prepared.Text(), err
}

func (c *conn) closeTarget(m *pgproto3.Close) error {
	switch m.ObjectType {
	case 'S':
		c.session.Unstore(m.Name)
	case 'P':
		c.closePortal(m.Name)
	default:
		return protocolError("invalid CLOSE message subtype %d", m.ObjectType)
	}
	c.out.send(&pgproto3.CloseComplete{})
	return nil
}

func (c *conn) portal(name string) (*portal, error) {
	if po := c.portals[name]; po != nil {
		return po, nil
	}
	return nil, sqlerr.New(sqlerr.InvalidCursorName, "portal %q does not exist", name)
}
