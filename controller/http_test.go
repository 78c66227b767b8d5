package controller

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/api/pb"
)

func TestHTTPSchemasAndTables(t *testing.T) {
	n := one(t, nil)
	f := func(method, path, body string, status int, want ...string) {
		t.Helper()
		got, answer := n.call(t, method, path, body)
		if got != status {
			t.Errorf("%s %s: %d, want %d: %s", method, path, got, status, answer)
		}
		for _, w := range want {
			if !strings.Contains(answer, w) {
				t.Errorf("%s %s: %s does not contain %q", method, path, answer, w)
			}
		}
	}
	// Nothing is there yet.
	f("GET", "/schemas", "", 200, "[]")
	f("GET", "/tables", "", 200, `{"tables":[]}`)
	f("GET", "/tables/events", "", 404, `"code":404`, `no table \"events\"`)
	f("POST", "/tables", testTable, 404, "no schema")

	// Bad input names the field and changes nothing.
	f("POST", "/schemas", `{"schemaName":"events","dimensionFieldSpecs":[{"name":"a","dataType":"STRNG"}]}`, 400,
		`dimensionFieldSpecs[0].dataType`, "did you mean STRING?")
	f("POST", "/schemas", `{`, 400, "line 1")
	f("POST", "/schemas", "", 400, "empty")
	f("POST", "/schemas", `{"schemaName":"x_REALTIME","dimensionFieldSpecs":[{"name":"a","dataType":"INT"}]}`, 400, "_REALTIME")
	f("POST", "/schemas", strings.Repeat(" ", maxBodyBytes+1), 413, "longer")
	f("GET", "/schemas", "", 200, "[]")

	f("POST", "/schemas/validate", testSchema, 200, `"schemaName": "events"`)
	f("POST", "/schemas", testSchema, 200, "events successfully added", `"warnings":[]`)
	f("POST", "/schemas", testSchema, 200, "events successfully added")
	f("POST", "/schemas?override=false", testSchema, 409, "already exists")
	f("POST", "/schemas?override=perhaps", testSchema, 400, "override")
	f("GET", "/schemas", "", 200, `["events"]`)
	f("GET", "/schemas/evnts", "", 404, "did you mean events?")

	f("POST", "/tables", strings.Replace(testTable, `"ts"`, `"tss"`, 1), 400, "timeColumnName", `did you mean ts?`)
	f("POST", "/tables", strings.Replace(testTable, `"replication":"1"`, `"replication":"3"`, 1), 400, "segmentsConfig.replication")
	f("POST", "/tables/validate", testTable, 200, `"REALTIME"`)
	f("GET", "/tables", "", 200, `{"tables":[]}`)
	f("POST", "/tables", testTable, 200, "Table events_REALTIME successfully added", "loadMode")
	f("POST", "/tables", testTable, 409, "already exists")
	f("GET", "/tables", "", 200, `{"tables":["events"]}`)
	f("GET", "/tables?type=offline", "", 200, `{"tables":[]}`)
	f("GET", "/tables/events", "", 200, `{"REALTIME":{`)
	f("GET", "/tables/events_REALTIME/schema", "", 200, `"dataType": "TIMESTAMP"`)
	f("GET", "/tables/events_OFFLINE", "", 404)
	f("GET", "/tables/Events/state", "", 200, "enabled")
	f("PUT", "/tables/events", testTable, 200, "Table config updated for events_REALTIME")
	f("PUT", "/tables/events", strings.Replace(testTable, `"tableIndexConfig":{`, `"tableIndexConfig":{"bloomFilterColumns":["nope"],`, 1), 400, "bloomFilterColumns")
	f("PUT", "/tables/nope", testTable, 404)
	f("POST", "/tables/events/forceCommit", "", 422, "forceCommit is not supported yet")
	f("POST", "/tables/events/pauseConsumption", "", 422, "pauseConsumption")
	f("POST", "/tables/events/resumeConsumption", "", 422, "resumeConsumption")
	f("DELETE", "/schemas/events", "", 409, "is used by")

	// A column may be added to a live table, not dropped or changed.
	more := strings.Replace(testSchema, `{"name":"user","dataType":"STRING"}`, `{"name":"user","dataType":"STRING"},{"name":"extra","dataType":"LONG"}`, 1)
	f("PUT", "/schemas/events", more, 200)
	if tab := n.State().TableByName("events"); tab.SchemaVersion != 2 || len(tab.ColumnIds) != 4 || len(tab.SchemaHistory) != 1 {
		t.Errorf("after adding a column: %v", tab)
	}
	f("PUT", "/schemas/events", testSchema, 409, "dropping the column")
	f("PUT", "/schemas/events", strings.Replace(more, `"LONG"`, `"INT"`, 1), 409, "changing the column")
	f("PUT", "/schemas/other", more, 400, "differs")

	// Methods and paths.
	f("PATCH", "/tables", "", 405, "allowed are GET, POST")
	f("GET", "/nothing", "", 404, `"code":404`)
	f("GET", "/", "", 200, "Alluvium")
	f("GET", "/ui/", "", 200, "Alluvium")
	f("GET", "/health", "", 200, "OK")
	f("GET", "/health/liveness", "", 200, "OK")
	f("GET", "/version", "", 200, `"alluvium":"test"`)
	f("GET", "/cluster/info", "", 200, "clusterName")

	f("DELETE", "/tables/events", "", 200, "Tables: [events_REALTIME] deleted")
	f("DELETE", "/tables/events", "", 404)
	f("DELETE", "/schemas/events", "", 200)

	both := `{"tableName":"events","schema":` + testSchema + `,"realtime":` + testTable + `}`
	f("POST", "/tableConfigs/validate", both, 200)
	f("POST", "/tableConfigs", both, 200, "TableConfigs events successfully added")
	f("GET", "/tableConfigs", "", 200, `["events"]`)
	f("GET", "/tableConfigs/events", "", 200, `"realtime":{`, `"schema":{`)
	f("POST", "/tableConfigs", `{"tableName":"x"}`, 400, "realtime or offline is missing")
	f("DELETE", "/tableConfigs/events", "", 200)
	f("GET", "/schemas", "", 200, "[]")

	f("GET", "/cluster/configs", "", 200, `"alluvium.reassign.grace":"30s"`)
	f("POST", "/cluster/configs", `{"alluvium.reassign.grace":"soon"}`, 400, "duration")
	f("POST", "/cluster/configs", `{"alluvium.reasign.grace":"1s"}`, 400, "did you mean")
	f("POST", "/cluster/configs", `{"alluvium.reassign.grace":"1m"}`, 200)
	f("GET", "/cluster/configs", "", 200, `"alluvium.reassign.grace":"1m"`)
	f("DELETE", "/cluster/configs/alluvium.reassign.grace", "", 200)
}

