package pgwire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/jackc/pgproto3/v2"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// conn is one client connection, served by one goroutine. Only drain and the
// server's Close touch it from outside.
type conn struct {
	srv     *Server
	ctx     context.Context
	net     net.Conn
	tls     *tls.Conn
	in      *boundedReader
	out     *writer
	backend *pgproto3.Backend
	session *session.Session
	refused bool // over the connection limit

	// portals by name; the unnamed one is "". Prepared statements live in the
	// session, which shares them with PREPARE and EXECUTE.
	portals map[string]*portal
	// skipping is set after an error in the extended protocol: everything up
	// to the next Sync is discarded.
	skipping bool

	busy     atomic.Bool
	draining atomic.Bool
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{srv: s, ctx: s.ctx, portals: map[string]*portal{}}
	c.attach(nc)
	return c
}

// drain ends the connection when it is idle, or lets serve end it after the
// statement that is running.
func (c *conn) drain() {
	c.draining.Store(true)
	if !c.busy.Load() {
		// The pending read fails and serve says goodbye.
		c.net.SetReadDeadline(time.Unix(1, 0))
	}
}

// serve runs the connection from the first byte to the last. A panic, from
// this package or a decoder below it, ends this connection only.
func (c *conn) serve() {
	defer c.close()
	defer func() {
		if p := recover(); p != nil {
			c.srv.metrics.protocolErrors.Inc()
			c.srv.cfg.Logger.Error("connection panicked", "remote", c.net.RemoteAddr().String(),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.fatal(protocolError("malformed message"))
		}
	}()
	if err := c.open(); err != nil {
		c.farewell(err)
		return
	}
	c.farewell(c.loop())
}

func (c *conn) close() {
	for name := range c.portals {
		c.closePortal(name)
	}
	if c.session != nil {
		c.session.Close()
	}
	c.net.Close()
}

// farewell sends the reason why the connection ends, where there is one to send.
func (c *conn) farewell(err error) {
	var ne net.Error
	switch {
	case err == nil, errors.Is(err, errCancelHandled), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return
	case c.draining.Load() || c.srv.ctx.Err() != nil:
		c.fatal(sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command"))
	case errors.Is(err, errMessageTooLarge):
		c.srv.metrics.protocolErrors.Inc()
		c.fatal(protocolError("%v", err))
	case errors.As(err, &ne):
		return
	default:
		var se *sqlerr.Error
		if !errors.As(err, &se) {
			c.srv.metrics.protocolErrors.Inc()
			err = protocolError("%v", err)
		}
		c.srv.cfg.Logger.Info("connection refused or ended", "remote", c.net.RemoteAddr().String(), "err", err)
		c.fatal(err)
	}
}

func (c *conn) fatal(err error) {
	c.net.SetWriteDeadline(time.Now().Add(5 * time.Second))
	c.out.errorResponse("FATAL", err, "")
	c.out.flush()
}

// open does everything up to the first ReadyForQuery.
func (c *conn) open() error {
	c.net.SetDeadline(time.Now().Add(loginTimeout))
	st, err := c.negotiate()
	if err != nil {
		return err
	}
	c.backend = pgproto3.NewBackend(c.in, nil)
	if c.refused {
		return sqlerr.New(sqlerr.TooManyConnections, "sorry, too many clients already")
	}
	if c.srv.cfg.RequireTLS && c.tls == nil && !isLoopback(c.net.RemoteAddr()) {
		return sqlerr.New(sqlerr.InvalidAuthorization, "connection requires TLS")
	}
	c.negotiateVersion(st)
	user := st.params["user"]
	if err := c.authenticate(user); err != nil {
		return err
	}
	db := st.params["database"]
	if db == "" {
		db = user
	}
	if db != c.srv.cfg.Database {
		return sqlerr.New(sqlerr.InvalidCatalogName, "database %q does not exist", db).
			WithHint("The database is named %q.", c.srv.cfg.Database)
	}
	if c.session, err = c.srv.cfg.Engine.Open(session.Options{
		User: user, Database: db, Remote: c.net.RemoteAddr().String(), Params: st.params,
	}); err != nil {
		return err
	}
	c.greet()
	if err := c.out.flush(); err != nil {
		return err
	}
	c.in.limit = c.srv.cfg.MaxMessageBytes
	return c.net.SetDeadline(time.Time{})
}

// greet queues the parameters that clients rely on, the cancel key, and
// ReadyForQuery.
func (c *conn) greet() {
	for _, p := range c.session.ReportedParams() {
		c.out.parameterStatus(p.Name, p.Value)
	}
	pid, secret := c.session.Key()
	c.out.send(&pgproto3.BackendKeyData{ProcessID: uint32(pid), SecretKey: secret})
	c.out.readyForQuery(c.session.TxStatus())
}

// loop serves messages until the client leaves or the connection breaks.
func (c *conn) loop() error {
	for {
		c.busy.Store(false)
		if c.draining.Load() {
			return net.ErrClosed
		}
		msg, err := c.backend.Receive()
		if err != nil {
			return err
		}
		c.busy.Store(true)
		c.srv.metrics.messages.Inc()
		if _, ok := msg.(*pgproto3.Terminate); ok {
			return nil
		}
		if err := c.dispatch(msg); err != nil {
			return err
		}
	}
}

// dispatch serves one message. Errors that belong to a statement are sent to
// the client here; what it returns ends the connection.
func (c *conn) dispatch(msg pgproto3.FrontendMessage) error {
	switch m := msg.(type) {
	case *pgproto3.Query:
		c.skipping = false
		c.simpleQuery(m.String)
		return c.ready()
	case *pgproto3.Sync:
		c.skipping = false
		c.session.EndImplicit()
		if c.session.TxStatus() == 'I' {
			c.closeAllPortals()
		}
		return c.ready()
	case *pgproto3.Flush:
		return c.out.flush()
	}
	if c.skipping {
		return nil
	}
	text, err := c.extended(msg)
	if err != nil {
		c.statementError(err, text)
		c.skipping = true
	}
	return nil
}

func (c *conn) ready() error {
	c.out.readyForQuery(c.session.TxStatus())
	return c.out.flush()
}

// statementError reports a failed statement and marks the transaction.
func (c *conn) statementError(err error, text string) {
	c.session.Fail()
	if sqlerr.Code(err) == sqlerr.InternalError {
		c.srv.cfg.Logger.Error("internal error", slog.String("sql", text), "err", err)
	}
	c.out.errorResponse("ERROR", err, text)
}
