// Package objstore is the deep store: a flat space of immutable objects in S3
// or in a local folder. It knows keys and bytes; it does not know what they
// are.
package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// Errors of stores, checked with errors.Is.
var (
	// ErrNotFound is returned when there is no object of that key.
	ErrNotFound = errors.New("object not found")
	// ErrExists is returned by PutIfAbsent when the key is taken.
	ErrExists = errors.New("object exists")
	// ErrSize is returned when a source gave more or fewer bytes than announced.
	ErrSize = errors.New("object size differs from the announced size")
	// ErrRange is returned by GetRange when the object ends before the range does.
	ErrRange = errors.New("range is beyond the object's end")
	// ErrRefused is returned when the store refuses for a reason that waiting
	// does not mend: access, a missing bucket, a bad request.
	ErrRefused = errors.New("the store refuses")
)

// IsTransient tells whether an error may pass (network, throttling, a fault of
// the server), so that the operation should be tried again.
func IsTransient(err error) bool {
	if err == nil {
		return false
	}
	for _, lasting := range []error{ErrNotFound, ErrExists, ErrSize, ErrRange, ErrRefused, context.Canceled} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	return true
}

// Info describes an object.
type Info struct {
	Key   string
	Bytes int64
	// Version changes when the content does: the entity tag of S3, in a folder
	// the modification time. Modified is that time.
	Version  string
	Modified time.Time
}

// Store holds objects. Keys are slash-separated and relative. It is safe for
// concurrent use. IsTransient tells which errors are worth another try.
type Store interface {
	// Put writes an object of size bytes; it is visible whole or not at all.
	Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error
	// PutIfAbsent is Put that fails with ErrExists if the key is taken.
	PutIfAbsent(ctx context.Context, key string, r io.ReadSeeker, size int64) error
	// Get opens an object for reading from its start.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// GetRange fills p with the bytes from offset off, or fails with ErrRange.
	GetRange(ctx context.Context, key string, off int64, p []byte) error
	// Head describes an object.
	Head(ctx context.Context, key string) (Info, error)
	// List calls f for every object whose key begins with prefix, in order.
	List(ctx context.Context, prefix string, f func(Info) error) error
	// Delete removes an object; a missing one is no error.
	Delete(ctx context.Context, key string) error
	// URI returns the full address of a key, and Key the key of such an address.
	URI(key string) string
	Key(uri string) (string, error)
	Close() error
}

// Options configures Open.
type Options struct {
	// S3Endpoint replaces AWS's endpoint (path-style addressing is used then).
	S3Endpoint string
	// Region is the S3 region; "" means the environment's, else us-east-1.
	Region string
}

// Open opens a store: file:///dir or s3://bucket/prefix.
func Open(ctx context.Context, uri string, o Options) (Store, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("deep store %q: %w", uri, err)
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" || u.Path == "" {
			return nil, fmt.Errorf("deep store %q: a folder is written file:///path", uri)
		}
		return openFolder(u.Path)
	case "s3":
		if u.Host == "" {
			return nil, fmt.Errorf("deep store %q has no bucket", uri)
		}
		return openS3(ctx, u.Host, strings.Trim(u.Path, "/"), o)
	}
	return nil, fmt.Errorf("deep store %q: scheme %q is not supported (file and s3 are)", uri, u.Scheme)
}

// cleanKey refuses keys that would leave the store's space.
func cleanKey(key string) error {
	if key == "" || strings.HasPrefix(key, "/") || strings.Contains(key, "\\") {
		return fmt.Errorf("bad object key %q", key)
	}
	for i, part := range strings.Split(key, "/") {
		if part == "" || part == "." || part == ".." || i == 0 && part == tempDir {
			return fmt.Errorf("bad object key %q", key)
		}
	}
	return nil
}

// keyOf takes the key out of an address below base (which ends without slash).
func keyOf(base, uri string) (string, error) {
	key, ok := strings.CutPrefix(uri, base+"/")
	if !ok {
		return "", fmt.Errorf("object %q is not in the deep store %s", uri, base)
	}
	return key, cleanKey(key)
}
