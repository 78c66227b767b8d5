package plan

import (
	"strconv"

	pg "github.com/sqlc-dev/oliphant"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// mentions reports whether an unqualified table name occurs in a query.
func mentions(n *pg.Node, name string) bool {
	found := false
	walkSyntax(n.ProtoReflect(), func(m protoreflect.Message) {
		if r, ok := m.Interface().(*pg.RangeVar); ok && r.Schemaname == "" && r.Relname == name {
			found = true
		}
	})
	return found
}

// walkSyntax calls f for every message of a syntax tree, whose depth the
// parser bounds.
func walkSyntax(m protoreflect.Message, f func(protoreflect.Message)) {
	f(m)
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				walkSyntax(v.List().Get(i).Message(), f)
			}
		default:
			walkSyntax(v.Message(), f)
		}
		return true
	})
}

func itoa(n int) string { return strconv.Itoa(n) }
