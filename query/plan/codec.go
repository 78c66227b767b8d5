package plan

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
)

// Tags of expressions in a fragment. Numbers are never reused.
const (
	tagNone byte = iota
	tagColRef
	tagConst
	tagCall
	tagCast
	tagAnd
	tagOr
	tagNot
	tagIsNull
	tagIsNotNull
	tagIn
	tagCase
	tagArray
)

// maxExprDepth bounds the nesting of a decoded expression.
const maxExprDepth = 4000

// Flags of tagIn.
const (
	inHasNull = 1 << iota
	inNegated
)

// encoder appends to dst and remembers the first fault.
type encoder struct {
	dst []byte
	err error
}

func (w *encoder) typ(t schema.Type) { w.dst = column.AppendType(w.dst, t) }

func (w *encoder) value(v column.Value) { w.dst = column.AppendValue(w.dst, v) }

func (w *encoder) optional(e Expr) {
	if e == nil {
		w.byte(tagNone)
		return
	}
	w.expr(e)
}

func (w *encoder) exprs(list []Expr) {
	w.uvarint(uint64(len(list)))
	for _, e := range list {
		w.expr(e)
	}
}

func (w *encoder) keys(keys []SortKey) {
	w.uvarint(uint64(len(keys)))
	for _, k := range keys {
		w.expr(k.Expr)
		w.bool(k.Desc)
		w.bool(k.NullsFirst)
	}
}

func (w *encoder) expr(e Expr) {
	switch e := e.(type) {
	case *ColRef:
		w.byte(tagColRef)
		w.uvarint(uint64(e.Index))
	case *Const:
		w.byte(tagConst)
		w.value(e.Value)
	case *Call:
		w.byte(tagCall)
		w.string(e.Fn.Name)
		w.exprs(e.Args)
		w.typ(e.Typ)
	case *Cast:
		w.byte(tagCast)
		w.typ(e.Typ)
		w.expr(e.Arg)
	case *And:
		w.byte(tagAnd)
		w.exprs(e.Args)
	case *Or:
		w.byte(tagOr)
		w.exprs(e.Args)
	case *Not:
		w.byte(tagNot)
		w.expr(e.Arg)
	case *IsNull:
		w.byte(tagIsNull + boolByte(e.Negated))
		w.expr(e.Arg)
	case *In:
		w.in(e)
	case *Case:
		w.byte(tagCase)
		w.typ(e.Typ)
		w.uvarint(uint64(len(e.Whens)))
		for i := range e.Whens {
			w.expr(e.Whens[i].Cond)
			w.expr(e.Whens[i].Then)
		}
		w.optional(e.Else)
	case *Array:
		w.byte(tagArray)
		w.typ(e.Typ)
		w.exprs(e.Elems)
	default:
		w.err = fmt.Errorf("plan: expression %T in a fragment", e)
	}
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (w *encoder) in(e *In) {
	w.byte(tagIn)
	flags := byte(0)
	if e.HasNull {
		flags |= inHasNull
	}
	if e.Negated {
		flags |= inNegated
	}
	w.byte(flags)
	w.expr(e.Arg)
	w.typ(e.List.Type)
	w.uvarint(uint64(e.List.N))
	for i := range e.List.N {
		w.dst = column.AppendValueOf(w.dst, e.List.Value(i))
	}
}

func (w *encoder) aggs(list []AggCall) {
	w.uvarint(uint64(len(list)))
	for i := range list {
		c := &list[i]
		w.uvarint(uint64(c.Spec.ID))
		w.string(c.Spec.Name)
		w.bool(c.Spec.Distinct)
		w.uvarint(uint64(len(c.Spec.Args)))
		for _, t := range c.Spec.Args {
			w.typ(t)
		}
		w.uvarint(uint64(len(c.Spec.Params)))
		for _, v := range c.Spec.Params {
			w.value(v)
		}
		w.exprs(c.Args)
		w.optional(c.Filter)
		w.keys(c.OrderBy)
	}
}

// decoder consumes src and remembers the first fault; after one it yields zero
// values.
type decoder struct {
	src     []byte
	err     error
	dialect fn.Dialect
	cols    []LeafCol
	depth   int
}

func (d *decoder) fail(format string, args ...any) {
	d.src = nil
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrFragment, fmt.Sprintf(format, args...))
	}
}

