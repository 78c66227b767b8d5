// Package wide generates two tables that are large in one way: one with
// thousands of columns, and one with a text column of millions of values. Row i
// is the same on every machine.
package wide

import (
	"fmt"
	"strconv"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Query is one benchmark query.
type Query struct{ Name, SQL string }

// Columns returns a table of n columns beside its identity: in turn small
// numbers, words, and numbers of many values.
func Columns(n int) data.Table {
	s := &schema.Schema{Name: "wide", Version: 1}
	data.Fields(s, schema.Int64, schema.Dimension, "id")
	for i := range n {
		data.Fields(s, [...]schema.Type{schema.Int32, schema.Text, schema.Int64}[i%3], schema.Dimension, fmt.Sprintf("c%04d", i))
	}
	return data.Table{
		Schema: s, Config: config("wide", `"invertedIndexColumns":["id"]`), SortedBy: "id",
		New: func(rows int) data.Source { return &columnSource{schema: s, rows: rows} },
	}
}

// ColumnQueries touch one, few, and all columns.
var ColumnQueries = []Query{
	{"count", `SELECT count(*) FROM wide`},
	{"one column", `SELECT sum(c0003) FROM wide`},
	{"three columns", `SELECT c0001, count(*), sum(c0003), max(c0002) FROM wide WHERE c0006 < 50 GROUP BY c0001 ORDER BY c0001`},
	{"one row", `SELECT * FROM wide WHERE id = 4711`},
}

// Names returns a table with a text column of as many values as rows, in a
// dictionary.
func Names() data.Table {
	s := &schema.Schema{Name: "names", Version: 1}
	data.Fields(s, schema.Text, schema.Dimension, "name")
	data.Fields(s, schema.Int32, schema.Dimension, "class")
	data.Fields(s, schema.Int64, schema.Metric, "amount")
	return data.Table{
		Schema: s, Config: config("names", `"invertedIndexColumns":["name"]`), SortedBy: "name",
		New: func(rows int) data.Source { return &nameSource{schema: s, rows: rows} },
	}
}

// NameQueries use the large dictionary.
var NameQueries = []Query{
	{"count", `SELECT count(*) FROM names`},
	{"one value", `SELECT amount FROM names WHERE name = '` + name(4711) + `'`},
	{"a prefix", `SELECT count(*), sum(amount) FROM names WHERE name LIKE '00%'`},
	{"distinct", `SELECT count(DISTINCT name) FROM names`},
	{"another column", `SELECT class, sum(amount) FROM names GROUP BY class ORDER BY class`},
	{"top of all", `SELECT name, sum(amount) AS s FROM names GROUP BY name ORDER BY s DESC, name LIMIT 10`},
}

func config(table, index string) []byte {
	return fmt.Appendf(nil, `{"tableName":%q,"tableType":"OFFLINE","segmentsConfig":{"schemaName":%q,"replication":"1"},
 "tableIndexConfig":{%s},"tenants":{},"metadata":{}}`, table, table, index)
}

// columnSource makes rows of Columns.
type columnSource struct {
	schema     *schema.Schema
	rows, done int
}

var words = []string{"alder", "beech", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "willow"}

// Next implements data.Source. Batches are small: a row has thousands of values.
func (c *columnSource) Next(n int, b *column.Batch) bool {
	n = min(n, c.rows-c.done, 2048)
	data.Prepare(c.schema, b, n)
	for range n {
		c.row(b)
		c.done++
	}
	return n > 0
}

func (c *columnSource) row(b *column.Batch) {
	r := data.Rand(data.Hash(uint64(c.done)))
	w := data.Writer{B: b}
	w.Long(int64(c.done))
	for i := range len(c.schema.Fields) - 1 {
		switch i % 3 {
		case 0:
			w.Int(int32(r.Below(100)))
		case 1:
			w.Text(words[r.Below(len(words))])
		default:
			w.Long(int64(r.Below(1 << 40)))
		}
	}
}

// nameSource makes rows of Names.
type nameSource struct {
	schema     *schema.Schema
	rows, done int
}

// name is the text of a row, different for each.
func name(i int) string {
	return fmt.Sprintf("%016x", data.Hash(uint64(i))) + strconv.Itoa(i)
}

// Next implements data.Source.
func (c *nameSource) Next(n int, b *column.Batch) bool {
	n = min(n, c.rows-c.done)
	data.Prepare(c.schema, b, n)
	for range n {
		w := data.Writer{B: b}
		w.Text(name(c.done))
		w.Int(int32(c.done % 50))
		w.Long(int64(data.Hash(uint64(c.done)) >> 40))
		c.done++
	}
	return n > 0
}
