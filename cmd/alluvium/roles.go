package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/alluviumdb/alluvium/internal/node"
	"github.com/alluviumdb/alluvium/internal/obs"
	"github.com/alluviumdb/alluvium/internal/settings"
)

// roleFlags are the flags of the commands that run roles.
type roleFlags struct {
	cfg                 node.Config
	logLevel, logFormat string
}

func (f *roleFlags) common(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.cfg.Secret, "cluster-secret", "", "secret that roles prove to each other; without one they bind to loopback")
	fs.StringVar(&f.cfg.Advertise, "advertise-host", "", "host name that other roles reach this process by (default: the listen address)")
	fs.StringSliceVar(&f.cfg.Tags, "tags", nil, "tags of this instance (default DefaultTenant)")
	fs.DurationVar(&f.cfg.DrainTime, "drain-time", 3*time.Second, "how long SIGTERM waits for running statements")
	fs.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	fs.StringVar(&f.logFormat, "log-format", "text", "text or json")
}

func (f *roleFlags) dataDir(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cfg.DataDir, "data-dir", "data", "folder for everything that this process keeps")
}

func (f *roleFlags) controller(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.cfg.ControllerAddr, "controller-addr", "127.0.0.1:9000", "HTTP address of the controller: admin API and UI")
	fs.StringVar(&f.cfg.RaftAddr, "raft-addr", "127.0.0.1:9001", "Raft address of the controller")
	fs.StringVar(&f.cfg.ControllerGRPCAddr, "controller-grpc-addr", "127.0.0.1:9002", "gRPC address of the controller")
	fs.StringVar(&f.cfg.AdminPassword, "admin-password", "", "password of the user admin when the cluster is made")
}

func (f *roleFlags) broker(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.cfg.BrokerAddr, "broker-addr", "127.0.0.1:8099", "HTTP address of the broker")
	fs.StringVar(&f.cfg.PGAddr, "pg-addr", "127.0.0.1:5433", "PostgreSQL wire address of the broker")
	fs.StringVar(&f.cfg.TLSCert, "tls-cert", "", "PEM certificate for the PostgreSQL wire")
	fs.StringVar(&f.cfg.TLSKey, "tls-key", "", "PEM key for the PostgreSQL wire")
	fs.BoolVar(&f.cfg.RequireTLS, "require-tls", false, "refuse plain-text PostgreSQL connections from other hosts")
}

func (f *roleFlags) server(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.cfg.ServerAddr, "server-addr", "127.0.0.1:8098", "gRPC address of the server")
	fs.StringVar(&f.cfg.ServerHTTPAddr, "server-http-addr", "127.0.0.1:8097", "HTTP address of the server")
	fs.Int64Var(&f.cfg.MaxConsumingBytes, "max-consuming-bytes", 0, "memory of all consuming segments before they are sealed early (default 4 GiB)")
	fs.IntVar(&f.cfg.Workers, "query-workers", 0, "goroutines that help queries (default: one less than the cores)")
	fs.Int64Var(&f.cfg.ResultCacheBytes, "result-cache-bytes", 0, "memory for results over sealed segments; negative for none (default 256 MiB)")
}

// deepStore is needed by servers, and by controllers for batch loads.
func (f *roleFlags) deepStore(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.cfg.DeepStore, "deep-store", "", "file:///dir or s3://bucket/prefix, the same for servers and controllers (default: deep-store in the data folder; a controller alone has none and refuses batch loads)")
	fs.StringVar(&f.cfg.S3Endpoint, "s3-endpoint", "", "S3 endpoint other than AWS's")
}

func (f *roleFlags) controllers(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.cfg.Controllers, "controllers", nil, "gRPC addresses of the controllers")
}

func (f *roleFlags) run(cmd *cobra.Command, start func(context.Context, node.Config) (*node.Node, error)) error {
	log, err := obs.NewLogger(f.logLevel, f.logFormat)
	if err != nil {
		return fmt.Errorf("--log-level: %w", err)
	}
	f.cfg.Logger = log
	f.cfg.Flags = settings.Dump(cmd.Flags(), "admin-password", "cluster-secret")
	n, err := start(cmd.Context(), f.cfg)
	if err != nil {
		return err
	}
	err = n.Wait(cmd.Context())
	log.Info("stopping")
	n.Close()
	return err
}

func newStandalone() *cobra.Command {
	f := &roleFlags{}
	cmd := &cobra.Command{
		Use: "standalone", Short: "Run all roles in one process", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, node.StartStandalone) },
	}
	f.common(cmd)
	f.dataDir(cmd)
	f.controller(cmd)
	f.broker(cmd)
	f.server(cmd)
	f.deepStore(cmd)
	cmd.Flags().BoolVar(&f.cfg.Demo, "demo", false, "add a stream with generated events; loopback needs no password unless one is set")
	cmd.Flags().StringVar(&f.cfg.DemoStream.Kind, "stream", "kafka", "stream of the demo: kafka (embedded) or kinesis")
	cmd.Flags().StringVar(&f.cfg.DemoStream.Endpoint, "stream-endpoint", "", "Kinesis endpoint for --stream kinesis")
	cmd.Flags().IntVar(&f.cfg.DemoStream.Rate, "demo-rate", 3000, "events per second of the demo")
	return cmd
}

func newController() *cobra.Command {
	f := &roleFlags{}
	cmd := &cobra.Command{
		Use: "controller", Short: "Run a controller", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, node.StartController) },
	}
	f.common(cmd)
	f.dataDir(cmd)
	f.controller(cmd)
	f.deepStore(cmd)
	cmd.Flags().StringSliceVar(&f.cfg.Peers, "peers", nil, "voters of a new cluster, this one included: id=raft-address=grpc-address")
	return cmd
}

func newBroker() *cobra.Command {
	f := &roleFlags{}
	cmd := &cobra.Command{
		Use: "broker", Short: "Run a broker", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, node.StartBroker) },
	}
	f.common(cmd)
	f.broker(cmd)
	f.controllers(cmd)
	return cmd
}

func newServer() *cobra.Command {
	f := &roleFlags{}
	cmd := &cobra.Command{
		Use: "server", Short: "Run a server", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, node.StartServer) },
	}
	f.common(cmd)
	f.dataDir(cmd)
	f.server(cmd)
	f.deepStore(cmd)
	f.controllers(cmd)
	return cmd
}
