package httpapi

import (
	"errors"
	"strings"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// Pinot's error codes (QueryErrorCode of its public interface).
const (
	errorJSONParsing        = 100
	errorSQLParsing         = 150
	errorAccessDenied       = 180
	errorTableDoesNotExist  = 190
	errorQueryExecution     = 200
	errorResourceLimit      = 245
	errorExecutionTimeout   = 250
	errorSegmentUnavailable = 305
	errorServerNotResponse  = 427
	errorInternal           = 450
	errorCancelled          = 503
	errorQueryValidation    = 700
	errorUnknownColumn      = 710
	errorQueryPlanning      = 720
)

// codeBySQLState maps SQLSTATEs to Pinot's codes where the class alone does
// not decide.
var codeBySQLState = map[string]int{
	sqlerr.SyntaxError:           errorSQLParsing,
	sqlerr.UndefinedTable:        errorTableDoesNotExist,
	sqlerr.UndefinedColumn:       errorUnknownColumn,
	sqlerr.AmbiguousColumn:       errorUnknownColumn,
	sqlerr.InsufficientPrivilege: errorAccessDenied,
	sqlerr.OutOfMemory:           errorResourceLimit,
	sqlerr.StatementTooComplex:   errorSQLParsing,
	sqlerr.ConfigLimitExceeded:   errorResourceLimit,
	sqlerr.ConnectionFailure:     errorServerNotResponse,
	sqlerr.DataCorrupted:         errorSegmentUnavailable,
	sqlerr.IOError:               errorSegmentUnavailable,
	sqlerr.InternalError:         errorInternal,
	sqlerr.FeatureNotSupported:   errorQueryValidation,
}

func pinotCode(err error) int {
	code := sqlerr.Code(err)
	if c, ok := codeBySQLState[code]; ok {
		return c
	}
	switch {
	case code == sqlerr.QueryCanceled && strings.Contains(err.Error(), "timeout"):
		return errorExecutionTimeout
	case code == sqlerr.QueryCanceled:
		return errorCancelled
	case strings.HasPrefix(code, "42"):
		return errorQueryValidation
	}
	return errorQueryExecution
}

// errorText is the message with the detail, hint and SQLSTATE that a PostgreSQL
// client would see apart.
func errorText(err error) string {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := e.Message
	if e.Detail != "" {
		text += "\nDETAIL: " + e.Detail
	}
	if e.Hint != "" {
		text += "\nHINT: " + e.Hint
	}
	return text + "\nSQLSTATE: " + e.Code
}

// withCaret adds the line of the statement that an error points at, with a
// caret below the place.
func withCaret(err error, sql string) error {
	var e *sqlerr.Error
	if !errors.As(err, &e) || e.Position <= 0 || e.Position > len(sql)+1 {
		return err
	}
	at := e.Position - 1
	from := strings.LastIndexByte(sql[:at], '\n') + 1
	line := sql[from:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	c := *e
	c.Message += "\n" + line + "\n" + strings.Repeat(" ", len([]rune(sql[from:at]))) + "^"
	return &c
}
