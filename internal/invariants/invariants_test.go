package invariants

import "testing"

// panics reports whether f panics.
func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestCloseChecker(t *testing.T) {
	var c CloseChecker
	c.AssertOpen()
	c.Close()
	if !c.Closed() {
		t.Error("not closed")
	}
	if panics(c.Close) != Enabled || panics(c.AssertOpen) != Enabled {
		t.Errorf("misuse panics: want %v", Enabled)
	}
}

func TestCheck(t *testing.T) {
	if panics(func() { Check(true, "fine") }) || panics(func() { Check(false, "bad %d", 1) }) != Enabled {
		t.Errorf("Check panics: want %v", Enabled)
	}
}
