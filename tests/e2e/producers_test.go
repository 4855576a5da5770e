package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// producer is a client of a protocol.
type producer struct {
	name    string
	module  string // of npm; empty: it is Go's
	send    func(ctx context.Context, to turn) (doubtful []string, err error)
	trouble []string // that the client comes through
	by      []string // the columns that tell its events apart
	events  int      // of a turn
	refused int      // events of a turn that can never be stored
}

// turn is what a client is to send and where to: each events of a kind, numbered from From.
// Who is not told whether an event arrived, and can not ask again because its protocol has
// no ids, says which it was by the values of its columns.
type turn struct {
	URL  string `json:"url"`
	Key  string `json:"key"`
	Into string `json:"into"`
	From int    `json:"from"`
	Each int    `json:"each"`
}

var (
	everything = []string{"413", "429", "503", "cut", "lost"}
	but413     = []string{"429", "503", "cut", "lost"}
)

// producers are the clients of protocols that name their events.
var producers = []producer{
	{"Tarn's own", "", certain(sendOwn), everything, []string{"n"}, 4 * each, 4},
	{"CloudEvents, npm's", "cloudevents", script("cloudevents.mjs"), everything, []string{"subject"}, 4 * each, 1},
	{"CloudEvents, Go's", "", certain(sendCloudEvents), everything, []string{"subject"}, 4 * each, 0},
	{"PostHog's capture", "posthog-node", script("posthog.mjs", "POSTHOG_CAPTURE_MODE=v0"), everything, []string{"event", "user_id"}, 4 * each, 1},
	// A 413 ends a batch of v1's for good, as its client has it.
	{"PostHog's capture v1", "posthog-node", script("posthog.mjs", "POSTHOG_CAPTURE_MODE=v1"), but413, []string{"event", "user_id"}, 4 * each, 1},
	{"OpenTelemetry's, JavaScript's in JSON", "@opentelemetry/exporter-logs-otlp-http", script("otlp.mjs", "ENCODING=http"), everything, []string{"n"}, 4 * each, 1},
	{"OpenTelemetry's, JavaScript's in protobuf", "@opentelemetry/exporter-logs-otlp-proto", script("otlp.mjs", "ENCODING=proto"), everything, []string{"n"}, 4 * each, 1},
	{"OpenTelemetry's, Go's", "", certain(sendTelemetry), everything, []string{"n"}, 4 * each, 0},
	{"Prometheus'", "", certain(writeSamples), everything, []string{"n"}, 4 * each, 1},
	{"Snowplow's", "@snowplow/node-tracker", script("snowplow.mjs"), everything, []string{"event", "user_id"}, 4 * each, 1},
	{"Snowplow's pixel", "@snowplow/node-tracker", script("snowplow.mjs", "METHOD=get"), everything, []string{"event", "user_id"}, 4 * each, 1},
	{"Tinybird's", "@tinybirdco/sdk", script("tinybird.mjs"), everything, []string{"user_id"}, 4 * each, 1},
	// As their clients have it, a 413 is final.
	{"Segment's", "@segment/analytics-node", script("segment.mjs"), but413, []string{"event", "user_id"}, 6 * each, 0},
	{"RudderStack's", "@rudderstack/rudder-sdk-node", script("rudder.mjs"), but413, []string{"event", "user_id"}, 6 * each, 0},
}

// unnamed are the clients of protocols that name no event.
var unnamed = []producer{
	{"Umami's", "@umami/node", script("umami.mjs"), []string{"413", "429", "503", "cut"}, []string{"event", "n"}, 3 * each, 0},
	{"Plausible's", "", sendPlausible, []string{"413", "429", "503", "cut"}, []string{"event", "n"}, each, 0},
}

// twice has every event arrive twice at least: half of all requests are sent again by who
// never learned that they arrived, and the others arrive twice, since of two that are sent
// at the same time one might be told at once.
var twice = slices.Repeat([]string{"unsaid", "again"}, 200)

