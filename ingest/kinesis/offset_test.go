package kinesis

import (
	"testing"

	"github.com/alluviumdb/alluvium/ingest"
)

func TestOffsetsRoundTripAndOrder(t *testing.T) {
	// In the order of the stream.
	texts := []string{
		"TRIM_HORIZON", "TRIM_HORIZON@2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z",
		"2026-01-01T00:00:00.001Z@2026-01-01T00:00:00Z",
		"49590338271490256608559692538361571095921575989136588898",
		"49590338271490256608559692538361571095921575989136588898+",
		"49590338271490256608559692538361571095921575989136588898+@2026-01-01T00:00:00Z",
		"49590338271490256608559692538361571095921575989136588898+@2026-01-01T00:00:01Z",
		"49590338271490256608559692538361571095921575989136588898+2",
		"49590338271490256608559692538361571095921575989136588899",
	}
	s := &Source{}
	var last ingest.Offset
	for i, text := range texts {
		o, err := s.ParseOffset(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.FormatOffset(o); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
		if i > 0 && o <= last {
			t.Errorf("%q is not after %q", text, texts[i-1])
		}
		last = o
	}
	for _, bad := range []string{
		"", "-1", "abc", "1e5", "5", "0", "+", "@", "TRIM_HORIZON@", "TRIM_HORIZON+", "TRIM_HORIZON@1960-01-01T00:00:00Z",
		"49590338271490256608559692538361571095921575989136588898++", "49590338271490256608559692538361571095921575989136588898+1",
		"49590338271490256608559692538361571095921575989136588898+4294967296",
	} {
		if _, err := s.ParseOffset(bad); err == nil {
			t.Errorf("offset %q was taken", bad)
		}
	}
}

func FuzzOffsets(f *testing.F) {
	f.Add("49590338271490256608559692538361571095921575989136588898+@2026-01-01T00:00:00Z", []byte{1})
	f.Add("TRIM_HORIZON", make([]byte, offsetBytes))
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		s := &Source{}
		if o, err := s.ParseOffset(text); err == nil {
			if again, err := s.ParseOffset(s.FormatOffset(o)); err != nil || again != o {
				t.Errorf("%q: %q, %v", text, s.FormatOffset(o), err)
			}
		}
		if _, err := decodeOffset(ingest.Offset(raw)); (err == nil) != (len(raw) == offsetBytes) {
			t.Errorf("%d bytes: %v", len(raw), err)
		}
		s.FormatOffset(ingest.Offset(raw))
	})
}
