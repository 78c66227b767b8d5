package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alluviumdb/alluvium/ingest/file"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/server/load"
)

// ingestion is one run of alluvium ingest.
type ingestion struct {
	opt      *ingestOptions
	file     file.Options
	req      loadRequest
	c        *loadClient
	out      io.Writer
	progress *progress

	inputs []file.Input
	table  *schema.Table
	load   loadState
	dir    string
}

func (in *ingestion) run(ctx context.Context, paths []string) error {
	start := time.Now()
	var err error
	if in.inputs, err = file.Find(ctx, paths, in.file); err != nil {
		return err
	}
	if in.table, err = in.findTable(ctx); err != nil {
		return err
	}
	if in.req.Key = in.opt.key; in.req.Key == "" {
		in.req.Key = in.makeKey()
	}
	if in.load, err = in.begin(ctx); err != nil {
		return err
	}
	in.c.patience = in.opt.patience
	if in.load.Status == "COMMITTED" {
		fmt.Fprintf(in.out, "nothing to do: load %d has loaded these files (%s rows in %s); --again loads them once more\n",
			in.load.ID, grouped(int64(in.load.Rows)), segments(in.load.Segments))
		return nil
	}
	if n := len(in.load.Staged); n > 0 {
		fmt.Fprintf(in.out, "going on with load %d: %d segments are uploaded already\n", in.load.ID, n)
	}
	done, err := in.buildAndCommit(ctx)
	in.progress.end()
	if err != nil {
		return in.giveUp(ctx, err)
	}
	in.summary(done, time.Since(start))
	return nil
}

// begin opens the load, or finds the one of the same key. What was staged of an
// earlier definition of the table need not divide the rows as it is done now, so
// that such a load is begun anew.
func (in *ingestion) begin(ctx context.Context) (loadState, error) {
	l, err := in.c.begin(ctx, in.table.Name, in.req)
	if err != nil || l.Status != "OPEN" || l.Version == in.table.Version {
		return l, err
	}
	fmt.Fprintf(in.out, "table %s was changed since load %d began: all segments are built anew\n", in.table.Name, l.ID)
	if err := in.c.abort(ctx, in.table.Name, l.ID, errTableChanged); err != nil {
		return l, err
	}
	return in.c.begin(ctx, in.table.Name, in.req)
}

var errTableChanged = errors.New("the table was changed before the load was gone on with")

// makeKey names the load by what it loads and how, so that the same command is
// the same load, also after a change of the table.
func (in *ingestion) makeKey() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %d\n", in.req.Mode, in.req.From, in.req.To, in.opt.rowsPerSegment)
	fmt.Fprintf(h, "%q %d %q %q\n", in.file.Format, in.file.Delimiter, in.file.Null, in.file.Header)
	for _, i := range in.inputs {
		fmt.Fprintf(h, "%q %d %q\n", i.Path, i.Bytes, i.Version)
	}
	if in.opt.again {
		io.CopyN(h, rand.Reader, 16) // crypto/rand never fails
	}
	return "ingest-" + hex.EncodeToString(h.Sum(nil)[:12])
}

// findTable returns the table, created before if it was asked for.
func (in *ingestion) findTable(ctx context.Context) (*schema.Table, error) {
	def, err := in.c.table(ctx, in.opt.table)
	var refused *apiError
	switch {
	case err == nil && in.opt.create:
		fmt.Fprintf(in.out, "table %s exists and stays as it is\n", def.NameWithType())
		return def, nil
	case !errors.As(err, &refused) || refused.Status != http.StatusNotFound:
		return def, err
	case !in.opt.create:
		return nil, fmt.Errorf("%w; --create makes it", err)
	}
	switch err := in.createTable(ctx); {
	case err == nil:
		return in.c.table(ctx, in.opt.table)
	case errors.As(err, &refused) && refused.Status == http.StatusConflict:
		// Another command was first, or the answer to an earlier attempt was lost.
		if def, terr := in.c.table(ctx, in.opt.table); terr == nil {
			return def, nil
		}
		return nil, err
	default:
		return nil, err
	}
}

// createTable makes the table of the given documents; what is not given is
// taken from the files, and printed.
func (in *ingestion) createTable(ctx context.Context) error {
	sch, err := readDocument(in.opt.schemaFile)
	if err != nil {
		return err
	}
	conf, err := readDocument(in.opt.tableConfig)
	if err != nil {
		return err
	}
	name, _ := schema.SplitTableName(in.opt.table)
	if sch == nil || conf == nil {
		inf, err := file.Infer(ctx, in.inputs, file.InferOptions{Table: name, File: in.file})
		if err != nil {
			return err
		}
		for _, n := range inf.Notes {
			fmt.Fprintln(in.out, "note:", n)
		}
		sch, conf = in.suggested("schema", sch, inf.SchemaJSON), in.suggested("table config", conf, inf.TableJSON)
	}
	warnings, err := in.c.createOffline(ctx, name, sch, conf)
	if err != nil {
		return fmt.Errorf("creating table %s: %w", name, err)
	}
	change{Status: "table " + name + "_OFFLINE created", Warnings: warnings}.print(in.out)
	return nil
}

