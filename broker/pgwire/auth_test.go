package pgwire

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// counter returns the value of a counter.
func counter(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].Counter.GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// saslInitial builds a SASLInitialResponse.
func saslInitial(mechanism, data string) []byte {
	body := append([]byte(mechanism), 0)
	body = append(binary.BigEndian.AppendUint32(body, uint32(len(data))), data...)
	return append(binary.BigEndian.AppendUint32([]byte{'p'}, uint32(len(body)+4)), body...)
}

func TestLoginRefusesWhatIsNotSCRAM(t *testing.T) {
	f := func(name string, raw []byte, code string) {
		t.Helper()
		nc := open(t, newServer(t, nil))
		nc.Write(framed(startupPacket(0, "user", "admin", "database", "alluvium")))
		if body := string(readUntil(t, nc, 'R')); !strings.Contains(body, "SCRAM-SHA-256\x00") {
			t.Fatalf("%s: request %q", name, body)
		}
		nc.Write(raw)
		if body := string(readUntil(t, nc, 'E')); !strings.Contains(body, "FATAL") || !strings.Contains(body, code) {
			t.Errorf("%s: answer %q, want %s", name, body, code)
		}
		if readUntil(t, nc, 'Z') != nil {
			t.Errorf("%s: logged in", name)
		}
	}
	f("query", []byte("Q\x00\x00\x00\x0dSELECT 1\x00"), "08P01")
	f("other mechanism", saslInitial("PLAIN", "x"), "08P01")
	f("channel binding", saslInitial(mechanism, "p=tls-unique,,n=,r=abc"), "28P01")
	f("no client-first message", saslInitial(mechanism, "nonsense"), "28P01")
	f("body beyond the bound before login", []byte{'p', 0, 2, 0, 0}, "08P01")
	f("data size beyond the body", []byte("p\x00\x00\x00\x17SCRAM-SHA-256\x00\x7f\xff\xff\xffx"), "28P01")
	f("negative data size", []byte("p\x00\x00\x00\x16SCRAM-SHA-256\x00\x80\x00\x00\x00"), "28P01")
}

// TestClientWithoutPasswordLeaves is what psql does before it asks for one; it
// is no failed login.
func TestClientWithoutPasswordLeaves(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := newServer(t, func(c *Config) { c.Registerer = reg })
	nc := open(t, s)
	nc.Write(framed(startupPacket(0, "user", "admin", "database", "alluvium")))
	readUntil(t, nc, 'R')
	nc.Close()
	<-s.ended()
	if n := counter(t, reg, "alluvium_broker_pg_auth_failures_total"); n != 0 {
		t.Errorf("%v failed logins", n)
	}
}
