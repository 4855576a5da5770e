package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// twice has every request that gets through arrive twice: the first time its sender never
// learns of that.
var twice = slices.Repeat([]string{"unsaid", "passed"}, 200)

// TestProducers drives the real clients of protocols that people speak already, each
// through every kind of trouble, and then through a connection that loses the answer to
// everything once. Each of their 4 * each events is there once in the end, and what can
// never be stored is in quarantine.
func TestProducers(t *testing.T) {
	p := start(t, t.TempDir())
	for name, c := range map[string]struct {
		module  string // of npm; empty: it is Go's
		send    func(t *testing.T, url, key string)
		trouble []string // that the client comes through
		by      []string // the columns that tell its events apart
		refused int64    // events that can never be stored
	}{
		"CloudEvents, npm's": {"cloudevents", script("cloudevents.mjs"), []string{"413", "429", "503", "cut", "lost"}, []string{"subject"}, 1},
		"CloudEvents, Go's":  {"", sendCloudEvents, []string{"413", "429", "503", "cut", "lost"}, []string{"subject"}, 0},
		"PostHog's capture":  {"posthog-node", postHog("v0"), []string{"413", "429", "503", "cut", "lost"}, []string{"event", "user_id"}, 1},
		// A 413 ends a batch of v1's for good, as its client has it.
		"PostHog's capture v1":                      {"posthog-node", postHog("v1"), []string{"429", "503", "cut", "lost"}, []string{"event", "user_id"}, 1},
		"OpenTelemetry's, JavaScript's in JSON":     {"@opentelemetry/exporter-logs-otlp-http", openTelemetry("http"), []string{"413", "429", "503", "cut", "lost"}, []string{"n"}, 1},
		"OpenTelemetry's, JavaScript's in protobuf": {"@opentelemetry/exporter-logs-otlp-proto", openTelemetry("proto"), []string{"413", "429", "503", "cut", "lost"}, []string{"n"}, 1},
		"OpenTelemetry's, Go's":                     {"", sendTelemetry, []string{"413", "429", "503", "cut", "lost"}, []string{"n"}, 0},
		"Prometheus'":                               {"", writeSamples, []string{"413", "429", "503", "cut", "lost"}, []string{"n"}, 1},
		"Snowplow's":                                {"@snowplow/node-tracker", script("snowplow.mjs"), []string{"413", "429", "503", "cut", "lost"}, []string{"event", "user_id"}, 1},
		"Tinybird's":                                {"@tinybirdco/sdk", script("tinybird.mjs"), []string{"413", "429", "503", "cut", "lost"}, []string{"user_id"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if c.module != "" {
				present(t, c.module)
			}
			const into = "clients"
			key := p.boundTo(t, into)
			defer p.call(t, http.MethodDelete, "/v1/datasets/"+into, nil, nil)
			trouble := newTrouble(t, p.URL, false, slices.Concat(c.trouble, twice))
			c.send(t, trouble.server.URL, key)
			trouble.check(t)

			const sent = 4 * each
			l := p.settled(t, into, 2*(sent+c.refused))
			if l.Stored != sent || l.Duplicate < sent || l.Quarantined < c.refused {
				t.Errorf("the ledger has %+v", l)
			}
			rows := p.rows(t, map[string]any{"dataset": into, "measures": []any{"count"}, "dimensions": c.by, "limit": 1000})
			for _, row := range rows {
				if fmt.Sprint(row[len(row)-1]) != "1" {
					t.Errorf("%v", row)
				}
			}
			if len(rows) != sent {
				t.Errorf("%d of %d events are told apart", len(rows), sent)
			}
		})
	}
}

