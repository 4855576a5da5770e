package scenario

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client sends requests to a server with one credential.
type client struct {
	url  string
	key  string // empty: none is sent
	http *http.Client
}

func (c client) with(key string) client { c.key = key; return c }

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// send makes a request of a body, which is sent as it is if it is text or bytes,
// and as JSON otherwise; nil is none. Options change the request before it goes.
func (c client) send(t *testing.T, method, path string, body any, options ...func(*http.Request)) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.url+path, bytes.NewReader(encoded(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, change := range options {
		change(request)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, text}
}

// must is send where one status is expected.
func (c client) must(t *testing.T, status int, method, path string, body any, options ...func(*http.Request)) reply {
	t.Helper()
	r := c.send(t, method, path, body, options...)
	if r.status != status {
		t.Fatalf("%s %s answered %d, not %d: %.1000s", method, path, r.status, status, r.body)
	}
	return r
}

func encoded(t *testing.T, body any) []byte {
	t.Helper()
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return []byte(b)
	case []byte:
		return b
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// as reads an answer's JSON.
func as[T any](t *testing.T, r reply) (v T) {
	t.Helper()
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("%v in %.1000s", err, r.body)
	}
	return v
}

// version is the place of what an answer acknowledged.
func (r reply) version(t *testing.T) string {
	t.Helper()
	v := r.header.Get("Tarn-Version")
	if v == "" {
		t.Errorf("an answer without Tarn-Version: %.300s", r.body)
	}
	return v
}

// pause waits before a server is asked again.
func pause(t *testing.T) {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-t.Context().Done():
	}
}

// patience is how long an acknowledged event may take until a query sees it.
const patience = 90 * time.Second

// query asks a question once everything up to a version is visible. A server may
// answer that it is not, and is asked again.
func (c client) query(t *testing.T, ask map[string]any, wait string, options ...func(*http.Request)) reply {
	t.Helper()
	if wait != "" {
		ask["wait_for"] = wait
	}
	for ends := time.Now().Add(patience); ; {
		r := c.send(t, http.MethodPost, "/v1/query", ask, options...)
		if r.status == http.StatusServiceUnavailable && strings.Contains(string(r.body), "not_yet") && time.Now().Before(ends) {
			pause(t)
			continue
		}
		if r.status != http.StatusOK {
			t.Fatalf("the query answered %d: %.1000s", r.status, r.body)
		}
		return r
	}
}
