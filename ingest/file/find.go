package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/objstore"
)

// formats maps the last part of a name to a format.
var formats = map[string]Format{
	".parquet": Parquet, ".csv": CSV, ".tsv": CSV, ".json": JSON, ".jsonl": JSON, ".ndjson": JSON, ".avro": Avro,
}

// compression is how a text file is compressed.
type compression uint8

const (
	plain compression = iota
	gzipped
	zstandard
)

// splitName takes the compression off a name and returns the extension below.
func splitName(name string) (ext string, c compression) {
	name = strings.ToLower(name)
	switch path.Ext(name) {
	case ".gz":
		name, c = name[:len(name)-3], gzipped
	case ".zst":
		name, c = name[:len(name)-4], zstandard
	}
	return path.Ext(name), c
}

// formatOf tells the format of a file, false if its name does not.
func formatOf(name string, opt Options) (Format, bool) {
	ext, c := splitName(name)
	f, ok := formats[ext]
	if opt.Format != "" {
		return opt.Format, true
	}
	return f, ok && (c == plain || f == CSV || f == JSON)
}

// finder collects inputs.
type finder struct {
	opt  Options
	list []Input
	seen map[string]bool
}

func find(ctx context.Context, paths []string, opt Options) ([]Input, error) {
	f := &finder{opt: opt, seen: map[string]bool{}}
	for _, p := range paths {
		before := len(f.list)
		err := f.path(ctx, p)
		if err != nil {
			return nil, err
		}
		if len(f.list) == before && !f.seen[p] {
			return nil, &Error{Path: p, Err: ErrNoFiles}
		}
		slices.SortFunc(f.list[before:], func(a, b Input) int { return strings.Compare(a.Path, b.Path) })
	}
	return f.list, nil
}

func (f *finder) path(ctx context.Context, p string) error {
	if strings.HasPrefix(p, "s3://") {
		return f.bucket(ctx, p)
	}
	st, err := os.Stat(p)
	switch {
	case err == nil && st.IsDir():
		return f.folder(ctx, p)
	case err == nil:
		return f.local(p, st, true)
	case !errors.Is(err, fs.ErrNotExist) || !isGlob(p):
		return &Error{Path: p, Err: bare(err)}
	}
	names, err := filepath.Glob(p)
	if err != nil {
		return &Error{Path: p, Err: err}
	}
	for _, n := range names {
		if hidden(filepath.Base(n)) && !hidden(filepath.Base(p)) {
			continue
		}
		if err := f.path(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func isGlob(p string) bool { return strings.ContainsAny(p, "*?[") }

// bare takes the path off a file system error, as ours name it themselves.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// folder adds the files below a folder.
func (f *finder) folder(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return &Error{Path: p, Err: bare(err)}
		case ctx.Err() != nil:
			return ctx.Err()
		case p != dir && hidden(d.Name()) && d.IsDir():
			return fs.SkipDir
		case d.IsDir() || hidden(d.Name()):
			return nil
		}
		st, err := os.Stat(p) // follows links
		if err != nil {
			return &Error{Path: p, Err: bare(err)}
		}
		if !st.Mode().IsRegular() {
			return nil
		}
		return f.local(p, st, false)
	})
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

func (f *finder) local(p string, st fs.FileInfo, named bool) error {
	t := st.ModTime()
	return f.add(Input{
		Path: p, Bytes: st.Size(), Version: strconv.FormatInt(t.UnixNano(), 10), ModifiedMicros: t.UnixMicro(),
	}, named)
}

// add notes an input. A file that was named must have a format; one that lay
// in a folder may have none.
func (f *finder) add(in Input, named bool) error {
	format, ok := formatOf(in.Path, f.opt)
	if !ok && !named {
		return nil
	}
	if !ok {
		return &Error{Path: in.Path, Err: errors.New("the name does not tell the format; name one of parquet, csv, json, avro")}
	}
	if !f.seen[in.Path] {
		f.seen[in.Path] = true
		in.Format = format
		f.list = append(f.list, in)
	}
	return nil
}

// bucket adds objects of S3: one key, a glob, or all below a prefix.
func (f *finder) bucket(ctx context.Context, uri string) error {
	base, key, err := splitURI(uri)
	if err != nil {
		return err
	}
	store, err := objstore.Open(ctx, base, f.opt.S3)
	if err != nil {
		return &Error{Path: uri, Err: err}
	}
	defer store.Close()
	prefix := key
	switch {
	case isGlob(key):
		prefix = key[:strings.IndexAny(key, "*?[")]
	case key != "" && !strings.HasSuffix(key, "/"):
		info, err := store.Head(ctx, key)
		if err == nil {
			return f.object(base, info, true)
		}
		if !errors.Is(err, objstore.ErrNotFound) {
			return &Error{Path: uri, Err: err}
		}
		prefix = key + "/"
	}
	err = store.List(ctx, prefix, func(i objstore.Info) error {
		if isGlob(key) {
			if ok, err := path.Match(key, i.Key); err != nil || !ok {
				return err
			}
			return f.object(base, i, true)
		}
		if slices.ContainsFunc(strings.Split(strings.TrimPrefix(i.Key, prefix), "/"), hidden) || i.Bytes == 0 {
			return nil
		}
		return f.object(base, i, false)
	})
	var own *Error
	if err != nil && !errors.As(err, &own) {
		return &Error{Path: uri, Err: err}
	}
	return err
}

func (f *finder) object(base string, i objstore.Info, named bool) error {
	return f.add(Input{
		Path: base + "/" + i.Key, Bytes: i.Bytes, Version: i.Version, ModifiedMicros: i.Modified.UnixMicro(),
	}, named)
}

// splitURI divides an address into the bucket's and the key.
func splitURI(uri string) (base, key string, err error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	if bucket == "" {
		return "", "", fmt.Errorf("%s has no bucket", uri)
	}
	return "s3://" + bucket, key, nil
}