// TestProducersWithoutIDs drives clients whose protocols name no event, and which send
// nothing again: each event that is answered is there.
func TestProducersWithoutIDs(t *testing.T) {
	p := start(t, t.TempDir())
	for name, c := range map[string]struct {
		module string
		send   func(t *testing.T, url, key string)
		sent   int64
	}{
		"Umami's":     {"@umami/node", script("umami.mjs"), 3 * each},
		"Plausible's": {"", sendPlausible, each},
	} {
		t.Run(name, func(t *testing.T) {
			if c.module != "" {
				present(t, c.module)
			}
			const into = "hits"
			key := p.boundTo(t, into)
			defer p.call(t, http.MethodDelete, "/v1/datasets/"+into, nil, nil)
			c.send(t, p.URL, key)
			if l := p.settled(t, into, c.sent); l.Stored != c.sent {
				t.Errorf("the ledger has %+v", l)
			}
			if rows := p.rows(t, map[string]any{"dataset": into, "measures": []any{"count"}, "dimensions": []any{"event", "n"}, "limit": 1000}); int64(len(rows)) != c.sent {
				t.Errorf("%d of %d events are told apart", len(rows), c.sent)
			}
		})
	}
}

// sendPlausible sends as Plausible's reference tells servers to.
func sendPlausible(t *testing.T, url, key string) {
	for n := range each {
		body := fmt.Sprintf(`{"name":"ordered","url":"https://shop.example/","domain":"shop.example","props":{"n":%d}}`, n)
		out, err := http.Post(url+"/api/event?write_key="+key, "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		out.Body.Close()
		if out.StatusCode != http.StatusAccepted {
			t.Fatal(out.Status)
		}
	}
}

// present skips a test whose npm package is not here.
func present(t *testing.T, module string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		absent(t, "the client "+module, "apt-get install nodejs npm")
	}
	if _, err := os.Stat(filepath.Join(root, "node_modules", filepath.FromSlash(module))); err != nil {
		absent(t, module, "npm ci")
	}
}

func script(name string) func(t *testing.T, url, key string) {
	return func(t *testing.T, url, key string) {
		play(t, name, map[string]any{"url": url, "key": key, "each": each})
	}
}

// postHog is posthog-node that speaks one of its capture protocols.
func postHog(mode string) func(t *testing.T, url, key string) {
	return func(t *testing.T, url, key string) {
		t.Setenv("POSTHOG_CAPTURE_MODE", mode)
		script("posthog.mjs")(t, url, key)
	}
}

// sendCloudEvents sends with CloudEvents' Go client, one by one in both modes and then in
// a batch, whose request it makes and leaves to the program to send.
func sendCloudEvents(t *testing.T, url, key string) {
	url += "/v1/cloudevents?write_key=" + key
	client, err := cloudevents.NewClientHTTP(cehttp.WithTarget(url))
	if err != nil {
		t.Fatal(err)
	}
	var all []cloudevents.Event
	for n := range 4 * each {
		e := cloudevents.NewEvent()
		e.SetID(strconv.Itoa(n))
		e.SetSubject(strconv.Itoa(n))
		e.SetSource("/clients/go")
		e.SetType("ordered")
		e.SetTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		if err := e.SetData(cloudevents.ApplicationJSON, map[string]int{"n": n}); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	for n, e := range all[:2*each] {
		ctx := cloudevents.ContextWithRetriesConstantBackoff(t.Context(), time.Millisecond, 10)
		if n%2 == 0 {
			ctx = binding.WithForceStructured(ctx)
		}
		if result := client.Send(ctx, e); !cloudevents.IsACK(result) {
			t.Fatal(result)
		}
	}
	for !sentBatch(t.Context(), t, url, all[2*each:]) {
	}
}

func sentBatch(ctx context.Context, t *testing.T, url string, all []cloudevents.Event) bool {
	t.Helper()
	r, err := cehttp.NewHTTPRequestFromEvents(ctx, url, all)
	if err != nil {
		t.Fatal(err)
	}
	out, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer out.Body.Close()
	if out.StatusCode == http.StatusBadRequest {
		t.Fatal(out.Status)
	}
	return out.StatusCode == http.StatusOK
}
