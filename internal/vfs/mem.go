package vfs

import (
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"
	"time"
)

// MemFS is a file system in memory for tests. It distinguishes what was
// written from what was synced: CrashClone returns the state that a crash
// would leave.
//
// One mutex guards everything. A name maps to a node; the durable map holds
// the names as of the last SyncDir of their folder, each node the bytes as of
// its last Sync.
type MemFS struct {
	mu      sync.Mutex
	names   map[string]*memNode
	durable map[string]*memNode
	dirs    map[string]bool
}

type memNode struct {
	data   []byte
	synced []byte
	mod    time.Time
}

var _ FS = (*MemFS)(nil)

// NewMem returns an empty MemFS with a root folder.
func NewMem() *MemFS {
	return &MemFS{
		names:   map[string]*memNode{},
		durable: map[string]*memNode{},
		dirs:    map[string]bool{".": true, "/": true},
	}
}

// CrashClone returns a copy that holds only what was durable: names as of the
// last SyncDir of their folder, contents as of the last Sync. Folders survive.
func (m *MemFS) CrashClone() *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMem()
	for d := range m.dirs {
		c.dirs[d] = true
	}
	for name, n := range m.durable {
		b := append([]byte(nil), n.synced...)
		nn := &memNode{data: b, synced: b, mod: n.mod}
		c.names[name], c.durable[name] = nn, nn
	}
	return c
}

// Create implements FS.
func (m *MemFS) Create(name string) (File, error) {
	name = path.Clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirs[path.Dir(name)] {
		return nil, notExist("create", name)
	}
	n := &memNode{}
	m.names[name] = n
	return &memFile{fs: m, node: n, writable: true}, nil
}

// Open implements FS.
func (m *MemFS) Open(name string) (File, error) { return m.open(name, false) }

// OpenReadWrite implements FS.
func (m *MemFS) OpenReadWrite(name string) (File, error) { return m.open(name, true) }

func (m *MemFS) open(name string, writable bool) (File, error) {
	name = path.Clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[name]
	if n == nil {
		return nil, notExist("open", name)
	}
	return &memFile{fs: m, node: n, writable: writable}, nil
}

// Map implements FS. The mapping is a copy of the content at this moment.
func (m *MemFS) Map(name string) (*Mapping, error) {
	name = path.Clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[name]
	if n == nil {
		return nil, notExist("mmap", name)
	}
	return NewMapping(append([]byte(nil), n.data...), nil), nil
}

// Rename implements FS.
func (m *MemFS) Rename(oldName, newName string) error {
	oldName, newName = path.Clean(oldName), path.Clean(newName)
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[oldName]
	if n == nil || !m.dirs[path.Dir(newName)] {
		return notExist("rename", oldName)
	}
	delete(m.names, oldName)
	m.names[newName] = n
	return nil
}

// Remove implements FS.
func (m *MemFS) Remove(name string) error {
	name = path.Clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.names[name] != nil:
		delete(m.names, name)
	case m.dirs[name]:
		delete(m.dirs, name)
	default:
		return notExist("remove", name)
	}
	return nil
}

// RemoveAll implements FS.
func (m *MemFS) RemoveAll(name string) error {
	name = path.Clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := range m.names {
		if n == name || strings.HasPrefix(n, name+"/") {
			delete(m.names, n)
		}
	}
	for d := range m.dirs {
		if d == name || strings.HasPrefix(d, name+"/") {
			delete(m.dirs, d)
		}
	}
	return nil
}

// MkdirAll implements FS.
func (m *MemFS) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for dir = path.Clean(dir); !m.dirs[dir]; dir = path.Dir(dir) {
		m.dirs[dir] = true
	}
	return nil
}

// List implements FS.
func (m *MemFS) List(dir string) ([]string, error) {
	dir = path.Clean(dir)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirs[dir] {
		return nil, notExist("list", dir)
	}
	var names []string
	for n := range m.names {
		if path.Dir(n) == dir {
			names = append(names, path.Base(n))
		}
	}
	for d := range m.dirs {
		if d != dir && path.Dir(d) == dir {
			names = append(names, path.Base(d))
		}
	}
	sort.Strings(names)
	return names, nil
}

// Stat implements FS.
func (m *MemFS) Stat(name string) (Info, error) {
	name = path.Clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.names[name]; n != nil {
		return Info{Name: path.Base(name), Size: int64(len(n.data)), ModTime: n.mod}, nil
	}
	if m.dirs[name] {
		return Info{Name: path.Base(name), Dir: true}, nil
	}
	return Info{}, notExist("stat", name)
}

// SyncDir implements FS.
func (m *MemFS) SyncDir(dir string) error {
	dir = path.Clean(dir)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirs[dir] {
		return notExist("sync", dir)
	}
	for n := range m.durable {
		if path.Dir(n) == dir && m.names[n] == nil {
			delete(m.durable, n)
		}
	}
	for n, node := range m.names {
		if path.Dir(n) == dir {
			m.durable[n] = node
		}
	}
	return nil
}

// memFile is an open file of a MemFS; the MemFS's mutex guards its node.
type memFile struct {
	fs       *MemFS
	node     *memNode
	writable bool
	closed   bool
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed || !f.writable {
		return 0, fs.ErrInvalid
	}
	f.node.data = append(f.node.data, p...)
	return len(p), nil
}

func (f *memFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.node.data)), nil
}

func (f *memFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed || !f.writable || size < 0 {
		return fs.ErrInvalid
	}
	data := make([]byte, size)
	copy(data, f.node.data)
	f.node.data = data
	return nil
}

func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.node.synced = append([]byte(nil), f.node.data...)
	return nil
}

func (f *memFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	return nil
}
