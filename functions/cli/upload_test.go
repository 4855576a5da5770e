package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// places is a server to which files are uploaded in parts of four bytes.
type places struct {
	url   string
	parts map[string]string // by offset
	puts  int
	away  string // the part whose place is away
}

func (p *places) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch at, put := strings.CutPrefix(r.URL.Path, "/put/"); {
	case put && at == p.away:
		problem(w, http.StatusServiceUnavailable)
	case put:
		body, _ := io.ReadAll(r.Body)
		p.parts[at] = string(body)
		p.puts++
	case strings.HasSuffix(r.URL.Path, "/load"):
		_, _ = io.WriteString(w, `{"job_id":"j"}`)
	case strings.HasSuffix(r.URL.Path, "/f1"):
		_, _ = io.WriteString(w, `{"file_id":"f1","name":"orders.csv","size":10}`)
	default: // a new file, or what is missing of it
		var left []string
		for _, at := range []string{"0", "4", "8"} {
			if _, ok := p.parts[at]; !ok {
				left = append(left, fmt.Sprintf(`{"offset":%s,"length":%d,"upload_url":"%s/put/%s"}`, at, map[string]int{"0": 4, "4": 4, "8": 2}[at], p.url, at))
			}
		}
		_, _ = fmt.Fprintf(w, `{"file_id":"f1","uploads":[%s]}`, strings.Join(left, ","))
	}
}

func TestAnUploadThatBrokeOffGoesOnWithWhatIsMissing(t *testing.T) {
	p := &places{parts: map[string]string{}, away: "4"}
	env := serving(t, p.ServeHTTP)
	p.url = env["TARN_URL"]
	path := filepath.Join(t.TempDir(), "orders.csv")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := typed(t.Context(), t, env, "", "--tries", "1", "load", "orders", path, "--background")
	if want := "tarn load orders " + path + " --resume f1"; got.code != 5 || !strings.Contains(got.err, want) || p.puts != 1 {
		t.Fatalf("code %d after %d parts, and %q lacks %q", got.code, p.puts, got.err, want)
	}
	p.away = ""
	got = typed(t.Context(), t, env, "", "load", "orders", path, "--background", "--resume", "f1")
	if got.code != 0 || p.puts != 3 {
		t.Errorf("code %d after %d parts: %s", got.code, p.puts, got.err)
	}
	var all bytes.Buffer
	for _, at := range []string{"0", "4", "8"} {
		all.WriteString(p.parts[at])
	}
	if all.String() != "0123456789" {
		t.Errorf("the parts are %v", p.parts)
	}
	if err := os.WriteFile(path, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := typed(t.Context(), t, env, "", "load", "orders", path, "--resume", "f1"); got.code != 2 || p.puts != 3 {
		t.Errorf("another file goes on with code %d: %s", got.code, got.err)
	}
}
