package file

import (
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/parquet/compress"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// describe prints the proposal: name, type and role of each field, then what
// the table config says.
func describe(t *testing.T, inf *Inferred) string {
	t.Helper()
	s, _, err := schema.ParsePinotSchema(inf.SchemaJSON)
	if err != nil {
		t.Fatalf("%v in %s", err, inf.SchemaJSON)
	}
	cfg, name, typ, _, err := schema.ParsePinotTable(inf.TableJSON)
	if err != nil {
		t.Fatalf("%v in %s", err, inf.TableJSON)
	}
	if err := schema.Validate(cfg, s); err != nil || typ != schema.Offline {
		t.Fatal(err, typ)
	}
	var parts []string
	for _, f := range inf.Schema.Fields {
		parts = append(parts, f.Name+" "+f.Type.String()+" "+f.Role.String()[:3])
	}
	return name + ": " + strings.Join(parts, ", ") + "; time " + cfg.TimeColumn + ", sorted " + cfg.Indexing.SortedColumn +
		", inverted " + strings.Join(cfg.Indexing.Inverted, " ")
}

func TestInfer(t *testing.T) {
	rows := testRows(2000)
	f := func(name string, data []byte, want string) {
		t.Helper()
		path := writeTemp(t, name, data)
		inputs, err := Find(context.Background(), []string{path}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		inf, err := Infer(context.Background(), inputs, InferOptions{Table: "t"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := describe(t, inf); got != want {
			t.Fatalf("%s:\n%s\nwant\n%s", name, got, want)
		}
		// What was proposed reads the files.
		if b, err := readAll(path, inf.Schema, Options{}); err != nil || b.N == 0 {
			t.Fatalf("%s: %v", name, err)
		}
	}
	const at = "; time at, sorted at, inverted "
	f("a.parquet", writeParquet(rows, true, compress.Codecs.Snappy, false),
		"t: id bigint DIM, name text DIM, score double precision MET, ok boolean DIM, day date DAT, at timestamp without time zone DAT, "+
			"price numeric(12,2) MET, tags text[] DIM, doc text DIM"+at+"name ok doc")
	f("a.json", writeJSON(rows, false),
		"t: id bigint DIM, name text DIM, score double precision MET, ok boolean DIM, day date DAT, at timestamp without time zone DAT, "+
			"price double precision MET, tags text[] DIM, doc json DIM"+at+"name ok")
	f("a.csv", writeCSV(rows),
		"t: ignored text DIM, id bigint DIM, name text DIM, score double precision MET, ok boolean DIM, day date DAT, "+
			"at timestamp without time zone DAT, price double precision MET, tags text DIM, doc json DIM"+at+"name ok tags")
	f("a.avro", writeAvro(rows, "null"),
		"t: id bigint DIM, name text DIM, unused json DIM, score double precision MET, ok boolean DIM, day date DAT, "+
			"at timestamp with time zone DAT, price numeric(12,2) MET, tags text[] DIM, doc json DIM"+at+"name ok")
	f("b.csv", []byte("zip,big,n,m,ts,when,_x,A,a\n01234,99999999999999999999,1,1,1700000000000,2024-01-02,1,1,1\n91234,1,2,x,1700000000001,2024-01-02 10:00,1,1,1\n"),
		"t: zip text DIM, big numeric MET, n bigint DIM, m text DIM, ts bigint DAT, when timestamp without time zone DAT, A bigint DIM"+
			"; time ts, sorted ts, inverted ")
	f("c.json", []byte(`{"a":1,"b":[1,2],"c":{"x":1},"d":null,"e":[{}],"f":1}`+"\n"+`{"a":1.5,"b":null,"d":"2024-01-01","f":[1]}`),
		"t: a double precision MET, b bigint[] DIM, c json DIM, d date DAT, e json DIM, f json DIM; time , sorted , inverted ")
}
