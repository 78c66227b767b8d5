package plan

import (
	"bytes"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/segment"
)

// Range is what is known of a column over some rows, such as a segment's.
type Range struct {
	// Type is the type of Min and Max, that of the column when they were
	// written; it may be narrower than the table's column is now.
	Type schema.Type
	// HasRange tells that Min and Max bound the non-NULL values.
	HasRange bool
	Min, Max column.Value
	// HasNulls tells that a value may be NULL, AllNull that all are.
	HasNulls, AllNull bool
	// Holds reports whether some value may equal v; nil when nothing beyond
	// the bounds is known. It is sound: false means that none does.
	Holds func(v column.Value) bool
}

// RangeFunc returns what is known of a column of a leaf.
type RangeFunc func(c *LeafCol) Range

// Unbounded is the Range of a column of which nothing is known.
var Unbounded = Range{HasNulls: true}

// StatsRanges returns the ranges of a segment's statistics.
func StatsRanges(s *segment.Stats) RangeFunc {
	return func(c *LeafCol) Range {
		if c.ID == 0 {
			return Unbounded
		}
		m := s.Column(c.ID)
		if m == nil {
			return Range{HasNulls: true, AllNull: true}
		}
		return Range{
			Type: m.Type, HasRange: m.HasRange, Min: m.Min, Max: m.Max,
			HasNulls: m.Nulls > 0, AllNull: m.Nulls >= s.NumDocs,
		}
	}
}

// MetadataRanges returns the ranges of a segment's metadata.
func MetadataRanges(s *segment.Metadata) RangeFunc {
	return func(c *LeafCol) Range {
		if c.ID == 0 {
			return Unbounded
		}
		m := s.Column(c.ID)
		if m == nil {
			return Range{HasNulls: true, AllNull: true}
		}
		return Range{
			Type: m.Type, HasRange: m.HasRange, Min: m.Min, Max: m.Max,
			HasNulls: m.Nulls > 0, AllNull: m.Nulls >= s.NumDocs,
		}
	}
}

// CanMatch reports whether a row within the ranges may pass the filter of the
// leaf. It is sound: false means that no row passes.
func CanMatch(l *Leaf, ranges RangeFunc) bool {
	if l.Filter == nil {
		return true
	}
	m := matcher{cols: l.Cols, ranges: ranges}
	return m.outcomes(l.Filter)&canTrue != 0
}

// MustMatch reports whether every row within the ranges passes a condition over
// the columns of the leaf. It is sound: true means that all do.
func MustMatch(l *Leaf, cond Expr, ranges RangeFunc) bool {
	m := matcher{cols: l.Cols, ranges: ranges}
	return m.outcomes(cond) == canTrue
}

// outcome is a set of truth values that a condition may have.
type outcome uint8

const (
	canTrue outcome = 1 << iota
	canFalse
	canNull

	anyOutcome = canTrue | canFalse | canNull
)

func (o outcome) negate() outcome {
	return o&canNull | (o&canTrue)<<1 | (o&canFalse)>>1
}

// matcher finds the possible outcomes of conditions over ranges of columns.
type matcher struct {
	cols   []LeafCol
	ranges RangeFunc
}

func (m *matcher) outcomes(e Expr) outcome {
	switch e := e.(type) {
	case *Const:
		return constOutcome(e.Value)
	case *ColRef:
		return m.boolColumn(e)
	case *Not:
		return m.outcomes(e.Arg).negate()
	case *And:
		return m.and(e.Args)
	case *Or:
		out := canFalse
		for _, a := range e.Args {
			out = andOutcomes(out.negate(), m.outcomes(a).negate()).negate()
		}
		return out
	case *IsNull:
		return m.isNull(e)
	case *In:
		return m.in(e)
	case *Call:
		return m.call(e)
	}
	return anyOutcome
}

func constOutcome(v column.Value) outcome {
	switch {
	case v.Null:
		return canNull
	case v.I != 0:
		return canTrue
	}
	return canFalse
}