func TestHTTPSegments(t *testing.T) {
	n := one(t, nil)
	ctx := context.Background()
	tab := n.createTable(t)
	register(t, n, serverInstance("Server_127.0.0.1_8098", 8098))
	propose(t, n, tab.Id, 0, 1)
	seg := consuming(n, tab.Id, 0)
	n.Heartbeat(ctx, &pb.HeartbeatRequest{
		InstanceId: "Server_127.0.0.1_8098",
		Segments:   []*pb.SegmentReport{{Name: seg.Name, State: "CONSUMING", Rows: 42, Bytes: 1000}},
		Consumers: []*pb.ConsumerReport{{TableId: tab.Id, Partition: 0, Segment: seg.Name, State: "CONSUMING", OffsetText: "17",
			HighWatermarkText: "20", LagRecords: 3, LagMillis: 5, FreshnessMillis: 7, LossHorizonMillis: -1}},
	})
	f := func(path string, want ...string) {
		t.Helper()
		status, body := n.call(t, "GET", path, "")
		if status != 200 {
			t.Errorf("%s: %d %s", path, status, body)
		}
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %s does not contain %s", path, body, w)
			}
		}
	}
	f("/segments/events", `[{"REALTIME":["`+seg.Name)
	f("/segments/events/servers", `"tableName":"events_REALTIME"`, `"serverToSegmentsMap":{"Server_127.0.0.1_8098":["`+seg.Name)
	f("/segments/events/"+seg.Name+"/metadata", `"segment.realtime.status":"IN_PROGRESS"`)
	f("/tables/events/idealstate", `"REALTIME":{"`+seg.Name+`":{"Server_127.0.0.1_8098":"CONSUMING"}`, `"OFFLINE":null`)
	f("/tables/events/externalview", `"REALTIME":{"`+seg.Name+`":{"Server_127.0.0.1_8098":"CONSUMING"}}`)
	f("/tables/events/size", `"reportedSizeInBytes":1000`)
	f("/tables/events/consumingSegmentsInfo", `"partitionToOffsetMap":{"0":"17"}`, `"recordsLagMap":{"0":"3"}`)
	f("/v1/tables/events/segments", `"status":"CONSUMING"`, `"rows":42`, `"state":"MISSING"`)
	f("/v1/tables/events/consuming", `"lagRecords":3`, `"state":"UNASSIGNED"`)
	f("/v1/tables/events/audit", `"partition":0`, `"faults":`)
	f("/v1/gaps", `{"gaps":[]}`)
	f("/v1/overview", `"servers":1`, `"rows":42`, `"consuming":2`, `"alive":true`)
	f("/instances", "Server_127.0.0.1_8098")
	f("/instances/Server_127.0.0.1_8098", `"port":"8098"`, `"alive":true`)
	f("/tenants", `"SERVER_TENANTS":["DefaultTenant"]`, `"BROKER_TENANTS":[]`)
	if status, body := n.call(t, "GET", "/segments/events/nothing/metadata", ""); status != 404 {
		t.Errorf("metadata of no segment: %d %s", status, body)
	}
	if status, body := n.call(t, "DELETE", "/segments/events/"+seg.Name, ""); status != 409 {
		t.Errorf("deleting a consuming segment: %d %s", status, body)
	}
}

