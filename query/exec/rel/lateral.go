package rel

import (
	"bytes"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/plan"
)

// lateral runs the right side once for each row of the left side.
type lateral struct {
	q                   *query
	kind                plan.JoinKind
	left                operator
	right               *subplan
	leftKeys, rightKeys []*eval.Program
	residual            *eval.Program
	leftTypes, types    []schema.Type

	batch *column.Batch
	keys  []*column.Vector
	row   int
}

func (b *builder) lateral(n *plan.Join) (operator, error) {
	switch n.Kind {
	case plan.JoinInner, plan.JoinCross, plan.JoinLeft, plan.JoinSemi, plan.JoinAnti:
	default:
		return nil, sqlerr.Unsupported("LATERAL on the nullable side of a join")
	}
	l := &lateral{q: b.q, kind: n.Kind, leftTypes: typesOf(n.Left.Columns())}
	l.types = append(l.leftTypes[:len(l.leftTypes):len(l.leftTypes)], typesOf(n.Right.Columns())...)
	var err error
	if l.left, err = b.build(n.Left); err != nil {
		return nil, err
	}
	if l.right, err = newSubplan(b.q, b.sub, n.Right); err != nil {
		return nil, err
	}
	if l.leftKeys, err = b.compileAll(n.LeftKeys); err != nil {
		return nil, err
	}
	if l.rightKeys, err = l.right.builder().compileAll(n.RightKeys); err != nil {
		return nil, err
	}
	l.residual, err = b.compile(n.Residual)
	return l, err
}

func (l *lateral) open() error {
	l.batch = nil
	return l.left.open()
}

func (l *lateral) close() {
	l.left.close()
	l.right.op.close()
}

func (l *lateral) next() (*column.Batch, error) {
	out := &column.Batch{}
	for _, t := range l.outTypes() {
		out.Cols = append(out.Cols, column.New(t, 0))
	}
	for out.N < batchRows {
		if l.batch == nil || l.row >= l.batch.N {
			if l.batch != nil && out.N > 0 {
				// The left batch must not be replaced while rows wait to be given.
				l.batch = nil
				return out, nil
			}
			more, err := l.advance()
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			continue
		}
		if err := l.expand(out); err != nil {
			return nil, err
		}
		l.row++
	}
	if out.N == 0 {
		return nil, nil
	}
	return out, nil
}

func (l *lateral) outTypes() []schema.Type {
	if l.kind == plan.JoinSemi || l.kind == plan.JoinAnti {
		return l.leftTypes
	}
	return l.types
}

func (l *lateral) advance() (bool, error) {
	b, err := l.left.next()
	if err != nil || b == nil {
		l.batch = nil
		return false, err
	}
	l.batch, l.row = b, 0
	l.keys, err = evalAll(l.q.ctx, l.leftKeys, b)
	return true, err
}

// expand appends the rows that the current left row becomes.
func (l *lateral) expand(out *column.Batch) error {
	matched := false
	semi := l.kind == plan.JoinSemi || l.kind == plan.JoinAnti
	err := l.right.run(l.batch, l.row, func(b *column.Batch) (bool, error) {
		rows, err := l.matches(b)
		if err != nil || len(rows) == 0 {
			return true, err
		}
		matched = true
		if semi {
			return false, nil
		}
		l.append(out, b, rows)
		return true, nil
	})
	if err != nil {
		return err
	}
	switch {
	case l.kind == plan.JoinSemi && matched, l.kind == plan.JoinAnti && !matched:
		l.appendLeft(out, 1)
		out.N++
	case l.kind == plan.JoinLeft && !matched:
		l.appendLeft(out, 1)
		for _, v := range out.Cols[len(l.leftTypes):] {
			v.AppendNull()
		}
		out.N++
	}
	return nil
}

// matches returns the rows of a right batch that satisfy the condition.
func (l *lateral) matches(b *column.Batch) ([]uint32, error) {
	var rows []uint32
	keys, err := evalAll(l.q.ctx, l.rightKeys, b)
	if err != nil {
		return nil, err
	}
	var want, have []byte
	if len(keys) > 0 {
		if anyNull(l.keys, l.row) {
			return nil, nil
		}
		want = rowKey(nil, l.keys, l.row)
	}
	for i := range b.N {
		if len(keys) > 0 {
			have = rowKey(have[:0], keys, i)
			if anyNull(keys, i) || !bytes.Equal(want, have) {
				continue
			}
		}
		rows = append(rows, uint32(i))
	}
	if l.residual == nil || len(rows) == 0 {
		return rows, nil
	}
	return l.filter(b, rows)
}

// filter applies the residual to the left row beside rows of the right batch.
func (l *lateral) filter(b *column.Batch, rows []uint32) ([]uint32, error) {
	pair := &column.Batch{N: b.N}
	for _, v := range l.batch.Cols[:len(l.leftTypes)] {
		pair.Cols = append(pair.Cols, column.NewConst(v.Value(l.row), b.N))
	}
	pair.Cols = append(pair.Cols, b.Cols...)
	sel := column.NewBitmap(b.N)
	for _, r := range rows {
		sel.Set(int(r))
	}
	dst := column.NewBitmap(b.N)
	if err := l.residual.Filter(l.q.ctx, pair, sel, dst); err != nil {
		return nil, err
	}
	return dst.Positions(0, rows[:0]), nil
}

func (l *lateral) append(out, b *column.Batch, rows []uint32) {
	l.appendLeft(out, len(rows))
	for i, v := range b.Cols {
		dst := out.Cols[len(l.leftTypes)+i]
		for _, r := range rows {
			dst.AppendFrom(v, int(r))
		}
	}
	out.N += len(rows)
}

func (l *lateral) appendLeft(out *column.Batch, n int) {
	for i := range l.leftTypes {
		x := l.batch.Cols[i].Value(l.row)
		for range n {
			out.Cols[i].Append(x)
		}
	}
}
