package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// KernelOptions configures Kernels.
type KernelOptions struct {
	// Peers is the folder of loops.c, CC the compiler.
	Peers, CC string
	Docs      string
}

// The measures of the kernels' data, as in loops.c: it lies in the second-level
// cache.
const (
	kernelRows   = 65536
	kernelDict   = 2048
	kernelWidth  = 11
	kernelGroups = 1000
	gatherStep   = 4
)

// loop is a kernel, or the like loop in C.
type loop struct {
	name  string
	rows  int
	run   func()
	check func() uint64
}

// Kernels measures the kernels against loops of C over the same data.
func Kernels(ctx context.Context, w io.Writer, o KernelOptions) error {
	peer, note, err := startLoops(ctx, o)
	if err != nil {
		return err
	}
	defer peer.stop()
	loops, err := kernelLoops()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s. %d rows in cache, one core; million rows a second, best of 30 samples taken in turn.\n\n", machine(), kernelRows)
	fmt.Fprintf(&b, "| kernel | Alluvium | C | time against C |\n|---|---|---|---|\n")
	var mean geomean
	for _, l := range loops {
		ours, theirs, err := peer.compare(l)
		if err != nil {
			return err
		}
		known := theirs > 0
		if known {
			mean.add(theirs / ours)
		}
		fmt.Fprintf(&b, "| %s | %.0f | %s | %s |\n", l.name, ours, number(theirs, known), number(theirs/ours, known))
	}
	if mean.n > 0 {
		fmt.Fprintf(&b, "| **geometric mean** | | | **%.2f** |\n", mean.value())
	}
	fmt.Fprint(&b, note)
	return publish(w, o.Docs, "kernels", b.Bytes())
}

// bestRate returns the best of several samples in million rows a second, since
// other work only slows a loop down.
func bestRate(l loop) float64 {
	best := time.Duration(1 << 60)
	for range 10 {
		runs, start := 0, time.Now()
		for runs == 0 || time.Since(start) < 5*time.Millisecond {
			for range 8 {
				l.run()
			}
			runs += 8
		}
		best = min(best, time.Since(start)/time.Duration(runs))
	}
	return float64(l.rows) / best.Seconds() / 1e6
}

// loopsInC is the process of loops.c; nil stands for a missing compiler.
type loopsInC struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	dir string
}

// startLoops compiles and starts loops.c; without a compiler it returns nil and
// a note.
func startLoops(ctx context.Context, o KernelOptions) (*loopsInC, string, error) {
	if _, err := exec.LookPath(o.CC); err != nil {
		return nil, fmt.Sprintf("\nNo figures of C: %v.\n", err), nil
	}
	dir, err := os.MkdirTemp("", "loops-")
	if err != nil {
		return nil, "", err
	}
	c := &loopsInC{dir: dir, cmd: exec.CommandContext(ctx, filepath.Join(dir, "loops"))}
	out, err := exec.CommandContext(ctx, o.CC, "-O3", "-march=native", "-std=c11", "-o", c.cmd.Path, filepath.Join(o.Peers, "loops.c")).CombinedOutput()
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("compiling loops.c: %w\n%s", err, out), os.RemoveAll(dir))
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	c.out = bufio.NewReader(stdout)
	return c, fmt.Sprintf("\nC: `%s -O3 -march=native bench/peers/loops.c`.\n", o.CC), c.cmd.Start()
}

func (c *loopsInC) stop() {
	if c == nil {
		return
	}
	c.in.Close()
	c.cmd.Wait()
	os.RemoveAll(c.dir)
}

// compare measures a loop here and in C in turn, so that what else happens on
// the machine hits both alike; theirs is 0 without C.
func (c *loopsInC) compare(l loop) (ours, theirs float64, err error) {
	for range 3 {
		ours = max(ours, bestRate(l))
		if c == nil {
			continue
		}
		if _, err := fmt.Fprintln(c.in, l.name); err != nil {
			return 0, 0, err
		}
		var rate float64
		var check uint64
		if _, err := fmt.Fscanln(c.out, &rate, &check); err != nil {
			return 0, 0, fmt.Errorf("%s in C: %w", l.name, err)
		}
		if check != l.check() {
			return 0, 0, fmt.Errorf("%s: the results differ: %d and %d in C", l.name, l.check(), check)
		}
		theirs = max(theirs, rate)
	}
	return ours, theirs, nil
}

