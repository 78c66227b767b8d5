package stream

import (
	"context"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/schema"
)

func TestOpen(t *testing.T) {
	f := func(cfg schema.StreamConfig, wantErr string) {
		t.Helper()
		src, _, err := Open(context.Background(), &cfg, nil)
		if wantErr == "" {
			if err != nil {
				t.Errorf("%s: %v", cfg.Kind, err)
				return
			}
			src.Close()
			return
		}
		if err == nil || src != nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s: %v, %v, want an error with %q", cfg.Kind, src, err, wantErr)
		}
	}
	kafka := map[string]string{"stream.kafka.broker.list": "127.0.0.1:1"}
	f(schema.StreamConfig{Kind: "kafka", Topic: "t", Properties: kafka}, "")
	f(schema.StreamConfig{Kind: "Kinesis", Topic: "t", Properties: map[string]string{"region": "us-east-1"}}, "")
	f(schema.StreamConfig{Kind: "pulsar", Topic: "t"}, `streamType "pulsar" is not supported (kafka, kinesis are)`)
	f(schema.StreamConfig{Kind: "kafka", Topic: "t"}, "broker.list")
	f(schema.StreamConfig{Kind: "kinesis"}, "stream name")
}
