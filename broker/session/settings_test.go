package session

import (
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func TestSettingValues(t *testing.T) {
	f := func(name, value, want string) {
		t.Helper()
		s := newSettings()
		if err := s.set(name, value, "session"); err != nil {
			t.Errorf("SET %s = %q: %v", name, value, err)
			return
		}
		if got, _ := s.get(name); got != want {
			t.Errorf("SET %s = %q gives %q, want %q", name, value, got, want)
		}
	}
	f("client_encoding", "'utf-8'", "UTF8")
	f("CLIENT_ENCODING", "unicode", "UTF8")
	f("TimeZone", "Europe/Paris", "Europe/Paris")
	f("time zone", "UTC", "UTC")
	f("timezone", "2", "Etc/GMT-2")
	f("statement_timeout", "700", "700ms")
	f("statement_timeout", " 2s", "2s")
	f("statement_timeout", "1.5s", "1500ms")
	f("statement_timeout", "120 s", "2min")
	f("statement_timeout", "0s", "0")
	f("memory_limit", "64MB", "64MB")
	f("memory_limit", "2048", "2MB")
	f("memory_limit", "1B", "1B")
	f("allow_partial", "TRUE", "on")
	f("dialect", "Pinot", "pinot")
	f("myapp.user_id", "42", "42")
	f("standard_conforming_strings", "true", "on")
}

func TestSettingRefusals(t *testing.T) {
	f := func(name, value, code string) {
		t.Helper()
		if err := newSettings().set(name, value, "session"); sqlerr.Code(err) != code {
			t.Errorf("SET %s = %q: %v, want SQLSTATE %s", name, value, err, code)
		}
	}
	f("server_version", "16", sqlerr.CannotChangeParam)
	f("client_encoding", "LATIN1", sqlerr.InvalidParameter)
	f("timezone", "Mars/Olympus", sqlerr.InvalidParameter)
	f("statement_timeout", "5 parsecs", sqlerr.InvalidParameter)
	f("statement_timeout", "-1", sqlerr.InvalidParameter)
	f("statement_timeout", "99999999d", sqlerr.InvalidParameter)
	f("memory_limit", "lots", sqlerr.InvalidParameter)
	f("allow_partial", "maybe", sqlerr.InvalidParameter)
	f("statment_timeout", "1", sqlerr.UndefinedObject)
	f("snapshot", "x", sqlerr.FeatureNotSupported)
}

func TestSettingUnits(t *testing.T) {
	s := newSettings()
	s.set("statement_timeout", "1.5s", "session")
	if got := s.duration("statement_timeout"); got != 1500*time.Millisecond {
		t.Errorf("statement_timeout = %v", got)
	}
	s.set("memory_limit", "2048", "session")
	if got := s.bytes("memory_limit"); got != 2<<20 {
		t.Errorf("memory_limit = %d", got)
	}
}

func TestUnknownSettingSuggests(t *testing.T) {
	err := newSettings().set("statment_timeout", "1", "session")
	if e := err.(*sqlerr.Error); e.Hint == "" {
		t.Error("no hint at statement_timeout")
	}
}

func TestSplitSwitches(t *testing.T) {
	got := splitSwitches(`-c statement_timeout=700 -c search_path=a\ b --work-mem=1`)
	want := []string{"-c", "statement_timeout=700", "-c", "search_path=a b", "--work-mem=1"}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("word %d is %q, want %q", i, got[i], want[i])
		}
	}
}
