package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// each is how many calls of each kind an SDK makes.
const each = 30

// TestSDKs drives the real SDKs of Segment and RudderStack, as npm has them, through
// a proxy that refuses some requests and loses an answer. Every event arrives exactly
// once.
func TestSDKs(t *testing.T) {
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
			present(t, c.module)
			turns := []string{"429", "passed", "503", "passed", "lost"}
			trouble := newTrouble(t, p.URL, c.bare, inTurn(turns))
			if _, err := play(t.Context(), c.script, turn{trouble.server.URL, c.key, c.into, 0, each}); err != nil {
				t.Fatal(err)
			}
			trouble.check(t, turns)
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

// play runs a script with a turn on standard input, and returns what it prints.
func play(ctx context.Context, script string, to turn, environment ...string) ([]byte, error) {
	input, err := json.Marshal(to)
	if err != nil {
		return nil, err
	}
	var out, said bytes.Buffer
	node := exec.CommandContext(ctx, "node", script)
	node.Dir, node.Env = "sdk", append(os.Environ(), environment...)
	node.Stdin, node.Stdout, node.Stderr = bytes.NewReader(input), &out, &said
	if err := node.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", script, err, &said)
	}
	return out.Bytes(), nil
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
