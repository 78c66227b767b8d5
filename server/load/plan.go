package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/alluviumdb/alluvium/ingest/file"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// piece is a run of rows of one row group of a Parquet file.
type piece struct {
	input    int // index in the inputs
	group    int
	from, to int64
}

// unit is what one worker does at a time: pieces of Parquet files that make
// one segment, or whole files of other formats that make one or several.
type unit struct {
	name   string
	pieces []piece
	files  []int // indexes in the inputs
	rows   int64 // 0 if unknown
	bytes  int64 // of the inputs
}

// unitBytes is how much of other files than Parquet is put into one unit.
const unitBytes = 256 << 20

// RowsPerSegment returns the rows of a segment that a table config asks for:
// maxNumRecordsPerSegment of a task in task.taskTypeConfigsMap, 0 if none does.
func RowsPerSegment(cfg *schema.TableConfig) (int, error) {
	if cfg == nil || len(cfg.Raw) == 0 {
		return 0, nil
	}
	var doc struct {
		Task struct {
			Types map[string]map[string]any `json:"taskTypeConfigsMap"`
		} `json:"task"`
	}
	if err := json.Unmarshal(cfg.Raw, &doc); err != nil {
		return 0, fmt.Errorf("table config: %w", err)
	}
	const key = "maxNumRecordsPerSegment"
	for _, name := range []string{"SegmentGenerationAndPushTask", "MergeRollupTask"} {
		v, ok := doc.Task.Types[name][key]
		if !ok {
			continue
		}
		n, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil || n <= 0 {
			return 0, fmt.Errorf("table config: task.taskTypeConfigsMap.%s.%s: %v is no number of rows", name, key, v)
		}
		return n, nil
	}
	return 0, nil
}

// planner divides the inputs into units.
type planner struct {
	opt    *Options
	inputs []file.Input
	units  []unit
	rows   []int64 // of each Parquet input
}

// plan returns the units in the order of the inputs.
func plan(ctx context.Context, opt *Options, inputs []file.Input) (*planner, error) {
	p := &planner{opt: opt, inputs: inputs, rows: make([]int64, len(inputs))}
	for i := 0; i < len(inputs); {
		j := i
		for j < len(inputs) && (inputs[j].Format == file.Parquet) == (inputs[i].Format == file.Parquet) {
			j++
		}
		if inputs[i].Format == file.Parquet {
			if err := p.parquet(ctx, i, j); err != nil {
				return nil, err
			}
		} else {
			p.texts(i, j)
		}
		i = j
	}
	seen := map[string]bool{}
	for i := range p.units {
		u := &p.units[i]
		u.name = p.name(u)
		if seen[u.name] {
			return nil, fmt.Errorf("inputs %v are listed twice", u.inputs(inputs)[0].Path)
		}
		seen[u.name] = true
	}
	return p, nil
}

// texts puts files from…to together until they have unitBytes.
func (p *planner) texts(from, to int) {
	u := unit{}
	for i := from; i < to; i++ {
		u.files = append(u.files, i)
		u.bytes += p.inputs[i].Bytes
		if u.bytes >= unitBytes || i == to-1 {
			p.units = append(p.units, u)
			u = unit{}
		}
	}
}

// parquet divides the row groups of files from…to among as few segments as
// possible, of nearly equal numbers of rows.
func (p *planner) parquet(ctx context.Context, from, to int) error {
	var all []piece
	var total int64
	for i := from; i < to; i++ {
		f, err := file.OpenParquet(ctx, p.inputs[i], p.opt.Table.Schema, p.opt.File)
		if err != nil {
			return err
		}
		for g, n := range f.Groups() {
			all = append(all, piece{input: i, group: g, to: n})
		}
		p.rows[i] = f.NumRows()
		total += f.NumRows()
		if err := f.Close(); err != nil {
			return err
		}
	}
	if total == 0 {
		return nil
	}
	p.balance(all, total)
	return nil
}

