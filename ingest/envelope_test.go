package ingest

import (
	"strings"
	"testing"
)

func TestEnvelopeReason(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		got := EnvelopeReason([]byte(value))
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	f("\xf3\x89\x9a\xc2rest", "Kinesis Producer Library")
	f("\xf3\x89\x9a\xc2", "Kinesis Producer Library")
	f("\xf3\x89\x9a", "")
	f(`{"a":1}`, "")
	f("", "")
}
