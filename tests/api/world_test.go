// Package api walks the route table against the server of functions/local, in
// process: who may do what, what the document says, and what becomes of requests
// that nobody should send.
package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

// world is a server with a key for each role.
type world struct {
	http.Handler
	keys map[access.Role]string
}

var everyRole = []access.Role{access.Owner, access.Admin, access.Editor, access.Analyst, access.Viewer, access.Producer}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir, keys := workspace(t, foundedNow)
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: "http://localhost:8080", Log: slog.New(slog.DiscardHandler), Program: thisProgram(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{Handler: s.Handler(), keys: keys}
}

// newKey makes a key as the owner.
func (w *world) newKey(t testing.TB, spec map[string]any) string {
	t.Helper()
	body, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	out := w.ask(http.MethodPost, "/v1/keys", w.keys[access.Owner], body, nil)
	var made struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != http.StatusCreated {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	return made.Key
}

// ask sends one request; an empty key sends no credential.
func (w *world) ask(method, target, key string, body []byte, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out
}

// problem is the body of an error, all of whose fields an answer must have.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// problemOf reads the answer's problem document, which must be whole.
func problemOf(t testing.TB, out *httptest.ResponseRecorder) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(out.Body.Bytes(), &p); err != nil {
		t.Errorf("%d is no problem document: %v in %.200s", out.Code, err, out.Body)
		return p
	}
	if got := out.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("a problem document is called %q", got)
	}
	if p.Type != "urn:tarn:problem:"+p.Code || p.Title != http.StatusText(out.Code) || p.Status != out.Code || p.Code == "" || p.Detail == "" {
		t.Errorf("%d is not a whole problem document: %s", out.Code, out.Body)
	}
	if strings.ToLower(p.Code) != p.Code || strings.ContainsAny(p.Code, " -") {
		t.Errorf("%q is no code", p.Code)
	}
	return p
}

// ownErrors tells, of a protocol with errors of its own, the text of one. It begins with
// our code.
var ownErrors = map[string]func(*httptest.ResponseRecorder) string{
	"Prometheus": func(out *httptest.ResponseRecorder) string { return out.Body.String() },
	"OpenTelemetry": func(out *httptest.ResponseRecorder) string {
		var s statuspb.Status
		read := protojson.Unmarshal
		if out.Header().Get("Content-Type") == "application/x-protobuf" {
			read = proto.Unmarshal
		}
		if err := read(out.Body.Bytes(), &s); err != nil || s.Code == 0 {
			return ""
		}
		return s.Message
	},
}

// problemAt reads the problem that an address answers, which a protocol may tell in its
// own way.
func problemAt(t testing.TB, target string, out *httptest.ResponseRecorder) problem {
	t.Helper()
	path, _, _ := strings.Cut(target, "?")
	at := slices.IndexFunc(route.Producers, func(r route.Route) bool { return r.Path == path })
	if at < 0 || ownErrors[route.Producers[at].Tag] == nil {
		return problemOf(t, out)
	}
	code, detail, ok := strings.Cut(ownErrors[route.Producers[at].Tag](out), ": ")
	if !ok || strings.ToLower(code) != code || strings.ContainsAny(code, " -") {
		t.Errorf("%s: %d is no error of its protocol: %s", target, out.Code, out.Body)
	}
	return problem{Status: out.Code, Code: code, Detail: detail}
}
