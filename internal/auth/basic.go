package auth

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
)

// Store finds users. It is safe for concurrent use.
type Store interface {
	// Verifier returns the stored SCRAM-SHA-256 verifier of a user; ok is
	// false when there is no such user.
	Verifier(user string) (verifier string, ok bool)
}

type userKey struct{}

// User returns the user that Basic found for the request, "" for none.
func User(ctx context.Context) string {
	u, _ := ctx.Value(userKey{}).(string)
	return u
}

// WithUser returns a context that carries a user for User.
func WithUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// LoopbackUser is the user of a request that needed no password because it
// came over loopback.
const LoopbackUser = "admin"

// Basic wraps a handler in HTTP basic authentication against store. With
// allowLoopback a request that comes over loopback, is addressed to loopback
// by name, and was sent by no foreign web page needs no credentials; if it
// brings some they must be right all the same.
func Basic(next http.Handler, store Store, allowLoopback bool) http.Handler {
	return BasicFunc(next, store, func() bool { return allowLoopback })
}

// BasicFunc is Basic with a setting that may change while it serves.
func BasicFunc(next http.Handler, store Store, allowLoopback func() bool) http.Handler {
	checker := NewChecker(nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, given := r.BasicAuth()
		switch {
		case !given && allowLoopback() && TrustedLoopback(r):
			user = LoopbackUser
		case !given || !verify(checker, store, user, password):
			unauthorized(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(WithUser(r.Context(), user)))
	})
}

func verify(c *Checker, store Store, user, password string) bool {
	verifier, ok := store.Verifier(user)
	if !ok {
		// The same work as for a known user, so that time tells nothing.
		CheckPassword(DummyVerifier(), password)
		return false
	}
	return c.Check(verifier, password)
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="alluvium", charset="UTF-8"`)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	json.NewEncoder(w).Encode(map[string]any{
		"code":  http.StatusUnauthorized,
		"error": "user name or password is missing or wrong",
	})
}

// TrustedLoopback reports whether a request came over loopback and was meant
// for it. The Host header must name loopback, which defeats DNS rebinding, and
// an Origin, if any, must be the same host.
func TrustedLoopback(r *http.Request) bool {
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !isLoopbackHost(peer) || !isLoopbackHost(hostOnly(r.Host)) {
		return false
	}
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	origin := r.Header.Get("Origin")
	_, originHost, ok := strings.Cut(origin, "://")
	return origin == "" || ok && originHost == r.Host
}

func hostOnly(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return strings.Trim(hostport, "[]")
}

func isLoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// IsLoopback reports whether a listen address accepts only connections of the
// same machine. An empty host listens everywhere.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && isLoopbackHost(host)
}
