package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/broker/internal/testengine"
	"github.com/alluviumdb/alluvium/broker/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newHandler(t testing.TB, c *testengine.Cluster, change func(*Config)) *Handler {
	t.Helper()
	cfg := Config{
		Engine: c.Engine(session.Config{}), BrokerID: "Broker_1", Database: testengine.Database,
		User: func(*http.Request) string { return "admin" }, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

// reply is an answer as a client reads it; rows stay as they were written.
type reply struct {
	ResultTable *struct {
		DataSchema struct{ ColumnNames, ColumnDataTypes []string }
		Rows       json.RawMessage
	}
	NumRowsResultSet int64
	PartialResult    bool
	Exceptions       []struct {
		ErrorCode int
		Message   string
	}
	RequestID, BrokerID                                        string
	ClientRequestID                                            *string
	NumServersQueried, NumServersResponded, NumSegmentsQueried int
	NumDocsScanned, TotalDocs                                  int64
	Warnings                                                   []string
}

func call(h http.Handler, method, target string, body []byte) (int, []byte) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, bytes.NewReader(body)))
	return w.Code, w.Body.Bytes()
}

// post sends a request's JSON and reads the answer.
func post(t testing.TB, h http.Handler, body any) *reply {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, h, "POST", "/query/sql", raw)
}

func decode(t testing.TB, h http.Handler, method, target string, body []byte) *reply {
	t.Helper()
	status, raw := call(h, method, target, body)
	var r reply
	if err := json.Unmarshal(raw, &r); err != nil || status != http.StatusOK {
		t.Fatalf("%s %s: status %d, %v: %s", method, target, status, err, raw)
	}
	return &r
}

type sqlBody map[string]any

func TestValuesOfEveryType(t *testing.T) {
	h := newHandler(t, testengine.New(t), nil)
	f := func(expr, typ, want string) {
		t.Helper()
		r := post(t, h, sqlBody{"sql": "SELECT " + expr + " AS x FROM events WHERE id IN (1, 2) ORDER BY id"})
		if len(r.Exceptions) > 0 {
			t.Errorf("%s: %v", expr, r.Exceptions)
			return
		}
		if got := r.ResultTable.DataSchema.ColumnDataTypes[0]; got != typ {
			t.Errorf("%s has type %s, want %s", expr, got, typ)
		}
		if got := string(r.ResultTable.Rows); got != want {
			t.Errorf("%s is %s, want %s", expr, got, want)
		}
	}
	f("id", "LONG", "[[1],[2]]")
	f("qty", "INT", "[[3],[-2147483648]]")
	f("price", "DOUBLE", `[[1.5],["NaN"]]`)
	f("ratio", "FLOAT", `[[0.25],["Infinity"]]`)
	f("-ratio", "FLOAT", `[[-0.25],["-Infinity"]]`)
	f("amount", "BIG_DECIMAL", `[["12.50"],["-0.01"]]`)
	f("ok", "BOOLEAN", "[[true],[false]]")
	f("product", "STRING", `[["shoes"],["ünï\"c\\ode"]]`)
	f("note", "STRING", `[["fine"],[""]]`)
	f("ts", "TIMESTAMP", `[["2024-01-02 03:04:05.678"],["1969-12-31 23:59:59.999"]]`)
	f("at", "TIMESTAMP", `[["2024-01-02 03:04:05.0"],["2024-07-01 10:00:00.0"]]`)
	f("tags", "STRING_ARRAY", `[[["a","b"]],[["x y",null]]]`)
	f("marks", "INT_ARRAY", "[[[1,2]],[[]]]")
	f("raw", "BYTES", `[["00ff"],[""]]`)
	f("uid", "UUID", `[["00112233-4455-6677-8899-aabbccddeeff"],["ffffffff-ffff-ffff-ffff-ffffffffffff"]]`)
	f("doc", "JSON", `[["{\"k\":1}"],["\"<&>\""]]`)
	f("id * 1000000.0e0", "DOUBLE", "[[1000000.0],[2000000.0]]")
	f("id * 1e30", "DOUBLE", "[[1e+30],[2e+30]]")
	f("CASE WHEN id = 1 THEN qty END", "INT", "[[3],[null]]")
}

