// Package exec runs leaves of plans over segments: it filters, groups,
// aggregates and sorts rows where they lie and hands out batches of rows or of
// partial groups. It knows the interfaces of the segment root, expressions and
// aggregations; it knows nothing of SQL, of files, or of where segments are.
package exec

import (
	"runtime"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// Config configures an Engine.
type Config struct {
	// Workers bounds the goroutines that work beside the callers of RunLeaf,
	// for all queries together; zero means one less than the cores, negative
	// none.
	Workers int
	// DomainBytes bounds the memory for numbering the values of dictionaries
	// over all segments, which is kept between queries; zero means 256 MB,
	// negative none.
	DomainBytes int64
	// MatchBytes bounds the memory for which values of dictionaries pass
	// conditions, which is kept between queries; zero means 64 MB, negative
	// none.
	MatchBytes int64
	// ResultCacheBytes bounds the memory for results of leaves over segments
	// that never change; zero means 256 MB, negative none.
	ResultCacheBytes int64
	// ResultCacheTime is how long a leaf takes whose results are worth keeping;
	// zero means 50 µs, negative that all are, whatever keeping them costs.
	ResultCacheTime time.Duration
}

// Options are the limits and wishes of one leaf.
type Options struct {
	// MemoryLimit bounds the bytes that the leaf holds for groups, heaps and
	// buffers; beyond it fails with 53200. Zero means no limit.
	MemoryLimit int64
	// Trace asks for Stats.Segments.
	Trace bool
	// Settings are the session settings that change execution: float_sum, star_tree,
	// result_cache.
	// Unknown names are ignored here; the session refuses them.
	Settings map[string]string
	// Wanted, when not nil, tells that the segments are all that an aggregating
	// leaf reads: its groups are finished, and what is wanted of them is
	// emitted.
	Wanted *plan.Wanted
}

// Engine runs leaves. It is safe for concurrent use; all leaves share one
// bound of worker goroutines. It needs no closing: it has no goroutine while
// no leaf runs.
type Engine struct {
	// tokens holds one token for each helper goroutine that may be started.
	tokens chan struct{}
	// inlineWork is the estimated nanoseconds of work below which a leaf runs
	// on the calling goroutine alone.
	inlineWork float64
	// forceTrees makes leaves use star-trees that cost more than the rows.
	forceTrees bool
	// forceMerges makes leaves number all values of bytes by merging
	// dictionaries, and gives the groups of a single key an array.
	forceMerges bool
	buffers     bufferPool
	domains     domains
	results     *resultCache // nil: none
	matches     *matchCache  // nil: none
}

// New returns an engine.
func New(cfg Config) *Engine {
	n := cfg.Workers
	if n == 0 {
		n = runtime.GOMAXPROCS(0) - 1
	}
	e := &Engine{tokens: make(chan struct{}, max(n, 0)), inlineWork: defaultInlineWork, results: newResultCache(cfg.ResultCacheBytes, cfg.ResultCacheTime)}
	e.matches = newMatchCache(cfg.MatchBytes)
	e.domains.limit = cfg.DomainBytes
	if cfg.DomainBytes == 0 {
		e.domains.limit = defaultDomainBytes
	}
	return e
}

// RunLeaf runs leaf over segments, which the caller retains until RunLeaf
// returns. emit gets the batches one at a time, never concurrently; a batch
// and its vectors are the receiver's to keep. An error of emit ends the leaf
// and is returned.
//
// With Leaf.Aggregate the batches together hold every group once: the group
// columns, then the state columns of each aggregation; without group columns
// exactly one row is emitted, also when there are no segments. Without
// Options.Wanted they hold the results in place of the states, of the wanted
// groups at least. Without
// Aggregate they hold the rows of Leaf.Output: for a leaf with OrderBy and
// Limit >= 0 the first Limit rows in that order; otherwise in no order, at
// most Limit. OrderBy without a limit asks for nothing.
//
// The context of ctx is checked for every block: a cancelled leaf fails with
// 57014, one past its deadline too.
func (e *Engine) RunLeaf(ctx *fn.Context, leaf *plan.Leaf, segs []segment.Segment, opt Options, emit func(*column.Batch) error) (Stats, error) {
	buf := keyBuffers.Get().(*[]byte)
	defer keyBuffers.Put(buf)
	if r := e.cachedRun(ctx, leaf, segs, opt, buf); r != nil {
		var st Stats
		err := guard(func() (err error) {
			st, err = r.run(emit)
			return err
		})
		return st, err
	}
	st, _, err := e.runLeaf(ctx, leaf, segs, nil, opt, emit)
	return st, err
}
