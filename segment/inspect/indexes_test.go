package inspect

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

// TestDumpIndexes guards the bytes of indexes and forms that the other golden
// files have not.
func TestDumpIndexes(t *testing.T) {
	scaled := schema.Numeric
	columns := []struct {
		name  string
		typ   schema.Type
		value func(i int) column.Value
	}{
		{"key", schema.Text, func(i int) column.Value { return column.TextValue(fmt.Sprintf("key %04d", spread(i)%700)) }},
		{"name", schema.Text, func(i int) column.Value { return column.TextValue(fmt.Sprintf("name %04d", spread(i)%700*7%701)) }},
		{"words", schema.Text, func(i int) column.Value {
			return column.TextValue(fmt.Sprintf("the %s fox", []string{"quick", "lazy", "brown"}[i%3]))
		}},
		{"doc", schema.JSON, func(i int) column.Value {
			return column.BytesValue(schema.JSON, fmt.Appendf(nil, `{"n":%d,"tags":["a","b%d"]}`, i%5, i%2))
		}},
		{"amount", schema.Int64, func(i int) column.Value { return column.IntValue(schema.Int64, int64(spread(i)%1_000_003)) }},
		{"money", scaled, func(i int) column.Value {
			return column.Value{Type: scaled, D: column.DecimalFromInt64(int64(spread(i)%100_000), 2)}
		}},
		{"mixed", scaled, func(i int) column.Value {
			return column.Value{Type: scaled, D: column.DecimalFromInt64(int64(spread(i)%100_000), uint8(i%3))}
		}},
		{"took", schema.Interval, func(i int) column.Value {
			return column.Value{Type: schema.Interval, Iv: column.Interval{Days: int32(i), Micros: int64(i) * 5}}
		}},
		{"small", schema.Float32, func(i int) column.Value {
			return column.FloatValue(schema.Float32, float64(float32(spread(i)%10_000)/100))
		}},
		{"tags", schema.Text.AsList(), func(i int) column.Value {
			l := column.New(schema.Text, 0)
			for k := range spread(i) % 4 {
				l.AppendString(fmt.Sprintf("tag %d", (spread(i)>>8+k*k)%9))
			}
			return column.Value{Type: schema.Text.AsList(), List: l}
		}},
		{"flag", schema.Bool, func(i int) column.Value { return column.BoolValue(spread(i)%2 == 0) }},
	}
	s := &schema.Schema{Name: "things", Version: 1}
	batch := &column.Batch{N: 3000}
	for k, c := range columns {
		s.Fields = append(s.Fields, schema.Field{ID: uint32(k + 1), Name: c.name, Type: c.typ})
		v := column.New(c.typ, batch.N)
		for i := range batch.N {
			v.Append(c.value(i))
		}
		batch.Cols = append(batch.Cols, v)
	}
	mem := vfs.NewMem()
	cfg := build.Config{
		Table: &schema.Table{Name: "things", Schema: s, Config: &schema.TableConfig{Indexing: schema.IndexingConfig{
			NoDictionary: []string{"amount", "money", "mixed", "small", "doc"},
			Inverted:     []string{"tags"},
			Range:        []string{"amount", "key"}, Bloom: map[string]schema.BloomConfig{"amount": {}},
			JSON: map[string]schema.JSONIndexConfig{"doc": {}}, Text: []string{"words"},
		}}},
		Meta: &segment.Metadata{Name: "things_0", Table: "things"},
	}
	if _, err := build.FromBatches(ctx, mem, "seg", []*column.Batch{batch}, cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(ctx, mem, "seg"); err != nil {
		t.Fatal(err)
	}
	r, err := Describe(mem, "seg", Options{Samples: 2})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "indexes.txt", text.Bytes())
}

// spread is a number without a pattern for each i.
func spread(i int) uint64 { return uint64(i+1) * 0x9e3779b97f4a7c15 >> 20 }
