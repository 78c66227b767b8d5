// Package ui embeds the controller's web pages, which are built from the app
// beside it. It knows nothing of the API that the pages call.
package ui

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// Prefix is the path under which the files of the pages lie.
const Prefix = "/ui/"

// fallback is shown when the binary was built without the pages.
const fallback = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Alluvium</title></head>
<body><h1>Alluvium controller</h1>
<p>This binary was built without its web pages. Build them with <code>make ui</code> (needs Node.js)
and then <code>make build</code>.</p>
<p>The HTTP API is complete without them: <a href="/openapi.json">/openapi.json</a> describes it.</p>
</body></html>
`

// Handler serves the pages: index.html at / and the files under Prefix.
func Handler() http.Handler { return handler(dist) }

func handler(files fs.FS) http.Handler {
	root, err := fs.Sub(files, "dist")
	if err != nil {
		root = files
	}
	assets := http.StripPrefix(Prefix, http.FileServerFS(filesOnly{root}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" || r.URL.Path == Prefix {
			serveIndex(w, root)
			return
		}
		if strings.HasPrefix(r.URL.Path, Prefix+"assets/") {
			// The names hold a hash of the content.
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		assets.ServeHTTP(w, r)
	})
}

func serveIndex(w http.ResponseWriter, root fs.FS) {
	page, err := fs.ReadFile(root, "index.html")
	if errors.Is(err, fs.ErrNotExist) {
		page = []byte(fallback)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(page) // an error means that the client is gone
}

// filesOnly hides folders, which would be listed.
type filesOnly struct{ fs.FS }

// Open implements fs.FS.
func (f filesOnly) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || info.IsDir() {
		file.Close()
		return nil, fs.ErrNotExist
	}
	return file, nil
}
