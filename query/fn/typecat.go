package fn

import "github.com/alluviumdb/alluvium/internal/schema"

// category groups types as PostgreSQL's typcategory does.
type category byte

const (
	catNone     category = 0
	catBool     category = 'B'
	catNumeric  category = 'N'
	catText     category = 'S'
	catDateTime category = 'D'
	catInterval category = 'T'
	catUser     category = 'U'
	catArray    category = 'A'
	catPseudo   category = 'P'
	catUnknown  category = 'X'
	catInternal category = 'Z'
)

func categoryOf(t schema.Type) category {
	if t.Kind() == schema.KindList {
		return catArray
	}
	switch t.ID {
	case schema.TypeUnknown:
		return catUnknown
	case schema.TypeBool:
		return catBool
	case schema.TypeInt16, schema.TypeInt32, schema.TypeInt64, schema.TypeFloat32, schema.TypeFloat64,
		schema.TypeNumeric, schema.TypeOID, schema.TypeRegclass, schema.TypeRegtype,
		schema.TypeRegproc, schema.TypeRegnamespace:
		return catNumeric
	case schema.TypeText, schema.TypeVarchar, schema.TypeChar, schema.TypeSymbol, schema.TypeName:
		return catText
	case schema.TypeInternalChar:
		return catInternal
	case schema.TypeDate, schema.TypeTime, schema.TypeTimestamp, schema.TypeTimestampTZ:
		return catDateTime
	case schema.TypeInterval:
		return catInterval
	case schema.TypeVoid, schema.TypeRecord:
		return catPseudo
	case schema.TypeInvalid:
		return catNone
	}
	return catUser
}

// Category returns PostgreSQL's typcategory letter of a type, for the catalog.
func Category(t schema.Type) byte { return byte(categoryOf(t)) }

// Preferred reports whether a type is the preferred one of its category.
func Preferred(t schema.Type) bool {
	if t.List {
		return false
	}
	switch t.ID {
	case schema.TypeBool, schema.TypeFloat64, schema.TypeOID, schema.TypeText,
		schema.TypeTimestampTZ, schema.TypeInterval:
		return true
	}
	return false
}

// plain drops the modifiers of a type and makes SYMBOL text: what overload
// resolution compares.
func plain(t schema.Type) schema.Type {
	if t.ID == schema.TypeInvalid {
		return t
	}
	p := schema.Type{ID: t.ID, List: t.List}
	if p.ID == schema.TypeSymbol {
		p.ID = schema.TypeText
	}
	return p
}

// castContext says how a conversion may happen.
type castContext uint8

const (
	castNone     castContext = iota
	castExplicit             // only by CAST
	castAssign               // also by storing into a column
	castImplicit             // also on its own
)

// numRank orders the numeric types by PostgreSQL's implicit casts.
func numRank(t schema.Type) int {
	switch t.ID {
	case schema.TypeInt16:
		return 1
	case schema.TypeInt32:
		return 2
	case schema.TypeInt64:
		return 3
	case schema.TypeNumeric:
		return 4
	case schema.TypeFloat32:
		return 5
	case schema.TypeFloat64:
		return 6
	}
	return 0
}

func isOIDLike(id schema.TypeID) bool {
	switch id {
	case schema.TypeOID, schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		return true
	}
	return false
}

func isStringType(id schema.TypeID) bool {
	switch id {
	case schema.TypeText, schema.TypeVarchar, schema.TypeChar, schema.TypeSymbol, schema.TypeName:
		return true
	}
	return false
}

// contextOf returns how from converts to to, modifiers set aside.
func contextOf(from, to schema.Type) castContext {
	from, to = plain(from), plain(to)
	switch {
	case from == to || from.ID == schema.TypeUnknown:
		return castImplicit
	case from.Kind() == schema.KindList && to.Kind() == schema.KindList:
		return contextOfLists(from, to)
	case from.List || to.List:
		return listTextContext(from, to)
	case numRank(from) > 0 && numRank(to) > 0:
		if numRank(from) < numRank(to) {
			return castImplicit
		}
		return castAssign
	}
	return scalarContext(from, to)
}

func contextOfLists(from, to schema.Type) castContext {
	if from.ID == schema.TypeInt2Vector || from.ID == schema.TypeOIDVector {
		if plain(from.Elem()) == plain(to.Elem()) && to.List {
			return castImplicit
		}
	}
	return contextOf(from.Elem(), to.Elem())
}

func listTextContext(from, to schema.Type) castContext {
	switch {
	case isStringType(to.ID) && !to.List:
		return castAssign
	case isStringType(from.ID) && !from.List:
		return castExplicit
	}
	return castNone
}

func scalarContext(from, to schema.Type) castContext {
	f, t := from.ID, to.ID
	switch {
	case isOIDLike(t) && isOIDLike(f):
		if t == schema.TypeOID || f == schema.TypeOID {
			return castImplicit
		}
		return castNone
	case isOIDLike(t) && (f == schema.TypeInt16 || f == schema.TypeInt32 || f == schema.TypeInt64):
		return castImplicit
	case isOIDLike(f) && (t == schema.TypeInt32 || t == schema.TypeInt64):
		return castAssign
	case isStringType(f) && isStringType(t):
		if t == schema.TypeText || t == schema.TypeVarchar || f == schema.TypeText || f == schema.TypeVarchar {
			return castImplicit
		}
		return castAssign
	case f == schema.TypeInternalChar && isStringType(t):
		if t == schema.TypeText {
			return castImplicit
		}
		return castAssign
	case t == schema.TypeRegclass && (f == schema.TypeText || f == schema.TypeVarchar):
		return castImplicit
	}
	if c := dateContext(f, t); c != castNone {
		return c
	}
	return otherContext(f, t)
}

