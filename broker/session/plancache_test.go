package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/plan"
)

func TestPlanCacheKeepsTheLatest(t *testing.T) {
	c := newRecent[planKey, *plan.Query](2)
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
	if putPlan(c, long, a); c.get(long) != nil {
		t.Error("a long text was cached")
	}
	if c.get(planKey{text: "a", zone: "Asia/Tokyo"}) != nil {
		t.Error("another zone got the plan")
	}
}

// TestTextsAreParsedOnce compares with a text that is parsed in another dialect,
// and with texts that are not kept.
func TestTextsAreParsedOnce(t *testing.T) {
	s := newSession(t, nil)
	parse := func(text string) []Statement {
		t.Helper()
		stmts, err := s.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return stmts
	}
	f := func(text string, kept bool) {
		t.Helper()
		a, b := parse(text), parse(text)
		if same := &a[0] == &b[0]; same != kept {
			t.Errorf("%.20s…: parsed once: %t", text, same)
		}
	}
	f("SELECT 1", true)
	f("SELECT 1; SELECT 2", false)
	f("SELECT 1 --"+strings.Repeat("x", maxParsedText), false)
	for range 2 {
		if _, err := s.Parse("SELECT 1 LIMIT 1, 2"); sqlerr.Code(err) != sqlerr.SyntaxError {
			t.Errorf("error %v", err)
		}
	}
	before := parse("SELECT 1")
	do(t, s, "SET dialect = pinot")
	if after := parse("SELECT 1"); &before[0] == &after[0] {
		t.Error("one dialect got the statements of another")
	}
	if n := testing.AllocsPerRun(100, func() { parse("SELECT 1") }); n > 0 {
		t.Errorf("%v allocations", n)
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