func TestHTTPBrokers(t *testing.T) {
	n := one(t, nil)
	n.createTable(t)
	var asked *http.Request
	var sent string
	broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked, sent = r, string(b)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"exceptions":[]}`)
	}))
	defer broker.Close()
	if status, body := n.call(t, "POST", "/sql", `{"sql":"select 1"}`); status != 503 || !strings.Contains(body, "no broker") {
		t.Errorf("without a broker: %d %s", status, body)
	}
	addr := broker.Listener.Addr().String()
	host, port := splitAddr(addr)
	register(t, n, &pb.Instance{Id: "Broker_1", Role: pb.Role_ROLE_BROKER, Host: host, Port: port, HttpAddr: addr})
	register(t, n, &pb.Instance{Id: "Broker_0", Role: pb.Role_ROLE_BROKER, Host: "127.0.0.1", Port: 1, HttpAddr: "127.0.0.1:1"})
	for range 2 { // one of the two finds the dead broker first
		if status, body := n.call(t, "POST", "/sql", `{"sql":"select 1"}`); status != 200 || body != `{"exceptions":[]}` {
			t.Errorf("query: %d %s", status, body)
		}
	}
	if asked.URL.Path != "/query/sql" || sent != `{"sql":"select 1"}` {
		t.Errorf("the broker was asked %s %s", asked.URL.Path, sent)
	}
	for path, want := range map[string]string{
		"/brokers/tables":  `{"events":["Broker_0","Broker_1"]}`,
		"/brokers/tenants": `{"DefaultTenant":["Broker_0","Broker_1"]}`,
		"/v2/brokers/tenants/DefaultTenant?state=ONLINE": `[{"instanceName":"Broker_0","host":"127.0.0.1","port":1}`,
		"/v2/brokers/tables?state=ONLINE":                `{"events":[{"instanceName":"Broker_0"`,
		"/v2/brokers/tables/events":                      `[{"instanceName":"Broker_0"`,
	} {
		if status, body := n.call(t, "GET", path, ""); status != 200 || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := n.call(t, "GET", "/v2/brokers/tenants/nobody", ""); status != 404 {
		t.Errorf("unknown tenant: %d", status)
	}
}

func TestHTTPAuthentication(t *testing.T) {
	n := one(t, func(c *Config) { c.Demo, c.AdminPassword = true, "secret" })
	login := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	f := func(name string, status int, method, path string, change ...func(*http.Request)) {
		t.Helper()
		if got, body := n.call(t, method, path, testSchema, change...); got != status {
			t.Errorf("%s: %d, want %d: %s", name, got, status, body)
		}
	}
	// A password was set, so that demo mode opens nothing.
	f("no credentials", 401, "GET", "/tables")
	f("wrong password", 401, "GET", "/tables", login("admin", "wrong"))
	f("unknown user", 401, "GET", "/tables", login("nobody", "secret"))
	f("right", 200, "GET", "/tables", login("admin", "secret"))
	f("health is open", 200, "GET", "/health")
	f("the page is open", 200, "GET", "/")
	f("the document is not", 401, "GET", "/openapi.json")
	f("other site", 403, "POST", "/schemas", login("admin", "secret"), func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "http://evil.example")
	})
	f("change", 200, "POST", "/schemas", login("admin", "secret"))

	reader := &pb.User{Name: "reader", ScramVerifier: n.State().User("admin").ScramVerifier}
	_, err := n.propose(context.Background(), &pb.Command{Body: &pb.Command_PutUser{PutUser: &pb.PutUser{User: reader}}})
	if err != nil {
		t.Fatal(err)
	}
	f("reader reads", 200, "GET", "/tables", login("reader", "secret"))
	f("reader validates", 200, "POST", "/schemas/validate", login("reader", "secret"))
	f("reader changes", 403, "POST", "/schemas", login("reader", "secret"))
}

func TestHTTPDemoIsLocal(t *testing.T) {
	n := one(t, nil)
	f := func(name string, status int, change func(*http.Request)) {
		t.Helper()
		if got, body := n.call(t, "GET", "/tables", "", change); got != status {
			t.Errorf("%s: %d, want %d: %s", name, got, status, body)
		}
	}
	f("loopback", 200, func(*http.Request) {})
	f("rebound name", 401, func(r *http.Request) { r.Host = "evil.example" })
	f("through a proxy", 401, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.1") })
	f("foreign page", 401, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") })
}

func TestSecureHeaders(t *testing.T) {
	n := one(t, nil)
	res, err := n.http.Client().Get(n.http.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if csp := res.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self'") {
		t.Errorf("content security policy: %s", csp)
	}
	if res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("nosniff is missing")
	}
}

// TestOpenAPI expects every route in the document, and nothing else.
func TestOpenAPI(t *testing.T) {
	n := one(t, nil)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
		}
	}
	n.get(t, "/openapi.json", &doc)
	ids := map[string]bool{}
	count := 0
	for _, rt := range n.routes() {
		op, ok := doc.Paths[rt.path][strings.ToLower(rt.method)]
		if !ok || op.Summary == "" || ids[op.OperationID] {
			t.Errorf("%s %s: %+v", rt.method, rt.path, op)
		}
		ids[op.OperationID] = true
		count++
	}
	for _, ops := range doc.Paths {
		count -= len(ops)
	}
	if count != 0 || !strings.HasPrefix(doc.OpenAPI, "3.") {
		t.Errorf("%d routes are missing in the document of version %s", count, doc.OpenAPI)
	}
}

// TestErrorsAreJSON asks every route with nonsense and expects no panic and an
// error in JSON.
func TestErrorsAreJSON(t *testing.T) {
	n := one(t, nil)
	for _, rt := range n.routes() {
		path := pathParam.ReplaceAllString(rt.path, "%3Cscript%3E")
		status, body := n.call(t, rt.method, path, `{"a":[1,`)
		if status < 400 {
			continue
		}
		var e struct {
			Code  int
			Error string
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil || e.Code != status || e.Error == "" || status == 500 {
			t.Errorf("%s %s: %d %s", rt.method, path, status, body)
		}
	}
}
