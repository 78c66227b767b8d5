//go:build integration

package clustertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

const killSchema = `{"schemaName":"kills",
 "dimensionFieldSpecs":[{"name":"userID","dataType":"STRING"},{"name":"department","dataType":"STRING"},{"name":"seq","dataType":"LONG"}],
 "metricFieldSpecs":[{"name":"price","dataType":"INT"}],
 "dateTimeFieldSpecs":[{"name":"arrival","dataType":"TIMESTAMP","format":"TIMESTAMP","granularity":"1:MILLISECONDS"}]}`

const killTable = `{"tableName":"kills","tableType":"REALTIME",
 "segmentsConfig":{"timeColumnName":"arrival","schemaName":"kills","replication":"1"},
 "tableIndexConfig":{"invertedIndexColumns":["department"],"streamConfigs":{
  "streamType":"kafka","stream.kafka.topic.name":"kills","stream.kafka.broker.list":"%s",
  "stream.kafka.decoder.class.name":"json","stream.kafka.consumer.prop.auto.offset.reset":"smallest",
  "realtime.segment.flush.threshold.rows":"15000","realtime.segment.flush.threshold.time":"8s"}},
 "ingestionConfig":{"transformConfigs":[{"columnName":"arrival","transformFunction":"__metadata$recordTimestamp"}]},
 "tenants":{},"metadata":{}}`

// TestKillLoop kills processes of every role with SIGKILL at random moments
// while records flow in and queries run, then compares the table with what was
// acknowledged to the producer: count, sum, and the offsets of each partition.
func TestKillLoop(t *testing.T) {
	kills := 20
	c := Up(t, 21000)
	ctx := context.Background()
	CreateTopic(t, c.Kafka, "kills", 4)
	must(t, c.Call(ctx, "POST", "/schemas", []byte(killSchema), nil))
	must(t, c.Call(ctx, "POST", "/tables", fmt.Appendf(nil, killTable, c.Kafka), nil))

	var ledger Ledger
	pctx, stop := context.WithCancel(ctx)
	produced := make(chan error, 1)
	go func() { produced <- Produce(pctx, c.Kafka, "kills", 3000, &ledger) }()
	var asked, failed atomic.Int64
	go watchQueries(pctx, c, &ledger, &asked, &failed, t)

	waitRows(t, c, 5000, time.Minute)
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for i := range kills {
		victim := pick(c, rng, i)
		t.Logf("kill %d: %s after %d rows", i+1, victim, ledger.Records.Load())
		c.Kill(t, victim)
		time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
		c.Start(t, victim)
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
	}
	stop()
	must(t, <-produced)
	t.Logf("produced %d records; %d queries, %d failed", ledger.Records.Load(), asked.Load(), failed.Load())
	verify(t, c, &ledger)
}

// pick takes the roles in turn, so that each is killed, and an instance of the
// role by chance.
func pick(c *Cluster, rng *rand.Rand, i int) string {
	role := []string{"server", "controller", "server", "broker"}[i%4]
	ps := c.Role(role)
	return ps[rng.IntN(len(ps))].Name
}

// watchQueries asks for the count all the time: an answer may lag what is
// acknowledged, but never exceed what was sent, nor shrink below what was
// answered before by much (a consuming segment is read again after a crash).
func watchQueries(ctx context.Context, c *Cluster, l *Ledger, asked, failed *atomic.Int64, t *testing.T) {
	for ctx.Err() == nil {
		var n int64
		err := c.Query(ctx, "SELECT count(*) FROM kills", &n)
		asked.Add(1)
		if err != nil {
			failed.Add(1)
		} else if most := l.Records.Load() + 20_000; n > most {
			t.Errorf("count(*) = %d, but only about %d records were sent", n, most)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func waitRows(t *testing.T, c *Cluster, want int64, limit time.Duration) {
	t.Helper()
	var n int64
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err = c.Query(context.Background(), "SELECT count(*) FROM kills", &n); err == nil && n >= want {
			return
		}
	}
	t.Fatalf("count(*) is %d after %v, want at least %d (last error: %v)", n, limit, want, err)
}

func verify(t *testing.T, c *Cluster, l *Ledger) {
	t.Helper()
	waitRows(t, c, l.Records.Load(), 2*time.Minute)
	time.Sleep(2 * time.Second) // a doubled row would arrive late
	var n, sum, distinct int64
	must(t, c.Query(context.Background(), "SELECT count(*), sum(price)::bigint, count(DISTINCT seq) FROM kills", &n, &sum, &distinct))
	if n != l.Records.Load() || sum != l.Price.Load() || distinct != n {
		t.Errorf("table holds %d rows, price %d, %d distinct; produced %d, price %d", n, sum, distinct, l.Records.Load(), l.Price.Load())
	}
	cmd := exec.Command(filepath.Join(c.Root, "bin/alluvium"), "table", "audit", "kills",
		"--controller", "http://"+c.Role("controller")[0].Addresses["http"])
	cmd.Env = append(os.Environ(), "ALLUVIUM_PASSWORD="+Password)
	out, err := cmd.CombinedOutput()
	t.Logf("audit:\n%s", out)
	if err != nil {
		t.Errorf("table audit: %v", err)
	}
	for p, next := range l.Next {
		var rows int64
		must(t, c.Query(context.Background(), fmt.Sprintf("SELECT count(*) FROM kills WHERE _partition = %d", p), &rows))
		if rows != next {
			t.Errorf("partition %d: %d rows, the stream has %d records", p, rows, next)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
