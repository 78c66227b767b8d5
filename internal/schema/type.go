// Package schema holds the logical types, fields, schemas and table configs of
// Alluvium. It knows names, types and their storage kinds; it knows nothing of
// values, segments, streams or queries, and imports nothing of this module.
package schema

import (
	"fmt"
	"strconv"
)

// Kind is the storage kind of a value: how it lies in a vector, a dictionary
// or a forward index. Several logical types share one kind.
type Kind uint8

// The storage kinds. Their numbers are part of the segment format.
const (
	KindInvalid  Kind = iota
	KindBool          // one bool
	KindInt32         // int32: INT, SMALLINT, DATE (days since 1970-01-01)
	KindInt64         // int64: BIGINT, TIMESTAMP(TZ) and TIME (µs), NUMERIC(p<=18,s) scaled by 10^s
	KindFloat32       // IEEE 754 binary32
	KindFloat64       // IEEE 754 binary64
	KindDecimal       // column.Decimal: 128-bit coefficient and a scale per value
	KindInterval      // column.Interval: months, days, µs
	KindBytes         // variable length bytes: text, json, bytea; UUID is 16 raw bytes
	KindList          // list of any other kind: multi-value columns and SQL arrays
)

func (k Kind) String() string {
	names := [...]string{"invalid", "bool", "int32", "int64", "float32", "float64", "decimal", "interval", "bytes", "list"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// TypeID names a logical type without its modifiers.
type TypeID uint8

// The logical types. Their numbers are part of the segment format and of the
// protocol between roles: append, never renumber.
const (
	TypeInvalid TypeID = iota
	TypeUnknown        // an untyped literal or NULL before resolution (PostgreSQL "unknown")
	TypeBool
	TypeInt16
	TypeInt32
	TypeInt64
	TypeFloat32
	TypeFloat64
	TypeNumeric // Precision 0 means unconstrained
	TypeDate
	TypeTime
	TypeTimestamp   // without time zone, µs
	TypeTimestampTZ // µs UTC
	TypeInterval
	TypeText
	TypeVarchar // Length 0 means unlimited
	TypeChar    // blank-padded character(n)
	TypeSymbol  // text that is always dictionary-encoded
	TypeJSON
	TypeJSONB
	TypeBytea
	TypeUUID
	TypeName         // catalog identifiers
	TypeOID          // catalog object ids
	TypeInternalChar // PostgreSQL's "char"
	TypeRegclass
	TypeRegtype
	TypeRegproc
	TypeRegnamespace
	TypeInt2Vector
	TypeOIDVector
	TypeVoid
	TypeRecord
)

// Type is a logical type with its modifiers. Types are comparable with ==.
type Type struct {
	ID        TypeID
	Precision uint8 // NUMERIC(p,s): p; 0 means unconstrained
	Scale     uint8 // NUMERIC(p,s): s
	List      bool  // an array of this type (SQL) or a multi-value column (Pinot)
	Length    int32 // VARCHAR(n), CHAR(n): n; 0 means unlimited
}

// MaxInt64Precision is the largest NUMERIC precision stored as a scaled int64.
const MaxInt64Precision = 18

// Shorthands for the types without modifiers.
var (
	Unknown     = Type{ID: TypeUnknown}
	Bool        = Type{ID: TypeBool}
	Int16       = Type{ID: TypeInt16}
	Int32       = Type{ID: TypeInt32}
	Int64       = Type{ID: TypeInt64}
	Float32     = Type{ID: TypeFloat32}
	Float64     = Type{ID: TypeFloat64}
	Numeric     = Type{ID: TypeNumeric}
	Date        = Type{ID: TypeDate}
	Time        = Type{ID: TypeTime}
	Timestamp   = Type{ID: TypeTimestamp}
	TimestampTZ = Type{ID: TypeTimestampTZ}
	Interval    = Type{ID: TypeInterval}
	Text        = Type{ID: TypeText}
	Varchar     = Type{ID: TypeVarchar}
	Symbol      = Type{ID: TypeSymbol}
	JSON        = Type{ID: TypeJSON}
	JSONB       = Type{ID: TypeJSONB}
	Bytea       = Type{ID: TypeBytea}
	UUID        = Type{ID: TypeUUID}
	Name        = Type{ID: TypeName}
	OID         = Type{ID: TypeOID}
)

// typeInfo is one row of the type table: PostgreSQL's object ids and names
// beside Pinot's name. An empty Pinot name means that Pinot clients see STRING.
type typeInfo struct {
	kind     Kind
	oid      uint32
	arrayOID uint32
	size     int16 // PostgreSQL's typlen, -1 for variable
	sql      string
	pinot    string
}

var typeTable = [...]typeInfo{
	TypeInvalid:      {KindInvalid, 0, 0, 0, "invalid", ""},
	TypeUnknown:      {KindBytes, 705, 0, -2, "unknown", "STRING"},
	TypeBool:         {KindBool, 16, 1000, 1, "boolean", "BOOLEAN"},
	TypeInt16:        {KindInt32, 21, 1005, 2, "smallint", "INT"},
	TypeInt32:        {KindInt32, 23, 1007, 4, "integer", "INT"},
	TypeInt64:        {KindInt64, 20, 1016, 8, "bigint", "LONG"},
	TypeFloat32:      {KindFloat32, 700, 1021, 4, "real", "FLOAT"},
	TypeFloat64:      {KindFloat64, 701, 1022, 8, "double precision", "DOUBLE"},
	TypeNumeric:      {KindDecimal, 1700, 1231, -1, "numeric", "BIG_DECIMAL"},
	TypeDate:         {KindInt32, 1082, 1182, 4, "date", "STRING"},
	TypeTime:         {KindInt64, 1083, 1183, 8, "time without time zone", "STRING"},
	TypeTimestamp:    {KindInt64, 1114, 1115, 8, "timestamp without time zone", "TIMESTAMP"},
	TypeTimestampTZ:  {KindInt64, 1184, 1185, 8, "timestamp with time zone", "TIMESTAMP"},
	TypeInterval:     {KindInterval, 1186, 1187, 16, "interval", "STRING"},
	TypeText:         {KindBytes, 25, 1009, -1, "text", "STRING"},
	TypeVarchar:      {KindBytes, 1043, 1015, -1, "character varying", "STRING"},
	TypeChar:         {KindBytes, 1042, 1014, -1, "character", "STRING"},
	TypeSymbol:       {KindBytes, 25, 1009, -1, "text", "STRING"},
	TypeJSON:         {KindBytes, 114, 199, -1, "json", "JSON"},
	TypeJSONB:        {KindBytes, 3802, 3807, -1, "jsonb", "JSON"},
	TypeBytea:        {KindBytes, 17, 1001, -1, "bytea", "BYTES"},
	TypeUUID:         {KindBytes, 2950, 2951, 16, "uuid", "UUID"},
	TypeName:         {KindBytes, 19, 1003, 64, "name", "STRING"},
	TypeOID:          {KindInt64, 26, 1028, 4, "oid", "LONG"},
	TypeInternalChar: {KindBytes, 18, 1002, 1, `"char"`, "STRING"},
	TypeRegclass:     {KindInt64, 2205, 2210, 4, "regclass", "LONG"},
	TypeRegtype:      {KindInt64, 2206, 2211, 4, "regtype", "LONG"},
	TypeRegproc:      {KindInt64, 24, 1008, 4, "regproc", "LONG"},
	TypeRegnamespace: {KindInt64, 4089, 4090, 4, "regnamespace", "LONG"},
	TypeInt2Vector:   {KindList, 22, 1006, -1, "int2vector", "STRING"},
	TypeOIDVector:    {KindList, 30, 1013, -1, "oidvector", "STRING"},
	TypeVoid:         {KindBytes, 2278, 0, 4, "void", "STRING"},
	TypeRecord:       {KindBytes, 2249, 2287, -1, "record", "STRING"},
}

func (t Type) info() *typeInfo {
	if int(t.ID) >= len(typeTable) {
		return &typeTable[TypeInvalid]
	}
	return &typeTable[t.ID]
}

// Kind returns the storage kind of values of the type.
func (t Type) Kind() Kind {
	if t.List {
		return KindList
	}
	if t.ID == TypeNumeric && t.Precision > 0 && t.Precision <= MaxInt64Precision {
		return KindInt64
	}
	return t.info().kind
}

// Elem returns the element type of a list type; for int2vector and oidvector
// the type of their elements.
func (t Type) Elem() Type {
	switch t.ID {
	case TypeInt2Vector:
		return Int16
	case TypeOIDVector:
		return OID
	}
	t.List = false
	return t
}

// AsList returns the array type over t.
func (t Type) AsList() Type { t.List = true; return t }

// OID returns PostgreSQL's object id of the type.
func (t Type) OID() uint32 {
	if t.List {
		return t.info().arrayOID
	}
	return t.info().oid
}

// ArrayOID returns PostgreSQL's object id of the array over the type, 0 if none.
func (t Type) ArrayOID() uint32 { return t.info().arrayOID }

// Size returns PostgreSQL's typlen: bytes, or -1 for a variable length.
func (t Type) Size() int16 {
	if t.List {
		return -1
	}
	return t.info().size
}

// Typmod returns PostgreSQL's type modifier, -1 if the type has none.
func (t Type) Typmod() int32 {
	switch {
	case (t.ID == TypeVarchar || t.ID == TypeChar) && t.Length > 0:
		return t.Length + 4
	case t.ID == TypeNumeric && t.Precision > 0:
		return int32(t.Precision)<<16 | int32(t.Scale) + 4
	}
	return -1
}

// PinotName returns the name that Pinot's HTTP API shows for the type.
func (t Type) PinotName() string {
	n := t.info().pinot
	if t.List {
		n += "_ARRAY"
	}
	return n
}

// String returns the SQL name with modifiers, as format_type prints it.
func (t Type) String() string {
	s := t.info().sql
	switch {
	case (t.ID == TypeVarchar || t.ID == TypeChar) && t.Length > 0:
		s = fmt.Sprintf("%s(%d)", s, t.Length)
	case t.ID == TypeNumeric && t.Precision > 0:
		s = fmt.Sprintf("%s(%d,%d)", s, t.Precision, t.Scale)
	}
	if t.List {
		s += "[]"
	}
	return s
}

// IsNumeric reports whether arithmetic is defined on the type.
func (t Type) IsNumeric() bool {
	return !t.List && t.ID >= TypeInt16 && t.ID <= TypeNumeric
}

// IsInteger reports whether the type is a whole number.
func (t Type) IsInteger() bool {
	return !t.List && t.ID >= TypeInt16 && t.ID <= TypeInt64
}

// IsText reports whether the type is compared and shown as text.
func (t Type) IsText() bool {
	switch t.ID {
	case TypeText, TypeVarchar, TypeChar, TypeSymbol, TypeName, TypeUnknown, TypeInternalChar:
		return !t.List
	}
	return false
}

// IsTime reports whether the type is a point in time or a date.
func (t Type) IsTime() bool {
	return !t.List && (t.ID == TypeDate || t.ID == TypeTimestamp || t.ID == TypeTimestampTZ)
}
