package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// client speaks to a running server, as its ready.json describes it.
type client struct {
	URL string `json:"url"`
	Key string `json:"api_key"`
}

// answer is what came back.
type answer struct {
	status  int
	version string // Tarn-Version
	body    []byte
}

// do sends a request. It fails when no whole answer came.
func (c client) do(ctx context.Context, method, path string, header http.Header, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if c.Key != "" {
		r.Header.Set("Authorization", "Bearer "+c.Key)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Tarn-Version"), text}, err
}

// call sends a JSON body, which must be answered with a 2xx, and reads the answer
// into out. Nil means no body, or an answer that nobody wants.
func (c client) call(t *testing.T, method, path string, in, out any) answer {
	t.Helper()
	var body []byte
	if in != nil {
		body = encode(t, in)
	}
	a, err := c.do(t.Context(), method, path, nil, body)
	if err != nil {
		t.Fatal(err)
	}
	if a.status < 200 || a.status > 299 {
		t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	if out != nil {
		if err := json.Unmarshal(a.body, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, a.body)
		}
	}
	return a
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// create makes an events dataset.
func (c client) create(t *testing.T, name string) {
	t.Helper()
	c.call(t, http.MethodPost, "/v1/datasets", map[string]any{"name": name, "kind": "events"}, nil)
}

// send sends events and returns the Tarn-Version of the answer.
func (c client) send(t *testing.T, dataset string, events any) string {
	t.Helper()
	return c.call(t, http.MethodPost, "/v1/datasets/"+dataset+"/events", events, nil).version
}

// mostRows is how many rows an answer has at most.
const mostRows = 100_000

// rows asks a question and returns the rows of the answer, which must be whole.
func (c client) rows(t *testing.T, question map[string]any) [][]any {
	t.Helper()
	var out struct {
		Rows  [][]any `json:"rows"`
		Stats struct {
			Truncated bool `json:"truncated"`
		} `json:"stats"`
	}
	a := c.call(t, http.MethodPost, "/v1/query", question, nil)
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber() // counts stay exact
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if out.Stats.Truncated {
		t.Fatalf("the answer to %v is cut", question)
	}
	return out.Rows
}

// counts asks a question of one dimension and one measure.
func (c client) counts(t *testing.T, question map[string]any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, row := range c.rows(t, question) {
		out[fmt.Sprint(row[0])] = fmt.Sprint(row[1])
	}
	return out
}

// ledger is the account of a dataset.
type ledger struct {
	Accepted    int64 `json:"accepted"`
	Stored      int64 `json:"stored"`
	Duplicate   int64 `json:"duplicate"`
	Quarantined int64 `json:"quarantined"`
	Dropped     int64 `json:"dropped"`
	Pending     int64 `json:"pending"`
	Erased      int64 `json:"erased"`
	Visible     int64 `json:"visible"`
}

// ledger reads the account, in which nothing may be missing.
func (c client) ledger(t *testing.T, dataset string) ledger {
	t.Helper()
	var l ledger
	c.call(t, http.MethodGet, "/v1/datasets/"+dataset+"/ledger", nil, &l)
	if l.Accepted != l.Stored+l.Duplicate+l.Quarantined+l.Dropped+l.Pending || l.Stored != l.Visible+l.Erased {
		t.Errorf("the ledger of %s does not balance: %+v", dataset, l)
	}
	return l
}

// fate is what became of an event.
type fate struct {
	Fate       string `json:"fate"`
	Duplicates int    `json:"duplicates"`
	Segment    string `json:"segment"`
	Code       string `json:"code"`
}

func (c client) fate(t *testing.T, dataset, id string) (f fate) {
	t.Helper()
	c.call(t, http.MethodGet, "/v1/datasets/"+dataset+"/events?id="+url.QueryEscape(id), nil, &f)
	return f
}

// settled waits until so many deliveries, or more, have been accounted for.
func (c client) settled(t *testing.T, dataset string, accepted int64) ledger {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		l := c.ledger(t, dataset)
		if l.Accepted >= accepted && l.Pending == 0 {
			return l
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%d deliveries to %s are not accounted for: %+v", accepted, dataset, l)
		}
	}
}
