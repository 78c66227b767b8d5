package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// client calls the HTTP API of a controller.
type client struct {
	base, user, password string
	http                 http.Client
}

// addClientFlags adds the flags of commands that talk to a controller.
func addClientFlags(cmd *cobra.Command, c *client) {
	f := cmd.PersistentFlags()
	f.StringVar(&c.base, "controller", "http://127.0.0.1:9000", "URL of a controller")
	f.StringVar(&c.user, "user", "admin", "user name")
	f.StringVar(&c.password, "password", os.Getenv("ALLUVIUM_ADMIN_PASSWORD"), "password (default: ALLUVIUM_ADMIN_PASSWORD)")
	f.Lookup("password").DefValue = "" // help must not show a secret
	c.http.Timeout = 60 * time.Second
}

// apiError is a refusal by the server.
type apiError struct {
	Status int
	Text   string
}

func (e *apiError) Error() string { return e.Text }

// do sends body (nil for none) and decodes the JSON answer into out.
func (c *client) do(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.password != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return &apiError{res.StatusCode, errorText(res.StatusCode, raw)}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("answer of %s %s: %w", method, path, err)
	}
	return nil
}

func errorText(status int, raw []byte) string {
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(raw, &e) == nil && e.Error != "" {
		return e.Error
	}
	return fmt.Sprintf("HTTP status %d: %s", status, strings.TrimSpace(string(raw)))
}

// change is the answer to a creating or deleting call.
type change struct {
	Status   string   `json:"status"`
	Warnings []string `json:"warnings"`
}

func (c change) print(w io.Writer) {
	fmt.Fprintln(w, c.Status)
	for _, s := range c.Warnings {
		fmt.Fprintln(w, "warning:", s)
	}
}
