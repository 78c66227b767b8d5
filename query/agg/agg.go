// Package agg holds the aggregations: one per file, each with its update,
// merge, state and result. The split between servers and broker is part of
// every aggregation: servers update accumulators and send state columns,
// brokers merge them and finish.
//
// It knows vectors and groups by number; it knows nothing of plans, segments or
// how groups are found.
package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// ID names an aggregation in encoded states. Numbers are never reused.
type ID uint16

// Spec is a resolved aggregation: which one, over which argument types, with
// which parameters. It is a plain value that travels in fragments.
type Spec struct {
	ID       ID
	Name     string
	Distinct bool
	Args     []schema.Type
	// Params are constant arguments that are not per-row (percentile's
	// fraction, string_agg's separator when constant, …).
	Params  []column.Value
	Dialect fn.Dialect
}

// Accumulator holds the states of one aggregation for groups 0..n-1. It is
// used by one goroutine.
type Accumulator interface {
	// Grow makes room for groups 0..n-1; new groups are empty.
	Grow(n int)
	// Update folds rows into groups: row i goes to groups[i]; a nil groups
	// means that all rows go to group 0. args are the argument vectors (none
	// for count(*)) of n rows. Rows of args that are NULL are skipped as SQL
	// says; FILTER was applied before.
	Update(groups []uint32, n int, args []*column.Vector) error
	// Merge folds n states, as written by State, into groups (nil: all into
	// group 0). States that State cannot have written are refused with
	// ErrCorruptState; the accumulator must then be thrown away.
	Merge(groups []uint32, n int, states []*column.Vector) error
	// State appends the states of groups from..to-1 to dst, one vector per
	// Spec.StateTypes.
	State(from, to int, dst []*column.Vector) error
	// Final appends the results of groups from..to-1 to dst.
	Final(from, to int, dst *column.Vector) error
	// Bytes is the memory that the states hold.
	Bytes() int64
}

// SlowFinal is an Accumulator whose Final may take long and may be called for
// different groups at the same time.
type SlowFinal interface {
	// FinalWork estimates the nanoseconds that Final takes for all groups.
	FinalWork() int64
}

// Absorber is an Accumulator that folds another one of the same Spec without
// encoding its states.
type Absorber interface {
	// Absorb folds group i of other into groups[i]. other must not be used
	// afterwards.
	Absorb(groups []uint32, other Accumulator) error
}
