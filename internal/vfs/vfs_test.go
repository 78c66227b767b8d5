package vfs

import (
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"testing"
)

// implementations are tested alike; each gets an empty folder.
func implementations(t *testing.T) map[string]struct {
	fs  FS
	dir string
} {
	mem := NewMem()
	if err := mem.MkdirAll("/data/x"); err != nil {
		t.Fatal(err)
	}
	return map[string]struct {
		fs  FS
		dir string
	}{"os": {OS, t.TempDir()}, "mem": {mem, "/data/x"}}
}

func TestFileSystems(t *testing.T) {
	for name, im := range implementations(t) {
		t.Run(name, func(t *testing.T) {
			a, b := filepath.Join(im.dir, "a"), filepath.Join(im.dir, "b")
			if err := WriteFile(im.fs, a, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			appendTo(t, im.fs, a, " world")
			checkContent(t, im.fs, a, "hello world")
			if err := im.fs.Rename(a, b); err != nil {
				t.Fatal(err)
			}
			if _, err := im.fs.Open(a); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("renamed file: %v", err)
			}
			st, err := im.fs.Stat(b)
			if err != nil || st.Size != 11 || st.Dir || st.Name != "b" {
				t.Errorf("Stat: %+v, %v", st, err)
			}
			truncate(t, im.fs, b)
			checkContent(t, im.fs, b, "hell!")
			if err := im.fs.MkdirAll(filepath.Join(im.dir, "sub", "deep")); err != nil {
				t.Fatal(err)
			}
			names, err := im.fs.List(im.dir)
			if err != nil || !reflect.DeepEqual(names, []string{"b", "sub"}) {
				t.Errorf("List: %v, %v", names, err)
			}
			if err := im.fs.RemoveAll(filepath.Join(im.dir, "sub")); err != nil {
				t.Error(err)
			}
			if err := im.fs.Remove(b); err != nil {
				t.Error(err)
			}
			if err := im.fs.Remove(b); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("second Remove: %v", err)
			}
			if names, _ := im.fs.List(im.dir); len(names) != 0 {
				t.Errorf("left: %v", names)
			}
			if err := im.fs.SyncDir(im.dir); err != nil {
				t.Error(err)
			}
		})
	}
}

func appendTo(t *testing.T, fsys FS, name, more string) {
	t.Helper()
	f, err := fsys.OpenReadWrite(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte(more)); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, fsys FS, name string) {
	t.Helper()
	f, err := fsys.OpenReadWrite(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(4); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("!")); err != nil {
		t.Fatal(err)
	}
}

func checkContent(t *testing.T, fsys FS, name, want string) {
	t.Helper()
	if b, err := ReadFile(fsys, name); err != nil || string(b) != want {
		t.Errorf("ReadFile: %q, %v", b, err)
	}
	m, err := fsys.Map(name)
	if err != nil || string(m.Data) != want {
		t.Fatalf("Map: %v", err)
	}
	if err := m.Unmap(); err != nil {
		t.Error(err)
	}
	if err := m.Unmap(); err != nil {
		t.Error("second Unmap:", err)
	}
}

func TestCrashCloneLosesUnsynced(t *testing.T) {
	m := NewMem()
	write := func(name, data string, sync bool) {
		f, err := m.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte(data))
		if sync {
			_ = f.Sync()
		}
		_, _ = f.Write([]byte("-tail"))
		_ = f.Close()
	}
	write("synced", "a", true)
	write("unsynced", "b", false)
	if err := m.SyncDir("."); err != nil {
		t.Fatal(err)
	}
	write("late", "c", true)
	_ = m.Rename("synced", "renamed")

	c := m.CrashClone()
	f := func(name, want string, exists bool) {
		t.Helper()
		b, err := ReadFile(c, name)
		if (err == nil) != exists || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	f("synced", "a", true)
	f("unsynced", "", true)
	f("late", "", false)
	f("renamed", "", false)
}

// TestWriteFileIsAtomic crashes at every operation of WriteFile: the old or
// the new content survives.
func TestWriteFileIsAtomic(t *testing.T) {
	for n := int64(1); ; n++ {
		m := NewMem()
		if err := WriteFile(m, "f", []byte("old")); err != nil {
			t.Fatal(err)
		}
		e := NewErrorFS(m, n)
		e.Sticky = true
		err := WriteFile(e, "f", []byte("new"))
		b, rerr := ReadFile(m.CrashClone(), "f")
		if rerr != nil || string(b) != "old" && string(b) != "new" {
			t.Fatalf("operation %d: %q, %v", n, b, rerr)
		}
		if err == nil {
			if string(b) != "new" {
				t.Fatal("WriteFile is not durable")
			}
			return
		}
	}
}

func TestErrorFSFailsOnce(t *testing.T) {
	e := NewErrorFS(NewMem(), 2)
	steps := []func() error{
		func() error { return e.MkdirAll("d") },
		func() error { return e.SyncDir("d") },
		func() error { _, err := e.List("d"); return err },
	}
	for i, step := range steps {
		if err := step(); errors.Is(err, ErrInjected) != (i == 1) {
			t.Errorf("step %d: %v", i, err)
		}
	}
	if e.Count() != 3 {
		t.Errorf("%d operations counted", e.Count())
	}
}

func TestDir(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		if got := Dir(name); got != want {
			t.Errorf("Dir(%q) = %q", name, got)
		}
	}
	f("a", ".")
	f("a/b", "a")
	f("/a", "/")
	f("/a/b/c", "/a/b")
}