// balance cuts the pieces into the least number of units of nearly equal rows
// for which whole row groups leave no small rest.
func (p *planner) balance(all []piece, total int64) {
	limit, before := int64(p.opt.RowsPerSegment), len(p.units)
	for n := (total + limit - 1) / limit; ; n++ {
		p.cut(all, total, n)
		if int64(len(p.units)-before) <= n {
			return
		}
		p.units = p.units[:before]
	}
}

// cut ends unit k at the row group whose end is nearest to k nths of the rows.
// Row groups that are large beside a segment are divided.
func (p *planner) cut(all []piece, total, n int64) {
	limit := int64(p.opt.RowsPerSegment)
	u, done, k := unit{}, int64(0), int64(1)
	flush := func() {
		if u.rows > 0 {
			p.units = append(p.units, u)
			k++
		}
		u = unit{}
	}
	add := func(c piece) {
		u.pieces = append(u.pieces, c)
		u.rows += c.to - c.from
		u.bytes += p.share(c)
		done += c.to - c.from
	}
	end := func() int64 { return (total*min(k, n) + n - 1) / n }
	for _, c := range all {
		rows := c.to - c.from
		if rows == 0 {
			continue
		}
		if rows <= limit/8 {
			if u.rows+rows > limit || done+rows/2 > end() {
				flush()
			}
			add(c)
			continue
		}
		for c.from < c.to {
			part := c
			part.to = min(c.to, c.from+max(1, min(end()-done, limit-u.rows)))
			add(part)
			c.from = part.to
			if done >= end() || u.rows == limit {
				flush()
			}
		}
	}
	flush()
}

// share is the part of a file's bytes that a piece stands for.
func (p *planner) share(c piece) int64 {
	rows := p.rows[c.input]
	if rows == 0 {
		return 0
	}
	return int64(float64(p.inputs[c.input].Bytes) * float64(c.to-c.from) / float64(rows))
}

// name makes the unit's name from what its rows come from.
func (p *planner) name(u *unit) string {
	h := xxhash.New()
	write := func(format string, args ...any) { fmt.Fprintf(h, format, args...) } // a hash takes all
	note := func(i int) {
		in := &p.inputs[i]
		write("%q %d %q;", in.Path, in.Bytes, in.Version)
	}
	last := -1
	for _, c := range u.pieces {
		if c.input != last {
			note(c.input)
			last = c.input
		}
		write("%d:%d-%d;", c.group, c.from, c.to)
	}
	for _, i := range u.files {
		note(i)
	}
	if len(u.files) > 0 {
		write("%d", p.opt.RowsPerSegment)
	}
	load := ""
	if p.opt.Load != "" {
		load = p.opt.Load + "_"
	}
	return fmt.Sprintf("%s_load_%s%016x", p.opt.Table.Name, load, h.Sum64())
}

// inputs returns the files of a unit.
func (u *unit) inputs(all []file.Input) []file.Input {
	var out []file.Input
	last := -1
	for _, c := range u.pieces {
		if c.input != last {
			out = append(out, all[c.input])
			last = c.input
		}
	}
	for _, i := range u.files {
		out = append(out, all[i])
	}
	return out
}

// check refuses options that cannot work and fills in defaults.
func (o *Options) check() error {
	if o.Table == nil || o.Table.Schema == nil {
		return errors.New("load: no table")
	}
	if o.Dir == "" {
		return errors.New("load: no folder for segments")
	}
	if o.RowsPerSegment == 0 {
		n, err := RowsPerSegment(o.Table.Config)
		if err != nil {
			return err
		}
		o.RowsPerSegment = n
	}
	if o.RowsPerSegment == 0 {
		o.RowsPerSegment = DefaultRowsPerSegment
	}
	if o.RowsPerSegment < 0 {
		return fmt.Errorf("load: %d rows per segment", o.RowsPerSegment)
	}
	if o.Table.Config != nil && o.File.Decode.TimeColumn == "" {
		o.File.Decode.TimeColumn = o.Table.Config.TimeColumn
	}
	return nil
}
