package e2e

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// trouble is a proxy that does with each request what its turn says: "passed"; "cut", which
// breaks the connection in the middle of the request; "lost" and "unsaid", which pass it on
// and then say 502 or nothing; "again", which passes it on twice; or the status that it
// answers with itself.
type trouble struct {
	server *httptest.Server
	to     atomic.Pointer[url.URL]
	draw   func(request int) string // asked under mu

	mu   sync.Mutex
	seen int
	made map[string]int
}

// inTurn makes the trouble of a list, and then none.
func inTurn(turns []string) func(request int) string {
	return func(request int) string {
		if request < len(turns) {
			return turns[request]
		}
		return "passed"
	}
}

// atRandom makes trouble of a list to a quarter of all requests.
func atRandom(rng *rand.Rand, turns []string) func(request int) string {
	return func(int) string {
		if rng.IntN(4) > 0 {
			return "passed"
		}
		return turns[rng.IntN(len(turns))]
	}
}

// newTrouble is in front of the server at a URL. A bare one drops the Authorization header.
func newTrouble(t *testing.T, target string, bare bool, draw func(request int) string) *trouble {
	t.Helper()
	x := &trouble{draw: draw, made: map[string]int{}}
	x.aim(t, target)
	passes := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(x.to.Load())
			if bare {
				r.Out.Header.Del("Authorization")
			}
		},
		ErrorHandler: unreachable,
	}
	loses := *passes
	loses.ModifyResponse = func(r *http.Response) error {
		r.StatusCode = http.StatusBadGateway
		return nil
	}
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
		case "again":
			first, err := copied(r)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			passes.ServeHTTP(httptest.NewRecorder(), first)
			passes.ServeHTTP(w, r)
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

// copied returns a request that is like another.
func copied(r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	other := r.Clone(r.Context())
	r.Body, other.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
	return other, nil
}

// unreachable answers 503 for a server that was not reached, and 502 for one that ended in
// the middle, which may have stored what it was sent.
func unreachable(w http.ResponseWriter, _ *http.Request, err error) {
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusBadGateway)
}

// aim has the proxy pass on to another server.
func (x *trouble) aim(t *testing.T, target string) {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	x.to.Store(to)
}

func (x *trouble) next() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	what := x.draw(x.seen)
	x.seen++
	x.made[what]++
	return what
}

// times counts the requests to which something was done.
func (x *trouble) times(what string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.made[what]
}

// check makes sure that every kind of trouble was made.
func (x *trouble) check(t *testing.T, turns []string) {
	t.Helper()
	for _, what := range slices.Compact(slices.Sorted(slices.Values(turns))) {
		if x.times(what) == 0 {
			t.Errorf("no request was %s", what)
		}
	}
}
