package plan

// AppendExpr appends the canonical form of an expression: what decides its
// value, besides the columns it refers to, the dialect and the session's zone.
func AppendExpr(dst []byte, e Expr) ([]byte, error) {
	w := encoder{dst: dst}
	w.expr(e)
	return w.dst, w.err
}
