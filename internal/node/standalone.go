package node

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/alluviumdb/alluvium/broker/scatter"
	"github.com/alluviumdb/alluvium/controller"
	"github.com/alluviumdb/alluvium/examples/web-transactions"
	"github.com/alluviumdb/alluvium/internal/demo"
)

// StartStandalone starts all roles in one process; with Demo also a stream with
// generated events and its table. The roles call each other directly.
func StartStandalone(ctx context.Context, cfg Config) (*Node, error) {
	n := newNode(cfg)
	n.standalone = true
	return n.started1(nil, n.startStandalone(ctx))
}

func (n *Node) startStandalone(ctx context.Context) error {
	c, err := n.startController(ctx)
	if err != nil {
		return err
	}
	s, err := n.startServer(ctx, c)
	if err != nil {
		return err
	}
	if _, err := n.startBroker(c, scatter.Local{S: s}); err != nil {
		return err
	}
	n.log.Info("ready to serve", "took", time.Since(n.started), "ui", "http://"+n.cfg.ControllerAddr, "pg", n.cfg.PGAddr)
	if !n.cfg.Demo {
		return nil
	}
	return n.startDemo(ctx, c)
}

// startDemo starts the stream of the web-transactions example and creates its
// table at the first start.
func (n *Node) startDemo(ctx context.Context, c *controller.Controller) error {
	if n.cfg.DemoStream.Kind == "kinesis" {
		return n.startKinesisDemo(c)
	}
	st, err := demo.Start(ctx, demo.Options{DataDir: filepath.Join(n.cfg.DataDir, "demo-stream"),
		Rate: n.cfg.DemoStream.Rate, Logger: n.log.With("role", "demo")})
	if err != nil {
		return fmt.Errorf("demo stream: %w", err)
	}
	n.onClose(func(context.Context) { st.Close() })
	return n.createDemoTable(c, webtransactions.TableJSON(st.Brokers()[0]))
}

func (n *Node) startKinesisDemo(c *controller.Controller) error {
	const region, name = "us-east-1", "pinot-stream"
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := demo.ProduceKinesis(ctx, n.cfg.DemoStream.Endpoint, region, name, n.cfg.DemoStream.Rate); err != nil && ctx.Err() == nil {
			n.log.Error("demo events could not be produced", "err", err)
		}
	}()
	n.onClose(func(context.Context) {
		cancel()
		<-done
	})
	return n.createDemoTable(c, webtransactions.KinesisTableJSON(n.cfg.DemoStream.Endpoint, region))
}

func (n *Node) createDemoTable(c *controller.Controller, table []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	created, err := c.EnsureTable(ctx, webtransactions.SchemaJSON(), table)
	if err != nil {
		return fmt.Errorf("demo table: %w", err)
	}
	if created {
		n.log.Info("demo table created", "table", "web_transactions")
	}
	return nil
}
