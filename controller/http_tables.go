package controller

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func (c *Controller) tableRoutes() []route {
	typ := [][2]string{{"type", "realtime or offline"}}
	const one, config = "/tables/{table}", "/tableConfigs/{table}"
	return []route{
		{method: "GET", path: "/tables", summary: "Names of the tables", params: typ, handle: c.listTables},
		{method: "POST", path: "/tables", summary: "Create a table of an existing schema", body: true, handle: c.postTable},
		{method: "POST", path: "/tables/validate", summary: "Check a table config and change nothing", body: true, handle: c.validateTable},
		{method: "GET", path: one, summary: "Config of a table by type", params: typ, handle: c.getTable},
		{method: "PUT", path: one, summary: "Change a table's indexes; servers rebuild sealed segments in the background", body: true, handle: c.putTable},
		{method: "DELETE", path: one, summary: "Delete a table with its segments", params: typ, handle: c.removeTable},
		{method: "GET", path: one + "/schema", summary: "Schema of a table, in Pinot's types", handle: c.tableSchema},
		{method: "GET", path: one + "/state", summary: "Whether a table is enabled", params: typ, handle: c.tableState},
		{method: "POST", path: one + "/forceCommit", summary: "Seal consuming segments now (not supported yet)", handle: notYet("forceCommit")},
		{method: "POST", path: one + "/pauseConsumption", summary: "Pause consumption (not supported yet)", handle: notYet("pauseConsumption")},
		{method: "POST", path: one + "/resumeConsumption", summary: "Resume consumption (not supported yet)", handle: notYet("resumeConsumption")},
		{method: "GET", path: "/tableConfigs", summary: "Names of the tables", handle: c.listTableConfigs},
		{method: "POST", path: "/tableConfigs", summary: "Create a schema and its table together", body: true, handle: c.postTableConfigs},
		{method: "POST", path: "/tableConfigs/validate", summary: "Check a schema with its table and change nothing", body: true, handle: c.validateTableConfigs},
		{method: "GET", path: config, summary: "Schema and config of a table", handle: c.getTableConfigs},
		{method: "DELETE", path: config, summary: "Delete a table and its schema", handle: c.removeTableConfigs},
	}
}

func (c *Controller) tableNames(typ string) []string {
	out := []string{}
	for t := range c.State().Tables() {
		if typ == "" || strings.EqualFold(typ, t.Type) {
			out = append(out, t.Name)
		}
	}
	slices.Sort(out)
	return out
}

func (c *Controller) listTables(r *http.Request) (any, error) {
	return map[string]any{"tables": c.tableNames(r.URL.Query().Get("type"))}, nil
}

// table returns the table that a request names, raw or with its type.
func (c *Controller) table(r *http.Request) (*pb.Table, error) {
	name := r.PathValue("table")
	raw, typ := schema.SplitTableName(name)
	tab := c.State().TableByName(raw)
	if tab == nil || typ != "" && tab.Type != string(typ) {
		return nil, notFound("no table %q%s", name, didYouMean(raw, c.tableNames("")))
	}
	if want := r.URL.Query().Get("type"); want != "" && !strings.EqualFold(want, tab.Type) {
		return nil, notFound("no table %q of type %s", name, strings.ToUpper(want))
	}
	return tab, nil
}

func typedName(t *pb.Table) string { return t.Name + "_" + t.Type }

func (c *Controller) tableOf(r *http.Request) (*definition, error) {
	b, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return c.readTable(b, nil)
}

func (c *Controller) postTable(r *http.Request) (any, error) {
	d, err := c.tableOf(r)
	if err != nil {
		return nil, err
	}
	if _, err := c.createTable(r.Context(), d, false); err != nil {
		return nil, err
	}
	return changed("Table "+d.table()+" successfully added", d.warnings), nil
}

func (c *Controller) putTable(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	d, err := c.tableOf(r)
	if err != nil {
		return nil, err
	}
	if err := c.updateTable(r.Context(), tab, d); err != nil {
		return nil, err
	}
	return changed("Table config updated for "+d.table(), d.warnings), nil
}

func (c *Controller) validateTable(r *http.Request) (any, error) {
	d, err := c.tableOf(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{string(d.typ): json.RawMessage(d.configJSON), "warnings": d.warnings}, nil
}

func (c *Controller) getTable(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{tab.Type: json.RawMessage(tab.ConfigJson)}, nil
}

func (c *Controller) removeTable(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	if err := c.deleteTable(r.Context(), tab.Name); err != nil {
		return nil, err
	}
	return changed("Tables: ["+typedName(tab)+"] deleted", nil), nil
}

func (c *Controller) tableSchema(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	return clientSchema(tab.SchemaJson)
}

func (c *Controller) tableState(r *http.Request) (any, error) {
	if _, err := c.table(r); err != nil {
		return nil, err
	}
	return map[string]string{"state": "enabled"}, nil
}

func (c *Controller) listTableConfigs(*http.Request) (any, error) { return c.tableNames(""), nil }

// combined is Pinot's TableConfigs document.
type combined struct {
	TableName string          `json:"tableName"`
	Schema    json.RawMessage `json:"schema"`
	Realtime  json.RawMessage `json:"realtime,omitempty"`
	Offline   json.RawMessage `json:"offline,omitempty"`
}

func (c *Controller) combinedOf(r *http.Request) (*definition, error) {
	b, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var doc combined
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, invalid("the body is not the JSON of tableName, schema, realtime or offline: %v", err)
	}
	config, other := present(doc.Realtime), present(doc.Offline)
	switch {
	case config != nil && other != nil:
		return nil, invalid("a table of both types is not supported yet: give realtime or offline")
	case config == nil && other == nil:
		return nil, invalid("realtime or offline is missing")
	case config == nil:
		config = other
	}
	if present(doc.Schema) == nil {
		return nil, invalid("schema is missing")
	}
	d, err := c.readTable(config, doc.Schema)
	if err == nil && doc.TableName != "" && doc.TableName != d.name {
		return nil, invalid("tableName %q differs from the config's %q", doc.TableName, d.name)
	}
	return d, err
}

func present(doc json.RawMessage) json.RawMessage {
	if len(doc) == 0 || string(doc) == "null" {
		return nil
	}
	return doc
}

func (c *Controller) postTableConfigs(r *http.Request) (any, error) {
	d, err := c.combinedOf(r)
	if err != nil {
		return nil, err
	}
	if _, err := c.createTable(r.Context(), d, true); err != nil {
		return nil, err
	}
	return changed("TableConfigs "+d.name+" successfully added", d.warnings), nil
}

func (c *Controller) validateTableConfigs(r *http.Request) (any, error) {
	d, err := c.combinedOf(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"tableName": d.name, "warnings": d.warnings}, nil
}

func (c *Controller) getTableConfigs(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	doc := combined{TableName: tab.Name, Schema: tab.SchemaJson}
	if tab.Type == string(schema.Realtime) {
		doc.Realtime = tab.ConfigJson
	} else {
		doc.Offline = tab.ConfigJson
	}
	return doc, nil
}

func (c *Controller) removeTableConfigs(r *http.Request) (any, error) {
	tab, err := c.table(r)
	if err != nil {
		return nil, err
	}
	if err := c.deleteTable(r.Context(), tab.Name); err != nil {
		return nil, err
	}
	if err := c.deleteSchema(r.Context(), tab.Name); err != nil {
		return nil, err
	}
	return changed("Deleted table configs: "+tab.Name, nil), nil
}
