// Package file reads the files of a batch load – Parquet, CSV, JSON and Avro,
// in local folders or in S3 – as typed columns against a schema, and proposes
// a schema and a table config for files that have no table yet. It knows file
// formats and the decoding rules of ingest/decode; it knows nothing of
// segments, servers or clusters.
//
// Bad bytes never panic: every fault is an *Error that names the file and,
// where they are known, the column and the row.
package file

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/objstore"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Errors, checked with errors.Is.
var (
	// ErrCorrupt marks a file whose bytes are not what its format says, or
	// that ends too early.
	ErrCorrupt = errors.New("corrupt file")
	// ErrMismatch marks a file whose columns or values do not fit the schema.
	ErrMismatch = errors.New("file does not fit the schema")
	// ErrUnsupported marks something that the format allows and the reader lacks.
	ErrUnsupported = errors.New("not supported")
	// ErrNoFiles is returned by Find when a path leads to no file.
	ErrNoFiles = errors.New("no files")
)

// Error is a fault of one file.
type Error struct {
	Path   string
	Column string // "" when the fault is not one column's
	Row    int64  // counted from 1 in the file; 0 when the fault is not one row's
	Err    error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Row > 0 {
		fmt.Fprintf(&b, ", row %d", e.Row)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, ", column %q", e.Column)
	}
	return b.String() + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Format is a file format.
type Format string

// The formats.
const (
	Parquet Format = "parquet"
	CSV     Format = "csv"
	JSON    Format = "json"
	Avro    Format = "avro"
)

// ParseFormat reads the name of a format; "" stays "", which means that the
// file's name decides.
func ParseFormat(name string) (Format, error) {
	f := Format(strings.ToLower(name))
	switch f {
	case "", Parquet, CSV, JSON, Avro:
		return f, nil
	}
	return "", fmt.Errorf("unknown file format %q; the formats are parquet, csv, json, avro", name)
}

// Options say how files are found and read. The zero value is useful.
type Options struct {
	// Format is the format of all files; "" means that each name decides
	// (.parquet, .csv, .tsv, .json, .jsonl, .ndjson, .avro; csv and json also
	// with .gz or .zst behind).
	Format Format
	// Delimiter separates the fields of CSV; 0 means a comma (a tab for .tsv).
	Delimiter byte
	// Null is how CSV spells NULL without quotes; "" means an empty field.
	Null string
	// ListDelimiter separates the values of a multi-value field in a CSV cell;
	// 0 means a semicolon.
	ListDelimiter byte
	// Header names the columns of CSV files without a header row; nil means
	// that the first row is one.
	Header []string
	// Decode holds the options of ingest/decode.
	Decode decode.Options
	// S3 says how to reach s3:// paths.
	S3 objstore.Options
}

// Input is one file to read.
type Input struct {
	// Path is a local path or an s3:// address.
	Path   string
	Format Format
	Bytes  int64
	// Version changes when the content does: the entity tag of an object, the
	// modification time of a local file. ModifiedMicros is the latter in µs.
	Version        string
	ModifiedMicros int64
}

// Reader reads the rows of one input in order. It is used by one goroutine.
type Reader interface {
	// Next returns the next rows, columns in the order of the schema's fields,
	// or io.EOF after the last. The batch is valid until the next call.
	Next(ctx context.Context) (*column.Batch, error)
	// BytesRead returns how much of the input's Bytes was consumed so far.
	BytesRead() int64
	Close() error
}

// Find expands paths (files, folders, globs, s3:// addresses, prefixes ending
// in a slash and globs) into inputs in a fixed order, without repetitions.
// Names that begin with a dot or an underscore are left out of folders, as are
// files of folders whose name tells no format.
func Find(ctx context.Context, paths []string, opt Options) ([]Input, error) {
	return find(ctx, paths, opt)
}

// Open opens an input for reading its rows as columns of s.
func Open(ctx context.Context, in Input, s *schema.Schema, opt Options) (Reader, error) {
	return open(ctx, in, s, opt)
}
