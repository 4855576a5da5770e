package api

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

// lines is a log in memory.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestTheLogHoldsNoSecretWhereverARequestHasOne sends secrets of every kind in every
// place of a request to every route, as nobody and as the owner, and reads the log at
// its most talkative.
func TestTheLogHoldsNoSecretWhereverARequestHasOne(t *testing.T) {
	t.Parallel()
	log := &lines{}
	dir, _ := workspace(t, foundedNow)
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: "http://localhost:8080", Program: thisProgram(t),
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	ready, err := s.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Handler: s.Handler(), keys: map[access.Role]string{access.Owner: ready.APIKey}}
	made := w.newKey(t, map[string]any{"name": "planted", "role": "owner"})
	if out := w.ask(http.MethodPost, "/v1/datasets", made, []byte(`{"name":"web","kind":"events"}`), nil); out.Code != http.StatusCreated {
		t.Fatal(out.Code, out.Body)
	}
	planted := map[string]string{
		"a key":             "tarn_00112233445566778_" + strings.Repeat("5ec7e7", 12),
		"a password":        "correct-horse-5ec7e7-battery",
		"a token":           "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWM3ZTcifQ.c2VjN2U3LXNpZ25hdHVyZQ",
		"a DSN":             "postgres://app:dsn-5ec7e7-pass@db.internal:5432/crm",
		"personal data":     "jane.5ec7e7@example.com",
		"the owner's key":   ready.APIKey,
		"the owner's login": ready.Owner.Password,
	}
	names := slices.Sorted(maps.Keys(planted))
	for turn, name := range names {
		secret := planted[name]
		for i, r := range route.All {
			if secret != ready.APIKey && i%(len(names)-1) != turn%(len(names)-1) {
				continue // each route has the owner's key and one of the others
			}
			for _, request := range withSecret(r, secret, made) {
				if r.ID == "revokeKey" || r.ID == "deleteDataset" {
					request.Header.Del("Authorization") // these would end what the others need
				}
				s.Handler().ServeHTTP(httptest.NewRecorder(), request)
			}
		}
		signIn := url.Values{"email": {planted["personal data"]}, "password": {secret}, "code": {secret}, "refresh_token": {secret}, "grant_type": {"refresh_token"}}
		for _, path := range []string{"/oidc/authorize", "/oidc/token", "/oidc/revoke", "/oidc/userinfo", "/oidc/logout", "/blobs/x?signature=" + url.QueryEscape(secret)} {
			request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(signIn.Encode()))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Authorization", "Bearer "+secret)
			s.Handler().ServeHTTP(httptest.NewRecorder(), request)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text := log.String()
	if n := strings.Count(text, "msg=request"); n < len(route.All)*20 {
		t.Fatalf("the log has %d lines of requests: this proves little", n)
	}
	for name, secret := range planted {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret + ":")), strings.ToUpper(secret)} {
			if at := strings.Index(text, form); at >= 0 {
				t.Errorf("%s is in the log: …%s", name, text[max(0, at-300):min(len(text), at+len(form)+50)])
			}
		}
	}
}

// withSecret makes requests to a route that hold a secret in a place each, some of them
// as the owner of the key.
func withSecret(r route.Route, secret, key string) (all []*http.Request) {
	quoted := fmt.Sprintf("%q", secret)
	add := func(target, body string, header ...string) {
		request := httptest.NewRequest(r.Method, target, strings.NewReader(body))
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		all = append(all, request)
	}
	auth := "Bearer " + secret
	at := strings.ReplaceAll(target(r), "absent", "web")
	add(at, "{}", "Authorization", auth)
	add(at, "{}", "Authorization", secret)
	add(at, "{}", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(secret+":")))
	add(at, "{}", "Authorization", "Digest "+secret)
	add(at, "{}", "Authorization", auth, "Cookie", "tarn="+secret, "X-Api-Key", secret, "User-Agent", secret, "Referer", "https://x.test/?k="+secret, "Origin", "https://"+url.PathEscape(secret)+".test")
	add(at+"?name="+url.QueryEscape(secret)+"&query="+url.QueryEscape(secret)+"&format="+url.QueryEscape(secret), "{}", "Authorization", "Bearer "+key)
	add(at+"?api_key="+url.QueryEscape(secret)+"&id="+url.QueryEscape(secret)+"&next="+url.QueryEscape(secret)+"&format="+url.QueryEscape(secret), "{}", "Authorization", auth)
	add(strings.ReplaceAll(target(r), "absent", url.PathEscape(strings.ReplaceAll(secret, "/", "_"))), "{}", "Authorization", "Bearer "+key)
	for _, body := range []string{
		quoted, "{" + quoted + ":1}", secret, "[" + quoted + "]",
		`{"writeKey":` + quoted + `,"event":"x","userId":` + quoted + `,"batch":[{"type":"track","event":` + quoted + `}]}`,
		`[{"event":` + quoted + `,"event_id":` + quoted + `,"time":` + quoted + `,"properties":{"password":` + quoted + `}}]`,
		`{"dataset":"web","measures":["count"],"filter":{"column":` + quoted + `,"op":"=","value":` + quoted + `}}`,
		`{"sql":` + fmt.Sprintf("%q", "select * from web where '"+secret+"' = "+secret) + `,"query":` + quoted + `,"parameters":[` + quoted + `]}`,
		`{"name":` + quoted + `,"role":` + quoted + `,"dsn":` + quoted + `,"kind":` + quoted + `,"email":` + quoted + `}`,
	} {
		add(at, body, "Authorization", "Bearer "+key, "Content-Type", "application/json")
	}
	return all
}