func (d *decoder) byte() byte {
	if len(d.src) == 0 {
		d.fail("truncated")
		return 0
	}
	b := d.src[0]
	d.src = d.src[1:]
	return b
}

func (d *decoder) bool() bool {
	b := d.byte()
	if b > 1 {
		d.fail("boolean %d", b)
	}
	return b == 1
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.src)
	if n <= 0 || n != len(binary.AppendUvarint(nil, v)) {
		d.fail("number")
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.src)
	if n <= 0 || n != len(binary.AppendVarint(nil, v)) {
		d.fail("number")
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) uint32() uint32 {
	v := d.uvarint()
	if v > 1<<32-1 {
		d.fail("number %d", v)
	}
	return uint32(v)
}

// length reads a count of things that take at least size bytes each.
func (d *decoder) length(size int) int {
	v := d.uvarint()
	if v > uint64(len(d.src)/size) {
		d.fail("length %d", v)
		return 0
	}
	return int(v)
}

func (d *decoder) take(n int) []byte {
	if n > len(d.src) {
		d.fail("truncated")
		return nil
	}
	b := d.src[:n:n]
	d.src = d.src[n:]
	return b
}

func (d *decoder) string() string { return string(d.take(d.length(1))) }

func (d *decoder) typ() schema.Type {
	t, n, err := column.DecodeType(d.src)
	if err != nil {
		d.fail("%v", err)
		return t
	}
	d.src = d.src[n:]
	return t
}

