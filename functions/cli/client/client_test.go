package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// opened is a client of a server that answers so, and the pauses that it makes.
func opened(t *testing.T, h http.HandlerFunc) (*Client, *[]time.Duration) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	var pauses []time.Duration
	c := &Client{URL: s.URL, HTTP: s.Client(), Tries: 4, Sleep: func(ctx context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return ctx.Err()
	}}
	return c, &pauses
}

func TestAServerIsWaitedForAsLongAsItAsks(t *testing.T) {
	after := []string{"7", "", "999999", "-1"}
	c, pauses := opened(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", after[0])
		after = after[1:]
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := c.Do(t.Context(), Request{Method: http.MethodPost, Path: "/"})
	refused, is := err.(*Problem)
	if !is || refused.Status != http.StatusTooManyRequests {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]time.Duration{7 * time.Second, 500 * time.Millisecond, 2 * time.Minute}, *pauses); diff != "" {
		t.Error("pauses, -want +got:\n" + diff)
	}
}

func TestAnUploadThatBreaksOffBeginsAgain(t *testing.T) {
	text := strings.Repeat("row\n", 100_000)
	tries, got := 0, ""
	c, _ := opened(t, func(_ http.ResponseWriter, r *http.Request) {
		if tries++; tries == 1 {
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			panic(http.ErrAbortHandler)
		}
		all, _ := io.ReadAll(r.Body)
		got = string(all)
		if r.Header.Get("Authorization") != "" {
			t.Error("a credential went to where files are kept")
		}
	})
	c.Credential = func(context.Context) (string, error) { return "secret", nil }
	var told int64
	err := c.Upload(t.Context(), c.URL, int64(len(text)), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }, func(n int64) { told = n })
	if err != nil || got != text || tries != 2 || told != int64(len(text)) {
		t.Errorf("%v: %d of %d bytes came, %d were told, in %d tries", err, len(got), len(text), told, tries)
	}
}

func TestADownloadThatIsRefusedWritesNothing(t *testing.T) {
	c, _ := opened(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "expired", http.StatusForbidden) })
	var out bytes.Buffer
	err := c.Download(t.Context(), c.URL+"/file?signature=secret", &out, nil)
	if err == nil || out.Len() > 0 || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v, wrote %q", err, out.String())
	}
}

func TestAStreamThatSaysNoMoreEnds(t *testing.T) {
	c, pauses := opened(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") == "4" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, ": hello\nid: 4\ndata: one\ndata: two\r\n\n")
	})
	var events []string
	err := c.Follow(t.Context(), "/", func(data []byte) (bool, error) {
		events = append(events, string(data))
		return false, nil
	})
	if diff := cmp.Diff([]string{"one\ntwo\n"}, events); diff != "" || err != nil || len(*pauses) != 1 {
		t.Errorf("%v, %d pauses, -want +got:\n%s", err, len(*pauses), diff)
	}
}
