package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/alluviumdb/alluvium/internal/schema"
)

func TestOptionsRefuse(t *testing.T) {
	f := func(want string, props ...string) {
		t.Helper()
		all := map[string]string{"stream.kafka.broker.list": "h:1"}
		for i := 0; i < len(props); i += 2 {
			all[props[i]] = props[i+1]
		}
		_, _, err := readOptions(context.Background(), &schema.StreamConfig{Topic: "t", Properties: all})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want an error with %q", props, err, want)
		}
	}
	const scramJaas = `org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";`
	f("broker.list", "stream.kafka.broker.list", " , ")
	f("isolation.level", "isolation.level", "serializable")
	f("max.partition.fetch.bytes", "max.partition.fetch.bytes", "0")
	f("security.protocol", "security.protocol", "TLS")
	f("sasl.mechanism needs", "sasl.mechanism", "PLAIN")
	f("sasl.jaas.config needs", "sasl.jaas.config", scramJaas, "security.protocol", "SSL")
	f("ssl.truststore.location needs", "ssl.truststore.location", "/ca.pem")
	f(`sasl.mechanism ""`, "security.protocol", "SASL_SSL")
	f("GSSAPI", "security.protocol", "SASL_SSL", "sasl.mechanism", "gssapi")
	f("has no username", "security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN")
	f("ScramLoginModule", "security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN", "sasl.jaas.config", scramJaas)
	f("JKS", "security.protocol", "SSL", "ssl.truststore.location", "/x.jks")
	f("identification", "security.protocol", "SSL", "ssl.endpoint.identification.algorithm", "none")
	f("no certificate", "security.protocol", "SSL", "ssl.truststore.type", "PEM", "ssl.truststore.certificates", "x")
	f("exclude each other", "security.protocol", "SSL", "ssl.truststore.type", "PEM",
		"ssl.truststore.certificates", "x", "ssl.truststore.location", "/y")
	f("ssl.keystore", "security.protocol", "SSL", "ssl.keystore.type", "PEM", "ssl.keystore.key", "x")

	if _, _, err := readOptions(context.Background(), &schema.StreamConfig{}); err == nil {
		t.Error("a stream without a topic was taken")
	}
}

func TestOptionsWarnings(t *testing.T) {
	_, warnings, err := readOptions(context.Background(), &schema.StreamConfig{Topic: "t", Properties: map[string]string{
		"stream.kafka.consumer.prop.bootstrap.servers": "a:1, b:2",
		"stream.kafka.consumer.type":                   "lowlevel",
		"isolation.level":                              "read_committed",
		"stream.kafka.surprise":                        "1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "warnings", warnings, []string{
		"stream property stream.kafka.consumer.type has no effect",
		"stream property stream.kafka.surprise is not known and has no effect",
	})
}

func TestCredentials(t *testing.T) {
	f := func(jaas, user, pass string) {
		t.Helper()
		u, p, err := credentials(jaas, "PlainLoginModule")
		if err != nil {
			t.Fatal(err)
		}
		expect(t, jaas, []string{u, p}, []string{user, pass})
	}
	f(`org.apache.kafka.common.security.plain.PlainLoginModule required username="ann" password="s3cret";`, "ann", "s3cret")
	f(`PlainLoginModule required password="a\"b\\c=\"" username = "x y" ;`, "x y", `a"b\c="`)
}

func TestMSKIAMUsesTheDefaultChain(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "eu-west-1")
	_, warnings, err := readOptions(context.Background(), &schema.StreamConfig{Topic: "t", Properties: map[string]string{
		"stream.kafka.broker.list": "b-1.msk.eu-west-1.amazonaws.com:9098", "security.protocol": "SASL_SSL", "sasl.mechanism": "AWS_MSK_IAM",
		"sasl.jaas.config":                   "software.amazon.msk.auth.iam.IAMLoginModule required;",
		"sasl.client.callback.handler.class": "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
	}})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	m, err := mskIAM(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	session, first, err := m.Authenticate(context.Background(), "b-1.msk.eu-west-1.amazonaws.com:9098")
	if err != nil {
		t.Fatal(err)
	}
	if session == nil || !strings.Contains(string(first), "AKIDEXAMPLE") || !strings.Contains(string(first), "eu-west-1") {
		t.Errorf("first message %s", first)
	}
}

func TestSASL(t *testing.T) {
	for mechanism, module := range loginModules {
		t.Run(mechanism, func(t *testing.T) {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topic), kfake.EnableSASL(), kfake.Superuser(mechanism, "ann", "s3cret"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			f := func(pass string, want bool) {
				t.Helper()
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				src, _, err := Open(ctx, &schema.StreamConfig{Topic: topic, Properties: map[string]string{
					"stream.kafka.broker.list": c.ListenAddrs()[0], "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism,
					"sasl.jaas.config": `x.` + module + ` required username="ann" password="` + pass + `";`,
				}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer src.Close()
				parts, err := src.Partitions(ctx)
				if (err == nil) != want || want && len(parts) != 2 {
					t.Errorf("password %s: %v, %v", pass, parts, err)
				}
			}
			f("s3cret", true)
			f("wrong", false)
		})
	}
}

// certificate makes a self-signed one for loopback, as PEM.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func TestTLSWithClientCertificate(t *testing.T) {
	cert, key := certificate(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	store := filepath.Join(t.TempDir(), "store.pem")
	if err := os.WriteFile(store, append(key, cert...), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want bool, extra ...string) {
		t.Helper()
		props := map[string]string{
			"stream.kafka.broker.list": c.ListenAddrs()[0], "security.protocol": "SSL",
			"ssl.truststore.type": "PEM", "ssl.truststore.certificates": string(cert),
		}
		for i := 0; i < len(extra); i += 2 {
			props[extra[i]] = extra[i+1]
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		src, _, err := Open(ctx, &schema.StreamConfig{Topic: topic, Properties: props}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if _, err := src.Partitions(ctx); (err == nil) != want {
			t.Errorf("%v: %v", extra, err)
		}
	}
	f(true, "ssl.keystore.type", "PEM", "ssl.keystore.location", store)
	f(true, "ssl.keystore.type", "PEM", "ssl.keystore.key", string(key), "ssl.keystore.certificate.chain", string(cert))
	f(false)
}
