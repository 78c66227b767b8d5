package segment

import (
	"errors"
	"fmt"
)

// ErrUnsupported is returned for a segment file that asks for something that
// this build does not know (a newer format version, a required section or
// buffer, an encoding, a codec), and for a build that was asked for it.
var ErrUnsupported = errors.New("unsupported by this version of the segment format")

// Corruptf returns an error of class ErrCorrupt with a reason.
func Corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Unsupportedf returns an error of class ErrUnsupported with a reason.
func Unsupportedf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}
