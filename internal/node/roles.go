package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/broker"
	"github.com/alluviumdb/alluvium/broker/scatter"
	"github.com/alluviumdb/alluvium/controller"
	"github.com/alluviumdb/alluvium/ingest/stream"
	"github.com/alluviumdb/alluvium/internal/objstore"
	"github.com/alluviumdb/alluvium/internal/obs"
	"github.com/alluviumdb/alluvium/query/startree"
	"github.com/alluviumdb/alluvium/server"
)

// StartController starts a process with a controller.
func StartController(ctx context.Context, cfg Config) (*Node, error) {
	n := newNode(cfg)
	return n.started1(n.startController(ctx))
}

// started1 closes what was started when a start failed.
func (n *Node) started1(_ any, err error) (*Node, error) {
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Node) startController(ctx context.Context) (*controller.Controller, error) {
	if err := n.lockDataDir(); err != nil {
		return nil, err
	}
	httpL, err := n.listen("controller-addr", n.cfg.ControllerAddr, false)
	if err != nil {
		return nil, err
	}
	grpcL, err := n.listen("controller-grpc-addr", n.cfg.ControllerGRPCAddr, true)
	if err != nil {
		return nil, err
	}
	raftL, err := n.listen("raft-addr", n.cfg.RaftAddr, true)
	if err != nil {
		return nil, err
	}
	deep, err := n.controllerDeepStore(ctx)
	if err != nil {
		return nil, err
	}
	peers, err := parsePeers(n.cfg.Peers)
	if err != nil {
		return nil, err
	}
	inst := n.instance(pb.Role_ROLE_CONTROLLER, "Controller", httpL)
	c, err := controller.New(controller.Config{
		ID: inst.Id, DataDir: filepath.Join(n.cfg.DataDir, "controller"),
		HTTPListener: httpL, GRPCListener: grpcL, RaftListener: raftL,
		AdvertiseHTTP: n.advertise(httpL), AdvertiseGRPC: n.advertise(grpcL), AdvertiseRaft: n.advertise(raftL),
		DeepStore: deep, Peers: peers, Secret: n.cfg.Secret, AdminPassword: n.cfg.AdminPassword, Demo: n.cfg.Demo, Version: obs.BuildVersion(),
		CheckTable: startree.Check,
		Logger:     n.log.With("role", "controller"), Registerer: n.registerer(),
	})
	if err != nil {
		return nil, err
	}
	n.onClose(func(context.Context) { c.Close() })
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	n.addHealth("controller", c.Health)
	n.serveHTTP(httpL, c.Handler(), c.Health)
	n.serveGRPC(grpcL, c.RegisterGRPC)
	return c, nil
}

// controllerDeepStore opens the deep store for staged segments. A controller
// alone in its process has none unless it is named: a folder of its own would
// be none of the servers'.
func (n *Node) controllerDeepStore(ctx context.Context) (objstore.Store, error) {
	if n.cfg.DeepStore == "" && !n.standalone {
		return nil, nil
	}
	deep, err := n.openDeepStore(ctx)
	if err != nil {
		return nil, err
	}
	n.onClose(func(context.Context) { deep.Close() })
	return deep, nil
}

// parsePeers reads id=raft address=grpc address entries.
func parsePeers(list []string) (map[string]string, error) {
	peers := map[string]string{}
	for _, p := range list {
		parts := strings.Split(p, "=")
		if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
			return nil, fmt.Errorf("--peers: %q is not id=raft-address=grpc-address", p)
		}
		peers[parts[0]] = parts[1]
	}
	return peers, nil
}

// StartBroker starts a process with a broker.
func StartBroker(_ context.Context, cfg Config) (*Node, error) {
	n := newNode(cfg)
	client, err := n.dialControllers()
	if err != nil {
		return nil, err
	}
	d := scatter.NewDialer(cfg.Secret)
	n.onClose(func(context.Context) { d.Close() })
	return n.started1(n.startBroker(client, d))
}

