package file

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/alluviumdb/alluvium/internal/objstore"
)

// blob is the bytes of an input, read from any place or as a stream.
type blob interface {
	// ReadAt is io.ReaderAt with a context; it is safe for concurrent use.
	ReadAt(ctx context.Context, p []byte, off int64) error
	// Stream reads from the start.
	Stream(ctx context.Context) (io.ReadCloser, error)
	Close() error
}

func openBlob(ctx context.Context, in Input, opt Options) (blob, error) {
	if strings.HasPrefix(in.Path, "s3://") {
		base, key, err := splitURI(in.Path)
		if err != nil {
			return nil, err
		}
		store, err := objstore.Open(ctx, base, opt.S3)
		if err != nil {
			return nil, err
		}
		return &object{store: store, key: key}, nil
	}
	f, err := os.Open(in.Path)
	if err != nil {
		return nil, bare(err)
	}
	return &localFile{f}, nil
}

// localFile is a blob of the local file system.
type localFile struct{ f *os.File }

func (l *localFile) ReadAt(_ context.Context, p []byte, off int64) error {
	_, err := l.f.ReadAt(p, off)
	return endsEarly(err)
}

func endsEarly(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Stream opens the file again, so that streams do not share a position.
func (l *localFile) Stream(context.Context) (io.ReadCloser, error) {
	f, err := os.Open(l.f.Name())
	if err != nil {
		return nil, bare(err)
	}
	return f, nil
}

func (l *localFile) Close() error { return l.f.Close() }

// object is a blob of S3.
type object struct {
	store objstore.Store
	key   string
}

func (o *object) ReadAt(ctx context.Context, p []byte, off int64) error {
	err := o.store.GetRange(ctx, o.key, off, p)
	if errors.Is(err, objstore.ErrRange) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (o *object) Stream(ctx context.Context) (io.ReadCloser, error) { return o.store.Get(ctx, o.key) }

func (o *object) Close() error { return o.store.Close() }
