package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/alluviumdb/alluvium/bench/data"
)

// datasetFiles is the number of Parquet files of a dataset, and with them the
// least number of segments.
const datasetFiles = 4

// datasetVersion rises when a generator makes other rows.
const datasetVersion = 2

// openDataset returns the files of a generated table, making them when the cache
// folder does not hold them yet.
func openDataset(cache string, t data.Table, rows int) (*dataset, error) {
	cache, err := filepath.Abs(cache) // engines have folders of their own
	if err != nil {
		return nil, err
	}
	d := &dataset{Table: t, Rows: rows}
	dir := filepath.Join(cache, fmt.Sprintf("%s-%d-v%d", t.Schema.Name, rows, datasetVersion))
	for i := range datasetFiles {
		d.Files = append(d.Files, filepath.Join(dir, fmt.Sprintf("part-%d.parquet", i)))
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := makeDataset(dir, t, rows); err != nil {
			return nil, fmt.Errorf("generating %s: %w", dir, err)
		}
	} else if err != nil {
		return nil, err
	}
	d.Bytes, err = folderBytes(dir)
	return d, err
}

// makeDataset writes the files into a folder that gets its name only when it is
// complete.
func makeDataset(dir string, t data.Table, rows int) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	src := t.New(rows)
	for i := range datasetFiles {
		n := rows*(i+1)/datasetFiles - rows*i/datasetFiles
		if err := writeFile(filepath.Join(tmp, fmt.Sprintf("part-%d.parquet", i)), t, src, n); err != nil {
			return err
		}
	}
	return os.Rename(tmp, dir)
}

// writeFile writes the next rows of src.
func writeFile(path string, t data.Table, src data.Source, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := data.WriteParquet(f, t.Schema, src, rows); err != nil {
		f.Close()
		return err
	}
	return nil // the Parquet writer closed the file
}