func (n *Node) dialControllers() (*api.Client, error) {
	if len(n.cfg.Controllers) == 0 {
		return nil, errors.New("--controllers is missing: the gRPC addresses of the controllers")
	}
	c, err := api.Dial(n.cfg.Controllers, n.cfg.Secret)
	if err != nil {
		return nil, err
	}
	n.onClose(func(context.Context) { c.Close() })
	return c, nil
}

func (n *Node) startBroker(ctl api.Controller, servers scatter.Servers) (*broker.Broker, error) {
	httpL, err := n.listen("broker-addr", n.cfg.BrokerAddr, false)
	if err != nil {
		return nil, err
	}
	pgL, err := n.listen("pg-addr", n.cfg.PGAddr, false)
	if err != nil {
		return nil, err
	}
	conf, err := n.tlsConfig()
	if err != nil {
		return nil, err
	}
	inst := n.instance(pb.Role_ROLE_BROKER, "Broker", httpL)
	inst.HttpAddr, inst.PgAddr = n.advertise(httpL), n.advertise(pgL)
	b := broker.New(broker.Config{
		Instance: inst, Controller: ctl, Servers: servers, TLS: conf, RequireTLS: n.cfg.RequireTLS, Demo: n.cfg.Demo,
		Logger: n.log.With("role", "broker"), Registerer: n.registerer(),
	})
	b.Start(pgL)
	n.onClose(func(ctx context.Context) {
		b.Drain(ctx)
		b.Close()
	})
	n.addHealth("broker", b.Health)
	n.serveHTTP(httpL, b.Handler(), b.Health)
	return b, nil
}

func (n *Node) tlsConfig() (*tls.Config, error) {
	if n.cfg.TLSCert == "" && n.cfg.TLSKey == "" {
		if n.cfg.RequireTLS {
			return nil, errors.New("--require-tls needs --tls-cert and --tls-key")
		}
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(n.cfg.TLSCert, n.cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// StartServer starts a process with a server.
func StartServer(ctx context.Context, cfg Config) (*Node, error) {
	n := newNode(cfg)
	if err := n.lockDataDir(); err != nil {
		return nil, err
	}
	client, err := n.dialControllers()
	if err != nil {
		return n.started1(nil, err)
	}
	return n.started1(n.startServer(ctx, client))
}

func (n *Node) startServer(ctx context.Context, ctl api.Controller) (*server.Server, error) {
	grpcL, err := n.listen("server-addr", n.cfg.ServerAddr, true)
	if err != nil {
		return nil, err
	}
	httpL, err := n.listen("server-http-addr", n.cfg.ServerHTTPAddr, false)
	if err != nil {
		return nil, err
	}
	deep, err := n.openDeepStore(ctx)
	if err != nil {
		return nil, err
	}
	n.onClose(func(context.Context) { deep.Close() })
	inst := n.instance(pb.Role_ROLE_SERVER, "Server", grpcL)
	inst.GrpcAddr, inst.HttpAddr = n.advertise(grpcL), n.advertise(httpL)
	s, err := server.New(server.Config{
		Instance: inst, DataDir: filepath.Join(n.cfg.DataDir, "server"), Controller: ctl, DeepStore: deep,
		OpenSource: stream.Open, MaxConsumingBytes: n.cfg.MaxConsumingBytes, Workers: n.cfg.Workers, ResultCacheBytes: n.cfg.ResultCacheBytes, Secret: n.cfg.Secret,
		Logger: n.log.With("role", "server"), Registerer: n.registerer(),
	})
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	n.onClose(func(ctx context.Context) {
		s.Drain(ctx)
		s.Close()
	})
	n.addHealth("server", s.Health)
	n.serveHTTP(httpL, s.Handler(), s.Health)
	n.serveGRPC(grpcL, func(g *grpc.Server) { s.RegisterGRPC(g) })
	return s, nil
}

func (n *Node) openDeepStore(ctx context.Context) (objstore.Store, error) {
	uri := n.cfg.DeepStore
	if uri == "" {
		dir, err := filepath.Abs(filepath.Join(n.cfg.DataDir, "deep-store"))
		if err != nil {
			return nil, err
		}
		uri = "file://" + filepath.ToSlash(dir)
	}
	return objstore.Open(ctx, uri, objstore.Options{S3Endpoint: n.cfg.S3Endpoint})
}
