package agg

import (
	"fmt"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// The aggregations over pairs (y, x) of floats: rows in which either is NULL
// are skipped. States: the count (int64), sums of x and y, sums of squared
// deviations of x and y, and the sum of products of deviations (float64).
var (
	covarPopDef      = pairDef(idCovarPop, "covar_pop", 1, func(p pairSums) (float64, bool) { return p.sxy / p.count(), true })
	covarSampDef     = pairDef(idCovarSamp, "covar_samp", 2, func(p pairSums) (float64, bool) { return p.sxy / (p.count() - 1), true })
	corrDef          = pairDef(idCorr, "corr", 1, pairSums.corr)
	regrSlopeDef     = pairDef(idRegrSlope, "regr_slope", 1, pairSums.slope)
	regrInterceptDef = pairDef(idRegrIntercept, "regr_intercept", 1, pairSums.intercept)
	regrR2Def        = pairDef(idRegrR2, "regr_r2", 1, pairSums.r2)
	regrAvgXDef      = pairDef(idRegrAvgX, "regr_avgx", 1, func(p pairSums) (float64, bool) { return p.x.sx / p.count(), true })
	regrAvgYDef      = pairDef(idRegrAvgY, "regr_avgy", 1, func(p pairSums) (float64, bool) { return p.y.sx / p.count(), true })
	regrSXXDef       = pairDef(idRegrSXX, "regr_sxx", 1, func(p pairSums) (float64, bool) { return p.x.sxx, true })
	regrSYYDef       = pairDef(idRegrSYY, "regr_syy", 1, func(p pairSums) (float64, bool) { return p.y.sxx, true })
	regrSXYDef       = pairDef(idRegrSXY, "regr_sxy", 1, func(p pairSums) (float64, bool) { return p.sxy, true })
	regrCountDef     = regrCount()
)

// pairDef is an aggregation over at least least pairs.
func pairDef(id ID, name string, least int64, measure func(pairSums) (float64, bool)) definition {
	return definition{
		id:     id,
		names:  []string{name},
		bind:   bindPair,
		result: fixed(schema.Float64),
		states: fixedStates(schema.Int64, schema.Float64, schema.Float64, schema.Float64, schema.Float64, schema.Float64),
		open: func(s *Spec) Accumulator {
			return &regression{spec: s, append: func(dst *column.Vector, p pairSums) {
				x, ok := 0.0, p.x.n >= least
				if ok {
					x, ok = measure(p)
				}
				if !ok {
					dst.AppendNull()
					return
				}
				appendFloat(dst, x, 1)
			}}
		},
	}
}

// regrCount is regr_count, which is 0 for no pairs.
func regrCount() definition {
	d := pairDef(idRegrCount, "regr_count", 0, nil)
	d.result = fixed(schema.Int64)
	d.open = func(s *Spec) Accumulator {
		return &regression{spec: s, append: func(dst *column.Vector, p pairSums) {
			dst.Append(column.IntValue(schema.Int64, p.x.n))
		}}
	}
	return d
}

func bindPair(args []schema.Type, _ fn.Dialect) ([]schema.Type, bool) {
	return []schema.Type{schema.Float64, schema.Float64}, len(args) == 2 && args[0].IsNumeric() && args[1].IsNumeric()
}

// pairSums are the moments of both sides, whose counts are equal, and the sum
// of products of deviations from the means.
type pairSums struct {
	x, y moments
	sxy  float64
}

func (p *pairSums) count() float64 { return float64(p.x.n) }

// add follows Youngs and Cramer, as moments does.
func (p *pairSums) add(y, x float64) {
	if p.x.n == 0 {
		p.sxy = x * 0 * y // NaN or infinity makes it NaN
	}
	p.x.add(x)
	p.y.add(y)
	if n := p.count(); n > 1 {
		p.sxy += (x*n - p.x.sx) * (y*n - p.y.sx) / (n * (n - 1))
	}
}

func (p *pairSums) merge(o pairSums) {
	if o.x.n > 0 && p.x.n > 0 {
		n1, n2 := p.count(), o.count()
		dx, dy := p.x.sx/n1-o.x.sx/n2, p.y.sx/n1-o.y.sx/n2
		o.sxy += n1 * n2 * dx * dy / (n1 + n2)
	}
	p.sxy += o.sxy
	p.x.merge(o.x)
	p.y.merge(o.y)
}

func (p pairSums) corr() (float64, bool) {
	if p.x.sxx == 0 || p.y.sxx == 0 {
		return 0, false
	}
	return p.sxy / math.Sqrt(p.x.sxx*p.y.sxx), true
}

func (p pairSums) slope() (float64, bool) { return p.sxy / p.x.sxx, p.x.sxx != 0 }

func (p pairSums) intercept() (float64, bool) {
	return (p.y.sx - p.x.sx*p.sxy/p.x.sxx) / p.count(), p.x.sxx != 0
}

func (p pairSums) r2() (float64, bool) {
	switch {
	case p.x.sxx == 0:
		return 0, false
	case p.y.sxx == 0: // a horizontal line fits
		return 1, true
	}
	return p.sxy * p.sxy / (p.x.sxx * p.y.sxx), true
}

// regression holds the sums of pairs per group.
type regression struct {
	spec   *Spec
	append func(dst *column.Vector, p pairSums)
	st     []pairSums
}

func (a *regression) Grow(n int)   { a.st = extend(a.st, n) }
func (a *regression) Bytes() int64 { return int64(cap(a.st)) * 56 }

func (a *regression) Update(groups []uint32, n int, args []*column.Vector) error {
	y, x := flat(args[0]), flat(args[1])
	nulls := x.HasNulls() || y.HasNulls()
	for i := range n {
		if !nulls || !x.IsNull(i) && !y.IsNull(i) {
			a.st[group(groups, i)].add(y.Float64s[i], x.Float64s[i])
		}
	}
	return nil
}

func (a *regression) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	count := flat(states[0]).Int64s
	var f [5][]float64
	for k := range f {
		f[k] = flat(states[k+1]).Float64s
	}
	for i := range n {
		if count[i] < 0 {
			return fmt.Errorf("%w: count %d", ErrCorruptState, count[i])
		}
		a.st[group(groups, i)].merge(pairSums{
			x:   moments{n: count[i], sx: f[0][i], sxx: f[2][i]},
			y:   moments{n: count[i], sx: f[1][i], sxx: f[3][i]},
			sxy: f[4][i],
		})
	}
	return nil
}

func (a *regression) State(from, to int, dst []*column.Vector) error {
	for _, p := range a.st[from:to] {
		dst[0].Int64s = append(dst[0].Int64s, p.x.n)
		for k, x := range [5]float64{p.x.sx, p.y.sx, p.x.sxx, p.y.sxx, p.sxy} {
			dst[k+1].Float64s = append(dst[k+1].Float64s, x)
		}
	}
	for _, v := range dst {
		v.N += to - from
	}
	return nil
}

func (a *regression) Final(from, to int, dst *column.Vector) error {
	for _, p := range a.st[from:to] {
		a.append(dst, p)
	}
	return nil
}
