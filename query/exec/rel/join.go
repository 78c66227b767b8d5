package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// join keeps the right side in memory, in a hash table when there are equality
// keys, and streams the left side past it. For one left batch it makes pairs of
// positions in chunks, applies the residual condition, and remembers which rows
// of either side found a partner.
type join struct {
	q                   *query
	kind                plan.JoinKind
	left, right         operator
	leftKeys, rightKeys []*eval.Program
	residual            *eval.Program
	rightTypes          []schema.Type
	leftTypes           []schema.Type

	built *buffer
	table map[string]int32 // first row of the chain of a key
	chain []int32          // next row with the same key, -1 at the end
	held  int64

	batch        *column.Batch // current left batch
	keys         []*column.Vector
	row          int
	cur          int32 // next right row to pair with row, -1: look it up
	leftMatched  column.Bitmap
	rightMatched column.Bitmap
	ended        bool // left side is read
	tail         int  // next right row to look at for RIGHT and FULL

	key        []byte
	lpos, rpos []uint32
	pair       column.Batch
	cond       column.Bitmap
	g          gatherer
	out        column.Batch
}

func (b *builder) join(n *plan.Join) (operator, error) {
	if n.Lateral {
		return b.lateral(n)
	}
	j := &join{q: b.q, kind: n.Kind, leftTypes: typesOf(n.Left.Columns()), rightTypes: typesOf(n.Right.Columns())}
	var err error
	if j.left, err = b.build(n.Left); err != nil {
		return nil, err
	}
	if j.right, err = b.build(n.Right); err != nil {
		return nil, err
	}
	if j.leftKeys, err = b.compileAll(n.LeftKeys); err != nil {
		return nil, err
	}
	if j.rightKeys, err = b.compileAll(n.RightKeys); err != nil {
		return nil, err
	}
	j.residual, err = b.compile(n.Residual)
	return j, err
}

func (j *join) open() error {
	j.release()
	j.batch, j.ended, j.tail = nil, false, 0
	if err := j.left.open(); err != nil {
		return err
	}
	return j.right.open()
}

func (j *join) close() {
	j.left.close()
	j.right.close()
	j.release()
}

func (j *join) release() {
	if j.built != nil {
		j.built.free()
		j.q.mem.used -= j.held
	}
	j.built, j.table, j.held = nil, nil, 0
}

// joinEntryBytes is about what the hash table takes per row beside its key.
const joinEntryBytes = 64

// keyShare estimates the percentage of rows that their keys are.
func keyShare(keys, cols int) int64 { return int64(min(100, 100*keys/max(cols, 1))) }

// build reads the right side.
func (j *join) build() error {
	j.built = newBuffer(j.q, j.rightTypes)
	if err := j.built.fill(j.right); err != nil {
		return err
	}
	n := j.built.batch.N
	j.rightMatched = column.NewBitmap(n)
	if len(j.rightKeys) == 0 {
		return nil
	}
	keys, err := evalAll(j.q.ctx, j.rightKeys, j.built.batch)
	if err != nil {
		return err
	}
	j.held = int64(n)*joinEntryBytes + batchBytes(j.built.batch)*keyShare(len(j.rightKeys), len(j.rightTypes))/100
	if err := j.q.mem.take(j.held); err != nil {
		return err
	}
	j.table, j.chain = make(map[string]int32, n), make([]int32, n)
	// From the end, so that chains run in the order of the rows.
	for i := n - 1; i >= 0; i-- {
		if anyNull(keys, i) {
			continue
		}
		j.key = rowKey(j.key[:0], keys, i)
		next, ok := j.table[string(j.key)]
		if !ok {
			next = -1
		}
		j.chain[i] = next
		j.table[string(j.key)] = int32(i)
	}
	return nil
}

func anyNull(cols []*column.Vector, i int) bool {
	for _, v := range cols {
		if v.IsNull(i) {
			return true
		}
	}
	return false
}

func (j *join) next() (*column.Batch, error) {
	if j.built == nil {
		if err := j.build(); err != nil {
			return nil, err
		}
	}
	for {
		if err := j.q.check(); err != nil {
			return nil, err
		}
		if j.batch == nil {
			more, err := j.advance()
			if err != nil {
				return nil, err
			}
			if !more {
				return j.rest(), nil
			}
		}
		out, err := j.step()
		if err != nil {
			return nil, err
		}
		if out != nil && out.N > 0 {
			return out, nil
		}
	}
}

// advance reads the next left batch.
func (j *join) advance() (bool, error) {
	if j.ended {
		return false, nil
	}
	b, err := j.left.next()
	if err != nil {
		return false, err
	}
	if b == nil {
		j.ended = true
		return false, nil
	}
	j.batch, j.row = b, 0
	w := column.Words(b.N)
	if cap(j.leftMatched) < w {
		j.leftMatched = make(column.Bitmap, w)
	}
	j.leftMatched = j.leftMatched[:w]
	j.leftMatched.Reset()
	if j.keys, err = evalAll(j.q.ctx, j.leftKeys, b); err != nil {
		return false, err
	}
	j.cur = j.first()
	return true, nil
}

