package vfs

import (
	"errors"
	"sync/atomic"
)

// ErrInjected is the error that an ErrorFS returns when its turn has come.
var ErrInjected = errors.New("injected fault")

// ErrorFS passes operations on to another file system and fails at the n-th
// one that changes or reads something. After that it goes on failing when
// Sticky is set, as a broken disk does; otherwise only that one fails.
type ErrorFS struct {
	FS
	// FailAt is the operation, counted from 1, that fails; 0 means none.
	FailAt int64
	Sticky bool

	count atomic.Int64
}

// NewErrorFS returns a file system over inner that fails at operation failAt.
func NewErrorFS(inner FS, failAt int64) *ErrorFS { return &ErrorFS{FS: inner, FailAt: failAt} }

// Count returns the number of operations seen so far.
func (e *ErrorFS) Count() int64 { return e.count.Load() }

func (e *ErrorFS) step() error {
	n := e.count.Add(1)
	if e.FailAt > 0 && (n == e.FailAt || e.Sticky && n > e.FailAt) {
		return ErrInjected
	}
	return nil
}

func (e *ErrorFS) file(f File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return &errorFile{File: f, fs: e}, nil
}

// Create implements FS.
func (e *ErrorFS) Create(name string) (File, error) {
	if err := e.step(); err != nil {
		return nil, err
	}
	return e.file(e.FS.Create(name))
}

// Open implements FS.
func (e *ErrorFS) Open(name string) (File, error) {
	if err := e.step(); err != nil {
		return nil, err
	}
	return e.file(e.FS.Open(name))
}

// OpenReadWrite implements FS.
func (e *ErrorFS) OpenReadWrite(name string) (File, error) {
	if err := e.step(); err != nil {
		return nil, err
	}
	return e.file(e.FS.OpenReadWrite(name))
}

// Map implements FS.
func (e *ErrorFS) Map(name string) (*Mapping, error) {
	if err := e.step(); err != nil {
		return nil, err
	}
	return e.FS.Map(name)
}

// Rename implements FS.
func (e *ErrorFS) Rename(oldName, newName string) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.FS.Rename(oldName, newName)
}

// Remove implements FS.
func (e *ErrorFS) Remove(name string) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.FS.Remove(name)
}

// RemoveAll implements FS.
func (e *ErrorFS) RemoveAll(name string) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.FS.RemoveAll(name)
}

// MkdirAll implements FS.
func (e *ErrorFS) MkdirAll(dir string) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.FS.MkdirAll(dir)
}

// List implements FS.
func (e *ErrorFS) List(dir string) ([]string, error) {
	if err := e.step(); err != nil {
		return nil, err
	}
	return e.FS.List(dir)
}

// Stat implements FS.
func (e *ErrorFS) Stat(name string) (Info, error) {
	if err := e.step(); err != nil {
		return Info{}, err
	}
	return e.FS.Stat(name)
}

// SyncDir implements FS.
func (e *ErrorFS) SyncDir(dir string) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.FS.SyncDir(dir)
}

type errorFile struct {
	File
	fs *ErrorFS
}

func (f *errorFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.step(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// Write writes half of the bytes before it fails, as a full disk may.
func (f *errorFile) Write(p []byte) (int, error) {
	if err := f.fs.step(); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *errorFile) Sync() error {
	if err := f.fs.step(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *errorFile) Truncate(size int64) error {
	if err := f.fs.step(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Close closes the file even when it reports a fault, so that tests leak nothing.
func (f *errorFile) Close() error {
	err := f.fs.step()
	if cerr := f.File.Close(); err == nil {
		err = cerr
	}
	return err
}
