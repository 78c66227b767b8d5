package kafka

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

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
var withoutEffect = regexp.MustCompile(`(class\.name|factory|fetch\.(timeout|min|max)\..*|group\.id|consumer\.type|auto\.offset\.reset|deserializer|idle\.timeout\.millis|decoder\.prop\..*|topic\.name)$`)

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

// options are the properties of a stream in the form that a source uses.
type options struct {
	client     []kgo.Opt
	committed  bool
	fetchBytes int32
}

// readOptions reads the properties of a stream. Unknown ones give warnings;
// wrong and contradictory ones are refused.
func readOptions(ctx context.Context, cfg *schema.StreamConfig) (options, []string, error) {
	p := &properties{values: cfg.Properties, used: map[string]bool{}}
	var o options
	if cfg.Topic == "" {
		return o, nil, fmt.Errorf("kafka: stream.kafka.topic.name is missing")
	}
	brokers := splitList(firstOf(p.get("broker.list"), p.get("bootstrap.servers")))
	if len(brokers) == 0 {
		return o, nil, fmt.Errorf("kafka: stream.kafka.broker.list is missing")
	}
	isolation, committed, err := isolationLevel(p.get("isolation.level"))
	if err != nil {
		return o, nil, err
	}
	if o.fetchBytes, err = fetchBytes(p.get("max.partition.fetch.bytes")); err != nil {
		return o, nil, err
	}
	secure, err := securityOptions(ctx, p)
	if err != nil {
		return o, nil, err
	}
	o.committed = committed
	o.client = append([]kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.ClientID("alluvium"), kgo.FetchIsolationLevel(isolation),
	}, secure...)
	return o, p.unused(), nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// fetchBytes bounds one fetch, and with it the memory of a reader. A broker
// sends a batch that is larger all the same.
func fetchBytes(v string) (int32, error) {
	if v == "" {
		return defaultFetchBytes, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 1<<10 || n > 1<<30 {
		return 0, fmt.Errorf("kafka: max.partition.fetch.bytes %q is not a number from 1024 to 1073741824", v)
	}
	return int32(n), nil
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
func isolationLevel(v string) (level kgo.IsolationLevel, committed bool, err error) {
	switch strings.ToLower(strings.TrimPrefix(v, "kafka_")) {
	case "", "read_committed":
		return kgo.ReadCommitted(), true, nil
	case "read_uncommitted":
		return kgo.ReadUncommitted(), false, nil
	}
	return kgo.IsolationLevel{}, false, fmt.Errorf("kafka: isolation.level %q is neither read_committed nor read_uncommitted", v)
}
