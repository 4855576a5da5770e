package browser

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTrackers has the scripts that people put into their pages send from a page of another
// origin to a server that knows the origin: each event arrives once, and the browser keeps
// no answer from the page.
func TestTrackers(t *testing.T) {
	chromium := requireBrowser(t)
	shop := httptest.NewServer(http.HandlerFunc(serveShop))
	t.Cleanup(shop.Close)
	s := start(t, newElsewhere(t), "ALLOW_ORIGINS="+shop.URL)
	for name, module := range map[string]string{
		"Plausible's tracker, each call a request":      "plausible-tracker",
		"PostHog's, in batches and as the page is left": "posthog-js",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(root, "node_modules", module)); err != nil {
				absent(t, "npm ci")
			}
			input, err := json.Marshal(map[string]string{"tracker": module, "chromium": chromium, "shop": shop.URL, "url": s.URL, "key": s.Key})
			if err != nil {
				t.Fatal(err)
			}
			node := exec.CommandContext(t.Context(), "node", "trackers.mjs")
			node.Stdin = bytes.NewReader(input)
			if out, err := node.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// serveShop serves an empty page, and scripts as npm has them, which bundlers would put in.
func serveShop(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><title>Shop</title><link rel="icon" href="data:,">`))
		return
	}
	if filepath.Ext(r.URL.Path) == "" {
		r.URL.Path += ".js" // as bundlers find modules
	}
	http.FileServer(http.Dir(filepath.Join(root, "node_modules"))).ServeHTTP(w, r)
}
