package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/bench/hits"
	"github.com/alluviumdb/alluvium/bench/ssb"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// answer makes rows of text out of lines with values apart by spaces; - is NULL.
func answer(lines ...string) (out [][]*string) {
	for _, l := range lines {
		var row []*string
		for _, v := range strings.Fields(l) {
			if v == "-" {
				row = append(row, nil)
				continue
			}
			row = append(row, &v)
		}
		out = append(out, row)
	}
	return out
}

func TestSameRows(t *testing.T) {
	f := func(a, b [][]*string, same bool) {
		t.Helper()
		if err := sameRows(a, b); (err == nil) != same {
			t.Errorf("%v", err)
		}
	}
	f(answer("1 a", "2 b"), answer("1 a", "2 b"), true)
	f(answer("1 a", "2 b"), answer("2 b", "1 a"), true)
	f(answer("1 a"), answer("1 a", "1 a"), false)
	f(answer("1 a", "1 a"), answer("1 a", "2 b"), false)
	f(answer("0.30000000000000004"), answer("0.3"), true)
	f(answer("0.3001"), answer("0.3"), false)
	f(answer("12.0000"), answer("12"), true)
	f(answer("9007199254740993"), answer("9007199254740992"), false)
	f(answer("-"), answer("-"), true)
	f(answer("-"), answer("0"), false)
	f(nil, answer(), true)
}

func TestReplaceSection(t *testing.T) {
	doc := "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n"
	got, err := replaceSection([]byte(doc), "x", []byte("new\n"))
	if want := "a\n<!-- bench:x -->\n\nnew\n\n<!-- /bench:x -->\nb\n"; err != nil || string(got) != want {
		t.Fatalf("%v: %q", err, got)
	}
	if _, err := replaceSection([]byte(doc), "y", nil); err == nil {
		t.Fatal("a missing section is not told")
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{5, 1, 4, 2, 3}
	if median(v) != 3 || p99(v) != 5 || median([]float64{7}) != 7 {
		t.Fatal(median(v), p99(v))
	}
	var g geomean
	g.add(2)
	g.add(8)
	if math.Abs(g.value()-4) > 1e-12 {
		t.Fatal(g.value())
	}
}

func TestPlotIsXML(t *testing.T) {
	p := plot{Title: "a < b", Unit: "ms", Rows: []string{"q1", "q2"},
		Series: []series{{"x & y", []float64{0.5, 20}}, {"z", []float64{math.NaN(), 3}}}}
	d := xml.NewDecoder(strings.NewReader(string(p.svg())))
	dots := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			dots++
		}
	}
	if dots != 2+3 {
		t.Fatalf("%d dots", dots)
	}
}

func TestTableConfigsAreAccepted(t *testing.T) {
	for _, table := range []struct {
		name   string
		config []byte
	}{{"lineorder_flat", ssb.Table().Config}, {"lineorder_flat", ssb.StarTreeConfig()}, {"hits", hits.Table().Config}} {
		_, name, typ, warnings, err := schema.ParsePinotTable(table.config)
		if err != nil || name != table.name || typ != schema.Offline || len(warnings) > 0 {
			t.Errorf("%s: %v %v %v %v", table.name, name, typ, warnings, err)
		}
	}
}

func TestDatasetIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	first, err := openDataset(dir, ssb.Table(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(first.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	again, err := openDataset(dir, ssb.Table(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(again.Files[0])
	if err != nil || !os.SameFile(before, after) || len(again.Files) != datasetFiles || again.Bytes != first.Bytes || again.Bytes == 0 {
		t.Fatalf("%v: %+v", err, again)
	}
}

func TestMeterSeesThisProcess(t *testing.T) {
	m := startMeter(os.Getpid())
	ballast := make([]byte, 32<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	peak, anon := m.stop()
	if memory(os.Getpid()).Now == 0 {
		t.Log("this system does not tell the memory of processes")
		return
	}
	if peak < 32<<20 || anon == 0 || ballast[0] != 1 {
		t.Fatalf("peak %d, anonymous %d", peak, anon)
	}
}

func TestKernelLoopsRun(t *testing.T) {
	loops, err := kernelLoops()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range loops {
		l.run()
		once := l.check()
		l.run()
		if again := l.check(); once == 0 || again != once {
			t.Errorf("%s: %d and %d", l.name, once, again)
		}
	}
}

func TestLoadSummary(t *testing.T) {
	c := []client{{took: []time.Duration{3, 1}}, {took: []time.Duration{2, 10}, errs: 1, err: errFailed}}
	r := summarise(c, 2*time.Second)
	if r.Queries != 4 || r.QPS != 2 || r.P50 != 2 || r.P99 != 10 || r.Max != 10 || r.Errors != 1 || r.Error == "" {
		t.Fatalf("%+v", r)
	}
	j := loadJob{SQL: "SELECT $1", Keys: 5, KeyFormat: "k%03d"}
	if got := j.text("k001"); got != "SELECT 'k001'" {
		t.Fatal(got)
	}
}
