package ui

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestHandler(t *testing.T) {
	built := handler(fstest.MapFS{
		"dist/index.html":      {Data: []byte("<title>built</title>")},
		"dist/assets/app-1.js": {Data: []byte("let x")},
	})
	bare := handler(fstest.MapFS{"dist/.keep": {}})
	f := func(name, path string, status int, want string) {
		t.Helper()
		h := built
		if name == "bare" {
			h = bare
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != status || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s %s: %d %s", name, path, rec.Code, rec.Body)
		}
	}
	f("built", "/", 200, "built")
	f("built", "/ui/", 200, "built")
	f("built", "/ui/assets/app-1.js", 200, "let x")
	f("built", "/ui/assets/", 404, "")
	f("built", "/ui/nothing", 404, "")
	f("bare", "/", 200, "without its web pages")
	f("bare", "/ui/assets/app-1.js", 404, "")
	Handler() // the embedded files are there
}
