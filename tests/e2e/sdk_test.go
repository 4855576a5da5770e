package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// each is how many calls of each kind an SDK makes.
const each = 30

// TestSDKs drives the real SDKs of Segment and RudderStack, as npm has them, through
// a proxy that refuses some requests and loses an answer. Every event arrives exactly
// once.
func TestSDKs(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		absent(t, "the SDKs of Segment and RudderStack", "apt-get install nodejs npm")
	}
	p := start(t, t.TempDir())
	p.create(t, "shop")
	bound := p.newKey(t, map[string]any{"name": "shop", "role": "producer", "dataset": "shop"})
	unbound := p.newKey(t, map[string]any{"name": "any", "role": "producer"})
	for name, c := range map[string]struct {
		script, module string
		key, into      string
		bare           bool // the proxy drops the Authorization header: the key is in the body
	}{
		"Segment's, with a key that is bound to a dataset":  {"segment.mjs", "@segment/analytics-node", bound, "shop", false},
		"RudderStack's, into the dataset made on first use": {"rudder.mjs", "@rudderstack/rudder-sdk-node", unbound, "events", false},
		"Segment's, with the key in the body alone":         {"segment.mjs", "@segment/analytics-node", p.boundTo(t, "bare"), "bare", true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(root, "node_modules", filepath.FromSlash(c.module))); err != nil {
				absent(t, c.module, "npm ci")
			}
			trouble := newTrouble(t, p.URL, c.bare, turns)
			play(t, c.script, map[string]any{"url": trouble.server.URL, "key": c.key, "each": each})
			trouble.check(t)
			checkCalls(t, p.client, c.into)
		})
	}
}

func (c client) newKey(t *testing.T, spec map[string]any) string {
	t.Helper()
	var made struct {
		Key string `json:"key"`
	}
	c.call(t, http.MethodPost, "/v1/keys", spec, &made)
	return made.Key
}

// boundTo makes a dataset and a producer's key for it.
func (c client) boundTo(t *testing.T, dataset string) string {
	t.Helper()
	c.create(t, dataset)
	return c.newKey(t, map[string]any{"name": dataset, "role": "producer", "dataset": dataset})
}

// play runs a script with its input on standard input.
func play(t *testing.T, script string, input map[string]any) {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", script)
	node.Dir = "sdk"
	node.Stdin = bytes.NewReader(encode(t, input))
	if out, err := node.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// checkCalls compares what arrived with what was told, and asks the ledger whether
// the answers that were lost led to retries.
func checkCalls(t *testing.T, c client, into string) {
	t.Helper()
	want := map[string]string{}
	for n := range each {
		for _, call := range []string{"ordered", "identify", "page", "screen", "group"} {
			want[fmt.Sprintf("%s u%d %d", call, n, n)] = "1"
		}
		want[fmt.Sprintf("alias u%d <nil>", n)] = "1"
	}
	l := c.settled(t, into, int64(len(want)))
	got := map[string]string{}
	for _, row := range c.rows(t, map[string]any{"dataset": into, "measures": []any{"count"}, "dimensions": []any{"event", "user_id", "n"}}) {
		got[fmt.Sprint(row[0], " ", row[1], " ", row[2])] = fmt.Sprint(row[3])
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("told (-) and arrived (+):\n%s", diff)
	}
	if l.Duplicate == 0 || l.Quarantined != 0 {
		t.Errorf("the ledger has %+v", l)
	}
}

// turns is what the proxy does with the first requests: it calls them too many, or
// itself unavailable, or passes one on and loses the answer. No batch meets more
// trouble than an SDK has retries, which is three for RudderStack's.
var turns = []string{"429", "passed", "503", "passed", "lost"}

// trouble is a proxy that does with each request what its turn says, and then passes
// everything on.
type trouble struct {
	server *httptest.Server
	turns  []string
	mu     sync.Mutex
	seen   int
	made   map[string]int
}

func newTrouble(t *testing.T, target string, bare bool, turns []string) *trouble {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	passes := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		if bare {
			r.Out.Header.Del("Authorization")
		}
	}}
	loses := *passes
	loses.ModifyResponse = func(r *http.Response) error {
		r.StatusCode = http.StatusBadGateway
		return nil
	}
	x := &trouble{turns: turns, made: map[string]int{}}
	x.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/flags") { // holds no event
			passes.ServeHTTP(w, r)
			return
		}
		switch what := x.next(); what {
		case "cut":
			_, _ = io.CopyN(io.Discard, r.Body, 100)
			panic(http.ErrAbortHandler)
		case "unsaid":
			passes.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case "passed":
			passes.ServeHTTP(w, r)
		case "lost":
			loses.ServeHTTP(w, r)
		default:
			status, _ := strconv.Atoi(what)
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(x.server.Close)
	return x
}

func (x *trouble) next() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	what := "passed"
	if x.seen < len(x.turns) {
		what = x.turns[x.seen]
	}
	x.seen++
	x.made[what]++
	return what
}

// check makes sure that every kind of trouble was made.
func (x *trouble) check(t *testing.T) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, what := range x.turns {
		if x.made[what] == 0 {
			t.Errorf("only this happened: %v", x.made)
		}
	}
	t.Logf("requests: %v", x.made)
}