// TestProducers drives the real clients of protocols that people speak already, each
// through every kind of trouble, and then through a connection by which everything arrives
// twice. Each of their events is there once in the end, and what can never be
// stored is in quarantine.
func TestProducers(t *testing.T) {
	p := start(t, t.TempDir())
	for _, c := range producers {
		t.Run(c.name, func(t *testing.T) {
			present(t, c.module)
			const into = "clients"
			key := p.boundTo(t, into)
			defer p.call(t, http.MethodDelete, "/v1/datasets/"+into, nil, nil)
			turns := slices.Concat(c.trouble, twice)
			trouble := newTrouble(t, p.URL, false, inTurn(turns))
			if doubtful, err := c.send(t.Context(), turn{trouble.server.URL, key, into, 0, each}); err != nil || len(doubtful) > 0 {
				t.Fatal(doubtful, err)
			}
			trouble.check(t, turns)
			if l := c.check(t, p.client, into, 2*(c.events+c.refused), 1, nil); l.Duplicate < int64(c.events) {
				t.Errorf("the ledger has %+v", l)
			}
		})
	}
}

// TestProducersWithoutIDs drives clients whose protocols name no event, and which send
// nothing again by themselves: each event that is answered is there once, and one that was
// stored although its answer was lost is there, too.
func TestProducersWithoutIDs(t *testing.T) {
	p := start(t, t.TempDir())
	for _, c := range unnamed {
		t.Run(c.name, func(t *testing.T) {
			present(t, c.module)
			const into = "clients"
			key := p.boundTo(t, into)
			defer p.call(t, http.MethodDelete, "/v1/datasets/"+into, nil, nil)
			turns := slices.Concat(c.trouble, []string{"lost", "unsaid"})
			trouble := newTrouble(t, p.URL, false, inTurn(turns))
			doubtful, err := c.send(t.Context(), turn{trouble.server.URL, key, into, 0, each})
			if err != nil || len(doubtful) != 3 { // one is cut
				t.Fatal(doubtful, err)
			}
			trouble.check(t, turns)
			if l := c.check(t, p.client, into, c.events-1, 1, doubtful); l.Stored != int64(c.events-1) {
				t.Errorf("the ledger has %+v", l)
			}
		})
	}
}

// check asks whether each event of some turns is stored once, those in doubt once or not at
// all, and nothing else, when at least so many deliveries are accounted for.
func (c producer) check(t *testing.T, from client, into string, deliveries, turns int, doubtful []string) ledger {
	t.Helper()
	l := from.settled(t, into, int64(deliveries))
	rows := from.rows(t, map[string]any{"dataset": into, "measures": []any{"count"}, "dimensions": c.by, "limit": mostRows})
	arrived := 0 // of those in doubt
	for _, row := range rows {
		event, count := strings.TrimSuffix(fmt.Sprintln(row[:len(row)-1]...), "\n"), fmt.Sprint(row[len(row)-1])
		if count != "1" {
			t.Errorf("%s: %s is there %s times", c.name, event, count)
		}
		if slices.Contains(doubtful, event) {
			arrived++
		}
	}
	if answered := turns*c.events - len(doubtful); len(rows)-arrived != answered {
		t.Errorf("%s: %d of %d events are told apart, and %d of %d in doubt", c.name, len(rows)-arrived, answered, arrived, len(doubtful))
	}
	if l.Stored != int64(len(rows)) || l.Quarantined < int64(turns*c.refused) || l.Dropped != 0 || l.Erased != 0 {
		t.Errorf("%s: %d events are told apart, and the ledger has %+v", c.name, len(rows), l)
	}
	return l
}

// present skips a test whose npm package is not here.
func present(t *testing.T, module string) {
	t.Helper()
	if module == "" {
		return
	}
	if _, err := exec.LookPath("node"); err != nil {
		absent(t, "the client "+module, "apt-get install nodejs npm")
	}
	if _, err := os.Stat(filepath.Join(root, "node_modules", filepath.FromSlash(module))); err != nil {
		absent(t, module, "npm ci")
	}
}

// certain is a client that goes on until all is answered.
func certain(send func(ctx context.Context, to turn) error) func(ctx context.Context, to turn) ([]string, error) {
	return func(ctx context.Context, to turn) ([]string, error) { return nil, send(ctx, to) }
}

// script is a client of npm's, driven by a script that prints what is in doubt, one a line.
func script(name string, environment ...string) func(ctx context.Context, to turn) ([]string, error) {
	return func(ctx context.Context, to turn) (doubtful []string, err error) {
		out, err := play(ctx, name, to, environment...)
		for line := range strings.Lines(string(out)) {
			doubtful = append(doubtful, strings.TrimSpace(line))
		}
		return doubtful, err
	}
}
