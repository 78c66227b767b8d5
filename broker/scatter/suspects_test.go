package scatter

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

func refusing(context.Context, *plan.Fragment, func(*column.Batch) error) (exec.Stats, error) {
	return exec.Stats{}, errors.New("connection refused")
}

// A segment's other replica is asked at once, and the dead one is spared for a
// while by the queries that follow.
func TestOtherReplicaIsAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "b")
		for _, s := range []string{"s1", "s2", "s3", "s4", "s5"} {
			g.place(s, "a", "b")
		}
		const all = "s1 s2 s3 s4 s5"
		g.servers["a"].execute = refusing
		start := time.Now()
		ask := func(wantCalls int32) {
			t.Helper()
			got, st, err := g.run(t.Context(), session.LeafOptions{})
			if err != nil || got != all || len(st.Missing) > 0 {
				t.Fatalf("got %q, missing %v, %v", got, st.Missing, err)
			}
			if n := g.servers["a"].calls.Load(); n != wantCalls {
				t.Errorf("the dead replica was asked %d times, want %d", n, wantCalls)
			}
		}
		ask(1)
		ask(1)
		if d := time.Since(start); d > 0 {
			t.Errorf("took %v", d)
		}
		time.Sleep(2 * suspicion)
		ask(2)
		g.servers["a"].execute = nil
		time.Sleep(2 * suspicion)
		ask(3)
		ask(4)
	})
}

// A part of the answer is given only where there is no other replica.
func TestPartialAnswersUseOtherReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "b")
		g.place("s1", "a")
		g.place("s2", "a", "b")
		g.place("s3", "b", "a")
		g.servers["a"].execute = refusing
		got, st, err := g.run(t.Context(), session.LeafOptions{AllowPartial: true})
		if err != nil || got != "s2 s3" || strings.Join(st.Missing, " ") != "s1" {
			t.Errorf("got %q, missing %v, %v", got, st.Missing, err)
		}
	})
}

// With all replicas away each is asked again and again until patience ends.
func TestAllReplicasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "b")
		g.place("s1", "a", "b")
		g.servers["a"].execute, g.servers["b"].execute = refusing, refusing
		start := time.Now()
		if _, _, err := g.run(t.Context(), session.LeafOptions{}); sqlerr.Code(err) != sqlerr.ConnectionFailure {
			t.Errorf("error %v", err)
		}
		a, b := g.servers["a"].calls.Load(), g.servers["b"].calls.Load()
		if a < 5 || b < 5 || a+b > 40 || time.Since(start) > 2*patience {
			t.Errorf("%d and %d calls in %v", a, b, time.Since(start))
		}
		// The only replica is asked although it is suspected.
		g.servers["a"].execute = nil
		g.place("s1", "a")
		if got, _, err := g.run(t.Context(), session.LeafOptions{}); err != nil || got != "s1" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// A receiver that wants no more rows is no fault of the server.
func TestReceiverErrorsArePassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a")
		g.place("s1", "a")
		gone := errors.New("client is gone")
		leaf := &plan.Leaf{Table: &schema.Table{ID: 1, Name: "t"}, Limit: -1}
		err := g.sc.NewRunner(session.LeafOptions{}).RunLeaf(&fn.Context{Context: t.Context()}, leaf, func(*column.Batch) error { return gone })
		if !errors.Is(err, gone) || sqlerr.Code(err) == sqlerr.ConnectionFailure {
			t.Errorf("error %v", err)
		}
		if !g.sc.suspects.alive("a") {
			t.Error("the server is suspected")
		}
	})
}

// A server's own clock may reach the deadline first.
func TestServerReachesTheDeadlineFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "slow")
		g.place("s1", "a")
		g.place("s2", "slow")
		g.servers["slow"].execute = func(_ context.Context, f *plan.Fragment, _ func(*column.Batch) error) (exec.Stats, error) {
			time.Sleep(time.Duration(f.TimeoutMicros)*time.Microsecond - time.Millisecond)
			return exec.Stats{}, sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := g.run(ctx, session.LeafOptions{})
		var se *sqlerr.Error
		if !errors.As(err, &se) || se.Code != sqlerr.QueryCanceled || !strings.Contains(se.Detail, "slow") {
			t.Errorf("error %v", err)
		}
	})
}
