package pgwire

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// Codes in the first packet of a connection (protocol 3.0, section "Message
// Formats").
const (
	protocolMajor    = 3
	codeCancel       = 80877102
	codeSSL          = 80877103
	codeGSSEnc       = 80877104
	maxStartupPacket = 10000
)

// startup is what a client says before authentication.
type startup struct {
	params map[string]string
	// minor is the requested minor protocol version; unknown are the
	// requested protocol options, which are all refused by negotiation.
	minor   uint16
	unknown []string
}

var (
	// errCancelHandled ends a connection that only carried a CancelRequest.
	errCancelHandled = errors.New("cancel request handled")
	// errHandshake ends a connection whose TLS handshake failed; nothing can be
	// said to such a client.
	errHandshake = errors.New("TLS handshake failed")
)

// negotiate reads startup packets until the client's StartupMessage, switching
// to TLS on the way where asked and possible.
func (c *conn) negotiate() (*startup, error) {
	for range 4 { // SSL, GSS, and the startup itself; more is not a client
		packet, err := readStartupPacket(c.in.r)
		if err != nil {
			return nil, err
		}
		switch code := binary.BigEndian.Uint32(packet); {
		case code == codeSSL:
			if err := c.startTLS(); err != nil {
				return nil, err
			}
		case code == codeGSSEnc:
			if _, err := c.net.Write([]byte{'N'}); err != nil {
				return nil, err
			}
		case code == codeCancel:
			c.handleCancel(packet)
			return nil, errCancelHandled
		case code>>16 == protocolMajor:
			return parseStartup(packet)
		default:
			return nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"unsupported frontend protocol %d.%d: server supports 3.0 to 3.0", code>>16, code&0xffff)
		}
	}
	return nil, protocolError("too many startup packets")
}

func readStartupPacket(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[:])) - 4
	if n < 4 || n > maxStartupPacket {
		return nil, protocolError("invalid length of startup packet")
	}
	packet := make([]byte, n)
	_, err := io.ReadFull(r, packet)
	return packet, err
}

func parseStartup(packet []byte) (*startup, error) {
	s := &startup{params: map[string]string{}, minor: binary.BigEndian.Uint16(packet[2:])}
	rest := packet[4:]
	for len(rest) > 0 && rest[0] != 0 {
		key, after, ok1 := bytes.Cut(rest, []byte{0})
		val, next, ok2 := bytes.Cut(after, []byte{0})
		if !ok1 || !ok2 {
			return nil, protocolError("invalid startup packet layout: expected terminator as last byte")
		}
		rest = next
		if strings.HasPrefix(string(key), "_pq_.") {
			s.unknown = append(s.unknown, string(key))
			continue
		}
		s.params[string(key)] = string(val)
	}
	if len(rest) != 1 {
		return nil, protocolError("invalid startup packet layout: expected terminator as last byte")
	}
	if s.params["user"] == "" {
		return nil, sqlerr.New(sqlerr.InvalidAuthorization, "no PostgreSQL user name specified in startup packet")
	}
	return s, nil
}

// startTLS answers an SSLRequest. Bytes that came with the request before the
// handshake would have been sent in plain text by somebody in the middle, so
// they end the connection (CVE-2021-23214).
func (c *conn) startTLS() error {
	if c.srv.cfg.TLS == nil || c.tls != nil {
		_, err := c.net.Write([]byte{'N'})
		return err
	}
	if c.in.r.Buffered() > 0 {
		return protocolError("received unencrypted data after SSL request")
	}
	if _, err := c.net.Write([]byte{'S'}); err != nil {
		return err
	}
	t := tls.Server(c.net, c.srv.cfg.TLS)
	if err := t.HandshakeContext(c.ctx); err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	c.tls = t
	c.attach(t)
	return nil
}

// attach makes nc the stream that messages are read from and written to.
func (c *conn) attach(nc net.Conn) {
	c.net = nc
	c.in = newBoundedReader(nc)
	c.out = newWriter(nc)
}

func (c *conn) handleCancel(packet []byte) {
	if len(packet) != 12 {
		return
	}
	pid := int32(binary.BigEndian.Uint32(packet[4:]))
	secret := binary.BigEndian.Uint32(packet[8:])
	c.srv.cfg.Engine.CancelByKey(pid, secret)
}

// negotiateVersion tells a client that asked for more than protocol 3.0 what
// it gets (NegotiateProtocolVersion).
func (c *conn) negotiateVersion(s *startup) {
	if s.minor == 0 && len(s.unknown) == 0 {
		return
	}
	c.out.begin('v')
	c.out.int32(protocolMajor << 16)
	c.out.int32(int32(len(s.unknown)))
	for _, name := range s.unknown {
		c.out.cstring(name)
	}
	c.out.end()
}

func protocolError(format string, args ...any) error {
	return sqlerr.New(sqlerr.ProtocolViolation, format, args...)
}
