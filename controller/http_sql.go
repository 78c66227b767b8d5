package controller

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// newBrokerClient returns the client that queries are passed on with. It has
// no timeout: the query's own limits and the caller's patience count.
func newBrokerClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// passedHeaders go from the caller to the broker; the credentials among them,
// since the broker asks for the same.
var passedHeaders = []string{"Authorization", "Content-Type", "Accept", "User-Agent"}

// proxySQL passes a query to a live broker, and to the next one when it cannot
// be reached.
func (c *Controller) proxySQL(w http.ResponseWriter, r *http.Request) {
	var body []byte
	if r.Method == http.MethodPost {
		var err error
		if body, err = readBody(r); err != nil {
			writeError(w, err)
			return
		}
	}
	brokers := c.liveBrokers(r)
	if len(brokers) == 0 {
		writeError(w, api.Errorf(http.StatusServiceUnavailable, "no broker is alive"))
		return
	}
	var errs []error
	first := int(c.nextBroker.Add(1))
	for i := range brokers {
		res, err := c.askBroker(r, brokers[(first+i)%len(brokers)], body)
		if err == nil {
			copyAnswer(w, res)
			return
		}
		errs = append(errs, err)
		if r.Context().Err() != nil {
			break
		}
	}
	writeError(w, api.Errorf(http.StatusBadGateway, "no broker could be reached: %s", oneLine(errors.Join(errs...))))
}

func (c *Controller) liveBrokers(r *http.Request) []string {
	observed := c.observed(r.Context())
	var out []string
	for in := range c.State().Instances() {
		if in.Role == pb.Role_ROLE_BROKER && in.HttpAddr != "" && observed[in.Id].alive {
			out = append(out, in.HttpAddr)
		}
	}
	return out
}

func (c *Controller) askBroker(r *http.Request, addr string, body []byte) (*http.Response, error) {
	url := "http://" + addr + "/query/sql"
	if r.URL.RawQuery != "" {
		url += "?" + r.URL.RawQuery
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, h := range passedHeaders {
		if v := r.Header.Get(h); v != "" {
			req.Header.Set(h, v)
		}
	}
	return c.brokers.Do(req)
}

func copyAnswer(w http.ResponseWriter, res *http.Response) {
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); ct != "" {
		w.Header().Set("Content-Type", ct)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(res.StatusCode)
	io.Copy(w, res.Body) // an error means that one end is gone
}
