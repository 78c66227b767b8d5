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
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// folder keeps objects as files below a root. A file is written in tempDir,
// synced and moved into place, so a key holds whole objects only, and what a
// killed process left behind is found in one place.
type folder struct {
	root string
	temp atomic.Uint64
}

const (
	tempDir = ".tmp"
	// tempLife is the age from which an unfinished file is nobody's. Several
	// processes may share the folder, so younger ones may still be written.
	tempLife = 24 * time.Hour
)

func openFolder(root string) (*folder, error) {
	f := &folder{root: filepath.Clean(root)}
	if err := os.MkdirAll(f.tempDir(), 0o755); err != nil {
		return nil, fmt.Errorf("deep store: %w", err)
	}
	return f, f.removeOldTemps(time.Now().Add(-tempLife))
}

func (f *folder) tempDir() string { return filepath.Join(f.root, tempDir) }

func (f *folder) removeOldTemps(before time.Time) error {
	entries, err := os.ReadDir(f.tempDir())
	if err != nil {
		return fmt.Errorf("deep store: %w", err)
	}
	for _, e := range entries {
		st, err := e.Info()
		if err != nil || !st.ModTime().Before(before) {
			continue // gone meanwhile, or in use
		}
		if err := os.Remove(filepath.Join(f.tempDir(), e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deep store: %w", err)
		}
	}
	return nil
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
	if err := makeDir(dir); err != nil {
		return err
	}
	tmp := filepath.Join(f.tempDir(), fmt.Sprintf("%d-%d", os.Getpid(), f.temp.Add(1)))
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

// makeDir makes a folder and its parents so that they survive a crash.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
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

func (f *folder) GetRange(_ context.Context, key string, off int64, p []byte) error {
	path, err := f.path(key)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return notFound(key, err)
	}
	defer file.Close()
	if _, err := file.ReadAt(p, off); errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s from %d", ErrRange, key, off)
	} else if err != nil {
		return err
	}
	return nil
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
	return folderInfo(key, st), nil
}

func folderInfo(key string, st fs.FileInfo) Info {
	t := st.ModTime()
	return Info{Key: key, Bytes: st.Size(), Version: strconv.FormatInt(t.UnixNano(), 10), Modified: t}
}

func (f *folder) List(ctx context.Context, prefix string, each func(Info) error) error {
	var infos []Info
	err := filepath.WalkDir(f.root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // deleted meanwhile
		case err != nil:
			return err
		case d.IsDir() && path == f.tempDir():
			return fs.SkipDir
		case d.IsDir():
			return ctx.Err()
		}
		rel, err := filepath.Rel(f.root, path)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if !strings.HasPrefix(key, prefix) {
			return nil
		}
		st, err := d.Info()
		if err != nil {
			return nil // deleted meanwhile
		}
		infos = append(infos, folderInfo(key, st))
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
