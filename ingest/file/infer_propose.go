package file

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// columnStats is what a sample tells of a column.
type columnStats struct {
	rows, nulls int
	distinct    map[uint64]struct{}
	descents    int // rows whose value is below the one before
	last        int64
	lo, hi      int64 // of integer kinds
}

// measure reads a sample of the rows.
func measure(ctx context.Context, inputs []Input, s *schema.Schema, opt Options, rows int) ([]columnStats, error) {
	stats := make([]columnStats, len(s.Fields))
	for i := range stats {
		stats[i] = columnStats{distinct: map[uint64]struct{}{}, lo: math.MaxInt64, hi: math.MinInt64}
	}
	for _, in := range inputs {
		if err := measureFile(ctx, in, s, opt, rows, stats); err != nil {
			return nil, err
		}
	}
	return stats, nil
}

func measureFile(ctx context.Context, in Input, s *schema.Schema, opt Options, rows int, stats []columnStats) error {
	r, err := Open(ctx, in, s, opt)
	if err != nil {
		return err
	}
	defer r.Close()
	for rows > 0 {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i, v := range b.Cols {
			stats[i].add(v, min(b.N, rows))
		}
		rows -= b.N
	}
	return nil
}

func (c *columnStats) add(v *column.Vector, n int) {
	for i := range n {
		c.rows++
		if v.IsNull(i) {
			c.nulls++
			continue
		}
		x := v.Value(i)
		c.distinct[valueHash(x)] = struct{}{}
		switch v.Kind() {
		case schema.KindInt32, schema.KindInt64:
			if x.I < c.last && c.rows > 1 {
				c.descents++
			}
			c.last, c.lo, c.hi = x.I, min(c.lo, x.I), max(c.hi, x.I)
		}
	}
}

func valueHash(x column.Value) uint64 {
	if x.B != nil {
		return xxhash.Sum64(x.B)
	}
	var b [32]byte
	binary.LittleEndian.PutUint64(b[:], uint64(x.I))
	binary.LittleEndian.PutUint64(b[8:], math.Float64bits(x.F))
	binary.LittleEndian.PutUint64(b[16:], x.D.Coef.Lo)
	binary.LittleEndian.PutUint64(b[24:], uint64(x.D.Coef.Hi)<<8|uint64(x.D.Scale))
	return xxhash.Sum64(b[:])
}

// propose decides on roles and indexes and writes the documents.
func (f *inferrer) propose(s *schema.Schema, stats []columnStats) (*Inferred, error) {
	for i := range s.Fields {
		f.role(&s.Fields[i], &stats[i])
	}
	time := f.timeColumn(s, stats)
	out := &Inferred{Schema: s}
	var err error
	if out.SchemaJSON, err = s.PinotJSON(); err != nil {
		return nil, err
	}
	out.TableJSON, err = f.table(s, time, f.inverted(s, stats, time))
	out.Notes = f.notes
	return out, err
}

// role tells dimensions, metrics and points in time apart.
func (f *inferrer) role(field *schema.Field, c *columnStats) {
	t := field.Type
	switch {
	case t.IsTime():
		field.Role = schema.DateTime
	case t.List:
	case t.ID == schema.TypeInt64 && timeName(field.Name) && c.rows > c.nulls:
		if unit, ok := epochUnit(c.lo, c.hi); ok {
			field.Role = schema.DateTime
			field.Format = schema.TimeFormat{Kind: schema.FormatEpoch, Unit: unit, Size: 1}
			f.note("%s holds numbers that look like times since 1970.", field.Name)
		}
	case t.ID == schema.TypeFloat32, t.ID == schema.TypeFloat64, t.ID == schema.TypeNumeric:
		field.Role = schema.Metric
	}
	if field.Role == schema.Dimension && t.IsInteger() && !keyName(field.Name) && len(c.distinct) > 256 {
		field.Role = schema.Metric
	}
}

// timeName tells names that times have.
func timeName(name string) bool {
	low := strings.ToLower(name)
	for _, part := range []string{"time", "date", "epoch", "millis", "timestamp"} {
		if strings.Contains(low, part) {
			return true
		}
	}
	return low == "ts" || strings.HasSuffix(low, "_ts") || strings.HasSuffix(low, "_at") || strings.HasSuffix(low, "_ms")
}

// keyName tells names of numbers that name things rather than measure them.
func keyName(name string) bool {
	low := strings.ToLower(name)
	for _, end := range []string{"id", "key", "code", "number", "num", "no", "year", "month", "week", "day", "hour", "zip", "phone"} {
		if strings.HasSuffix(low, end) {
			return true
		}
	}
	return false
}

// epochUnit finds the unit in which all numbers lie between 2000 and 2100.
func epochUnit(lo, hi int64) (schema.TimeUnit, bool) {
	const from, to = 946_684_800, 4_102_444_800
	units := []struct {
		unit schema.TimeUnit
		tick int64
	}{{schema.UnitSeconds, 1}, {schema.UnitMillis, 1000}, {schema.UnitMicros, 1_000_000}, {schema.UnitNanos, 1_000_000_000}}
	for _, u := range units {
		if lo >= from*u.tick && (hi <= to*u.tick || to > math.MaxInt64/u.tick) {
			return u.unit, true
		}
	}
	return 0, false
}

// timeColumn returns the field to divide and sort the table by, -1 for none:
// the first time without NULLs, one in order of the rows before others.
func (f *inferrer) timeColumn(s *schema.Schema, stats []columnStats) int {
	best := -1
	for i := range s.Fields {
		c := &stats[i]
		if s.Fields[i].Role != schema.DateTime || c.nulls > 0 || c.rows == 0 {
			continue
		}
		if best < 0 || c.descents == 0 && stats[best].descents > 0 {
			best = i
		}
	}
	if best >= 0 {
		f.note("%s is the time column and the rows of a segment are sorted by it: it had no NULL in the sample.", s.Fields[best].Name)
	}
	return best
}

// inverted names the dimensions with few values: 2 to 1,000, and on average 20
// rows or more of each.
func (f *inferrer) inverted(s *schema.Schema, stats []columnStats, time int) []string {
	names := []string{}
	for i := range s.Fields {
		field, n := &s.Fields[i], len(stats[i].distinct)
		switch {
		case i == time || field.Role != schema.Dimension || field.Type.List || n < 2 || n > 1000 || n > stats[i].rows/20:
		case field.Type.ID == schema.TypeJSON || field.Type.ID == schema.TypeBytea || field.Type.ID == schema.TypeInterval:
		default:
			names = append(names, field.Name)
		}
	}
	if len(names) > 0 {
		f.note("Inverted indexes are proposed for dimensions of at most 1,000 values in the sample.")
	}
	return names
}

func (f *inferrer) table(s *schema.Schema, time int, inverted []string) (json.RawMessage, error) {
	segments := map[string]any{"schemaName": s.Name, "replication": "1"}
	index := map[string]any{"invertedIndexColumns": inverted}
	if time >= 0 {
		segments["timeColumnName"] = s.Fields[time].Name
		index["sortedColumn"] = []string{s.Fields[time].Name}
	}
	return json.MarshalIndent(map[string]any{
		"tableName": f.opt.Table, "tableType": string(schema.Offline),
		"segmentsConfig": segments, "tableIndexConfig": index, "tenants": map[string]any{}, "metadata": map[string]any{},
	}, "", "  ")
}
