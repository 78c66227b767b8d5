package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/plan"
)

func TestPlanCacheKeepsTheLatest(t *testing.T) {
	c := newPlanCache(2)
	key := func(text string) planKey { return planKey{text: text} }
	a, b := &plan.Query{}, &plan.Query{}
	c.put(key("a"), a)
	c.put(key("b"), b)
	c.get(key("a"))
	c.put(key("c"), &plan.Query{})
	if c.get(key("a")) != a || c.get(key("b")) != nil {
		t.Error("the plan used least recently should have gone")
	}
	c.put(key("a"), b)
	if c.get(key("a")) != b || c.order.Len() != 2 || len(c.byKey) != 2 {
		t.Error("a plan was not replaced")
	}
	long := key(strings.Repeat("x", maxCachedText+1))
	if c.put(long, a); c.get(long) != nil {
		t.Error("a long text was cached")
	}
	if c.get(planKey{text: "a", zone: "Asia/Tokyo"}) != nil {
		t.Error("another zone got the plan")
	}
}

func TestStoredStatementsAreBounded(t *testing.T) {
	s := newSession(t, nil)
	for i := range maxStored {
		if err := s.StoreEmpty(fmt.Sprint("s", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.StoreEmpty("more"); sqlerr.Code(err) != sqlerr.ConfigLimitExceeded {
		t.Errorf("error %v", err)
	}
	if err := s.StoreEmpty(""); err != nil {
		t.Errorf("the unnamed one: %v", err)
	}
	s.Unstore("s0")
	if _, err := s.Stored("s0"); sqlerr.Code(err) != sqlerr.InvalidStatementName {
		t.Errorf("error %v", err)
	}
	do(t, s, "DEALLOCATE ALL")
	if err := s.StoreEmpty("more"); err != nil {
		t.Error(err)
	}
}
