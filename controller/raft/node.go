// Package raft keeps the cluster's state on several controllers: the log on
// disk, the snapshots, the transport, and the state machine that applies
// commands with package state. It knows commands only as bytes to agree on and
// decides nothing about the cluster.
package raft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"

	"github.com/alluviumdb/alluvium/controller/state"
)

// Errors of Apply, checked with errors.Is. After each of them the command may
// be proposed again: commands are idempotent.
var (
	// ErrNotLeader is returned when another node leads, or none does. The
	// command was not taken in.
	ErrNotLeader = errors.New("this controller is not the leader")
	// ErrUncertain is returned when the leadership was lost, or time ran out,
	// while the command was on its way: it may or may not be applied.
	ErrUncertain = errors.New("it is not known whether the command was applied")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("the controller is closed")
)

const (
	// walSegmentBytes is the size of one file of the log, which is allocated
	// at once.
	walSegmentBytes = 8 << 20
	// retainSnapshots is how many snapshots are kept.
	retainSnapshots = 2
	singleTimeout   = 100 * time.Millisecond
	clusterTimeout  = time.Second
	transportPool   = 3
	transportWait   = 5 * time.Second
	// drainTimeout bounds how long Close waits for proposals.
	drainTimeout = 5 * time.Second
)

// Config configures a Node.
type Config struct {
	ID string
	// Dir holds log and snapshots; empty keeps them in memory.
	Dir string
	// Listener accepts the other nodes; the node owns it. Advertise is what
	// they dial, empty means the listener's address.
	Listener  net.Listener
	Advertise string
	// Peers are the voters, id to address, of a cluster that does not exist
	// yet. Empty means this node alone.
	Peers map[string]string
	// Secret authenticates the nodes to each other; empty means no check.
	Secret string
	// Timeout overrides the time without a leader's word after which an
	// election begins; zero means 1 s, or 100 ms for a single voter.
	Timeout time.Duration
	Logger  *slog.Logger
	// SnapshotEvery overrides after how many log entries a snapshot is taken;
	// zero means 8192.
	SnapshotEvery uint64
}

// Node is one voter. It is safe for concurrent use.
type Node struct {
	id        string
	raft      *raft.Raft
	fsm       *fsm
	stream    *streamLayer
	transport *raft.NetworkTransport
	closers   []io.Closer
	lead      chan bool
	pending   pending

	closeOnce sync.Once
	closeErr  error
}

// Open starts a node. On an empty Dir it makes a new cluster of Peers.
func Open(cfg Config) (*Node, error) {
	n := &Node{id: cfg.ID, fsm: newFSM(), lead: make(chan bool, 16)}
	if err := n.open(cfg); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open(cfg Config) error {
	logger := newLogger(cfg.Logger)
	advertise := cfg.Advertise
	if advertise == "" {
		advertise = cfg.Listener.Addr().String()
	}
	n.stream = newStreamLayer(cfg.Listener, advertise, cfg.Secret)
	n.transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: n.stream,
		Logger: logger, MaxPool: transportPool, Timeout: transportWait,
	})
	st, err := openStores(cfg, logger)
	if err != nil {
		return err
	}
	n.closers = st.closers
	single := len(cfg.Peers) <= 1
	conf := raftConfig(cfg, single, logger, n.lead)
	fresh, err := bootstrap(conf, st, n.transport, cfg.Peers, advertise)
	if err != nil {
		return err
	}
	n.raft, err = raft.NewRaft(conf, n.fsm, st.logs, st.stable, st.snaps, n.transport)
	if err != nil {
		return fmt.Errorf("starting raft: %w", err)
	}
	return n.checkVoters(single, fresh)
}

// checkVoters refuses to run a member of a larger cluster as if it were alone:
// the timeouts of a single voter would unsettle the others.
func (n *Node) checkVoters(single, fresh bool) error {
	f := n.raft.GetConfiguration()
	if err := f.Error(); err != nil {
		return fmt.Errorf("reading the voters: %w", err)
	}
	if voters := len(f.Configuration().Servers); single && !fresh && voters > 1 {
		return fmt.Errorf("the data folder belongs to a cluster of %d controllers: name them as peers", voters)
	}
	return nil
}

func raftConfig(cfg Config, single bool, logger hclog.Logger, lead chan bool) *raft.Config {
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(cfg.ID)
	conf.Logger = logger
	conf.NotifyCh = lead
	conf.NoLegacyTelemetry = true
	timeout := cfg.Timeout
	switch {
	case timeout > 0:
	case single:
		timeout = singleTimeout
	default:
		timeout = clusterTimeout
	}
	conf.HeartbeatTimeout, conf.ElectionTimeout = timeout, timeout
	conf.LeaderLeaseTimeout = timeout / 2
	conf.CommitTimeout = min(conf.CommitTimeout, timeout/2)
	if cfg.SnapshotEvery > 0 {
		conf.SnapshotThreshold = cfg.SnapshotEvery
		conf.TrailingLogs = cfg.SnapshotEvery
		conf.SnapshotInterval = timeout
	}
	return conf
}

// stores are where a node keeps its log, its vote, and its snapshots.
type stores struct {
	logs    raft.LogStore
	stable  raft.StableStore
	snaps   raft.SnapshotStore
	closers []io.Closer
}

