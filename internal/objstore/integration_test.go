//go:build integration

package objstore

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestRealS3 runs the store's tests against the S3 server that the environment
// names.
func TestRealS3(t *testing.T) {
	endpoint := os.Getenv("ALLUVIUM_TEST_S3")
	if endpoint == "" {
		t.Fatal("ALLUVIUM_TEST_S3 is not set: scripts/integration.sh sets it")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", os.Getenv("ALLUVIUM_TEST_S3_KEY"))
	t.Setenv("AWS_SECRET_ACCESS_KEY", os.Getenv("ALLUVIUM_TEST_S3_SECRET"))
	prefix := fmt.Sprintf("s3://alluvium/objstore-test-%d", time.Now().UnixNano())
	s, err := Open(context.Background(), prefix, Options{S3Endpoint: endpoint, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	testStore(t, s)
}