// first is the first candidate of the current left row, -1 for none.
func (j *join) first() int32 {
	if j.row >= j.batch.N {
		return -1
	}
	if j.table == nil {
		if j.built.batch.N == 0 {
			return -1
		}
		return 0
	}
	if anyNull(j.keys, j.row) {
		return -1
	}
	j.key = rowKey(j.key[:0], j.keys, j.row)
	if at, ok := j.table[string(j.key)]; ok {
		return at
	}
	return -1
}

// after is the candidate after right row r, -1 at the end.
func (j *join) after(r int32) int32 {
	if j.table != nil {
		return j.chain[r]
	}
	if int(r)+1 < j.built.batch.N {
		return r + 1
	}
	return -1
}

// step pairs up to batchRows candidates; at the end of the left batch it gives
// what the kind of join wants of rows by whether they matched.
func (j *join) step() (*column.Batch, error) {
	j.lpos, j.rpos = j.lpos[:0], j.rpos[:0]
	semi := j.kind == plan.JoinSemi || j.kind == plan.JoinAnti
	for j.row < j.batch.N && len(j.lpos) < batchRows {
		if j.cur < 0 || semi && j.residual == nil {
			if j.cur >= 0 {
				j.leftMatched.Set(j.row)
			}
			j.row++
			j.cur = j.first()
			continue
		}
		j.lpos = append(j.lpos, uint32(j.row))
		j.rpos = append(j.rpos, uint32(j.cur))
		j.cur = j.after(j.cur)
	}
	if len(j.lpos) > 0 {
		out, err := j.match()
		if err != nil || !semi {
			return out, err
		}
		return nil, nil
	}
	return j.endBatch(), nil
}

// match applies the residual to the pairs, notes the matches and returns the
// joined rows.
func (j *join) match() (*column.Batch, error) {
	j.pair.N = len(j.lpos)
	nl := len(j.leftTypes)
	for len(j.pair.Cols) < nl+len(j.rightTypes) {
		j.pair.Cols = append(j.pair.Cols, &column.Vector{})
	}
	for i, v := range j.batch.Cols[:nl] {
		kernel.Gather(v, j.lpos, j.pair.Cols[i])
	}
	for i, v := range j.built.batch.Cols {
		kernel.Gather(v, j.rpos, j.pair.Cols[nl+i])
	}
	out := &j.pair
	if j.residual != nil {
		var err error
		if out, err = j.applyResidual(); err != nil {
			return nil, err
		}
	}
	for k := range j.lpos {
		j.leftMatched.Set(int(j.lpos[k]))
		j.rightMatched.Set(int(j.rpos[k]))
	}
	return out, nil
}

// applyResidual keeps the pairs for which the condition is true.
func (j *join) applyResidual() (*column.Batch, error) {
	w := column.Words(j.pair.N)
	if cap(j.cond) < w {
		j.cond = make(column.Bitmap, w)
	}
	j.cond = j.cond[:w]
	if err := j.residual.Filter(j.q.ctx, &j.pair, nil, j.cond); err != nil {
		return nil, err
	}
	pos := j.cond.Positions(0, nil)
	for k, p := range pos {
		j.lpos[k], j.rpos[k] = j.lpos[p], j.rpos[p]
	}
	j.lpos, j.rpos = j.lpos[:len(pos)], j.rpos[:len(pos)]
	if len(pos) == j.pair.N {
		return &j.pair, nil
	}
	return j.g.take(&j.pair, pos), nil
}

// endBatch finishes a left batch.
func (j *join) endBatch() *column.Batch {
	b := j.batch
	j.batch = nil
	switch j.kind {
	case plan.JoinSemi:
		return j.g.take(&column.Batch{N: b.N, Cols: b.Cols[:len(j.leftTypes)]}, j.leftMatched.Positions(0, nil))
	case plan.JoinAnti:
		return j.g.take(&column.Batch{N: b.N, Cols: b.Cols[:len(j.leftTypes)]}, unset(j.leftMatched, 0, b.N))
	case plan.JoinLeft, plan.JoinFull:
		pos := unset(j.leftMatched, 0, b.N)
		picked := j.g.take(&column.Batch{N: b.N, Cols: b.Cols[:len(j.leftTypes)]}, pos)
		j.out.N = picked.N
		j.out.Cols = append(append(j.out.Cols[:0], picked.Cols...), nulls(j.rightTypes, picked.N)...)
		return &j.out
	}
	return nil
}

// rest gives the right rows without a partner, for RIGHT and FULL.
func (j *join) rest() *column.Batch {
	n := j.built.batch.N
	if j.kind != plan.JoinRight && j.kind != plan.JoinFull {
		return nil
	}
	for j.tail < n {
		end := min(j.tail+batchRows, n)
		pos := unset(j.rightMatched, j.tail, end)
		j.tail = end
		if len(pos) > 0 {
			picked := j.g.take(j.built.batch, pos)
			j.out.N = picked.N
			j.out.Cols = append(append(j.out.Cols[:0], nulls(j.leftTypes, picked.N)...), picked.Cols...)
			return &j.out
		}
	}
	return nil
}

// unset lists the positions in from..to whose bit is not set.
func unset(b column.Bitmap, from, to int) []uint32 {
	var out []uint32
	for i := from; i < to; i++ {
		if !b.Get(i) {
			out = append(out, uint32(i))
		}
	}
	return out
}
