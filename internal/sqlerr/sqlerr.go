// Package sqlerr is the one error type that reaches a SQL client: a SQLSTATE,
// a message, and where it helps a position, a detail and a hint.
package sqlerr

import (
	"errors"
	"fmt"
)

// SQLSTATE codes in use (PostgreSQL 15, appendix A).
const (
	SuccessfulCompletion   = "00000"
	ConnectionFailure      = "08006"
	ProtocolViolation      = "08P01"
	FeatureNotSupported    = "0A000"
	CardinalityViolation   = "21000"
	DataException          = "22000"
	StringTooLong          = "22001"
	NumericOutOfRange      = "22003"
	DatetimeOverflow       = "22008"
	InvalidDatetime        = "22007"
	DivisionByZero         = "22012"
	InvalidParameter       = "22023"
	InvalidText            = "22P02"
	InvalidBinary          = "22P03"
	InvalidRegexp          = "2201B"
	InvalidEscape          = "22025"
	InvalidRowCountInLimit = "2201W"
	ActiveTransaction      = "25001"
	ReadOnlyTransaction    = "25006"
	NoActiveTransaction    = "25P01"
	FailedTransaction      = "25P02"
	InvalidStatementName   = "26000"
	InvalidAuthorization   = "28000"
	InvalidPassword        = "28P01"
	InvalidCatalogName     = "3D000"
	InvalidSavepoint       = "3B001"
	InvalidCursorName      = "34000"
	DuplicateCursor        = "42P03"
	DuplicatePreparedStmt  = "42P05"
	InvalidSchemaName      = "3F000"
	SyntaxError            = "42601"
	InsufficientPrivilege  = "42501"
	GroupingError          = "42803"
	DatatypeMismatch       = "42804"
	WrongObjectType        = "42809"
	UndefinedColumn        = "42703"
	UndefinedFunction      = "42883"
	UndefinedTable         = "42P01"
	UndefinedParameter     = "42P02"
	UndefinedObject        = "42704"
	AmbiguousColumn        = "42702"
	AmbiguousFunction      = "42725"
	AmbiguousAlias         = "42P09"
	DuplicateAlias         = "42712"
	DuplicateColumn        = "42701"
	DuplicateTable         = "42P07"
	InvalidColumnReference = "42P10"
	IndeterminateDatatype  = "42P18"
	OutOfMemory            = "53200"
	TooManyConnections     = "53300"
	ConfigLimitExceeded    = "53400"
	StatementTooComplex    = "54001"
	ObjectNotInState       = "55000"
	CannotChangeParam      = "55P02"
	QueryCanceled          = "57014"
	AdminShutdown          = "57P01"
	CannotConnectNow       = "57P03"
	SystemError            = "58000"
	IOError                = "58030"
	SnapshotTooOld         = "72000"
	PartialResult          = "01A01"
	InternalError          = "XX000"
	DataCorrupted          = "XX001"
)

// Error is an error with a SQLSTATE. Position counts characters of the
// statement from 1, 0 means unknown.
type Error struct {
	Code     string
	Message  string
	Detail   string
	Hint     string
	Position int
	Err      error // wrapped cause, may be nil
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error with a code and a formatted message; a %w verb wraps.
func New(code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// At returns e with its position set to the byte offset loc (from 0) of a
// statement; a negative loc leaves it unknown. Positions are bytes until the
// wire layer turns them into characters.
func (e *Error) At(loc int) *Error {
	if loc >= 0 && e.Position == 0 {
		e.Position = loc + 1
	}
	return e
}

// WithHint returns e with a hint.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithDetail returns e with a detail.
func (e *Error) WithDetail(format string, args ...any) *Error {
	e.Detail = fmt.Sprintf(format, args...)
	return e
}

// Unsupported returns 0A000 naming a construct that is not supported.
func Unsupported(what string) *Error {
	return New(FeatureNotSupported, "%s is not supported", what)
}

// Code returns the SQLSTATE of err, XX000 when it has none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return InternalError
}