func (m *matcher) and(args []Expr) outcome {
	out := canTrue
	for _, a := range args {
		if out = andOutcomes(out, m.outcomes(a)); out == canFalse {
			break
		}
	}
	return out
}

// andOutcomes combines the outcomes of two conditions that may depend on each
// other in any way.
func andOutcomes(a, b outcome) outcome {
	out := a & b & canTrue
	out |= (a | b) & canFalse
	if a&canNull != 0 && b&(canTrue|canNull) != 0 || b&canNull != 0 && a&(canTrue|canNull) != 0 {
		out |= canNull
	}
	return out
}

func (m *matcher) boolColumn(c *ColRef) outcome {
	return m.compare("=", c, column.BoolValue(true))
}

func (m *matcher) isNull(e *IsNull) outcome {
	c, ok := e.Arg.(*ColRef)
	if !ok {
		return canTrue | canFalse
	}
	r := m.ranges(&m.cols[c.Index])
	var out outcome
	if r.HasNulls {
		out |= canTrue
	}
	if !r.AllNull {
		out |= canFalse
	}
	if e.Negated {
		return out.negate()
	}
	return out
}

func (m *matcher) in(e *In) outcome {
	c, ok := e.Arg.(*ColRef)
	if !ok {
		return anyOutcome
	}
	miss := canFalse
	if e.HasNull {
		miss = canNull
	}
	var out outcome
	all := true // every value of the column is in the list
	for i := range e.List.N {
		o := m.compare("=", c, e.List.Value(i))
		out |= o & (canTrue | canNull)
		all = all && o&canFalse != 0
	}
	if all || e.List.N == 0 {
		out |= miss
		if m.ranges(&m.cols[c.Index]).HasNulls {
			out |= canNull
		}
	}
	if e.Negated {
		return out.negate()
	}
	return out
}

func (m *matcher) call(e *Call) outcome {
	if len(e.Args) != 2 {
		return anyOutcome
	}
	k, isConst := e.Args[1].(*Const)
	if cast, ok := e.Args[0].(*Cast); ok && isConst {
		return m.compareCast(e.Fn.Name, cast, k.Value)
	}
	c, isCol := e.Args[0].(*ColRef)
	if !isCol || !isConst {
		return anyOutcome
	}
	switch e.Fn.Name {
	case "=", "<>", "<", "<=", ">", ">=":
		return m.compare(e.Fn.Name, c, k.Value)
	case "~~":
		return m.like(c, k.Value)
	}
	return anyOutcome
}

// compare returns the outcomes of column op constant.
func (m *matcher) compare(op string, c *ColRef, k column.Value) outcome {
	if k.Null {
		return canNull
	}
	r := m.ranges(&m.cols[c.Index])
	if r.AllNull {
		return canNull
	}
	var out outcome
	if r.HasNulls {
		out = canNull
	}
	if !r.HasRange || !sameOrder(c.Typ, k.Type) || !sameOrder(c.Typ, r.Type) {
		return out | canTrue | canFalse
	}
	o := rangeOutcomes(op, segment.Compare(r.Min, k), segment.Compare(r.Max, k))
	if r.Holds != nil && (op == "=" || op == "<>") && !r.Holds(k) {
		o &= outcomes(op == "<>", op == "=")
	}
	return out | o
}

// compareCast returns the outcomes of column::type op constant, for casts that
// keep the order of values.
func (m *matcher) compareCast(op string, cast *Cast, k column.Value) outcome {
	c, ok := cast.Arg.(*ColRef)
	if !ok || !isComparison(op) || !keepsOrder(c.Typ, cast.Typ) || !sameOrder(cast.Typ, k.Type) {
		return anyOutcome
	}
	if k.Null {
		return canNull
	}
	r := m.ranges(&m.cols[c.Index])
	if r.AllNull {
		return canNull
	}
	if !r.HasRange || !sameOrder(c.Typ, r.Type) {
		return anyOutcome
	}
	lo, err1 := fn.CastValue(&fn.Context{}, r.Min, cast.Typ)
	hi, err2 := fn.CastValue(&fn.Context{}, r.Max, cast.Typ)
	if err1 != nil || err2 != nil {
		return anyOutcome
	}
	out := rangeOutcomes(op, segment.Compare(lo, k), segment.Compare(hi, k))
	if r.HasNulls {
		out |= canNull
	}
	return out
}

