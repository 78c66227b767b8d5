// Package controller is the role that decides: it holds the cluster's state in
// a Raft log, tells brokers and servers what changed, completes segments, gives
// partitions to servers, and serves the admin HTTP API. It knows segments only
// by their metadata; it never reads one, and never talks to a stream.
package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/raft"
	"github.com/alluviumdb/alluvium/controller/state"
	"github.com/alluviumdb/alluvium/internal/auth"
)

// ErrNoPassword is returned when a new cluster would have no way to log in.
var ErrNoPassword = errors.New("the data folder is empty and no password for the user admin is given: " +
	"set ALLUVIUM_ADMIN_PASSWORD, or use --demo to allow loopback connections without one")

// Controller is one controller instance. It is safe for concurrent use.
//
// The state lives in node and changes only through propose. What instances
// report by heartbeat (leases) is soft state of the leader: it is lost with
// the leadership, and a new leader waits a lease before it calls anyone gone.
type Controller struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	node    *raft.Node
	leases  *leases
	peers   *peerConns
	handler http.Handler
	// brokers passes queries on; nextBroker takes them in turn.
	brokers    *http.Client
	nextBroker atomic.Uint32
	// wake asks the leader's loop to look at once: an instance has come.
	wake chan struct{}
	// uploads holds a token for each segment that is being taken in.
	uploads chan struct{}
	// caughtUp tells that the state here was once the cluster's: before, after
	// a start, it may lack what the log still holds.
	caughtUp atomic.Bool

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

var _ api.Controller = (*Controller)(nil)

// New returns a controller that does nothing until Start.
func New(cfg Config) (*Controller, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("controller: %w", err)
	}
	cfg.setDefaults()
	if err := cfg.keepIdentity(); err != nil {
		return nil, err
	}
	if cfg.AdminPassword == "" && !cfg.Demo && (cfg.DataDir == "" || !raft.HasState(raftDir(cfg.DataDir))) {
		return nil, ErrNoPassword
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Controller{
		cfg: cfg, log: cfg.Logger.With("instance", cfg.ID), leases: newLeases(cfg.Lease, cfg.Now),
		peers: newPeerConns(cfg.Secret), brokers: newBrokerClient(), wake: make(chan struct{}, 1),
		uploads: make(chan struct{}, maxUploads), ctx: ctx, cancel: cancel,
	}
	c.metrics = newMetrics(cfg.Registerer, c)
	c.handler = c.newHandler()
	return c, nil
}

func raftDir(dataDir string) string { return filepath.Join(dataDir, "raft") }

// Start opens the Raft log and begins to take part in the cluster. It returns
// at once; Health tells when the controller is ready. Calls made before that
// wait for a leader.
func (c *Controller) Start(context.Context) error {
	l := c.cfg.RaftListener
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", c.cfg.RaftAddr); err != nil {
			return fmt.Errorf("raft address: %w", err)
		}
	}
	if err := c.clearUploads(); err != nil {
		return fmt.Errorf("folder of uploads: %w", err)
	}
	dir := ""
	if c.cfg.DataDir != "" {
		dir = raftDir(c.cfg.DataDir)
	}
	node, err := raft.Open(raft.Config{
		ID: c.cfg.ID, Dir: dir, Listener: l, Advertise: c.cfg.AdvertiseRaft, Peers: c.cfg.Peers,
		Secret: c.cfg.Secret, Timeout: c.cfg.ElectionTimeout, Logger: c.log,
	})
	if err != nil {
		return err
	}
	c.node = node
	c.metrics.attach(node)
	c.wg.Go(c.leadership)
	c.wg.Go(c.reportSelf)
	return nil
}

// Close stops the controller. What it agreed to stays in the log.
func (c *Controller) Close() error {
	c.cancel()
	c.wg.Wait()
	var err error
	if c.node != nil {
		err = c.node.Close()
	}
	c.brokers.CloseIdleConnections()
	return errors.Join(err, c.peers.close())
}

// Handler serves the admin HTTP API and the UI.
func (c *Controller) Handler() http.Handler { return c.handler }

// State returns the latest state that this controller knows. It is immutable.
func (c *Controller) State() *state.State {
	if c.node == nil {
		return state.New()
	}
	return c.node.State()
}

// Health returns the state of the controller's components. It is ready when
// the cluster has a leader and was set up.
func (c *Controller) Health() (components map[string]string, ready bool) {
	h := map[string]string{"raft": "ok", "cluster": "ok"}
	if c.node == nil || c.node.Leader() == "" {
		h["raft"] = "no leader"
	}
	if !c.synced() {
		h["cluster"] = "not set up, or not read from the log yet"
	}
	return h, h["raft"] == "ok" && h["cluster"] == "ok"
}

// synced tells whether the state here can be answered from: since the start it
// was once as new as what the cluster had committed.
func (c *Controller) synced() bool {
	if c.caughtUp.Load() {
		return true
	}
	if c.node == nil || c.node.IsLeader() || c.node.Leader() == "" || c.State().ClusterID == "" {
		return false // a leader knows once it has taken over
	}
	if s := c.node.Stats(); s.CommitIndex > 0 && s.AppliedIndex >= s.CommitIndex {
		c.caughtUp.Store(true)
	}
	return c.caughtUp.Load()
}

// WaitReady waits until the controller is ready or ctx ends.
func (c *Controller) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, ready := c.Health(); ready {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// self is this controller as an instance.
func (c *Controller) self() *pb.Instance {
	in := &pb.Instance{
		Id: c.cfg.ID, Role: pb.Role_ROLE_CONTROLLER, HttpAddr: c.cfg.AdvertiseHTTP, GrpcAddr: c.cfg.AdvertiseGRPC,
		RaftAddr: c.cfg.AdvertiseRaft, ProtocolVersion: api.ProtocolVersion, Build: c.cfg.Version,
	}
	in.Host, in.Port = splitAddr(c.cfg.AdvertiseHTTP)
	return in
}

// Verifier implements auth.Store over the users of the state.
func (c *Controller) Verifier(user string) (string, bool) {
	u := c.State().User(user)
	if u.GetScramVerifier() == "" {
		return "", false
	}
	return u.ScramVerifier, true
}

var _ auth.Store = (*Controller)(nil)

// open tells whether loopback requests need no password.
func (c *Controller) open() bool {
	if !c.cfg.Demo {
		return false
	}
	_, has := c.Verifier(auth.LoopbackUser)
	return !has
}
