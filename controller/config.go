package controller

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alluviumdb/alluvium/controller/raft"
	"github.com/alluviumdb/alluvium/internal/auth"
	"github.com/alluviumdb/alluvium/internal/objstore"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Defaults of Config.
const (
	DefaultLease         = 10 * time.Second
	DefaultReassignGrace = 30 * time.Second
	DefaultLoadExpiry    = 24 * time.Hour
	DefaultRetiredKeep   = 15 * time.Minute
)

// Config configures a Controller.
type Config struct {
	// ID is the instance id, in Pinot's form Controller_<host>_<port>. Empty
	// means one made from the HTTP listener's address. A data folder keeps the
	// id that it was made with.
	ID string
	// DataDir holds the Raft log and snapshots. Empty keeps everything in
	// memory, for tests.
	DataDir string
	// HTTPListener and GRPCListener are where the caller serves Handler and
	// RegisterGRPC; only their addresses are used. RaftListener is owned and
	// served by the controller. RaftAddr is listened on when there is none.
	HTTPListener, GRPCListener, RaftListener net.Listener
	RaftAddr                                 string
	// AdvertiseHTTP, AdvertiseGRPC and AdvertiseRaft are what others dial;
	// empty means the listener's own address.
	AdvertiseHTTP, AdvertiseGRPC, AdvertiseRaft string
	// Peers are the voters of a new cluster, id to Raft address, this one
	// included. Empty means that this controller is the only voter. It counts
	// only while DataDir is empty.
	Peers map[string]string
	// Secret is the cluster secret. Without one gRPC and Raft must listen on
	// loopback.
	Secret string
	// AdminPassword is the password of the user admin, set when the cluster is
	// made. It may be empty with Demo.
	AdminPassword string
	// Demo lets loopback HTTP requests pass without password as long as the
	// user admin has none.
	Demo bool
	// Version is the version of the program, for /version.
	Version string
	// Lease is how long a heartbeat counts; zero means DefaultLease.
	Lease time.Duration
	// ReassignGrace is how long after its lease ended a server's segments are
	// given to others; zero means DefaultReassignGrace. The cluster setting
	// of the same name overrides it.
	ReassignGrace time.Duration
	// DeepStore is where staged segments of batch loads are put. Without one
	// loads are refused. The caller closes it.
	DeepStore objstore.Store
	// LoadExpiry is how long an open load may rest before it is aborted; zero
	// means DefaultLoadExpiry. RetiredKeep is how long replaced segments are
	// kept for queries that began before; zero means DefaultRetiredKeep. The
	// cluster settings of the same names override both.
	LoadExpiry, RetiredKeep time.Duration
	// Now is the clock; nil means time.Now. It is used for decisions that are
	// proposed, never while they are applied.
	Now func() time.Time
	// ElectionTimeout overrides the Raft timeouts; zero means 1 s, or 100 ms
	// for a single voter.
	ElectionTimeout time.Duration
	// CheckTable refuses table configs for reasons that only the query engine
	// knows, such as aggregations that do not exist; nil checks nothing more.
	CheckTable func(*schema.Table) error
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// setDefaults fills what is unset.
func (c *Config) setDefaults() {
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	if c.ReassignGrace == 0 {
		c.ReassignGrace = DefaultReassignGrace
	}
	if c.LoadExpiry == 0 {
		c.LoadExpiry = DefaultLoadExpiry
	}
	if c.RetiredKeep == 0 {
		c.RetiredKeep = DefaultRetiredKeep
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.AdvertiseHTTP == "" && c.HTTPListener != nil {
		c.AdvertiseHTTP = c.HTTPListener.Addr().String()
	}
	if c.AdvertiseGRPC == "" && c.GRPCListener != nil {
		c.AdvertiseGRPC = c.GRPCListener.Addr().String()
	}
	if c.ID == "" {
		c.ID = instanceID("Controller", c.AdvertiseHTTP)
	}
}

// validate reports all faults at once.
func (c *Config) validate() error {
	var errs []error
	for _, l := range []struct{ what, addr string }{
		{"gRPC", addrOf(c.GRPCListener, c.AdvertiseGRPC)}, {"Raft", addrOf(c.RaftListener, c.RaftAddr)},
	} {
		switch {
		case l.addr == "":
			errs = append(errs, fmt.Errorf("the %s address is missing", l.what))
		case c.Secret == "" && !auth.IsLoopback(l.addr):
			errs = append(errs, fmt.Errorf("%s address %s: without a cluster secret (ALLUVIUM_CLUSTER_SECRET) only loopback is allowed", l.what, l.addr))
		}
	}
	if addrOf(c.HTTPListener, c.AdvertiseHTTP) == "" {
		errs = append(errs, errors.New("the HTTP address is missing"))
	}
	if len(c.Peers) > 0 && c.ID == "" {
		errs = append(errs, errors.New("peers are given, but not the id of this controller"))
	}
	if _, in := c.Peers[c.ID]; len(c.Peers) > 0 && !in {
		errs = append(errs, fmt.Errorf("peers do not contain this controller's id %q", c.ID))
	}
	return errors.Join(errs...)
}

// keepIdentity takes over the id of an existing data folder: a controller that
// moves to other addresses stays the voter that it was. With peers the id is
// part of the configuration and must be the same.
func (c *Config) keepIdentity() error {
	if c.DataDir == "" || len(c.Peers) > 0 {
		return nil
	}
	id, err := raft.Identity(raftDir(c.DataDir))
	if id != "" {
		c.ID = id
	}
	return err
}

func addrOf(l net.Listener, addr string) string {
	if l != nil {
		return l.Addr().String()
	}
	return addr
}

// ParsePeers reads "id=host:port,id=host:port,…", the Raft addresses of the
// voters.
func ParsePeers(s string) (map[string]string, error) {
	peers := map[string]string{}
	for _, p := range strings.Split(s, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		id, addr, ok := strings.Cut(p, "=")
		if _, _, err := net.SplitHostPort(addr); !ok || id == "" || err != nil {
			return nil, fmt.Errorf("peer %q is not id=host:port", p)
		}
		if peers[id] != "" {
			return nil, fmt.Errorf("peer %q is named twice", id)
		}
		peers[id] = addr
	}
	return peers, nil
}

// instanceID makes an id in Pinot's form from an address.
func instanceID(role, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return role + "_" + url.PathEscape(addr)
	}
	return role + "_" + host + "_" + port
}