func TestResponseShape(t *testing.T) {
	h := newHandler(t, testengine.New(t), nil)
	_, raw := call(h, "POST", "/query/sql", []byte(`{"sql":"SELECT product, COUNT(*) FROM Events WHERE ID = 1 GROUP BY product"}`))
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	doc["timeUsedMs"], doc["requestId"], doc["minConsumingFreshnessTimeMs"] = 0, "", 0
	got, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
 "brokerId": "Broker_1",
 "clientRequestId": null,
 "exceptions": [],
 "minConsumingFreshnessTimeMs": 0,
 "numConsumingSegmentsMatched": 1,
 "numConsumingSegmentsProcessed": 1,
 "numConsumingSegmentsQueried": 1,
 "numDocsScanned": 1,
 "numEntriesScannedInFilter": 3,
 "numEntriesScannedPostFilter": 1,
 "numGroupsLimitReached": false,
 "numRowsResultSet": 1,
 "numSegmentsMatched": 1,
 "numSegmentsProcessed": 1,
 "numSegmentsPrunedByBroker": 0,
 "numSegmentsPrunedByServer": 0,
 "numSegmentsQueried": 1,
 "numServersQueried": 1,
 "numServersResponded": 1,
 "partialResult": false,
 "requestId": "",
 "resultTable": {
  "dataSchema": {
   "columnDataTypes": [
    "STRING",
    "LONG"
   ],
   "columnNames": [
    "product",
    "count(*)"
   ]
  },
  "rows": [
   [
    "shoes",
    1
   ]
  ]
 },
 "timeUsedMs": 0,
 "totalDocs": 3
}`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
}

func TestDefaultLimitAndSyntax(t *testing.T) {
	h := newHandler(t, testengine.New(t), nil)
	f := func(sql string, rows int64, first string) {
		t.Helper()
		r := post(t, h, sqlBody{"sql": sql})
		if len(r.Exceptions) > 0 || r.NumRowsResultSet != rows || !strings.HasPrefix(string(r.ResultTable.Rows), "[["+first) {
			t.Errorf("%s: %d rows %s, %v", sql, r.NumRowsResultSet, r.ResultTable.Rows, r.Exceptions)
		}
	}
	f("SELECT n FROM numbers ORDER BY n", 10, "0")
	f("SELECT n FROM numbers ORDER BY n LIMIT 25", 25, "0")
	f("SELECT n FROM numbers ORDER BY n LIMIT 5, 20", 20, "5")
	f("SELECT n FROM numbers ORDER BY n LIMIT 3 OPTION(timeoutMs=1000)", 3, "0")
	f("SET timeoutMs = 1000; SET useMultistageEngine = true; SELECT n FROM numbers ORDER BY n LIMIT 3;", 3, "0")
	f("SELECT N FROM NUMBERS WHERE n = 4", 1, "4")
}

func TestGet(t *testing.T) {
	h := newHandler(t, testengine.New(t), nil)
	r := decode(t, h, "GET", "/query/sql?sql="+url.QueryEscape("SELECT COUNT(*) FROM numbers")+"&queryOptions=timeoutMs%3D1000", nil)
	if string(r.ResultTable.Rows) != "[[10000]]" {
		t.Errorf("rows %s", r.ResultTable.Rows)
	}
	if status, _ := call(h, "GET", "/query/sql", nil); status != http.StatusBadRequest {
		t.Errorf("without sql: status %d", status)
	}
	if status, _ := call(h, "PUT", "/query/sql", nil); status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: status %d", status)
	}
}

func TestOptions(t *testing.T) {
	h := newHandler(t, testengine.New(t), nil)
	f := func(options any, warnings string) {
		t.Helper()
		r := post(t, h, sqlBody{"sql": "SELECT 1", "queryOptions": options})
		if len(r.Exceptions) > 0 || fmt.Sprint(r.Warnings) != warnings {
			t.Errorf("%v: exceptions %v, warnings %v", options, r.Exceptions, r.Warnings)
		}
	}
	f(nil, "[]")
	f("", "[]")
	f("timeoutMs=1000;useMultistageEngine=true", "[query option useMultistageEngine has no effect]")
	f(sqlBody{"timeoutMs": 10000000, "allowPartial": true}, "[]")
	f(" timeoutMs = 1000 ; ", "[]")
	bad := func(options any, code int, text string) {
		t.Helper()
		r := post(t, h, sqlBody{"sql": "SELECT 1", "queryOptions": options})
		if len(r.Exceptions) != 1 || r.Exceptions[0].ErrorCode != code || !strings.Contains(r.Exceptions[0].Message, text) {
			t.Errorf("%v: %v", options, r.Exceptions)
		}
	}
	bad("nonsense=1", errorQueryValidation, `"nonsense" is not supported`)
	bad("timeoutMs", errorQueryValidation, "no value")
	bad("timeoutMs=soon", errorQueryExecution, "statement_timeout")
	bad(17, errorQueryValidation, "neither text nor an object")
	bad(sqlBody{"timeoutMs": []int{1}}, errorQueryValidation, "timeoutMs")
	r := post(t, h, sqlBody{"sql": "SELECT 1", "trace": "true", "queryOptions": "clientQueryId=mine"})
	if r.ClientRequestID == nil || *r.ClientRequestID != "mine" || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "trace") {
		t.Errorf("client id %v, warnings %v", r.ClientRequestID, r.Warnings)
	}
}

func TestErrors(t *testing.T) {
	h := newHandler(t, testengine.New(t), func(c *Config) { c.MaxBodyBytes, c.MaxRows = 2000, 100 })
	f := func(sql string, code int, message string) {
		t.Helper()
		r := post(t, h, sqlBody{"sql": sql})
		if len(r.Exceptions) != 1 || r.Exceptions[0].ErrorCode != code || !strings.Contains(r.Exceptions[0].Message, message) {
			t.Errorf("%s: %v", sql, r.Exceptions)
		}
		if r.ResultTable != nil {
			t.Errorf("%s: rows beside an exception", sql)
		}
	}
	f("SELECT 'ä', prodct\nFROM events", errorUnknownColumn,
		"column \"prodct\" does not exist\nSELECT 'ä', prodct\n            ^\nHINT: Did you mean \"product\"?\nSQLSTATE: 42703")
	f("SELEC 1", errorSQLParsing, "SELEC 1\n^\n")
	f("SELECT 1 FROM", errorSQLParsing, "SQLSTATE: 42601")
	f("-- nothing", errorSQLParsing, "empty")
	f("  ", errorJSONParsing, "sql")
	f("SELECT 1 FROM nosuch", errorTableDoesNotExist, "nosuch")
	f("SELECT nofunc(1) FROM events", errorQueryValidation, "nofunc")
	f("INSERT INTO events VALUES (1)", errorQueryValidation, "INSERT")
	f("SELECT 1 / (id - 1) FROM events", errorQueryExecution, "division by zero")
	f("SELECT n FROM numbers LIMIT 1000", errorResourceLimit, "more than 100 rows")
	f("SET timeoutMs = 30; SELECT * FROM stuck", errorExecutionTimeout, "timeout")
	f("SELECT * FROM stuck OPTION(timeoutMs=30)", errorExecutionTimeout, "timeout")
	f("SET memory_limit = '1kB'; SELECT n, COUNT(*) FROM numbers GROUP BY n", errorResourceLimit, "memory")
	for _, body := range []string{"", "{", "[]", `{"sql": 5}`, `{"sql": "SELECT 1", "trace": "perhaps"}`, "{}"} {
		r := decode(t, h, "POST", "/query/sql", []byte(body))
		if len(r.Exceptions) != 1 || r.Exceptions[0].ErrorCode != errorJSONParsing {
			t.Errorf("body %q: %v", body, r.Exceptions)
		}
	}
	if status, raw := call(h, "POST", "/query/sql", bytes.Repeat([]byte("x"), 2001)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: status %d, %s", status, raw)
	}
}

func TestPartialAnswer(t *testing.T) {
	c := testengine.New(t)
	h := newHandler(t, c, nil)
	c.Miss("numbers__0__7")
	r := post(t, h, sqlBody{"sql": "SELECT COUNT(*) FROM numbers"})
	if len(r.Exceptions) != 1 || r.Exceptions[0].ErrorCode != errorSegmentUnavailable || r.ResultTable != nil {
		t.Errorf("without allowPartial: %+v", r)
	}
	r = post(t, h, sqlBody{"sql": "SELECT COUNT(*) FROM numbers", "queryOptions": "allowPartial=true"})
	if !r.PartialResult || len(r.Exceptions) != 1 || !strings.Contains(r.Exceptions[0].Message, "numbers__0__7") || r.ResultTable == nil {
		t.Errorf("with allowPartial: %+v", r)
	}
}

func TestListAndCancel(t *testing.T) {
	h := newHandler(t, testengine.New(t), nil)
	done := make(chan *reply, 1)
	go func() { done <- post(t, h, sqlBody{"sql": "SELECT * FROM stuck"}) }()
	var running map[string]string
	for range 1000 {
		_, raw := call(h, "GET", "/queries", nil)
		if err := json.Unmarshal(raw, &running); err != nil {
			t.Fatal(err)
		}
		if len(running) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for id, sql := range running {
		if sql != "SELECT * FROM stuck" {
			t.Errorf("running %s", sql)
		}
		if status, _ := call(h, "DELETE", "/query/"+id, nil); status != http.StatusOK {
			t.Errorf("cancel: status %d", status)
		}
	}
	if r := <-done; len(r.Exceptions) != 1 || r.Exceptions[0].ErrorCode != errorCancelled {
		t.Errorf("cancelled: %+v", r)
	}
	if status, _ := call(h, "DELETE", "/query/nothing", nil); status != http.StatusNotFound {
		t.Errorf("cancel of nothing: status %d", status)
	}
}

// TestClientHangsUp checks that a statement ends with its request.
func TestClientHangsUp(t *testing.T) {
	h := newHandler(t, testengine.New(t), nil)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/query/sql", strings.NewReader(`{"sql":"SELECT * FROM stuck"}`)).WithContext(ctx))
	if !strings.Contains(w.Body.String(), `"errorCode":503`) {
		t.Errorf("answer %s", w.Body)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"sql":"SELECT 1","queryOptions":{"timeoutMs":5}}`))
	f.Add([]byte(`{"sql":"SET timeoutMs=5; SELECT n FROM numbers LIMIT 1, 2 OPTION(a=b)","trace":"false","queryOptions":"a=b;c"}`))
	h := newHandler(f, testengine.New(f), nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/query/sql", bytes.NewReader(body)).WithContext(ctx))
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("answer %q", w.Body)
		}
	})
}
