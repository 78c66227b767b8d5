package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// properties reads stream properties by their Kafka name, whichever of Pinot's
// prefixes they were written with, and remembers which ones were used.
type properties struct {
	values map[string]string
	used   map[string]bool
}

// prefixes are tried in turn; a property without one stands for itself.
var prefixes = []string{"stream.kafka.consumer.prop.", "stream.kafka.", "kafka.consumer.prop.", "kafka.", ""}

func (p *properties) get(name string) string {
	for _, prefix := range prefixes {
		if v, ok := p.values[prefix+name]; ok {
			p.used[prefix+name] = true
			return v
		}
	}
	return ""
}

// withoutEffect are properties that tune other clients or are handled before
// the source is opened.
var withoutEffect = regexp.MustCompile(`(class\.name|factory|fetch\.(timeout|min|max).*|group\.id|consumer\.type|auto\.offset\.reset|deserializer|idle\.timeout\.millis|decoder\.prop\..*|topic\.name)$`)

// unused returns warnings for properties without effect.
func (p *properties) unused() []string {
	var out []string
	for k := range p.values {
		if p.used[k] {
			continue
		}
		if withoutEffect.MatchString(k) {
			out = append(out, fmt.Sprintf("stream property %s has no effect", k))
		} else {
			out = append(out, fmt.Sprintf("stream property %s is not known and has no effect", k))
		}
	}
	sort.Strings(out)
	return out
}

// clientOptions turns the properties of a stream into client options.
func clientOptions(ctx context.Context, cfg *schema.StreamConfig) ([]kgo.Opt, []string, error) {
	p := &properties{values: cfg.Properties, used: map[string]bool{}}
	brokers := p.get("broker.list")
	if brokers == "" {
		brokers = p.get("bootstrap.servers")
	}
	if brokers == "" {
		return nil, nil, fmt.Errorf("kafka: stream.kafka.broker.list is missing")
	}
	opts := []kgo.Opt{kgo.SeedBrokers(splitList(brokers)...), kgo.ClientID("alluvium")}
	isolation, err := isolationLevel(p.get("isolation.level"))
	if err != nil {
		return nil, nil, err
	}
	opts = append(opts, kgo.FetchIsolationLevel(isolation))
	secure, err := securityOptions(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	return append(opts, secure...), p.unused(), nil
}

func splitList(s string) []string {
	var out []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// isolationLevel defaults to read_committed: rows of aborted transactions
// never appear.
func isolationLevel(v string) (kgo.IsolationLevel, error) {
	switch strings.ToLower(strings.TrimPrefix(v, "kafka_")) {
	case "", "read_committed":
		return kgo.ReadCommitted(), nil
	case "read_uncommitted":
		return kgo.ReadUncommitted(), nil
	}
	return kgo.IsolationLevel{}, fmt.Errorf("kafka: isolation.level %q is neither read_committed nor read_uncommitted", v)
}

// securityOptions reads security.protocol, sasl.* and ssl.*.
func securityOptions(ctx context.Context, p *properties) ([]kgo.Opt, error) {
	protocol := strings.ToUpper(p.get("security.protocol"))
	var wantTLS, wantSASL bool
	switch protocol {
	case "", "PLAINTEXT":
	case "SSL":
		wantTLS = true
	case "SASL_PLAINTEXT":
		wantSASL = true
	case "SASL_SSL":
		wantTLS, wantSASL = true, true
	default:
		return nil, fmt.Errorf("kafka: security.protocol %q is not known", protocol)
	}
	mechanism := p.get("sasl.mechanism")
	if mechanism != "" && !wantSASL {
		return nil, fmt.Errorf("kafka: sasl.mechanism %s needs security.protocol SASL_PLAINTEXT or SASL_SSL", mechanism)
	}
	var opts []kgo.Opt
	if wantTLS {
		conf, err := tlsConfig(p)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	if wantSASL {
		m, err := saslMechanism(ctx, mechanism, p)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

// tlsConfig takes PEM files; Java key stores are refused by name.
func tlsConfig(p *properties) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	ca := p.get("ssl.truststore.location")
	if ca == "" {
		return conf, nil
	}
	if t := strings.ToUpper(p.get("ssl.truststore.type")); t != "PEM" {
		return nil, fmt.Errorf("kafka: ssl.truststore.type %q is not supported, only PEM", t)
	}
	raw, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("kafka: ssl.truststore.location: %w", err)
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("kafka: ssl.truststore.location: %s holds no certificate", ca)
	}
	return conf, nil
}

func saslMechanism(ctx context.Context, name string, p *properties) (sasl.Mechanism, error) {
	if strings.EqualFold(name, "AWS_MSK_IAM") {
		p.get("sasl.jaas.config")
		p.get("sasl.client.callback.handler.class")
		return mskIAM(ctx)
	}
	user, pass, err := credentials(p)
	if err != nil {
		return nil, err
	}
	switch strings.ToUpper(name) {
	case "PLAIN":
		return plain.Auth{User: user, Pass: pass}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: pass}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: pass}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("kafka: sasl.mechanism %q is not supported (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, AWS_MSK_IAM are)", name)
}

// mskIAM signs with the default credential chain of AWS, asked anew at each
// login, so that rotated credentials are taken up.
func mskIAM(ctx context.Context) (sasl.Mechanism, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("kafka: AWS credentials: %w", err)
	}
	return aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
		c, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return aws.Auth{}, err
		}
		return aws.Auth{AccessKey: c.AccessKeyID, SecretKey: c.SecretAccessKey, SessionToken: c.SessionToken, UserAgent: "alluvium"}, nil
	}), nil
}

var jaasField = regexp.MustCompile(`(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"`)

// credentials takes username and password from sasl.jaas.config.
func credentials(p *properties) (user, pass string, err error) {
	for _, m := range jaasField.FindAllStringSubmatch(p.get("sasl.jaas.config"), -1) {
		value := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[2])
		if m[1] == "username" {
			user = value
		} else {
			pass = value
		}
	}
	if user == "" {
		return "", "", fmt.Errorf("kafka: sasl.jaas.config has no username")
	}
	return user, pass, nil
}