func (d *decoder) value() column.Value {
	v, n, err := column.DecodeValue(d.src)
	if err != nil {
		d.fail("%v", err)
		return v
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) optional() Expr {
	if len(d.src) > 0 && d.src[0] == tagNone {
		d.byte()
		return nil
	}
	return d.expr()
}

func (d *decoder) exprs() []Expr {
	n := d.length(1)
	if n == 0 {
		return nil
	}
	out := make([]Expr, 0, min(n, 1024))
	for range n {
		out = append(out, d.expr())
		if d.err != nil {
			return nil
		}
	}
	return out
}

func (d *decoder) keys() []SortKey {
	var out []SortKey
	for range d.length(3) {
		out = append(out, SortKey{Expr: d.expr(), Desc: d.bool(), NullsFirst: d.bool()})
	}
	return out
}

// nullExpr stands for an expression that could not be decoded.
var nullExpr = &Const{Value: column.NullValue(schema.Bool)}

func (d *decoder) expr() Expr {
	if d.depth++; d.depth > maxExprDepth {
		d.fail("nesting")
	}
	defer func() { d.depth-- }()
	if d.err != nil {
		return nullExpr
	}
	switch tag := d.byte(); tag {
	case tagColRef:
		return d.colRef()
	case tagConst:
		return &Const{Value: d.value()}
	case tagCall:
		return d.call()
	case tagCast:
		t := d.typ()
		return &Cast{Typ: t, Arg: d.expr()}
	case tagAnd:
		return &And{Args: d.booleans(2)}
	case tagOr:
		return &Or{Args: d.booleans(2)}
	case tagNot:
		return &Not{Arg: d.boolean()}
	case tagIsNull, tagIsNotNull:
		return &IsNull{Arg: d.expr(), Negated: tag == tagIsNotNull}
	case tagIn:
		return d.in()
	case tagCase:
		return d.caseExpr()
	case tagArray:
		return d.array()
	default:
		d.fail("expression tag %d", tag)
		return nullExpr
	}
}

func (d *decoder) colRef() Expr {
	i := d.uvarint()
	if i >= uint64(len(d.cols)) {
		d.fail("column %d of %d", i, len(d.cols))
		return nullExpr
	}
	c := &d.cols[i]
	return &ColRef{Index: int(i), Name: c.Name, Typ: c.Type}
}

func (d *decoder) boolean() Expr {
	e := d.expr()
	if d.err == nil && e.Type() != schema.Bool {
		d.fail("a condition of type %v", e.Type())
	}
	return e
}

func (d *decoder) booleans(least int) []Expr {
	list := d.exprs()
	if len(list) < least {
		d.fail("a condition of %d arguments", len(list))
	}
	for _, e := range list {
		if e.Type() != schema.Bool {
			d.fail("a condition of type %v", e.Type())
		}
	}
	return list
}

func (d *decoder) call() Expr {
	name := d.string()
	args := d.exprs()
	t := d.typ()
	if d.err != nil {
		return nullExpr
	}
	f, err := resolveExact(name, exprTypes(args), d.dialect)
	if err != nil {
		d.fail("function %s: %v", name, err)
		return nullExpr
	}
	if f.NeedsSession || f.Set {
		d.fail("function %s does not run on servers", name)
		return nullExpr
	}
	return &Call{Fn: f, Args: args, Typ: t}
}

func (d *decoder) in() Expr {
	flags := d.byte()
	e := &In{Arg: d.expr(), HasNull: flags&inHasNull != 0, Negated: flags&inNegated != 0}
	t := d.typ()
	n := d.length(1)
	if flags > inHasNull|inNegated || t.Kind() == schema.KindInvalid || d.err == nil && e.Arg.Type().Kind() != t.Kind() {
		d.fail("membership in a list of %v", t)
		return nullExpr
	}
	e.List = column.New(t, min(n, 1024))
	for range n {
		v, size, err := column.DecodeValueOf(d.src, t)
		if err != nil || v.Null {
			d.fail("list value")
			return nullExpr
		}
		d.src = d.src[size:]
		e.List.Append(v)
	}
	return e
}

func (d *decoder) caseExpr() Expr {
	e := &Case{Typ: d.typ()}
	n := d.length(2)
	for range n {
		e.Whens = append(e.Whens, When{Cond: d.boolean(), Then: d.expr()})
		if d.err != nil {
			return nullExpr
		}
	}
	e.Else = d.optional()
	if n == 0 {
		d.fail("CASE without a branch")
	}
	return e
}

func (d *decoder) array() Expr {
	e := &Array{Typ: d.typ()}
	e.Elems = d.exprs()
	if d.err == nil && e.Typ.Kind() != schema.KindList {
		d.fail("array of type %v", e.Typ)
	}
	return e
}

func (d *decoder) aggs() []AggCall {
	var out []AggCall
	for range d.length(8) {
		id, name, distinct := d.uvarint(), d.string(), d.bool()
		var types []schema.Type
		for range d.length(1) {
			types = append(types, d.typ())
		}
		var params []column.Value
		for range d.length(1) {
			params = append(params, d.value())
		}
		c := AggCall{Args: d.exprs(), Filter: d.optional(), OrderBy: d.keys()}
		if d.err != nil {
			return nil
		}
		spec, castTo, err := agg.Resolve(name, types, distinct, d.dialect)
		if err != nil || uint64(spec.ID) != id || !slices.Equal(castTo, types) || len(c.Args) > len(types) {
			d.fail("aggregation %s", name)
			return nil
		}
		if err := spec.SetParams(params); err != nil {
			d.fail("parameters of aggregation %s", name)
			return nil
		}
		c.Spec = spec
		out = append(out, c)
	}
	return out
}

// resolveExact finds the function that a call in a fragment names: its
// arguments have the types of the overload already.
func resolveExact(name string, args []schema.Type, d fn.Dialect) (*fn.Func, error) {
	if f := builtin(name, args, d); f != nil {
		return f, nil
	}
	f, castTo, err := fn.Resolve(name, args, d)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(castTo, args) {
		return nil, fmt.Errorf("no overload of %s takes exactly these types", name)
	}
	return f, nil
}

func exprTypes(list []Expr) []schema.Type {
	out := make([]schema.Type, len(list))
	for i, e := range list {
		out[i] = e.Type()
	}
	return out
}
