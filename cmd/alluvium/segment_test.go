package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/immutable"
	"github.com/alluviumdb/alluvium/segment/inspect"
)

// segmentCommand runs alluvium segment with args and returns what it printed.
func segmentCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"segment"}, args...))
	err := root.ExecuteContext(context.Background())
	return out.String(), err
}

func mustSegment(t *testing.T, args ...string) string {
	t.Helper()
	out, err := segmentCommand(t, args...)
	if err != nil {
		t.Fatalf("segment %v: %v\n%s", args, err, out)
	}
	return out
}

// salesCSV writes a small CSV file.
func salesCSV(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("at,city,price\n")
	for i := range 600 {
		fmt.Fprintf(&b, "2026-11-%02d 10:00:00,%s,%d.%02d\n", 1+i/30, []string{"Wien", "Graz", "Linz"}[i%3], i, i%100)
	}
	path := filepath.Join(dir, "sales.csv")
	writeFile(t, path, b.String())
	return path
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const salesSchema = `{"schemaName": "sales",
	"dimensionFieldSpecs": [{"name": "city", "dataType": "STRING"}],
	"metricFieldSpecs": [{"name": "price", "dataType": "DOUBLE"}],
	"dateTimeFieldSpecs": [{"name": "at", "dataType": "TIMESTAMP", "format": "TIMESTAMP", "granularity": "1:SECONDS"}]}`

func salesConfig(index string) string {
	return `{"tableName": "sales_OFFLINE", "tableType": "OFFLINE", "segmentsConfig": {"timeColumnName": "at", "replication": "1"},
		"tenants": {}, "tableIndexConfig": {` + index + `}, "metadata": {}}`
}

func segFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+segmentExt))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSegmentBuildInfersTheTable(t *testing.T) {
	dir := t.TempDir()
	out := mustSegment(t, "build", "--out", dir, salesCSV(t, dir))
	files := segFiles(t, dir)
	if len(files) != 1 || !strings.Contains(out, "schema from the files:") || !strings.Contains(out, files[0]+": 600 rows") {
		t.Fatalf("files %v\n%s", files, out)
	}
	if out := mustSegment(t, "verify", files[0]); !strings.Contains(out, "ok, 600 documents, 3 columns") {
		t.Error(out)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestSegmentBuildWithDocuments(t *testing.T) {
	dir := t.TempDir()
	in := salesCSV(t, dir)
	schemaFile, config := filepath.Join(dir, "schema.json"), filepath.Join(dir, "table.json")
	writeFile(t, schemaFile, salesSchema)
	writeFile(t, config, salesConfig(`"sortedColumn": ["city"], "bloomFilterColumns": ["city"], "invertedIndexColumns": ["price"]`))
	out := mustSegment(t, "build", "--out", dir, "--schema", schemaFile, "--table-config", config, "--rows-per-segment", "400", in)
	files := segFiles(t, dir)
	if len(files) != 2 {
		t.Fatalf("files %v\n%s", files, out)
	}
	dump := mustSegment(t, "dump", files[0])
	for _, want := range []string{"table sales (id 1)", "time column 3", "sorted-runs", "indexes: inverted", "bloom"} {
		if !strings.Contains(dump, want) {
			t.Errorf("no %q in\n%s", want, dump)
		}
	}
	bench := mustSegment(t, "bench", "--time", "1us", "--columns", "price", files[0])
	if !strings.Contains(bench, "read Mrows/s") || !strings.Contains(bench, "price") || strings.Contains(bench, "city") {
		t.Error(bench)
	}
	if js := mustSegment(t, "bench", "--time", "1us", "--json", files[0]); !strings.Contains(js, `"readRowsPerSecond":`) {
		t.Error(js)
	}
}

func TestSegmentBuildLeavesNothingAfterAFault(t *testing.T) {
	dir := t.TempDir()
	good := salesCSV(t, dir)
	bad := filepath.Join(dir, "bad.csv")
	writeFile(t, bad, "at,city,price\n2026-11-01 10:00:00,Wien,cheap\n")
	schemaFile := filepath.Join(dir, "schema.json")
	writeFile(t, schemaFile, salesSchema)
	out, err := segmentCommand(t, "build", "--out", filepath.Join(dir, "out"), "--schema", schemaFile, good, bad)
	if err == nil || !strings.Contains(err.Error(), bad) {
		t.Errorf("no word of %s: %v\n%s", bad, err, out)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "out")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	writeFile(t, filepath.Join(dir, "table.json"), salesConfig(`"rangeIndexColumns": ["nowhere"]`))
	if _, err := segmentCommand(t, "build", "--out", dir, "--schema", schemaFile, "--table-config", filepath.Join(dir, "table.json"), good); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("index of no column: %v", err)
	}
}

func rowSum(t *testing.T, path string) uint64 {
	t.Helper()
	if _, err := inspect.Verify(context.Background(), vfs.OS, path); err != nil {
		t.Fatal(err)
	}
	s, err := immutable.Open(vfs.OS, path, immutable.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	return s.Metadata().RowSum
}

func TestSegmentConvert(t *testing.T) {
	dir := t.TempDir()
	in := salesCSV(t, dir)
	schemaFile := filepath.Join(dir, "schema.json")
	writeFile(t, schemaFile, salesSchema)
	mustSegment(t, "build", "--out", dir, "--schema", schemaFile, in)
	seg := segFiles(t, dir)[0]

	config := filepath.Join(dir, "table.json")
	writeFile(t, config, salesConfig(`"sortedColumn": ["city"], "noDictionaryColumns": ["price"], "rangeIndexColumns": ["price"]`))
	again := filepath.Join(dir, "again")
	out := mustSegment(t, "convert", "--table-config", config, "--out", again, seg)
	if !strings.Contains(out, "600 rows") || rowSum(t, again) != rowSum(t, seg) {
		t.Error(out)
	}
	if dump := mustSegment(t, "dump", again); !strings.Contains(dump, "indexes: range") || !strings.Contains(dump, "sorted-runs") {
		t.Error(dump)
	}

	wider := filepath.Join(dir, "wider.json")
	writeFile(t, wider, strings.Replace(salesSchema, `{"name": "city", "dataType": "STRING"}`,
		`{"name": "added", "dataType": "INT"}, {"name": "city", "dataType": "STRING"}`, 1))
	mustSegment(t, "convert", "--schema", wider, "--out", again, seg)
	if dump := mustSegment(t, "dump", again); !strings.Contains(dump, `column 4 "added" integer`) || !strings.Contains(dump, `column 1 "city"`) {
		t.Error(dump)
	}

	for _, format := range []string{"csv", "json", "parquet"} {
		rows := filepath.Join(dir, "rows."+format)
		mustSegment(t, "convert", "--to", format, "--out", rows, seg)
		back := filepath.Join(dir, format)
		mustSegment(t, "build", "--out", back, "--schema", schemaFile, rows)
		if files := segFiles(t, back); len(files) != 1 || rowSum(t, files[0]) != rowSum(t, seg) {
			t.Errorf("%s: other rows came back", format)
		}
	}
	if out := mustSegment(t, "convert", "--to", "csv", "--out", "-", seg); !strings.HasPrefix(out, "city,price,at\nWien,0,2026-11-01 10:00:00") {
		t.Errorf("%.100s", out)
	}
}

func TestSegmentConvertFaults(t *testing.T) {
	dir := t.TempDir()
	mustSegment(t, "build", "--out", dir, salesCSV(t, dir))
	seg := segFiles(t, dir)[0]
	f := func(want string, args ...string) {
		t.Helper()
		if out, err := segmentCommand(t, append([]string{"convert"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	f("there is no format", "--to", "xml", "--out", "x", seg)
	f("standard output", "--out", "-", seg)
	f("belong to --to segment", "--to", "csv", "--schema", "x", "--out", "-", seg)
	f("no such file", "--out", "x", filepath.Join(dir, "nothing"))
	b, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	for i := 64; i < 256; i++ {
		b[i] ^= 1
	}
	writeFile(t, seg, string(b))
	rows := filepath.Join(dir, "rows.csv")
	if _, err := segmentCommand(t, "convert", "--to", "csv", "--out", rows, seg); !errors.Is(err, segment.ErrCorrupt) || !strings.Contains(err.Error(), seg) {
		t.Errorf("corrupt segment: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*rows.csv*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