func dateContext(f, t schema.TypeID) castContext {
	switch f {
	case schema.TypeDate:
		if t == schema.TypeTimestamp || t == schema.TypeTimestampTZ {
			return castImplicit
		}
	case schema.TypeTimestamp:
		switch t {
		case schema.TypeTimestampTZ:
			return castImplicit
		case schema.TypeDate, schema.TypeTime:
			return castAssign
		}
	case schema.TypeTimestampTZ:
		switch t {
		case schema.TypeTimestamp, schema.TypeDate, schema.TypeTime:
			return castAssign
		}
	case schema.TypeTime:
		if t == schema.TypeInterval {
			return castImplicit
		}
	case schema.TypeInterval:
		if t == schema.TypeTime {
			return castAssign
		}
	}
	return castNone
}

// otherContext covers the casts between categories: everything to text by
// assignment, text to everything by CAST, and PostgreSQL's few others.
func otherContext(f, t schema.TypeID) castContext {
	switch {
	case t == schema.TypeVoid || f == schema.TypeVoid || t == schema.TypeRecord || t == schema.TypeUnknown:
		return castNone
	case isStringType(t):
		return castAssign
	case t == schema.TypeInternalChar && (isStringType(f) || f == schema.TypeInt32):
		return castAssign
	case isStringType(f):
		return castExplicit
	case f == schema.TypeJSON && t == schema.TypeJSONB || f == schema.TypeJSONB && t == schema.TypeJSON:
		return castAssign
	case f == schema.TypeBool && t == schema.TypeInt32, f == schema.TypeInt32 && t == schema.TypeBool:
		return castExplicit
	case f == schema.TypeInternalChar && t == schema.TypeInt32:
		return castExplicit
	case f == schema.TypeJSONB && (t == schema.TypeBool || t >= schema.TypeInt16 && t <= schema.TypeNumeric):
		return castExplicit
	}
	return castNone
}

// CanCast reports whether from converts to to: on its own, or with explicit
// also by CAST.
func CanCast(from, to schema.Type, explicit bool) bool {
	c := contextOf(from, to)
	return c == castImplicit || explicit && c != castNone
}

// CanAssign reports whether a value of type from may be stored in a column of
// type to without CAST.
func CanAssign(from, to schema.Type) bool { return contextOf(from, to) >= castAssign }

// sameStorage reports whether a value of type from can be used as to without
// any conversion.
func sameStorage(from, to schema.Type) bool {
	if from == to {
		return true
	}
	if from.Kind() != to.Kind() {
		return false
	}
	f, t := plain(from), plain(to)
	switch {
	case f.List || t.List:
		return f.List && t.List && sameStorage(from.Elem(), to.Elem())
	case f.Kind() == schema.KindList:
		return f == t
	case f.ID == schema.TypeNumeric:
		return t.ID == schema.TypeNumeric && (from.Kind() == schema.KindDecimal || from.Scale == to.Scale)
	case f.ID == schema.TypeInt16 && t.ID == schema.TypeInt32:
		return true
	case isOIDLike(f.ID) && t.ID == schema.TypeOID:
		return true
	case f.ID == schema.TypeChar:
		return t.ID == schema.TypeChar
	case isStringType(f.ID) || f.ID == schema.TypeInternalChar:
		return t.ID == schema.TypeText || t.ID == schema.TypeVarchar && to.Length == 0
	}
	return f == t
}

// CommonType returns the type that the branches of CASE, COALESCE, IN, VALUES
// or UNION are converted to, by PostgreSQL's rules; ok is false when there is
// none. All-unknown gives text.
func CommonType(types []schema.Type) (schema.Type, bool) {
	if t, same := allSame(types); same && t.ID != schema.TypeUnknown {
		return t, true
	}
	var best schema.Type
	for _, t := range types {
		if t.ID == schema.TypeUnknown {
			continue
		}
		t = generalise(t)
		switch {
		case best.ID == schema.TypeInvalid:
			best = t
		case best == t:
		case categoryOf(best) != categoryOf(t):
			return schema.Type{}, false
		case !Preferred(best) && CanCast(best, t, false) && (!CanCast(t, best, false) || Preferred(t)):
			best = t
		}
	}
	if best.ID == schema.TypeInvalid {
		return schema.Text, true
	}
	for _, t := range types {
		if !CanCast(t, best, false) {
			return schema.Type{}, false
		}
	}
	return best, true
}

// generalise drops modifiers that need not agree.
func generalise(t schema.Type) schema.Type { return plain(t) }

func allSame(types []schema.Type) (schema.Type, bool) {
	for _, t := range types {
		if t != types[0] {
			return schema.Type{}, false
		}
	}
	if len(types) == 0 {
		return schema.Unknown, true
	}
	return types[0], true
}
