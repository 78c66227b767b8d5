package controller

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/assign"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func (c *Controller) instanceRoutes() []route {
	state := [][2]string{{"state", "ONLINE or OFFLINE"}}
	const one = "/instances/{instance}"
	return []route{
		{method: "GET", path: "/instances", summary: "Ids of all instances", handle: c.listInstances},
		{method: "GET", path: one, summary: "An instance", handle: c.getInstance},
		{method: "DELETE", path: one, summary: "Forget an instance that is down and holds nothing", handle: c.removeInstance},
		{method: "GET", path: "/tenants", summary: "Names of the tenants", handle: c.listTenants},
		{method: "GET", path: "/brokers", summary: "Brokers by table and by tenant", params: state, handle: c.allBrokers},
		{method: "GET", path: "/brokers/tables", summary: "Brokers by table", params: state, handle: c.brokersByTable},
		{method: "GET", path: "/brokers/tables/{table}", summary: "Brokers of a table", params: state, handle: c.brokersOfTable},
		{method: "GET", path: "/brokers/tenants", summary: "Brokers by tenant", params: state, handle: c.brokersByTenant},
		{method: "GET", path: "/brokers/tenants/{tenant}", summary: "Brokers of a tenant", params: state, handle: c.brokersOfTenant},
		{method: "GET", path: "/v2/brokers", summary: "Brokers with addresses by table and by tenant", params: state, handle: c.allBrokersV2},
		{method: "GET", path: "/v2/brokers/tables", summary: "Brokers with addresses by table", params: state, handle: c.brokersByTableV2},
		{method: "GET", path: "/v2/brokers/tables/{table}", summary: "Brokers with addresses of a table", params: state, handle: c.brokersOfTableV2},
		{method: "GET", path: "/v2/brokers/tenants", summary: "Brokers with addresses by tenant", params: state, handle: c.brokersByTenantV2},
		{method: "GET", path: "/v2/brokers/tenants/{tenant}", summary: "Brokers with addresses of a tenant", params: state, handle: c.brokersOfTenantV2},
	}
}

func (c *Controller) listInstances(*http.Request) (any, error) {
	ids := []string{}
	for in := range c.State().Instances() {
		ids = append(ids, in.Id)
	}
	return map[string]any{"instances": ids}, nil
}

func (c *Controller) instance(r *http.Request) (*pb.Instance, error) {
	id := r.PathValue("instance")
	in := c.State().Instance(id)
	if in == nil {
		return nil, notFound("no instance %q", id)
	}
	return in, nil
}

func (c *Controller) getInstance(r *http.Request) (any, error) {
	in, err := c.instance(r)
	if err != nil {
		return nil, err
	}
	_, grpcPort := splitAddr(in.GrpcAddr)
	_, adminPort := splitAddr(in.HttpAddr)
	return map[string]any{
		"instanceName": in.Id, "hostName": in.Host, "enabled": true, "port": strconv.Itoa(int(in.Port)),
		"tags": append([]string{}, in.Tags...), "pools": nil, "grpcPort": grpcPort, "adminPort": adminPort,
		"queryServicePort": -1, "queryMailboxPort": -1, "systemResourceInfo": nil,
		"alive": c.observed(r.Context())[in.Id].alive, "build": in.Build, "joinedMillis": in.JoinedMicros / 1000,
	}, nil
}

func (c *Controller) removeInstance(r *http.Request) (any, error) {
	in, err := c.instance(r)
	if err != nil {
		return nil, err
	}
	if c.observed(r.Context())[in.Id].alive {
		return nil, conflict("instance %s is alive: stop it first", in.Id)
	}
	_, err = c.propose(r.Context(), &pb.Command{Key: newKey(), Body: &pb.Command_RemoveInstance{RemoveInstance: &pb.RemoveInstance{Id: in.Id}}})
	if err != nil {
		return nil, err
	}
	return changed("Successfully dropped instance "+in.Id, nil), nil
}

