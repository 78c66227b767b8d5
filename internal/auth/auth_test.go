package auth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/xdg-go/scram"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

func TestVerifier(t *testing.T) {
	v, err := NewVerifier("secret")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(v, "SCRAM-SHA-256$4096:") {
		t.Errorf("verifier %s", v)
	}
	if !CheckPassword(v, "secret") || CheckPassword(v, "Secret") || CheckPassword(v, "") || CheckPassword("x", "secret") {
		t.Error("passwords are not told apart")
	}
	if w, _ := NewVerifier("secret"); w == v {
		t.Error("two verifiers have the same salt")
	}
	if _, err := NewVerifier(""); !errors.Is(err, ErrEmptyPassword) {
		t.Errorf("empty password: %v", err)
	}
	if d := DummyVerifier(); d == "" || d != DummyVerifier() {
		t.Error("the dummy verifier is not one")
	}
}

// TestKnownVerifier checks a verifier computed by PostgreSQL's rules for the
// example of RFC 7677.
func TestKnownVerifier(t *testing.T) {
	v, err := verifierOf("pencil", []byte("[m\x99h\x9d\x125\x8e\xec\xa0K\x14\x126\xfa\x81"), 4096)
	if err != nil {
		t.Fatal(err)
	}
	const want = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
	if v != want {
		t.Errorf("verifier %s, want %s", v, want)
	}
}

func TestParseVerifierRefuses(t *testing.T) {
	good, _ := NewVerifier("x")
	for _, bad := range []string{"", "x", strings.Replace(good, "256", "1", 1), strings.Replace(good, "4096", "0", 1),
		strings.Replace(good, "4096", "99999999999", 1), good + "$", good[:len(good)-4], strings.Replace(good, ":", "", 1),
		"SCRAM-SHA-256$4096:$AAAA:AAAA", "SCRAM-SHA-256$4096:!!$AAAA:AAAA"} {
		if _, err := ParseVerifier(bad); !errors.Is(err, ErrBadVerifier) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseVerifier(f *testing.F) {
	good, _ := NewVerifier("x")
	f.Add(good)
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseVerifier(s); err == nil && (c.Iters < 1 || len(c.StoredKey) != 32) {
			t.Errorf("%q is read as %+v", s, c)
		}
	})
}

// TestSCRAMConversation logs in as a client does.
func TestSCRAMConversation(t *testing.T) {
	v, err := NewVerifier("pass wörd")
	if err != nil {
		t.Fatal(err)
	}
	srv, err := NewSCRAMServer(func(user string) (string, bool) { return v, user == "ann" })
	if err != nil {
		t.Fatal(err)
	}
	f := func(user, password string, ok bool) {
		t.Helper()
		client, err := scram.SHA256.NewClient(user, password, "")
		if err != nil {
			t.Fatal(err)
		}
		c, s := client.NewConversation(), srv.NewConversation()
		first, err := c.Step("")
		for err == nil && !s.Done() {
			var answer string
			if answer, err = s.Step(first); err == nil {
				first, err = c.Step(answer)
			}
		}
		if s.Valid() != ok || c.Valid() != ok {
			t.Errorf("%s with %q: valid %v, %v", user, password, s.Valid(), err)
		}
	}
	f("ann", "pass wörd", true)
	f("ann", "wrong", false)
	f("bob", "pass wörd", false)
}

func TestCheckerRemembers(t *testing.T) {
	now := time.Unix(0, 0)
	c := NewChecker(func() time.Time { return now })
	v, _ := NewVerifier("secret")
	if !c.Check(v, "secret") || c.Check(v, "wrong") {
		t.Fatal("passwords are not told apart")
	}
	k := c.hash(v, "secret")
	if !c.remembered(k) || c.remembered(c.hash(v, "wrong")) {
		t.Error("only right passwords are to be remembered")
	}
	w, _ := NewVerifier("other")
	if c.Check(w, "secret") {
		t.Error("the password of before a change is taken")
	}
	now = now.Add(CacheTime)
	if c.remembered(k) {
		t.Error("remembered for too long")
	}
	c.Check(v, "secret")
	c.Forget()
	if c.remembered(k) {
		t.Error("not forgotten")
	}
	c.known = map[[32]byte]time.Time{}
	for i := range maxCached + 5 {
		c.remember([32]byte{byte(i), byte(i >> 8)})
	}
	if len(c.known) > maxCached {
		t.Errorf("%d remembered", len(c.known))
	}
}

type store map[string]string

func (s store) Verifier(user string) (string, bool) { v, ok := s[user]; return v, ok }

func TestBasic(t *testing.T) {
	v, _ := NewVerifier("secret")
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(User(r.Context()))) })
	f := func(name string, open bool, status int, user string, change func(*http.Request)) {
		t.Helper()
		r := httptest.NewRequest("GET", "http://127.0.0.1:9000/", nil)
		r.RemoteAddr = "127.0.0.1:5555"
		change(r)
		rec := httptest.NewRecorder()
		Basic(who, store{"ann": v}, open).ServeHTTP(rec, r)
		if rec.Code != status || status == 200 && rec.Body.String() != user {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		if status == 401 && rec.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no challenge", name)
		}
	}
	nothing := func(*http.Request) {}
	login := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	f("right", false, 200, "ann", login("ann", "secret"))
	f("wrong", false, 401, "", login("ann", "x"))
	f("unknown", false, 401, "", login("bob", "secret"))
	f("none", false, 401, "", nothing)
	f("open", true, 200, LoopbackUser, nothing)
	f("open, wrong", true, 401, "", login("ann", "x"))
	f("open, from afar", true, 401, "", func(r *http.Request) { r.RemoteAddr = "10.0.0.1:5" })
	f("open, rebound", true, 401, "", func(r *http.Request) { r.Host = "evil.example:9000" })
	f("open, foreign page", true, 401, "", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })
	f("open, null origin", true, 401, "", func(r *http.Request) { r.Header.Set("Origin", "null") })
	f("open, own page", true, 200, LoopbackUser, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:9000") })
	f("open, proxied", true, 401, "", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.1") })
	f("open, IPv6", true, 200, LoopbackUser, func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:5", "[::1]:9000" })
}

func TestIsLoopback(t *testing.T) {
	for addr, want := range map[string]bool{"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, ":1": false,
		"0.0.0.0:1": false, "10.0.0.1:1": false, "": false, "127.0.0.1": false} {
		if IsLoopback(addr) != want {
			t.Errorf("%q: %v", addr, !want)
		}
	}
}

func TestClusterSecret(t *testing.T) {
	f := func(name, secret, token, peerIP string, ok bool) {
		t.Helper()
		ctx := peer.NewContext(context.Background(), &peer.Peer{Addr: &net.TCPAddr{IP: net.ParseIP(peerIP)}})
		md, err := ClusterToken(token).GetRequestMetadata(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ctx = metadata.NewIncomingContext(ctx, metadata.New(md))
		if err := checkCall(ctx, secret); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	f("right", "s", "s", "10.0.0.1", true)
	f("wrong", "s", "t", "127.0.0.1", false)
	f("none", "s", "", "127.0.0.1", false)
	f("no secret, loopback", "", "", "127.0.0.1", true)
	f("no secret, afar", "", "", "10.0.0.1", false)
	if checkCall(context.Background(), "") == nil {
		t.Error("a caller without address passes")
	}
}
