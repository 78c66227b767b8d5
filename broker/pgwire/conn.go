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
// server's Close touch it from outside, by raw, busy and draining.
type conn struct {
	srv     *Server
	ctx     context.Context
	raw     net.Conn // as accepted
	net     net.Conn // raw, or TLS over it
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
	// idleLimited tells that a deadline is set for the next message.
	idleLimited bool

	// busy is set from the first message after a ReadyForQuery to the next
	// ReadyForQuery.
	busy     atomic.Bool
	draining atomic.Bool
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{srv: s, ctx: s.ctx, raw: nc, portals: map[string]*portal{}}
	c.attach(nc)
	return c
}

// longPast is a deadline that ends a pending read at once.
var longPast = time.Unix(1, 0)

// drain ends the connection when it is idle, or lets serve end it after the
// statement that is running.
func (c *conn) drain() {
	c.draining.Store(true)
	if !c.busy.Load() {
		c.raw.SetReadDeadline(longPast) // serve says goodbye
	}
}

// serve runs the connection from the first byte to the last. A panic ends this
// connection only.
func (c *conn) serve() {
	defer c.close()
	defer func() {
		if p := recover(); p != nil {
			c.srv.cfg.Logger.Error("connection panicked", "remote", c.raw.RemoteAddr().String(),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.fatal(sqlerr.New(sqlerr.InternalError, "internal error: the connection is closed"))
		}
	}()
	err := c.open()
	if err == nil {
		err = c.loop()
	}
	c.farewell(err)
}

func (c *conn) close() {
	c.closeAllPortals()
	if c.session != nil {
		c.session.Close()
	}
	c.net.Close()
}

// errShutdown is what clients are told when the broker stops.
var errShutdown = sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command")

// farewell sends the reason why the connection ends, where there is one to send.
func (c *conn) farewell(err error) {
	var ne net.Error
	var se *sqlerr.Error
	switch {
	case err == nil, errors.Is(err, errCancelHandled), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return
	case c.draining.Load() || c.srv.ctx.Err() != nil:
		c.fatal(errShutdown)
		return
	case errors.As(err, &se):
	case errors.Is(err, errHandshake):
		c.srv.cfg.Logger.Info("TLS handshake failed", "remote", c.raw.RemoteAddr().String(), "err", err)
		return
	case errors.As(err, &ne):
		return
	default:
		err = protocolError("%v", err)
	}
	if sqlerr.Code(err) == sqlerr.ProtocolViolation {
		c.srv.metrics.protocolErrors.Inc()
	}
	c.srv.cfg.Logger.Info("connection refused or ended", "remote", c.raw.RemoteAddr().String(), "err", err)
	c.fatal(err)
}

func (c *conn) fatal(err error) {
	c.raw.SetWriteDeadline(time.Now().Add(farewellTime))
	c.out.errorResponse("FATAL", err, "")
	c.out.flush()
}

// open does everything up to the first ReadyForQuery.
func (c *conn) open() error {
	c.raw.SetDeadline(time.Now().Add(loginTimeout))
	if c.stopping() { // their deadline was overwritten
		return errShutdown
	}
	st, err := c.negotiate()
	if err != nil {
		return err
	}
	c.backend = pgproto3.NewBackend(c.in, nil)
	if c.refused {
		return sqlerr.New(sqlerr.TooManyConnections, "sorry, too many clients already")
	}
	if c.srv.cfg.RequireTLS && c.tls == nil && !isLoopback(c.raw.RemoteAddr()) {
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
		User: user, Database: db, Remote: c.raw.RemoteAddr().String(), Params: st.params,
	}); err != nil {
		return err
	}
	c.greet()
	if err := c.out.flush(); err != nil {
		return err
	}
	c.in.limit = c.srv.cfg.MaxMessageBytes
	return c.raw.SetDeadline(time.Time{})
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
		msg, err := c.next()
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

// next waits for a message. A transaction that lies idle for too long ends the
// connection.
func (c *conn) next() (pgproto3.FrontendMessage, error) {
	if err := c.limitIdle(); err != nil {
		return nil, err
	}
	msg, err := c.receive()
	if err != nil && c.idleLimited && isTimeout(err) {
		return nil, sqlerr.New(idleInTransaction, "terminating connection due to idle-in-transaction timeout")
	}
	return msg, err
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// idleInTransaction is the SQLSTATE idle_in_transaction_session_timeout.
const idleInTransaction = "25P03"

// limitIdle sets or removes the deadline of the next message. Whether the
// connection drains is looked at last, since drain sets a deadline as well.
func (c *conn) limitIdle() error {
	var limit time.Duration
	if !c.busy.Load() {
		limit = c.session.IdleLimit()
	}
	switch {
	case limit > 0:
		c.raw.SetReadDeadline(time.Now().Add(limit))
	case c.idleLimited:
		c.raw.SetReadDeadline(time.Time{})
	}
	c.idleLimited = limit > 0
	if c.stopping() {
		return errShutdown
	}
	return nil
}

// stopping tells that the connection is to end now: the server closes, or
// drains and nothing is under way here.
func (c *conn) stopping() bool {
	return c.srv.ctx.Err() != nil || c.draining.Load() && !c.busy.Load()
}

// receive reads a message. The decoder below panics on some malformed ones.
func (c *conn) receive() (msg pgproto3.FrontendMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = protocolError("malformed message: %v", p)
		}
	}()
	return c.backend.Receive()
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
		return c.ready()
	case *pgproto3.Flush:
		return c.out.flush()
	case *pgproto3.FunctionCall:
		c.skipping = false
		c.statementError(sqlerr.Unsupported("the function call protocol"), "")
		return c.ready()
	case *pgproto3.Parse, *pgproto3.Bind, *pgproto3.Describe, *pgproto3.Execute, *pgproto3.Close:
		if c.skipping {
			return nil
		}
		if text, err := c.extended(msg); err != nil {
			c.statementError(err, text)
			c.skipping = true
		}
		return c.out.err
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		return nil // leftovers of a COPY that was refused are ignored, as PostgreSQL does
	}
	return protocolError("unexpected message %T", msg)
}

// ready ends a cycle: portals go with the transaction that they belong to.
func (c *conn) ready() error {
	if c.session.TxStatus() != 'T' {
		c.closeAllPortals()
	}
	if c.srv.ctx.Err() != nil {
		return errShutdown
	}
	c.out.readyForQuery(c.session.TxStatus())
	err := c.out.flush()
	c.busy.Store(false)
	return err
}

// statementError reports a failed statement and marks the transaction.
func (c *conn) statementError(err error, text string) {
	if c.srv.ctx.Err() != nil {
		return // the farewell tells
	}
	c.session.Fail()
	if sqlerr.Code(err) == sqlerr.InternalError {
		c.srv.cfg.Logger.Error("internal error", slog.String("sql", text), "err", err)
	}
	c.out.errorResponse("ERROR", err, text)
}