// tenants returns the names of the tenants that instances of a role serve.
func (c *Controller) tenants(role pb.Role) []string {
	out := []string{}
	for in := range c.State().Instances() {
		if in.Role == role {
			out = append(out, assign.Tenants(in)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *Controller) listTenants(*http.Request) (any, error) {
	return map[string]any{"SERVER_TENANTS": c.tenants(pb.Role_ROLE_SERVER), "BROKER_TENANTS": c.tenants(pb.Role_ROLE_BROKER)}, nil
}

// broker is a broker in the answers of /v2/brokers.
type broker struct {
	Instance string `json:"instanceName"`
	Host     string `json:"host"`
	Port     uint32 `json:"port"`
}

// brokersOf returns the brokers of a tenant in the state that the request asks
// for: ONLINE, OFFLINE, or any.
func (c *Controller) brokersOf(r *http.Request, tenant string) []broker {
	want := r.URL.Query().Get("state")
	observed := c.observed(r.Context())
	out := []broker{}
	for in := range c.State().Instances() {
		if in.Role != pb.Role_ROLE_BROKER || !assign.HasTenant(in, tenant) {
			continue
		}
		if alive := observed[in.Id].alive; want == "ONLINE" && !alive || want == "OFFLINE" && alive {
			continue
		}
		out = append(out, broker{in.Id, in.Host, in.Port})
	}
	return out
}

func brokerNames(list []broker) []string {
	out := []string{}
	for _, b := range list {
		out = append(out, b.Instance)
	}
	return out
}

func (c *Controller) tableTenant(t *pb.Table) string {
	cfg, _, _, _, err := schema.ParsePinotTable(t.ConfigJson)
	if err != nil || cfg.BrokerTenant == "" {
		return schema.DefaultTenant
	}
	return cfg.BrokerTenant
}

func (c *Controller) byTable(r *http.Request) map[string][]broker {
	out := map[string][]broker{}
	for t := range c.State().Tables() {
		out[t.Name] = c.brokersOf(r, c.tableTenant(t))
	}
	return out
}

func (c *Controller) byTenant(r *http.Request) map[string][]broker {
	out := map[string][]broker{}
	for _, t := range c.tenants(pb.Role_ROLE_BROKER) {
		out[t] = c.brokersOf(r, t)
	}
	return out
}

func named(m map[string][]broker) map[string][]string {
	out := map[string][]string{}
	for k, v := range m {
		out[k] = brokerNames(v)
	}
	return out
}

func (c *Controller) allBrokers(r *http.Request) (any, error) {
	return map[string]any{"tables": named(c.byTable(r)), "tenants": named(c.byTenant(r))}, nil
}

func (c *Controller) brokersByTable(r *http.Request) (any, error)  { return named(c.byTable(r)), nil }
func (c *Controller) brokersByTenant(r *http.Request) (any, error) { return named(c.byTenant(r)), nil }

func (c *Controller) allBrokersV2(r *http.Request) (any, error) {
	return map[string]any{"tables": c.byTable(r), "tenants": c.byTenant(r)}, nil
}

func (c *Controller) brokersByTableV2(r *http.Request) (any, error)  { return c.byTable(r), nil }
func (c *Controller) brokersByTenantV2(r *http.Request) (any, error) { return c.byTenant(r), nil }

func (c *Controller) brokersOfTableV2(r *http.Request) (any, error) {
	t, err := c.table(r)
	if err != nil {
		return nil, err
	}
	return c.brokersOf(r, c.tableTenant(t)), nil
}

func (c *Controller) brokersOfTable(r *http.Request) (any, error) {
	t, err := c.table(r)
	if err != nil {
		return nil, err
	}
	return brokerNames(c.brokersOf(r, c.tableTenant(t))), nil
}

func (c *Controller) tenant(r *http.Request) (string, error) {
	t := r.PathValue("tenant")
	if known := c.tenants(pb.Role_ROLE_BROKER); !slices.Contains(known, t) {
		return "", notFound("no broker tenant %q%s", t, didYouMean(t, known))
	}
	return t, nil
}

func (c *Controller) brokersOfTenant(r *http.Request) (any, error) {
	t, err := c.tenant(r)
	if err != nil {
		return nil, err
	}
	return brokerNames(c.brokersOf(r, t)), nil
}

func (c *Controller) brokersOfTenantV2(r *http.Request) (any, error) {
	t, err := c.tenant(r)
	if err != nil {
		return nil, err
	}
	return c.brokersOf(r, t), nil
}
