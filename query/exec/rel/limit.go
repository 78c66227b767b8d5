package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/plan"
)

// limiter skips rows and ends after a count.
type limiter struct {
	q             *query
	input         operator
	offset, count *eval.Program
	skip, left    int64 // left < 0: no limit
	ended         bool
}

func (b *builder) limit(n *plan.Limit) (operator, error) {
	input, err := b.build(n.Input)
	if err != nil {
		return nil, err
	}
	l := &limiter{q: b.q, input: input}
	if l.offset, err = b.compile(n.Offset); err != nil {
		return nil, err
	}
	l.count, err = b.compile(n.Count)
	return l, err
}

func (l *limiter) open() error {
	var err error
	if l.skip, err = l.number(l.offset, 0, "OFFSET"); err != nil {
		return err
	}
	if l.left, err = l.number(l.count, -1, "LIMIT"); err != nil {
		return err
	}
	l.ended = false
	return l.input.open()
}

// number evaluates a bound; NULL and none mean missing.
func (l *limiter) number(p *eval.Program, missing int64, clause string) (int64, error) {
	if p == nil {
		return missing, nil
	}
	v, err := p.Eval(l.q.ctx, &column.Batch{N: 1}, nil)
	if err != nil || v.IsNull(0) {
		return missing, err
	}
	n := v.Value(0).I
	if n < 0 {
		code := sqlerr.InvalidRowCountInLimit
		if clause == "OFFSET" {
			code = "2201X"
		}
		return 0, sqlerr.New(code, "%s must not be negative", clause)
	}
	return n, nil
}

func (l *limiter) close() { l.input.close() }

func (l *limiter) next() (*column.Batch, error) {
	for !l.ended && l.left != 0 {
		b, err := l.input.next()
		if err != nil || b == nil {
			l.ended = true
			return nil, err
		}
		from := int(min(l.skip, int64(b.N)))
		l.skip -= int64(from)
		to := b.N
		if l.left >= 0 {
			to = int(min(int64(to), int64(from)+l.left))
			l.left -= int64(to - from)
		}
		if from < to {
			return slice(b, from, to), nil
		}
	}
	if !l.ended {
		// Enough rows: what still runs below may stop.
		l.ended = true
		l.input.close()
	}
	return nil, nil
}
