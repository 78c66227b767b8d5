package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// TestFaults checks that faults name the file, the column and the row.
func TestFaults(t *testing.T) {
	s := &schema.Schema{Name: "t", Fields: []schema.Field{
		{Name: "id", Type: schema.Int32, NotNull: true},
		{Name: "name", Type: schema.Text},
	}}
	f := func(name, data string, kind error, want string) {
		t.Helper()
		path := writeTemp(t, name, []byte(data))
		_, err := readAll(path, s, Options{})
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Fatalf("%s %q: %v", name, data, err)
		}
	}
	f("a.csv", "id,name\n1,a\nx,b\n", ErrMismatch, `row 2, column "id": file does not fit the schema: cannot convert string x to INT`)
	f("a.csv", "id,name\n1,a\n,b\n", ErrMismatch, `row 2, column "id"`)
	f("a.csv", "id,name\n1,a\n5000000000,b\n", ErrMismatch, `row 2, column "id"`)
	f("a.csv", "id,name\n1,a,3\n", ErrCorrupt, "row 1: corrupt file: 3 fields, the header has 2")
	f("a.csv", "id,name\n1,\"a\n", ErrCorrupt, "within a quoted field")
	f("a.csv", "id,name\n1,\"a\"b\n", ErrCorrupt, "after the closing quote")
	f("a.csv", "id,name\n1,\xff\n", ErrMismatch, "UTF-8")
	f("a.csv", "no,columns\n1,a\n", ErrMismatch, "no column has the name of a field")
	f("a.csv", "name\na\n", ErrMismatch, `column "id"`)
	f("a.csv.gz", "no gzip", ErrCorrupt, "")
	f("a.csv.zst", "no zstd", ErrCorrupt, "")
	f("a.csv.gz", string(gzipBytes([]byte("id,name\n1,a\n"))[:25]), ErrCorrupt, "")
	f("a.json", `{"id":1}`+"\n"+`{"id":"x"}`, ErrMismatch, `row 2: file does not fit the schema: id: cannot convert string "x" to INT`)
	f("a.json", `{"id":1}`+"\n"+`{"id":1`, ErrCorrupt, "row 2: corrupt file: the file ends within an object")
	f("a.json", `{"id":1}`+"\n"+`{"id":,}`, ErrCorrupt, "row 2")
	f("a.json", `[{"id":1} {"id":2}]`, ErrCorrupt, "expected ',' or ']'")
	f("a.json", `[{"id":1},`, ErrCorrupt, "within the array")
	f("a.json", `[{"id":1}] x`, ErrCorrupt, "expected the end of the file")
	f("a.json", `17`, ErrCorrupt, "expected an object")
	f("a.avro", "Obj\x02", ErrCorrupt, "Avro")
	f("a.parquet", "PAR1", ErrCorrupt, "")
	f("a.parquet", string(writeParquet(testRows(10), true, compress.Codecs.Snappy, false)), ErrMismatch, `column "id"`)
}

// TestParquetMismatch checks that a value that does not fit is found though
// only the dictionary is converted, and only if a row has it.
func TestParquetMismatch(t *testing.T) {
	path := writeTemp(t, "a.parquet", writeParquet(testRows(500), true, compress.Codecs.Snappy, false))
	s := &schema.Schema{Name: "t", Fields: []schema.Field{{Name: "name", Type: schema.Type{ID: schema.TypeVarchar, Length: 50}}}}
	_, err := readAll(path, s, Options{})
	var e *Error
	if !errors.As(err, &e) || e.Row != 8 || e.Column != "name" || e.Path != path || !errors.Is(err, ErrMismatch) {
		t.Fatalf("%v", err)
	}
	s.Fields[0] = schema.Field{Name: "tags", Type: schema.Text}
	if _, err = readAll(path, s, Options{}); !errors.Is(err, ErrMismatch) {
		t.Fatalf("%v", err)
	}
	// Types that differ are converted as JSON's are.
	s.Fields[0] = schema.Field{Name: "day", Type: schema.Text}
	b, err := readAll(path, s, Options{})
	if err != nil || string(b.Cols[0].Bytes(1)) != dayText(19_001) {
		t.Fatalf("%v", err)
	}
	s.Fields[0] = schema.Field{Name: "price", Type: schema.Float64}
	if b, err = readAll(path, s, Options{}); err != nil || b.Cols[0].Float64s[1] != -9.63 {
		t.Fatalf("%v", err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"b.csv", "a.csv.gz", "sub/c.json", "_SUCCESS", ".hidden.csv", "readme.txt", "_tmp/x.csv"} {
		p := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := func(want string, paths ...string) {
		t.Helper()
		for i := range paths {
			paths[i] = filepath.Join(dir, paths[i])
		}
		inputs, err := Find(context.Background(), paths, Options{})
		var got []string
		for _, in := range inputs {
			rel, _ := filepath.Rel(dir, in.Path)
			got = append(got, rel+":"+string(in.Format))
			if in.Version == "" || in.Bytes != 1 || in.ModifiedMicros == 0 {
				t.Fatalf("%+v", in)
			}
		}
		if err != nil {
			got = append(got, "error")
		}
		if s := strings.Join(got, " "); s != want {
			t.Fatalf("%v: %s, want %s (%v)", paths, s, want, err)
		}
	}
	f("a.csv.gz:csv b.csv:csv sub/c.json:json", "")
	f("a.csv.gz:csv b.csv:csv", "*.csv*")
	f("sub/c.json:json b.csv:csv", "sub", "b.csv", "b.csv")
	f("error", "nothing.csv")
	f("error", "*.avro")
	f("error", "readme.txt")
}

func fuzzRead(f *testing.F, name string, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := writeTemp(t, name, data)
		_, err := readAll(path, testSchema, Options{})
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Path != path) {
			t.Fatalf("no file in %v", err)
		}
	})
}

