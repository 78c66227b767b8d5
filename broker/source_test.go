package broker

import "testing"

func TestPortOf(t *testing.T) {
	f := func(addr string, want int) {
		t.Helper()
		if got := portOf(addr); got != want {
			t.Errorf("port of %q is %d, want %d", addr, got, want)
		}
	}
	f("127.0.0.1:8098", 8098)
	f("[::1]:8098", 8098)
	f("host:port", 0)
	f("", 0)
}
