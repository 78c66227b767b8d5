package agg

import (
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// The percentiles of a merging t-digest (Dunning and Ertl, 2019), exact at the
// ends and for few values: approx_percentile(x, p [, compression]), p from 0 to
// 1 or an array, also as approx_percentile(p [, compression]) WITHIN GROUP
// (ORDER BY x), and Pinot's PERCENTILETDIGEST(x, p [, compression]), p from 0
// to 100. The compression, from 20 to 10000 and by default 100, bounds the
// number of centroids. The digest depends a little on the order of the rows.
//
// The state is one bytes column: the header, the uvarint compression, the
// uvarint numbers of -Infinity, Infinity and NaN, the uvarint number of
// centroids, and if there are any the least and the greatest value (f64) and
// per centroid in ascending order its mean (f64) and uvarint number of values.
var (
	approxPercentileDef = definition{
		id:          idApproxPercentile,
		names:       []string{"approx_percentile"},
		bind:        bindFloats,
		withinGroup: true,
		rowArgs:     1,
		paramTypes:  []schema.Type{schema.Float64, schema.Int32},
		params:      func(s *Spec, params []column.Value) ([]column.Value, error) { return digestParams(s, params, 1) },
		result:      contResult,
		states:      fixedStates(schema.Bytea),
		open:        openDigest(1),
	}
	percentileTDigestDef = definition{
		id:         idPercentileTDigest,
		names:      []string{"percentiletdigest"},
		bind:       bindFloats,
		rowArgs:    1,
		paramTypes: []schema.Type{schema.Float64, schema.Int32},
		params:     func(s *Spec, params []column.Value) ([]column.Value, error) { return digestParams(s, params, 100) },
		result:     fixed(schema.Float64),
		states:     fixedStates(schema.Bytea),
		open:       openDigest(100),
	}
)

const (
	digestCompression    = 100
	digestMinCompression = 20
	digestMaxCompression = 10_000
)

// digestParams takes the fraction of limit, then the compression; and of a call
// WITHIN GROUP that the order is descending.
func digestParams(s *Spec, params []column.Value, limit float64) ([]column.Value, error) {
	rest, desc := params, false
	if n := len(params); limit == 1 && n > 1 && params[n-1].Type == schema.Bool {
		rest, desc = params[:n-1], true
	}
	if len(rest) < 1 || len(rest) > 2 || limit > 1 && (rest[0].Null || rest[0].Type.List) {
		return nil, badParams(s)
	}
	p, err := fractions(s, rest[0], limit)
	if err != nil {
		return nil, err
	}
	size := column.IntValue(schema.Int32, digestCompression)
	if len(rest) == 2 {
		if size, err = sizeParam(s, rest[1], "compression", digestMinCompression, digestMaxCompression); err != nil {
			return nil, err
		}
	}
	out := []column.Value{p, size}
	if desc {
		out = append(out, column.BoolValue(true))
	}
	return out, nil
}

func openDigest(limit float64) func(s *Spec) Accumulator {
	return func(s *Spec) Accumulator {
		a := &tdigest{limit: limit}
		a.sketches = sketches[digest, *digest]{spec: s, size: int(s.Params[1].I), width: int64(unsafe.Sizeof(digest{}))}
		return a
	}
}

// tdigest is a digest per group.
type tdigest struct {
	sketches[digest, *digest]
	limit float64
}

func (a *tdigest) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	if v.Const {
		v = v.Flatten()
	}
	nulls := v.HasNulls()
	for i, x := range v.Float64s[:n] {
		if nulls && v.IsNull(i) {
			continue
		}
		if g := group(groups, i); !a.st[g].add(x) {
			a.change(g, func(s *digest) { s.makeRoom(x, a.size) })
		}
	}
	return nil
}

func (a *tdigest) Final(from, to int, dst *column.Vector) error {
	desc := a.spec.descending()
	for g := from; g < to; g++ {
		a.change(uint32(g), func(s *digest) {
			if s.count() == 0 {
				dst.AppendNull()
				return
			}
			s.fold(a.size)
			dst.Append(pickAll(a.spec, contResult(a.spec), ranking{}, func(_ ranking, p float64) column.Value {
				if p /= a.limit; desc {
					p = 1 - p
				}
				return column.FloatValue(schema.Float64, s.quantile(p))
			}))
		})
	}
	return nil
}