func FuzzCSV(f *testing.F) { fuzzRead(f, "a.csv", writeCSV(testRows(20))) }
func FuzzJSON(f *testing.F) {
	fuzzRead(f, "a.json", writeJSON(testRows(20), false), writeJSON(testRows(5), true))
}
func FuzzAvro(f *testing.F) {
	fuzzRead(f, "a.avro", writeAvro(testRows(20), "null"), writeAvro(testRows(5), "deflate"))
}

func FuzzParquet(f *testing.F) {
	fuzzRead(f, "a.parquet", writeParquet(testRows(20), true, compress.Codecs.Uncompressed, false),
		writeParquet(testRows(20), false, compress.Codecs.Snappy, true))
}

// TestFlippedBytes flips bytes of small files: no panic, and every error
// names the file. A flip may go unnoticed, as the formats have no checksums.
func TestFlippedBytes(t *testing.T) {
	rows := testRows(12)
	for name, data := range map[string][]byte{
		"a.parquet": writeParquet(rows, true, compress.Codecs.Uncompressed, false),
		"b.parquet": writeParquet(rows, false, compress.Codecs.Zstd, true),
		"a.avro":    writeAvro(rows, "null"),
	} {
		path := filepath.Join(t.TempDir(), name)
		for i := 0; i < len(data); i += 5 {
			for _, flip := range []byte{0xff} {
				data[i] ^= flip
				if err := os.WriteFile(path, data, 0o644); err != nil {
					t.Fatal(err)
				}
				data[i] ^= flip
				var e *Error
				if _, err := readAll(path, testSchema, Options{}); err != nil && (!errors.As(err, &e) || e.Path != path) {
					t.Fatalf("%s, byte %d: %v", name, i, err)
				}
			}
		}
	}
}

// TestEncodings decodes what writers of other engines make by hand-made bytes.
func TestEncodings(t *testing.T) {
	ints := column.New(schema.Int32, 0)
	// 128-value blocks of 4 mini-blocks; first value 7, then deltas of 1.
	b := []byte{0x80, 0x01, 4, 5, 14, 2, 0, 0, 0, 0}
	if err := appendDeltaInts(ints, b, 5); err != nil || ints.Int32s[4] != 11 {
		t.Fatal(err, ints.Int32s)
	}
	text := column.New(schema.Bytea, 0)
	// Lengths 2, 2 (delta 0), then the bytes.
	if err := appendDeltaLengths(text, []byte{0x80, 0x01, 4, 2, 4, 0, 0, 0, 0, 0, 'a', 'b', 'c', 'd'}, 2); err != nil || string(text.Bytes(1)) != "cd" {
		t.Fatal(err)
	}
	split := column.New(schema.Float32, 0)
	if err := appendSplit(split, []byte{0, 0, 0, 0, 0x80, 0, 0x3f, 0x40}, 2, parquet.Types.Float, 0); err != nil || split.Float32s[0] != 1 || split.Float32s[1] != 2 {
		t.Fatal(err, split.Float32s)
	}
	ids, top, err := appendHybrid(nil, []byte{6, 5, 3, 0b10_001_000, 0b1_100_011_0, 0b111_110_10}, 3, 11)
	if err != nil || top != 7 || len(ids) != 11 || ids[2] != 5 || ids[3] != 0 || ids[4] != 1 || ids[10] != 7 {
		t.Fatal(err, ids)
	}
}
