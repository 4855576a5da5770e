// Package console is the web page: static files that know the API and nothing else
// of the server. Locally they are served from the binary; in AWS the same files lie
// behind CloudFront.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"time"
)

//go:embed *.html *.js *.css *.svg
var files embed.FS

// policy lets the page run its own files and call its own origin, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// types are spelled out because the system's own table may lack or change them.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file is one file, ready to send.
type file struct {
	content     []byte
	contentType string
	tag         string
}

// Handler serves the page at Paths, and 404 elsewhere.
func Handler() http.Handler {
	at := map[string]file{}
	for _, name := range names() {
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it is part of the binary
		}
		sum := sha256.Sum256(content)
		f := file{content, types[path.Ext(name)], `"` + hex.EncodeToString(sum[:8]) + `"`}
		for _, p := range paths(name) {
			at[p] = f
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := at[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		f.serve(w, r)
	})
}

// Paths lists what Handler serves, each exact.
func Paths() (all []string) {
	for _, name := range names() {
		all = append(all, paths(name)...)
	}
	return all
}

func names() (all []string) {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // it is part of the binary
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// paths are where a file is served: under its name, and where people look for it.
func paths(name string) []string {
	switch name {
	case "index.html":
		return []string{"/", "/index.html"}
	case "docs.html":
		return []string{"/docs", "/docs.html"}
	}
	return []string{"/" + name}
}

// serve sends the file, or 304 to who has it. Browsers ask each time, so that an
// upgrade shows at once.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}
