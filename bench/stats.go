package bench

import (
	"math"
	"slices"
	"time"
)

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile returns the q-quantile of sorted values.
func quantile[T any](sorted []T, q float64) T {
	return sorted[max(int(math.Ceil(q*float64(len(sorted)))), 1)-1]
}

// median returns the middle of values in any order.
func median(values []float64) float64 { return quantile(slices.Sorted(slices.Values(values)), 0.5) }

// p99 returns the 99th percentile of values in any order.
func p99(values []float64) float64 { return quantile(slices.Sorted(slices.Values(values)), 0.99) }

// geomean collects a geometric mean.
type geomean struct {
	logs float64
	n    int
}

func (g *geomean) add(x float64) {
	g.logs += math.Log(x)
	g.n++
}

// value returns NaN when nothing was added.
func (g *geomean) value() float64 { return math.Exp(g.logs / float64(g.n)) }
