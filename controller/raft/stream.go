package raft

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// streamLayer is TCP between the nodes. With a secret both ends of a
// connection prove that they know it before the first byte of Raft passes:
//
//	dialler → acceptor   nonce A
//	acceptor → dialler   nonce B, HMAC(secret, "acceptor", A, B)
//	dialler → acceptor   HMAC(secret, "dialler", A, B)
//
// What follows is neither encrypted nor signed: the network between the
// controllers is trusted not to be written to.
type streamLayer struct {
	net.Listener
	advertise string
	secret    []byte

	mu       sync.Mutex // guards accepted
	accepted map[net.Conn]struct{}
}

var _ raft.StreamLayer = (*streamLayer)(nil)

func newStreamLayer(l net.Listener, advertise, secret string) *streamLayer {
	return &streamLayer{Listener: l, advertise: advertise, secret: []byte(secret), accepted: map[net.Conn]struct{}{}}
}

// handshakeTimeout bounds the proof of the secret.
const handshakeTimeout = 5 * time.Second

var errHandshake = errors.New("the other controller does not know the cluster secret")

// Addr returns the address that the other nodes dial.
func (s *streamLayer) Addr() net.Addr { return address(s.advertise) }

// address is a net.Addr of a text.
type address string

// Network implements net.Addr.
func (address) Network() string { return "tcp" }

// String implements net.Addr.
func (a address) String() string { return string(a) }

// Dial implements raft.StreamLayer.
func (s *streamLayer) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", string(addr), timeout)
	if err != nil || len(s.secret) == 0 {
		return c, err
	}
	if err := withDeadline(c, s.dialHandshake); err != nil {
		c.Close()
		return nil, fmt.Errorf("controller at %s: %w", addr, err)
	}
	return c, nil
}

// Accept implements net.Listener. The handshake is done by the first Read, so
// that a silent client holds up nobody else.
func (s *streamLayer) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted[c] = struct{}{}
	return &acceptedConn{Conn: c, layer: s}, nil
}

// hangUp closes the connections that were accepted, which the raft library
// leaves open when it is shut down. The listener must be closed before.
func (s *streamLayer) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.accepted {
		c.Close()
	}
}

func (s *streamLayer) forget(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.accepted, c)
}

// acceptedConn proves the secret, if there is one, before its first byte is
// read.
type acceptedConn struct {
	net.Conn
	layer *streamLayer
	once  sync.Once
	err   error
}

// Read implements net.Conn.
func (c *acceptedConn) Read(p []byte) (int, error) {
	if len(c.layer.secret) > 0 {
		c.once.Do(func() { c.err = withDeadline(c.Conn, c.layer.acceptHandshake) })
	}
	if c.err != nil {
		return 0, c.err
	}
	return c.Conn.Read(p)
}

// Close implements net.Conn.
func (c *acceptedConn) Close() error {
	c.layer.forget(c.Conn)
	return c.Conn.Close()
}

func withDeadline(c net.Conn, f func(net.Conn) error) error {
	if err := c.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := f(c); err != nil {
		return err
	}
	return c.SetDeadline(time.Time{})
}

const nonceBytes = 32

func (s *streamLayer) dialHandshake(c net.Conn) error {
	a := newNonce()
	if _, err := c.Write(a); err != nil {
		return err
	}
	answer := make([]byte, nonceBytes+sha256.Size)
	if _, err := io.ReadFull(c, answer); err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	b := answer[:nonceBytes]
	if !hmac.Equal(answer[nonceBytes:], s.proof("acceptor", a, b)) {
		return errHandshake
	}
	_, err := c.Write(s.proof("dialler", a, b))
	return err
}

func (s *streamLayer) acceptHandshake(c net.Conn) error {
	a := make([]byte, nonceBytes)
	if _, err := io.ReadFull(c, a); err != nil {
		return err
	}
	b := newNonce()
	if _, err := c.Write(append(b, s.proof("acceptor", a, b)...)); err != nil {
		return err
	}
	proof := make([]byte, sha256.Size)
	if _, err := io.ReadFull(c, proof); err != nil {
		return err
	}
	if !hmac.Equal(proof, s.proof("dialler", a, b)) {
		return errHandshake
	}
	return nil
}

func newNonce() []byte {
	n := make([]byte, nonceBytes)
	rand.Read(n) // crypto/rand.Read never fails
	return n
}

func (s *streamLayer) proof(who string, a, b []byte) []byte {
	h := hmac.New(sha256.New, s.secret)
	h.Write([]byte("alluvium raft " + who))
	h.Write(a)
	h.Write(b)
	return h.Sum(nil)
}
