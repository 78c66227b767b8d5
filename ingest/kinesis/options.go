package kinesis

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// options are the properties of a stream that this source understands.
type options struct {
	region, endpoint     string
	accessKey, secretKey string
	limit                int32
}

// maxLimit is the most records that one GetRecords returns.
const maxLimit = 10_000

// wordPositions are the iterator types that need no more than their name. The
// table's start position is made of them elsewhere.
var wordPositions = []string{"LATEST", "TRIM_HORIZON"}

// readOptions reads Pinot's stream properties, with or without their prefix.
func readOptions(cfg *schema.StreamConfig) (options, []string, error) {
	o := options{limit: maxLimit}
	if cfg.Topic == "" {
		return o, nil, fmt.Errorf("kinesis: the stream name is missing")
	}
	var warnings []string
	for key, value := range cfg.Properties {
		name := strings.TrimPrefix(strings.TrimPrefix(key, "stream.kinesis."), "kinesis.")
		switch name {
		case "region":
			o.region = value
		case "endpoint":
			o.endpoint = value
		case "accessKey":
			o.accessKey = value
		case "secretKey":
			o.secretKey = value
		case "maxRecordsToFetch":
			n, err := strconv.ParseInt(value, 10, 32)
			if err != nil || n < 1 || n > maxLimit {
				return o, nil, fmt.Errorf("kinesis: maxRecordsToFetch %q is not a number from 1 to %d", value, maxLimit)
			}
			o.limit = int32(n)
		case "shardIteratorType":
			if !slices.Contains(wordPositions, strings.ToUpper(value)) {
				return o, nil, fmt.Errorf("kinesis: shardIteratorType %q is not supported (%s are); "+
					"a time or a sequence number is given as stream.kinesis.consumer.prop.auto.offset.reset, e.g. offset:4959…",
					value, strings.Join(wordPositions, ", "))
			}
		case "iamRoleBasedAccessEnabled", "roleArn", "roleSessionName", "externalId":
			return o, nil, fmt.Errorf("kinesis: %s is not supported; give the role to the process (default credential chain)", name)
		default:
			warnings = append(warnings, fmt.Sprintf("stream property %s has no effect", key))
		}
	}
	if (o.accessKey == "") != (o.secretKey == "") {
		return o, nil, fmt.Errorf("kinesis: accessKey and secretKey go together")
	}
	sort.Strings(warnings)
	return o, warnings, nil
}

// client returns a client, and its HTTP client, whose connections the caller
// closes in the end.
func (o options) client(ctx context.Context) (*kinesis.Client, *http.Client, error) {
	var load []func(*config.LoadOptions) error
	if o.region != "" {
		load = append(load, config.WithRegion(o.region))
	}
	if o.accessKey != "" {
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.accessKey, o.secretKey, "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, nil, fmt.Errorf("kinesis: AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		if o.endpoint == "" {
			return nil, nil, fmt.Errorf("kinesis: region is missing")
		}
		cfg.Region = "us-east-1" // stand-ins take any
	}
	transport := closable(cfg.HTTPClient)
	return kinesis.NewFromConfig(cfg, func(k *kinesis.Options) {
		k.HTTPClient = transport
		if o.endpoint != "" {
			k.BaseEndpoint = aws.String(o.endpoint)
		}
		// Retries are made here, where they are counted and seen.
		k.Retryer = aws.NopRetryer{}
	}), transport, nil
}

// closable returns a client with the settings of the SDK's own (which carries
// AWS_CA_BUNDLE) whose connections can be closed. Redirects are not followed,
// as in the SDK.
func closable(loaded aws.HTTPClient) *http.Client {
	b, ok := loaded.(*awshttp.BuildableClient)
	if !ok {
		b = awshttp.NewBuildableClient()
	}
	return &http.Client{
		Transport:     b.GetTransport(),
		Timeout:       b.GetTimeout(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