// kernelData holds what loops.c fills in the same order.
type kernelData struct {
	ids, groups, docs []uint32
	v32               []int32
	v64, dict         []int64
	f64               []float64
	nulls, set        column.Bitmap
	packed            *encoding.Packed
}

func newKernelData() (*kernelData, error) {
	d := &kernelData{nulls: column.NewBitmap(kernelRows), set: column.NewBitmap(kernelDict)}
	r := data.Rand(1)
	for range kernelRows {
		d.ids = append(d.ids, uint32(r.Next()%kernelDict))
		d.groups = append(d.groups, uint32(r.Next()%kernelGroups))
		d.v32 = append(d.v32, int32(r.Next()>>40))
		d.v64 = append(d.v64, int64(r.Next()>>20))
		d.f64 = append(d.f64, float64(r.Next()>>40))
	}
	for i := range d.nulls {
		d.nulls[i] = r.Next()
	}
	for i := range d.set {
		d.set[i] = r.Next()
	}
	for range kernelDict {
		d.dict = append(d.dict, int64(r.Next()>>20))
	}
	for i := range kernelRows / gatherStep {
		d.docs = append(d.docs, uint32(i*gatherStep))
	}
	buf := encoding.AlignedCopy(encoding.AppendPacked(nil, d.ids, kernelWidth))
	var err error
	d.packed, err = encoding.NewPacked(buf, kernelRows, kernelWidth, kernelDict)
	return d, err
}

// kernelLoops returns the kernels over their data, by the names of loops.c.
func kernelLoops() ([]loop, error) {
	d, err := newKernelData()
	if err != nil {
		return nil, err
	}
	out := make([]uint32, kernelRows)
	hit := column.NewBitmap(kernelRows)
	groups := make([]kernel.SumCount, kernelGroups)
	dict := &column.Vector{Type: schema.Int64, N: kernelDict, Int64s: d.dict}
	gathered := column.New(schema.Int64, kernelRows)
	var sum int64
	var wide column.Int128
	var float float64
	words := func() uint64 { return sumWords(out) }
	hits := func() uint64 { return countHits(hit) }
	state := func() uint64 { return hashGroups(groups) }
	return []loop{
		{"unpack", kernelRows, func() { d.packed.Read(0, out) }, words},
		{"match-id-range", kernelRows, func() { d.packed.Match(0, kernelRows, segment.IDSet{Lo: 300, Hi: 1000}, hit) }, hits},
		{"match-id-set", kernelRows, func() { d.packed.Match(0, kernelRows, segment.IDSet{Bits: d.set}, hit) }, hits},
		{"match-int32-range", kernelRows, func() { encoding.MatchRange(d.v32, 1_000_000, 9_000_000, hit) }, hits},
		{"sum-int32", kernelRows, func() { sum = kernel.SumInt32(d.v32) }, func() uint64 { return uint64(sum) }},
		{"sum-int64", kernelRows, func() { wide = kernel.SumInt64(d.v64) }, func() uint64 { return wide.Lo }},
		{"sum-float64", kernelRows, func() { float = kernel.SumFloat64(d.f64) }, func() uint64 { return uint64(float) }},
		{"sum-int32-not-null", kernelRows, func() { sum, _ = kernel.SumInt32Except(d.v32, d.nulls) }, func() uint64 { return uint64(sum) }},
		{"gather-ids", len(d.docs), func() { d.packed.Gather(d.docs, out) }, func() uint64 { return sumWords(out[:len(d.docs)]) }},
		{"gather-int64", kernelRows, func() { kernel.Gather(dict, d.ids, gathered) },
			func() uint64 { return sumLongs(gathered.Int64s) }},
		{"group-sum-int32", kernelRows, func() { clear(groups); kernel.SumGroupsInt32(groups, d.groups, d.v32) }, state},
		{"group-sum-int64", kernelRows, func() { clear(groups); kernel.AddGroupsInt64(groups, d.groups, d.v64) }, state},
	}, nil
}

func sumWords(v []uint32) (s uint64) {
	for _, x := range v {
		s += uint64(x)
	}
	return s
}

func sumLongs(v []int64) (s uint64) {
	for _, x := range v {
		s += uint64(x)
	}
	return s
}

func countHits(b column.Bitmap) (n uint64) {
	for _, w := range b {
		n += uint64(bits.OnesCount64(w))
	}
	return n
}

func hashGroups(groups []kernel.SumCount) (s uint64) {
	for _, g := range groups {
		s = s*31 + uint64(g.Sum) + uint64(g.Count)
	}
	return s
}
