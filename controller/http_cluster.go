package controller

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/alluviumdb/alluvium/api/pb"
)

// routes lists the whole HTTP API.
func (c *Controller) routes() []route {
	rs := slices.Concat(c.schemaRoutes(), c.tableRoutes(), c.segmentRoutes(), c.instanceRoutes(), c.clusterRoutes(), c.v1Routes(), c.loadRoutes(), c.reloadRoutes())
	document := openAPI(rs, c.cfg.Version)
	for i := range rs {
		if rs[i].path == "/openapi.json" {
			rs[i].handle = func(*http.Request) (any, error) { return document, nil }
		}
	}
	return rs
}

func (c *Controller) clusterRoutes() []route {
	return []route{
		{method: "GET", path: "/health", summary: "OK when ready", public: true, raw: c.readiness},
		{method: "GET", path: "/health/readiness", summary: "OK when ready", public: true, raw: c.readiness},
		{method: "GET", path: "/health/liveness", summary: "OK as long as the process answers", public: true, raw: liveness},
		{method: "GET", path: "/version", summary: "Version of the program", handle: c.version},
		{method: "GET", path: "/cluster/info", summary: "Name of the cluster", handle: c.clusterInfo},
		{method: "GET", path: "/cluster/configs", summary: "Cluster settings", handle: c.getSettings},
		{method: "POST", path: "/cluster/configs", summary: "Change cluster settings", body: true, handle: c.postSettings},
		{method: "DELETE", path: "/cluster/configs/{name}", summary: "Put a cluster setting back to its default", handle: c.removeSetting},
		{method: "GET", path: "/sql", summary: "Run a query at a broker",
			params: [][2]string{{"sql", "the statement"}, {"queryOptions", "key=value;…"}}, raw: c.proxySQL},
		{method: "POST", path: "/sql", summary: "Run a query at a broker", body: true, raw: c.proxySQL},
		{method: "GET", path: "/openapi.json", summary: "This description", handle: func(*http.Request) (any, error) { return nil, nil }},
	}
}

func (c *Controller) readiness(w http.ResponseWriter, _ *http.Request) {
	components, ready := c.Health()
	if ready {
		liveness(w, nil)
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, map[string]any{"code": http.StatusServiceUnavailable, "error": "not ready", "components": components}, c.log)
}

func liveness(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("OK")) // an error means that the client is gone
}

func (c *Controller) version(*http.Request) (any, error) {
	return map[string]string{"alluvium": c.cfg.Version}, nil
}

func (c *Controller) clusterInfo(*http.Request) (any, error) {
	st := c.State()
	leader := ""
	if c.node != nil {
		leader = c.node.Leader()
	}
	return map[string]any{"clusterName": "alluvium", "clusterId": st.ClusterID, "leader": leader, "index": st.Index}, nil
}

func (c *Controller) getSettings(*http.Request) (any, error) {
	out := map[string]string{
		settingGrace: c.grace(c.State()).String(), settingLoadExpiry: c.cfg.LoadExpiry.String(),
		settingRetiredKeep: c.cfg.RetiredKeep.String(),
	}
	for k, v := range c.State().Settings() {
		out[k] = v
	}
	return out, nil
}

func (c *Controller) postSettings(r *http.Request) (any, error) {
	b, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal(b, &values); err != nil {
		return nil, invalid("the body is not an object of texts: %v", err)
	}
	for name, v := range values {
		if err := checkSetting(name, v); err != nil {
			return nil, err
		}
	}
	for name, v := range values {
		if err := c.putSetting(r, &pb.PutSetting{Key: name, Value: v}); err != nil {
			return nil, err
		}
	}
	return changed("Updated cluster config", nil), nil
}

func checkSetting(name, value string) error {
	check, ok := settings[name]
	if !ok {
		known := make([]string, 0, len(settings))
		for k := range settings {
			known = append(known, k)
		}
		return invalid("there is no cluster setting %q%s", name, didYouMean(name, known))
	}
	if err := check(value); err != nil {
		return invalid("%s %v", name, err)
	}
	return nil
}

func (c *Controller) putSetting(r *http.Request, p *pb.PutSetting) error {
	_, err := c.propose(r.Context(), &pb.Command{Body: &pb.Command_PutSetting{PutSetting: p}})
	return err
}

func (c *Controller) removeSetting(r *http.Request) (any, error) {
	name := r.PathValue("name")
	if _, ok := settings[name]; !ok {
		return nil, notFound("there is no cluster setting %q", name)
	}
	if err := c.putSetting(r, &pb.PutSetting{Key: name, Deleted: true}); err != nil {
		return nil, err
	}
	return changed("Successfully deleted cluster config: "+name, nil), nil
}