func openStores(cfg Config, logger hclog.Logger) (stores, error) {
	if cfg.Dir == "" {
		mem := raft.NewInmemStore()
		return stores{logs: mem, stable: mem, snaps: raft.NewInmemSnapshotStore()}, nil
	}
	if err := setIdentity(cfg.Dir, cfg.ID); err != nil {
		return stores{}, err
	}
	dir := filepath.Join(cfg.Dir, "log")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return stores{}, fmt.Errorf("raft folder: %w", err)
	}
	meta := &metadb.BoltMetaDB{} // ours to close: the log does not
	log, err := wal.Open(dir, wal.WithSegmentSize(walSegmentBytes), wal.WithLogger(logger), wal.WithMetaStore(meta))
	if err != nil {
		return stores{}, fmt.Errorf("opening the raft log in %s: %w", dir, err)
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(cfg.Dir, retainSnapshots, logger)
	if err != nil {
		return stores{}, errors.Join(fmt.Errorf("opening the snapshots in %s: %w", cfg.Dir, err), log.Close(), meta.Close())
	}
	return stores{logs: log, stable: log, snaps: snaps, closers: []io.Closer{log, meta}}, nil
}

// bootstrap writes the first configuration where there is no state yet.
func bootstrap(conf *raft.Config, st stores, tr raft.Transport, peers map[string]string, advertise string) (fresh bool, err error) {
	has, err := raft.HasExistingState(st.logs, st.stable, st.snaps)
	if err != nil {
		return false, fmt.Errorf("looking for raft state: %w", err)
	}
	if has {
		return false, nil
	}
	var servers []raft.Server
	for id, addr := range peers {
		servers = append(servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(addr)})
	}
	if len(servers) == 0 {
		servers = []raft.Server{{ID: conf.LocalID, Address: raft.ServerAddress(advertise)}}
	}
	err = raft.BootstrapCluster(conf, st.logs, st.stable, st.snaps, tr, raft.Configuration{Servers: servers})
	if err != nil {
		return false, fmt.Errorf("making a new cluster: %w", err)
	}
	return true, nil
}

// HasState tells whether a data folder holds a cluster already.
func HasState(dir string) bool {
	entries, err := os.ReadDir(filepath.Join(dir, "log"))
	return err == nil && len(entries) > 0
}

// Apply proposes an encoded command and waits until it is applied here.
func (n *Node) Apply(ctx context.Context, command []byte) (*state.Result, error) {
	timeout := 10 * time.Second
	if d, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(d), time.Millisecond)
	}
	if !n.pending.begin() {
		return nil, ErrClosed
	}
	f := n.raft.Apply(command, timeout)
	if err := n.wait(ctx, f); err != nil {
		return nil, err
	}
	res, ok := f.Response().(*state.Result)
	if !ok {
		return nil, fmt.Errorf("the state machine answered %T", f.Response())
	}
	return res, nil
}

// wait waits for the future of a pending proposal or the end of ctx, and sorts
// its errors.
func (n *Node) wait(ctx context.Context, f raft.Future) error {
	done := make(chan error, 1)
	go func() {
		defer n.pending.end()
		done <- f.Error()
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUncertain, ctx.Err())
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		return fmt.Errorf("%w: %w", ErrNotLeader, err)
	case errors.Is(err, raft.ErrRaftShutdown):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return fmt.Errorf("%w: %w", ErrUncertain, err)
}

// Barrier waits until everything committed so far is applied here. Only the
// leader can.
func (n *Node) Barrier(ctx context.Context) error {
	timeout := 10 * time.Second
	if d, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(d), time.Millisecond)
	}
	if !n.pending.begin() {
		return ErrClosed
	}
	return n.wait(ctx, n.raft.Barrier(timeout))
}

// State returns the latest applied state.
func (n *Node) State() *state.State { return n.fsm.state() }

// IsLeader tells whether this node believes that it leads.
func (n *Node) IsLeader() bool { return n.raft.State() == raft.Leader }

// Leader returns the id of the leader, "" if there is none that this node
// knows.
func (n *Node) Leader() string {
	_, id := n.raft.LeaderWithID()
	return string(id)
}

// Leadership tells when this node begins (true) and ends (false) to lead.
func (n *Node) Leadership() <-chan bool { return n.lead }

// Voters returns the ids and addresses of the voters.
func (n *Node) Voters() map[string]string {
	out := map[string]string{}
	f := n.raft.GetConfiguration()
	if f.Error() != nil {
		return out
	}
	for _, s := range f.Configuration().Servers {
		out[string(s.ID)] = string(s.Address)
	}
	return out
}

// Stats are figures about a node.
type Stats struct {
	Term, LastIndex, CommitIndex, AppliedIndex, SnapshotIndex uint64
}

// Stats returns the node's figures.
func (n *Node) Stats() Stats {
	return Stats{
		Term: n.raft.CurrentTerm(), LastIndex: n.raft.LastIndex(), CommitIndex: n.raft.CommitIndex(),
		AppliedIndex: n.raft.AppliedIndex(), SnapshotIndex: n.fsm.snapshotIndex.Load(),
	}
}

// Snapshot takes a snapshot now and drops the log before it.
func (n *Node) Snapshot() error {
	err := n.raft.Snapshot().Error()
	if errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil
	}
	return err
}

// Close stops the node. Commands on their way are applied before, if it can be.
func (n *Node) Close() error {
	n.closeOnce.Do(func() {
		var errs []error
		n.pending.close(drainTimeout)
		if n.raft != nil {
			errs = append(errs, n.raft.Shutdown().Error())
		}
		if n.transport != nil {
			n.transport.CloseStreams()
			errs = append(errs, n.transport.Close())
			n.stream.hangUp()
		}
		for _, c := range n.closers {
			errs = append(errs, c.Close())
		}
		n.fsm.close()
		n.closeErr = errors.Join(errs...)
	})
	return n.closeErr
}
