package blobtest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

var presigned = map[string]func(*testing.T, Fixture){
	"the holder of a presigned URL fetches the blob": func(t *testing.T, f Fixture) {
		key := prefix() + "k=1.txt"
		put(t, f.Store, key, []byte("body"))
		if status, body := send(t, http.MethodGet, presignGet(t, f, key, time.Minute), nil); status != http.StatusOK || string(body) != "body" {
			t.Errorf("GET: %d %q", status, body)
		}
	},
	"the holder of a presigned URL stores the blob": func(t *testing.T, f Fixture) {
		key, body := prefix()+"k", random(1<<20)
		url, err := f.Store.PresignPut(t.Context(), key, time.Minute)
		if err != nil {
			t.Fatalf("PresignPut: %v", err)
		}
		if status, answer := send(t, http.MethodPut, url, body); status != http.StatusOK {
			t.Fatalf("PUT: %d %q", status, answer)
		}
		if got := get(t, f.Store, key); !bytes.Equal(got, body) {
			t.Errorf("stored %d bytes that differ from the %d sent", len(got), len(body))
		}
	},
	"a presigned URL is good for its own blob and method only": func(t *testing.T, f Fixture) {
		p := prefix()
		put(t, f.Store, p+"mine", []byte("mine"))
		put(t, f.Store, p+"theirs", []byte("theirs"))
		url := presignGet(t, f, p+"mine", time.Minute)
		if status, body := send(t, http.MethodGet, strings.Replace(url, "/mine", "/theirs", 1), nil); status != http.StatusForbidden {
			t.Errorf("GET of another blob: %d %q, want 403", status, body)
		}
		if status, body := send(t, http.MethodPut, url, []byte("x")); status != http.StatusForbidden {
			t.Errorf("PUT with a URL for GET: %d %q, want 403", status, body)
		}
		if status, body := send(t, http.MethodGet, strings.SplitN(url, "?", 2)[0], nil); status != http.StatusForbidden {
			t.Errorf("GET without the signature: %d %q, want 403", status, body)
		}
	},
	"an expired URL is refused": func(t *testing.T, f Fixture) {
		key := prefix() + "k"
		put(t, f.Store, key, []byte("body"))
		url := presignGet(t, f, key, 2*time.Second)
		if f.Advance != nil {
			f.Advance(3 * time.Second)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			status, _ := send(t, http.MethodGet, url, nil)
			if status == http.StatusForbidden {
				return
			}
			if f.Advance != nil || time.Now().After(deadline) {
				t.Fatalf("GET after the expiry: %d, want 403", status)
			}
		}
	},
}

func presignGet(t *testing.T, f Fixture, key string, expires time.Duration) string {
	t.Helper()
	url, err := f.Store.PresignGet(t.Context(), key, expires)
	if err != nil {
		t.Fatalf("PresignGet: %v", err)
	}
	return url
}

func send(t *testing.T, method, url string, body []byte) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return answer.StatusCode, text
}
