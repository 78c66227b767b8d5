// Package vfs is the seam through which segments and local stores reach files:
// the operating system's file system, one in memory that can forget what was
// not synced, and one that fails on demand. It knows files and folders; it
// knows nothing of what is written in them.
package vfs

import (
	"io"
	"io/fs"
	"os"
	"time"
)

// FS is a file system. Names are slash-separated paths as the implementation
// understands them. All methods are safe for concurrent use. A missing file
// is reported as an error for which errors.Is(err, fs.ErrNotExist) holds.
type FS interface {
	// Create makes a file for reading and writing, truncating one that exists.
	Create(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// OpenReadWrite opens an existing file for reading and for writing at its end.
	OpenReadWrite(name string) (File, error)
	// Map maps a whole file into memory, read-only.
	Map(name string) (*Mapping, error)
	// Rename moves a file, replacing what had the new name. The change
	// survives a crash only after SyncDir of the folder.
	Rename(oldName, newName string) error
	// Remove deletes a file or an empty folder.
	Remove(name string) error
	// RemoveAll deletes a file or a folder with all in it; a missing one is
	// no error.
	RemoveAll(name string) error
	// MkdirAll makes a folder and its parents.
	MkdirAll(dir string) error
	// List returns the names of a folder's entries in order.
	List(dir string) ([]string, error)
	// Stat describes a file or folder.
	Stat(name string) (Info, error)
	// SyncDir makes creations, renames and removals in a folder durable.
	SyncDir(dir string) error
}

// File is an open file. Writes append; a File is written by one goroutine,
// ReadAt is safe for concurrent use.
type File interface {
	io.ReaderAt
	io.Writer
	io.Closer
	// Size returns the file's length in bytes.
	Size() (int64, error)
	// Truncate cuts or extends the file to size bytes; writes continue at
	// the new end.
	Truncate(size int64) error
	// Sync makes everything written so far durable.
	Sync() error
}

// Info describes a file or a folder.
type Info struct {
	Name    string
	Size    int64
	Dir     bool
	ModTime time.Time
}

// Mapping is a file mapped into memory. Data must not be written to and must
// not be used after Unmap.
type Mapping struct {
	Data  []byte
	unmap func([]byte) error
}

// NewMapping returns a mapping over data that calls unmap (if not nil) at Unmap.
func NewMapping(data []byte, unmap func([]byte) error) *Mapping {
	return &Mapping{Data: data, unmap: unmap}
}

// Unmap ends the mapping. A second call does nothing.
func (m *Mapping) Unmap() error {
	data, unmap := m.Data, m.unmap
	m.Data, m.unmap = nil, nil
	if unmap == nil || len(data) == 0 {
		return nil
	}
	return unmap(data)
}

// ReadFile returns the content of a file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// WriteFile replaces a file atomically and durably: a temporary file is
// written and synced, renamed over name, and the folder is synced.
func WriteFile(fsys FS, name string, data []byte) error {
	tmp := name + ".tmp"
	if err := writeSynced(fsys, tmp, data); err != nil {
		_ = fsys.Remove(tmp) // the first error is the one that matters
		return err
	}
	if err := fsys.Rename(tmp, name); err != nil {
		_ = fsys.Remove(tmp)
		return err
	}
	return fsys.SyncDir(Dir(name))
}

func writeSynced(fsys FS, name string, data []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Dir returns all but the last element of a path, "." if there is none.
func Dir(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if os.IsPathSeparator(name[i]) {
			return name[:max(i, 1)]
		}
	}
	return "."
}

// notExist is the error for a missing file in the file systems of this package.
func notExist(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}
