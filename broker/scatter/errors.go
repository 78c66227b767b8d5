package scatter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// errStale tells that the state has moved on under a leaf: a segment that was
// routed no longer exists.
var errStale = errors.New("the table's segments changed during the query")

// missingSegments is implemented by errors that name segments which a server
// lacks.
type missingSegments interface{ MissingSegments() []string }

// unserved names segments that no server is known for.
type unserved []string

func (u unserved) Error() string             { return unavailable(u, nil).Error() }
func (u unserved) MissingSegments() []string { return u }

// unavailable is what a client sees of segments that could not be read.
func unavailable(names []string, cause error) error {
	e := sqlerr.New(sqlerr.IOError, "%d segments are not available: %s", len(names), listed(names)).
		WithHint("SET allow_partial = on returns what is there.")
	if cause != nil {
		e.WithDetail("%v", cause)
	}
	return e
}

// listed joins up to five names.
func listed(names []string) string {
	shown := names[:min(len(names), 5)]
	text := strings.Join(shown, ", ")
	if len(names) > len(shown) {
		text += fmt.Sprintf(" and %d more", len(names)-len(shown))
	}
	return text
}

// named says which server an error came from, where it does not already mean
// something to the client.
func named(ctx context.Context, instance string, err error) error {
	var se *sqlerr.Error
	var miss missingSegments
	if errors.As(err, &se) || errors.As(err, &miss) || ctx.Err() != nil {
		return err
	}
	return sqlerr.New(sqlerr.ConnectionFailure, "server %s: %w", instance, err)
}

// isOutage tells errors of missing servers and segments from errors of the
// query itself.
func isOutage(err error) bool {
	var miss missingSegments
	if errors.As(err, &miss) {
		return true
	}
	switch sqlerr.Code(err) {
	case sqlerr.ConnectionFailure, sqlerr.IOError, sqlerr.DataCorrupted:
		return true
	}
	return false
}

// outage turns the last error of a part that stayed away into the client's.
func outage(err error) error {
	var miss missingSegments
	if errors.As(err, &miss) {
		return unavailable(miss.MissingSegments(), nil)
	}
	return err
}

// slow is the error of a leaf that ran out of time, naming the servers whose
// answers were outstanding.
func slow(instances []string) error {
	return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout").
		WithDetail("No complete answer yet from %s.", listed(instances))
}
