package api

import (
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is a refusal by a controller: an HTTP-like code and a sentence. It
// crosses gRPC unchanged; errors.Is matches it with the sentinels below by
// its code.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return e.Message }

// Is matches errors of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errorf returns an Error with a formatted message.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Refusals, for errors.Is.
var (
	// ErrInvalid is returned for a request that is wrong in itself.
	ErrInvalid = &Error{http.StatusBadRequest, "invalid request"}
	// ErrNotFound is returned when the named thing does not exist (any more):
	// a segment whose table was deleted, for example.
	ErrNotFound = &Error{http.StatusNotFound, "not found"}
	// ErrConflict is returned when the state forbids the request: the name is
	// taken, or a replica's crc differs from the committed one.
	ErrConflict = &Error{http.StatusConflict, "conflict"}
	// ErrFenced is returned to an instance that acts on what is no longer its
	// own: the segment was given to another server. It drops its work.
	ErrFenced = &Error{http.StatusPreconditionFailed, "fenced"}
	// ErrUnavailable is returned when no leader answered in time. Nothing, or
	// everything, of the request was done; it may be sent again.
	ErrUnavailable = &Error{http.StatusServiceUnavailable, "no controller is available"}
	// ErrUnsupported is returned for what does not exist yet, and for a
	// request of a newer protocol version.
	ErrUnsupported = &Error{http.StatusUnprocessableEntity, "not supported"}
)

// codePairs maps Error codes to gRPC codes, both ways.
var codePairs = []struct {
	http int
	grpc codes.Code
}{
	{http.StatusBadRequest, codes.InvalidArgument},
	{http.StatusUnauthorized, codes.Unauthenticated},
	{http.StatusNotFound, codes.NotFound},
	{http.StatusConflict, codes.AlreadyExists},
	{http.StatusPreconditionFailed, codes.FailedPrecondition},
	{http.StatusUnprocessableEntity, codes.Unimplemented},
	{http.StatusServiceUnavailable, codes.Unavailable},
	{http.StatusInternalServerError, codes.Internal},
}

// ToStatus turns an error into one that gRPC carries.
func ToStatus(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	for _, p := range codePairs {
		if p.http == e.Code {
			return status.Error(p.grpc, e.Message)
		}
	}
	return status.Error(codes.Unknown, e.Message)
}

// FromStatus turns an error of a gRPC call back into an Error where it was
// one; others, such as an ended context, pass as they are.
func FromStatus(err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	for _, p := range codePairs {
		if p.grpc == s.Code() {
			return &Error{Code: p.http, Message: s.Message()}
		}
	}
	return err
}

// CheckVersion refuses a request of a newer protocol version than ours.
func CheckVersion(version uint32) error {
	if version > ProtocolVersion {
		return Errorf(http.StatusUnprocessableEntity,
			"protocol version %d is newer than this instance's %d: upgrade it first", version, ProtocolVersion)
	}
	return nil
}
