package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// folder keeps objects as files below a root. A file is written under a
// temporary name, synced and renamed, so a key holds whole objects only.
type folder struct {
	root string
	temp atomic.Uint64
}

const tempPrefix = ".tmp-"

func openFolder(root string) (*folder, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("deep store: %w", err)
	}
	return &folder{root: root}, nil
}

func (f *folder) path(key string) (string, error) {
	if err := cleanKey(key); err != nil {
		return "", err
	}
	return filepath.Join(f.root, filepath.FromSlash(key)), nil
}

func (f *folder) Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	return f.put(ctx, key, r, size, os.Rename)
}

// PutIfAbsent uses a hard link, which fails when the name is taken.
func (f *folder) PutIfAbsent(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	return f.put(ctx, key, r, size, func(tmp, path string) error {
		defer os.Remove(tmp)
		err := os.Link(tmp, path)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: %s", ErrExists, key)
		}
		return err
	})
}

func (f *folder) put(ctx context.Context, key string, r io.ReadSeeker, size int64, publish func(tmp, path string) error) error {
	path, err := f.path(key)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp := filepath.Join(dir, fmt.Sprintf("%s%d-%d", tempPrefix, os.Getpid(), f.temp.Add(1)))
	if err := writeFile(ctx, tmp, r, size); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := publish(tmp, path); err != nil {
		os.Remove(tmp)
		return err
	}
	return syncDir(dir)
}

func writeFile(ctx context.Context, path string, r io.Reader, size int64) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, ctxReader{ctx, r})
	if err == nil && n != size {
		err = fmt.Errorf("%w: %d bytes, announced %d", ErrSize, n, size)
	}
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// ctxReader ends a copy when its context does.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func notFound(key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return err
}

func (f *folder) Get(_ context.Context, key string) (io.ReadCloser, error) {
	path, err := f.path(key)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, notFound(key, err)
	}
	return file, nil
}

func (f *folder) GetRange(ctx context.Context, key string, off int64, p []byte) error {
	r, err := f.Get(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = r.(*os.File).ReadAt(p, off)
	return err
}

func (f *folder) Head(_ context.Context, key string) (Info, error) {
	path, err := f.path(key)
	if err != nil {
		return Info{}, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return Info{}, notFound(key, err)
	}
	return Info{Key: key, Bytes: st.Size()}, nil
}

func (f *folder) List(ctx context.Context, prefix string, each func(Info) error) error {
	var infos []Info
	err := filepath.WalkDir(f.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(f.root, path)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if !strings.HasPrefix(key, prefix) || strings.HasPrefix(d.Name(), tempPrefix) {
			return nil
		}
		st, err := d.Info()
		if err != nil {
			return nil // deleted meanwhile
		}
		infos = append(infos, Info{Key: key, Bytes: st.Size()})
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Key, b.Key) })
	for _, i := range infos {
		if err := each(i); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) Delete(_ context.Context, key string) error {
	path, err := f.path(key)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *folder) base() string { return "file://" + filepath.ToSlash(f.root) }

func (f *folder) URI(key string) string { return f.base() + "/" + key }

func (f *folder) Key(uri string) (string, error) { return keyOf(f.base(), uri) }

func (f *folder) Close() error { return nil }
