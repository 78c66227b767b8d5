package immutable

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment/build"
)

var ctx = context.Background()

// TestBuildFaults fails every file operation of a build in turn: the build
// must report it and leave neither a file nor a temporary one.
func TestBuildFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	tb := smallTable(rng, 3000)
	count := vfs.NewErrorFS(vfs.NewMem(), 0)
	if _, err := build.FromBatches(ctx, count, "seg", tb.batches(rng), tb.cfg); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n <= count.Count(); n++ {
		mem := vfs.NewMem()
		_, err := build.FromBatches(ctx, vfs.NewErrorFS(mem, n), "seg", tb.batches(rng), tb.cfg)
		if !errors.Is(err, vfs.ErrInjected) {
			t.Fatalf("operation %d: %v", n, err)
		}
		if names, _ := mem.List("."); len(names) != 0 {
			t.Fatalf("operation %d left %v", n, names)
		}
	}
}

// TestBuildCrash stops a build at every file operation and looks at what a
// crash would leave: no file of that name, or the whole one.
func TestBuildCrash(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	tb := smallTable(rng, 3000)
	for n := int64(1); ; n++ {
		mem := vfs.NewMem()
		e := vfs.NewErrorFS(mem, n)
		e.Sticky = true
		_, err := build.FromBatches(ctx, e, "seg", tb.batches(rng), tb.cfg)
		s, openErr := Open(mem.CrashClone(), "seg", Options{VerifyAll: true})
		if err == nil {
			if openErr != nil {
				t.Fatalf("finished build is not durable: %v", openErr)
			}
			s.Release()
			return
		}
		if !errors.Is(openErr, fs.ErrNotExist) {
			t.Fatalf("operation %d: after a crash: %v", n, openErr)
		}
	}
}

func TestOpenFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	mem := vfs.NewMem()
	tb := smallTable(rng, 100)
	tb.build(t, rng, mem, "seg")
	if _, err := Open(vfs.NewErrorFS(mem, 1), "seg", Options{}); !errors.Is(err, vfs.ErrInjected) {
		t.Errorf("failing map: %v", err)
	}
	if _, err := Open(mem, "other", Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestBuildStopsWithContext(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	tb := smallTable(rng, 100)
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	mem := vfs.NewMem()
	if _, err := build.FromBatches(stopped, mem, "seg", tb.batches(rng), tb.cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled build: %v", err)
	}
	if names, _ := mem.List("."); len(names) != 0 {
		t.Errorf("cancelled build left %v", names)
	}
}