// keepsOrder reports whether a conversion maps larger values to values that
// are not smaller.
func keepsOrder(from, to schema.Type) bool {
	switch to.ID {
	case schema.TypeInt32, schema.TypeInt64, schema.TypeFloat64:
		return from.IsInteger() && from.ID <= to.ID || to == schema.Float64 && from.ID == schema.TypeFloat32
	case schema.TypeNumeric:
		return to.Precision == 0 && (from.IsInteger() || from.ID == schema.TypeNumeric)
	case schema.TypeTimestamp:
		return from.ID == schema.TypeDate
	}
	return false
}

// rangeOutcomes returns what x op k can be for lo <= x <= hi, given how the
// bounds compare with k.
func rangeOutcomes(op string, lo, hi int) outcome {
	switch op {
	case "=":
		return outcomes(lo <= 0 && hi >= 0, lo != 0 || hi != 0)
	case "<>":
		return outcomes(lo != 0 || hi != 0, lo <= 0 && hi >= 0)
	case "<":
		return outcomes(lo < 0, hi >= 0)
	case "<=":
		return outcomes(lo <= 0, hi > 0)
	case ">":
		return outcomes(hi > 0, lo <= 0)
	case ">=":
		return outcomes(hi >= 0, lo < 0)
	}
	return anyOutcome
}

func outcomes(t, f bool) outcome {
	var out outcome
	if t {
		out |= canTrue
	}
	if f {
		out |= canFalse
	}
	return out
}

// like uses the fixed prefix of a pattern.
func (m *matcher) like(c *ColRef, k column.Value) outcome {
	if k.Null {
		return canNull
	}
	r := m.ranges(&m.cols[c.Index])
	if r.AllNull {
		return canNull
	}
	prefix := likePrefix(k.B)
	if len(prefix) == 0 || !r.HasRange || !sameOrder(c.Typ, schema.Text) || !sameOrder(r.Type, schema.Text) {
		return anyOutcome
	}
	lo := r.Min.B[:min(len(r.Min.B), len(prefix))]
	if bytes.Compare(lo, prefix) > 0 || bytes.Compare(r.Max.B, prefix) < 0 {
		return anyOutcome &^ canTrue
	}
	return anyOutcome
}

// likePrefix returns the literal bytes before the first wildcard of a pattern.
func likePrefix(pattern []byte) []byte {
	var out []byte
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '%', '_':
			return out
		case '\\':
			if i++; i == len(pattern) {
				return out
			}
		}
		out = append(out, pattern[i])
	}
	return out
}

// sameOrder reports whether values of two types are stored and ordered alike,
// so that they can be compared without a cast. Types whose operators do not
// follow the stored order (character(n), json) are not comparable at all.
func sameOrder(a, b schema.Type) bool {
	ca, cb := orderClass(a), orderClass(b)
	return ca != 0 && ca == cb && a.Kind() == b.Kind() && (a.Kind() != schema.KindInt64 || a.Scale == b.Scale)
}

// orderClass groups types that are ordered alike; 0 is none.
func orderClass(t schema.Type) schema.TypeID {
	if t.List {
		return 0
	}
	switch t.ID {
	case schema.TypeInt16, schema.TypeInt32:
		return schema.TypeInt32
	case schema.TypeText, schema.TypeVarchar, schema.TypeSymbol, schema.TypeName:
		return schema.TypeText
	case schema.TypeOID, schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		return schema.TypeOID
	case schema.TypeBool, schema.TypeInt64, schema.TypeFloat32, schema.TypeFloat64, schema.TypeNumeric,
		schema.TypeDate, schema.TypeTime, schema.TypeTimestamp, schema.TypeTimestampTZ, schema.TypeInterval,
		schema.TypeBytea, schema.TypeUUID, schema.TypeInternalChar:
		return t.ID
	}
	return 0
}
