package pgwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func startupPacket(minor uint16, pairs ...string) []byte {
	p := binary.BigEndian.AppendUint16([]byte{0, 3}, minor)
	for _, s := range pairs {
		p = append(append(p, s...), 0)
	}
	return append(p, 0)
}

func TestParseStartup(t *testing.T) {
	s, err := parseStartup(startupPacket(2, "user", "admin", "_pq_.extra", "1", "options", "-c a=b"))
	if err != nil {
		t.Fatal(err)
	}
	if s.params["user"] != "admin" || s.params["options"] != "-c a=b" || s.minor != 2 || len(s.unknown) != 1 {
		t.Fatalf("parsed %+v", s)
	}
	bad := func(p []byte, code string) {
		t.Helper()
		if _, err := parseStartup(p); sqlerr.Code(err) != code {
			t.Errorf("%q: error %v, want %s", p, err, code)
		}
	}
	bad(startupPacket(0), sqlerr.InvalidAuthorization)
	bad([]byte{0, 3, 0, 0, 'u', 's'}, sqlerr.ProtocolViolation)
	bad(append(startupPacket(0, "user", "x"), 'y'), sqlerr.ProtocolViolation)
}

func FuzzParseStartup(f *testing.F) {
	f.Add(startupPacket(0, "user", "admin", "database", "alluvium"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) >= 4 {
			parseStartup(p)
		}
	})
}

func TestBoundedReader(t *testing.T) {
	r := newBoundedReader(strings.NewReader(strings.Repeat("x", 100)))
	if b, err := r.Next(5); err != nil || len(b) != 5 {
		t.Fatalf("%q, %v", b, err)
	}
	for _, n := range []int{-1, unauthenticatedLimit + 1} {
		if _, err := r.Next(n); !errors.Is(err, errMessageTooLarge) {
			t.Errorf("Next(%d): %v", n, err)
		}
	}
	if _, err := r.Next(96); err == nil {
		t.Error("read beyond the end")
	}
}

func TestStartupLengthIsBounded(t *testing.T) {
	for _, n := range []uint32{0, 7, 1 << 20, 1 << 31} {
		raw := binary.BigEndian.AppendUint32(nil, n)
		if _, err := readStartupPacket(bytes.NewReader(raw)); sqlerr.Code(err) != sqlerr.ProtocolViolation {
			t.Errorf("length %d: %v", n, err)
		}
	}
}

func TestCharPosition(t *testing.T) {
	if got := charPosition("SELECT 'ä', x", len("SELECT 'ä', ")+1); got != 13 {
		t.Errorf("position %d, want 13", got)
	}
}
