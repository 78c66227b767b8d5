package pgwire

import (
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgproto3/v2"
	"github.com/xdg-go/scram"

	"github.com/alluviumdb/alluvium/internal/auth"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// Users looks up the SCRAM verifier of a user.
type Users interface {
	// Verifier returns the stored SCRAM-SHA-256 verifier of a user, ok is
	// false when there is no such user.
	Verifier(user string) (verifier string, ok bool)
}

const mechanism = "SCRAM-SHA-256"

// authenticate proves the user's password by SCRAM-SHA-256 (RFC 5802, 7677),
// or lets a loopback connection pass where the server is set so.
func (c *conn) authenticate(user string) error {
	if trust := c.srv.cfg.TrustLoopback; trust != nil && trust() && isLoopback(c.raw.RemoteAddr()) {
		c.out.send(&pgproto3.AuthenticationOk{})
		return nil
	}
	verifier, known := c.srv.cfg.Users.Verifier(user)
	err := c.scram(verifier, known)
	if errors.Is(err, errRefused) {
		c.srv.metrics.authFailures.Inc()
		return sqlerr.New(sqlerr.InvalidPassword, "password authentication failed for user %q", user)
	}
	if err == nil {
		c.out.send(&pgproto3.AuthenticationOk{})
	}
	return err
}

// errRefused is a SCRAM exchange that does not prove the password.
var errRefused = errors.New("SCRAM exchange refused")

func (c *conn) scram(verifier string, known bool) error {
	conv, err := newConversation(verifier, known)
	if err != nil {
		return err
	}
	c.out.send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{mechanism}})
	first, err := c.saslInitial()
	if err != nil {
		return err
	}
	challenge, err := conv.Step(first)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	c.out.send(&pgproto3.AuthenticationSASLContinue{Data: []byte(challenge)})
	final, err := c.saslResponse()
	if err != nil {
		return err
	}
	proof, err := conv.Step(final)
	if err != nil || !conv.Valid() || !known {
		return errRefused
	}
	c.out.send(&pgproto3.AuthenticationSASLFinal{Data: []byte(proof)})
	return nil
}

// newConversation starts a SCRAM exchange. An unknown user gets one that
// cannot succeed, over a verifier derived from nothing the client can see, so
// that names are not revealed by the exchange.
func newConversation(verifier string, known bool) (*scram.ServerConversation, error) {
	if !known {
		verifier = auth.DummyVerifier()
	}
	stored, err := auth.ParseVerifier(verifier)
	if err != nil {
		return nil, err
	}
	srv, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) {
		return stored, nil
	})
	if err != nil {
		return nil, err
	}
	return srv.NewConversation(), nil
}

func (c *conn) saslInitial() (string, error) {
	msg, err := c.authMessage(pgproto3.AuthTypeSASL)
	if err != nil {
		return "", err
	}
	m, ok := msg.(*pgproto3.SASLInitialResponse)
	if !ok {
		return "", protocolError("expected SASL response, got message %T", msg)
	}
	if m.AuthMechanism != mechanism {
		return "", protocolError("client selected an invalid SASL authentication mechanism")
	}
	return string(m.Data), nil
}

func (c *conn) saslResponse() (string, error) {
	msg, err := c.authMessage(pgproto3.AuthTypeSASLContinue)
	if err != nil {
		return "", err
	}
	m, ok := msg.(*pgproto3.SASLResponse)
	if !ok {
		return "", protocolError("expected SASL response, got message %T", msg)
	}
	return string(m.Data), nil
}

// authMessage sends what is queued and waits for the answer, whose form the
// authentication's step decides.
func (c *conn) authMessage(step uint32) (pgproto3.FrontendMessage, error) {
	if err := c.out.flush(); err != nil {
		return nil, err
	}
	if err := c.backend.SetAuthType(step); err != nil {
		return nil, err
	}
	return c.receive()
}

func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}
