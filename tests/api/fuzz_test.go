package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

// FuzzRequest sends anything to any route, as the owner: the answer never blames the
// server, and blames the sender by a whole problem document.
func FuzzRequest(f *testing.F) {
	w := newWorld(f)
	create(f, w, "web")
	for i := range route.All {
		f.Add(uint8(i), "web", "id=e1&limit=5", "application/json", "", []byte(`{"name":"web","kind":"events","event":"x","dataset":"web","measures":["count"],"batch":[{"type":"track","event":"x"}]}`))
		f.Add(uint8(i), "..", "next=%00&format=csv", "", "gzip", gzipOf([]byte(`[{"event":"x","properties":{"a":1}}]`)))
		f.Add(uint8(i), "%2f", "time=0000-01-01T00:00:00Z&id=", "text/csv", "zstd", zstdOf([]byte("{\"event\":\"x\"}\n{}")))
	}
	f.Fuzz(func(t *testing.T, which uint8, name, query, contentType, encoding string, text []byte) {
		r := route.All[int(which)%len(route.All)]
		if r.ID == route.DeleteDataset.ID && name == "web" || strings.Contains(string(text), "wait_for") {
			return // it would be missed; it would wait
		}
		target := strings.NewReplacer("{dataset}", url.PathEscape(name), "{key}", url.PathEscape(name)).Replace(r.Path)
		header := http.Header{"Content-Type": {contentType}, "Content-Encoding": {encoding}}
		out := w.ask(r.Method, target+"?"+url.PathEscape(query), w.keys[access.Owner], text, header)
		if out.Code >= 500 {
			t.Errorf("%s %s: %d %s", r.Method, target, out.Code, out.Body)
		} else if out.Code >= 400 {
			problemAt(t, target, out)
		}
	})
}
