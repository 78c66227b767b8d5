package controller

import (
	"errors"
	"net"
	"strconv"
	"sync"

	"google.golang.org/grpc"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// peerConns holds the connections to the other controllers, by address.
type peerConns struct {
	secret string

	mu     sync.Mutex
	conns  map[string]*grpc.ClientConn
	closed bool
}

func newPeerConns(secret string) *peerConns {
	return &peerConns{secret: secret, conns: map[string]*grpc.ClientConn{}}
}

func (p *peerConns) client(addr string) (pb.ControllerClient, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, api.ErrUnavailable
	}
	conn := p.conns[addr]
	if conn == nil {
		var err error
		if conn, err = grpc.NewClient("passthrough:///"+addr, api.DialOptions(p.secret)...); err != nil {
			return nil, err
		}
		p.conns[addr] = conn
	}
	return pb.NewControllerClient(conn), nil
}

func (p *peerConns) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, c := range p.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func splitAddr(addr string) (host string, port uint32) {
	h, p, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, 0
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return h, 0
	}
	return h, uint32(n)
}
