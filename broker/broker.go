// Package broker is the role that answers: it follows the cluster's state,
// plans statements, scatters their leaves to servers, and speaks to clients
// over the PostgreSQL wire protocol and Pinot's HTTP interface. It holds no
// rows and no durable state.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/broker/catalog"
	"github.com/alluviumdb/alluvium/broker/httpapi"
	"github.com/alluviumdb/alluvium/broker/pgwire"
	"github.com/alluviumdb/alluvium/broker/scatter"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/auth"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/obs"
)

// Database is the name of the one database.
const Database = "alluvium"

// Config configures a Broker.
type Config struct {
	Instance   *pb.Instance
	Controller api.Controller
	// Servers finds servers to send fragments to.
	Servers scatter.Servers
	// TLS is offered on the PostgreSQL wire; nil means none.
	TLS        *tls.Config
	RequireTLS bool
	// Demo lets connections from this host in without a password as long as
	// the user admin has none.
	Demo bool
	// HeartbeatInterval is how often the controller hears of this broker; 0
	// means 1 s.
	HeartbeatInterval time.Duration
	Logger            *slog.Logger
	Registerer        prometheus.Registerer
}

// Broker is one broker instance.
type Broker struct {
	cfg    Config
	view   *clusterview.View
	engine *session.Engine
	pg     *pgwire.Server
	http   http.Handler
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	contact  error      // of the last heartbeat
	draining bool
}

// New returns a broker that is not yet following the cluster.
func New(cfg Config) *Broker {
	if cfg.HeartbeatInterval == 0 {
		cfg.HeartbeatInterval = time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &Broker{cfg: cfg, ctx: ctx, cancel: cancel, view: clusterview.New(cfg.Instance.Id, cfg.Logger),
		contact: errors.New("not yet connected")}
	sc := scatter.New(b.view, cfg.Servers)
	src := &source{b: b, servers: cfg.Servers}
	b.engine = session.New(session.Config{
		Catalog: catalog.New(src), NewRunner: sc.NewRunner, Logger: cfg.Logger, Registerer: cfg.Registerer,
	})
	b.pg = pgwire.New(pgwire.Config{
		Engine: b.engine, Users: users{b.view}, TLS: cfg.TLS, RequireTLS: cfg.RequireTLS, TrustLoopback: b.open,
		Database: Database, Logger: cfg.Logger, Registerer: cfg.Registerer,
	})
	api := httpapi.New(httpapi.Config{
		Engine: b.engine, BrokerID: cfg.Instance.Id, Database: Database, Logger: cfg.Logger,
		User: func(r *http.Request) string { return auth.User(r.Context()) },
	})
	b.http = auth.BasicFunc(api, users{b.view}, b.open)
	return b
}

// users looks verifiers up in the cluster state.
type users struct{ view *clusterview.View }

// Verifier implements pgwire.Users and auth.Store.
func (u users) Verifier(name string) (string, bool) {
	user := u.view.State().Users[name]
	if user == nil || user.ScramVerifier == "" {
		return "", false
	}
	return user.ScramVerifier, true
}

// open tells whether connections from this host need no password.
func (b *Broker) open() bool {
	if !b.cfg.Demo {
		return false
	}
	_, has := users{b.view}.Verifier(auth.LoopbackUser)
	return !has
}

// Start begins to follow the cluster and serves the PostgreSQL protocol on l.
func (b *Broker) Start(l net.Listener) {
	b.wg.Go(func() { b.view.Run(b.ctx, b.cfg.Controller) })
	b.wg.Go(b.heartbeats)
	b.wg.Go(func() {
		if err := b.pg.Serve(l); !errors.Is(err, pgwire.ErrServerClosed) {
			b.cfg.Logger.Error("PostgreSQL listener ended", "err", err)
		}
	})
}

// Handler serves Pinot's broker interface.
func (b *Broker) Handler() http.Handler { return b.http }

// View returns the broker's copy of the cluster state.
func (b *Broker) View() *clusterview.View { return b.view }

// Drain turns new connections away and lets running statements end until ctx
// does.
func (b *Broker) Drain(ctx context.Context) {
	b.mu.Lock()
	b.draining = true
	b.mu.Unlock()
	b.pg.Drain(ctx)
}

// Close ends everything.
func (b *Broker) Close() error {
	b.pg.Close()
	b.cancel()
	b.wg.Wait()
	return nil
}

// Health reports the broker's components; it is ready once it has the cluster's
// state and does not drain.
func (b *Broker) Health() (map[string]string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := map[string]string{"controller": "ok", "cluster state": "ok"}
	if b.contact != nil {
		h["controller"] = b.contact.Error()
	}
	synced := b.view.State().Synced
	if !synced {
		h["cluster state"] = "not yet received"
	} else if d := b.view.Stale(); d > 5*time.Second {
		h["cluster state"] = "not updated for " + d.Round(time.Second).String()
	}
	return h, synced && !b.draining
}

// heartbeats registers this broker and reports its state until it closes; what
// failed is tried again soon.
func (b *Broker) heartbeats() {
	registered := false
	for pause := time.Duration(0); ; {
		err := b.beat(&registered)
		b.mu.Lock()
		b.contact = err
		b.mu.Unlock()
		if err == nil {
			pause = b.cfg.HeartbeatInterval
		} else {
			pause = min(max(2*pause, 50*time.Millisecond), b.cfg.HeartbeatInterval)
		}
		select {
		case <-time.After(pause):
		case <-b.ctx.Done():
			return
		}
	}
}

func (b *Broker) beat(registered *bool) error {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	if !*registered {
		inst := proto.Clone(b.cfg.Instance).(*pb.Instance)
		inst.ProtocolVersion = api.ProtocolVersion
		if _, err := b.cfg.Controller.Register(ctx, &pb.RegisterRequest{ProtocolVersion: api.ProtocolVersion, Instance: inst}); err != nil {
			return err
		}
		*registered = true
	}
	health, _ := b.Health()
	res, err := b.cfg.Controller.Heartbeat(ctx, &pb.HeartbeatRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: b.cfg.Instance.Id, AppliedIndex: b.view.State().Index, Health: health,
		ResidentBytes: obs.ResidentBytes(),
	})
	if err != nil {
		return err
	}
	*registered = !res.UnknownInstance
	return nil
}