// suggested returns a document that was given, else prints and returns the one
// that the files suggest.
func (in *ingestion) suggested(what string, given []byte, inferred json.RawMessage) []byte {
	if given != nil {
		return given
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, inferred, "", "  ") != nil {
		return inferred
	}
	fmt.Fprintf(in.out, "%s from the files:\n%s\n", what, pretty.Bytes())
	return inferred
}

// buildAndCommit brings all segments to the controllers and publishes them.
func (in *ingestion) buildAndCommit(ctx context.Context) (loadState, error) {
	var err error
	if in.dir, err = makeTempDir(in.opt.tempDir); err != nil {
		return loadState{}, err
	}
	defer os.RemoveAll(in.dir)
	defer ballast()()
	staged := map[string]bool{}
	for _, s := range in.load.Staged {
		staged[s.Name] = true
	}
	sum, err := load.Build(ctx, load.Options{
		Table: in.table, Dir: in.dir, Load: strconv.FormatUint(in.load.ID, 10), RowsPerSegment: in.opt.rowsPerSegment,
		Workers: in.opt.workers, File: in.file, Progress: in.progress.update, Done: func(name string) bool { return staged[name] },
	}, in.inputs, in.stage)
	if err != nil {
		return loadState{}, err
	}
	in.progress.committing()
	return in.c.commit(ctx, in.table.Name, in.load.ID, len(sum.Names))
}

// stage uploads a segment and removes its file.
func (in *ingestion) stage(ctx context.Context, b load.Built) error {
	if err := in.c.stage(ctx, in.table.Name, in.load.ID, b.Name, b.Path, b.CRC); err != nil {
		return fmt.Errorf("%s: %w", inputNames(b.Inputs), err)
	}
	return os.Remove(b.Path)
}

// inputNames names the files that a segment was built from.
func inputNames(inputs []file.Input) string {
	const show = 3
	var names []string
	for _, i := range inputs[:min(len(inputs), show)] {
		names = append(names, i.Path)
	}
	if n := len(inputs) - show; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

// giveUp aborts the load. One that was interrupted stays open, so that it can
// be taken up.
func (in *ingestion) giveUp(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted; nothing was published, and %s goes on from here", in.sameCommand())
	}
	var away *unavailableError
	if errors.As(cause, &away) {
		return fmt.Errorf("%w; nothing was published, and %s goes on from here", cause, in.sameCommand())
	}
	if err := in.c.abort(ctx, in.table.Name, in.load.ID, cause); err != nil {
		return fmt.Errorf("%w; nothing was published (and load %d could not be aborted: %w)", cause, in.load.ID, err)
	}
	return fmt.Errorf("%w; nothing was published", cause)
}

// sameCommand says which command takes up this load.
func (in *ingestion) sameCommand() string {
	if in.opt.again {
		return "the same command with --key " + in.req.Key + " in place of --again"
	}
	return "the same command"
}

// summary prints what was loaded.
func (in *ingestion) summary(done loadState, took time.Duration) {
	seconds := max(took.Seconds(), 1e-3)
	replaced := ""
	if in.req.Mode != "append" {
		replaced = fmt.Sprintf(", in place of %d", done.Replaced)
	}
	fmt.Fprintf(in.out, "loaded %s rows in %s%s, %s, %.1f s, %s rows/s\n", grouped(int64(done.Rows)), segments(done.Segments),
		replaced, size(int64(done.Bytes)), seconds, grouped(int64(float64(done.Rows)/seconds)))
}

func segments(n uint64) string {
	if n == 1 {
		return "1 segment"
	}
	return grouped(int64(n)) + " segments"
}

const tempPrefix = "alluvium-ingest-"

// makeTempDir makes a folder for segments on their way and removes those that
// killed runs left behind.
func makeTempDir(base string) (string, error) {
	if base == "" {
		base = os.TempDir()
	}
	left, err := filepath.Glob(filepath.Join(base, tempPrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), tempPrefix), "-")
		if pid, err := strconv.Atoi(text); err == nil && !running(pid) {
			os.RemoveAll(dir) // what stays is tried again next time
		}
	}
	return os.MkdirTemp(base, fmt.Sprintf("%s%d-", tempPrefix, os.Getpid()))
}

// running tells whether a process may still run.
func running(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}
