package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// securityOptions reads security.protocol, sasl.* and ssl.*. A setting that the
// protocol makes meaningless is refused: it was meant to protect something.
func securityOptions(ctx context.Context, p *properties) ([]kgo.Opt, error) {
	protocol := strings.ToUpper(p.get("security.protocol"))
	wantTLS := protocol == "SSL" || protocol == "SASL_SSL"
	wantSASL := protocol == "SASL_PLAINTEXT" || protocol == "SASL_SSL"
	if !wantTLS && !wantSASL && protocol != "" && protocol != "PLAINTEXT" {
		return nil, fmt.Errorf("kafka: security.protocol %q is not known (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL are)", protocol)
	}
	if err := contradiction(p, wantTLS, wantSASL); err != nil {
		return nil, err
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
		m, err := saslMechanism(ctx, p)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

func contradiction(p *properties, wantTLS, wantSASL bool) error {
	for _, name := range []string{"sasl.mechanism", "sasl.jaas.config"} {
		if !wantSASL && p.get(name) != "" {
			return fmt.Errorf("kafka: %s needs security.protocol SASL_PLAINTEXT or SASL_SSL", name)
		}
	}
	for _, name := range []string{"ssl.truststore.location", "ssl.truststore.certificates", "ssl.keystore.location", "ssl.keystore.key"} {
		if !wantTLS && p.get(name) != "" {
			return fmt.Errorf("kafka: %s needs security.protocol SSL or SASL_SSL", name)
		}
	}
	return nil
}

// tlsConfig takes PEM files and PEM text; Java key stores are refused by name.
func tlsConfig(p *properties) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if a := p.get("ssl.endpoint.identification.algorithm"); a != "" && !strings.EqualFold(a, "https") {
		return nil, fmt.Errorf("kafka: ssl.endpoint.identification.algorithm %q is not supported: host names are always verified", a)
	}
	ca, err := pemText(p, "truststore", "ssl.truststore.certificates")
	if err != nil {
		return nil, err
	}
	if ca != nil {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("kafka: the trust store holds no certificate in PEM")
		}
	}
	return conf, clientCertificate(p, conf)
}

// clientCertificate adds the certificate that the client shows, if one is given.
func clientCertificate(p *properties, conf *tls.Config) error {
	key, err := pemText(p, "keystore", "ssl.keystore.key")
	if err != nil || key == nil {
		return err
	}
	chain := key // a PEM key store holds both
	if c := p.get("ssl.keystore.certificate.chain"); c != "" {
		chain = []byte(c)
	}
	if p.get("ssl.key.password") != "" {
		return fmt.Errorf("kafka: ssl.key.password is not supported: give the key unencrypted")
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("kafka: ssl.keystore: %w", err)
	}
	conf.Certificates = []tls.Certificate{cert}
	return nil
}

// pemText returns the content of a store: inline text, or the file that its
// location names; nil if neither is given.
func pemText(p *properties, store, inline string) ([]byte, error) {
	kind := strings.ToUpper(p.get("ssl." + store + ".type"))
	text, file := p.get(inline), p.get("ssl."+store+".location")
	if text == "" && file == "" {
		return nil, nil
	}
	if kind != "PEM" {
		return nil, fmt.Errorf("kafka: ssl.%s.type %q is not supported, only PEM", store, firstOf(kind, "JKS"))
	}
	if text != "" && file != "" {
		return nil, fmt.Errorf("kafka: %s and ssl.%s.location exclude each other", inline, store)
	}
	if text != "" {
		return []byte(text), nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("kafka: ssl.%s.location: %w", store, err)
	}
	return raw, nil
}

// loginModules are the classes of sasl.jaas.config that fit each mechanism.
var loginModules = map[string]string{
	"PLAIN": "PlainLoginModule", "SCRAM-SHA-256": "ScramLoginModule", "SCRAM-SHA-512": "ScramLoginModule",
}

func saslMechanism(ctx context.Context, p *properties) (sasl.Mechanism, error) {
	name := strings.ToUpper(p.get("sasl.mechanism"))
	if name == "AWS_MSK_IAM" {
		p.get("sasl.jaas.config")
		p.get("sasl.client.callback.handler.class")
		return mskIAM(ctx)
	}
	module, ok := loginModules[name]
	if !ok {
		return nil, fmt.Errorf("kafka: sasl.mechanism %q is not supported (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, AWS_MSK_IAM are)", name)
	}
	user, pass, err := credentials(p.get("sasl.jaas.config"), module)
	if err != nil {
		return nil, err
	}
	switch name {
	case "PLAIN":
		return plain.Auth{User: user, Pass: pass}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: pass}.AsSha256Mechanism(), nil
	}
	return scram.Auth{User: user, Pass: pass}.AsSha512Mechanism(), nil
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

var (
	jaasModule = regexp.MustCompile(`^\s*[\w.]*?(\w+LoginModule)\b`)
	jaasField  = regexp.MustCompile(`\b(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"`)
	unescape   = strings.NewReplacer(`\"`, `"`, `\\`, `\`)
)

// credentials takes user and password out of sasl.jaas.config, whose login
// module must be the one of the mechanism.
func credentials(jaas, module string) (user, pass string, err error) {
	if m := jaasModule.FindStringSubmatch(jaas); m != nil && m[1] != module {
		return "", "", fmt.Errorf("kafka: sasl.jaas.config names %s, sasl.mechanism needs %s", m[1], module)
	}
	for _, m := range jaasField.FindAllStringSubmatch(jaas, -1) {
		if m[1] == "username" {
			user = unescape.Replace(m[2])
		} else {
			pass = unescape.Replace(m[2])
		}
	}
	if user == "" {
		return "", "", fmt.Errorf(`kafka: sasl.jaas.config has no username="…"`)
	}
	return user, pass, nil
}
