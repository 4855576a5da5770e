package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
)

var (
	silent = slog.New(slog.NewTextHandler(io.Discard, nil))
	owner  = access.Principal{Tenant: "main", ID: "key:1", Role: access.Owner}
)

// serving returns a server of one route, whose caller is p.
func serving(p access.Principal, h func(w http.ResponseWriter, r *http.Request, caller access.Principal) error) *api.Server {
	s := api.New(func(*http.Request) (access.Principal, error) { return p, nil }, time.Now, silent)
	api.Raw(s, route.GetLedger, nil, nil, h)
	return s
}

func get(s http.Handler) (*httptest.ResponseRecorder, api.Problem) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/datasets/web/ledger", nil))
	var p api.Problem
	_ = json.Unmarshal(w.Body.Bytes(), &p) // a test that wants a problem looks at its fields
	return w, p
}

func TestEachKindOfErrorHasItsAnswer(t *testing.T) {
	for claim, c := range map[string]struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		"invalid":              {fault.New(fault.Invalid, "bad_thing", "bad"), 400, "bad_thing", ""},
		"unauthenticated":      {fault.New(fault.Unauthenticated, "who", "who"), 401, "who", ""},
		"denied":               {fault.New(fault.Denied, "no", "no"), 403, "no", ""},
		"not found":            {fault.New(fault.NotFound, "none", "none"), 404, "none", ""},
		"conflict":             {fault.New(fault.Conflict, "moved", "moved"), 409, "moved", ""},
		"too large":            {fault.New(fault.TooLarge, "large", "large"), 413, "large", ""},
		"throttled":            {fault.New(fault.Throttled, "slow", "slow"), 429, "slow", "1"},
		"unavailable":          {fault.New(fault.Unavailable, "away", "away"), 503, "away", "1"},
		"a deadline":           {context.DeadlineExceeded, 503, "unavailable", "1"},
		"an unknown error":     {errors.New("password=secret"), 500, "internal", ""},
		"a wrapped fault":      {errors.Join(errors.New("x"), fault.New(fault.NotFound, "none", "none")), 404, "none", ""},
		"a kind with no words": {fault.Wrap(fault.Unavailable, "disk", errors.New("secret")), 503, "disk", "1"},
	} {
		t.Run(claim, func(t *testing.T) {
			w, p := get(serving(owner, func(http.ResponseWriter, *http.Request, access.Principal) error { return c.err }))
			if w.Code != c.status || p.Code != c.code || p.Status != c.status || p.Title == "" || p.Detail == "" {
				t.Errorf("%d %+v, want %d %s", w.Code, p, c.status, c.code)
			}
			if got := w.Header().Get("Retry-After"); got != c.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, c.retryAfter)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Error("the cause left the server")
			}
		})
	}
}

func TestAPanicIsAnAnswerAndTheServerGoesOn(t *testing.T) {
	s := serving(owner, func(http.ResponseWriter, *http.Request, access.Principal) error { panic("oops") })
	for range 2 {
		if w, p := get(s); w.Code != 500 || p.Code != "internal" || strings.Contains(w.Body.String(), "oops") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestNobodyAndTheExpiredGetNothing(t *testing.T) {
	called := false
	h := func(http.ResponseWriter, *http.Request, access.Principal) error { called = true; return nil }
	for claim, c := range map[string]struct {
		caller access.Principal
		status int
	}{
		"nobody":                   {access.Principal{}, 401},
		"an expired caller":        {access.Principal{Tenant: "main", ID: "key:1", Role: access.Owner, Expires: time.Unix(1, 0)}, 401},
		"a role that may not":      {access.Principal{Tenant: "main", ID: "key:1", Role: access.Producer}, 403},
		"a role that is none":      {access.Principal{Tenant: "main", ID: "key:1", Role: "root"}, 403},
		"a key of another dataset": {access.Principal{Tenant: "main", ID: "key:1", Role: access.Owner, Dataset: "other"}, 403},
	} {
		t.Run(claim, func(t *testing.T) {
			if w, _ := get(serving(c.caller, h)); w.Code != c.status || called {
				t.Errorf("%d, handler called: %v, want %d", w.Code, called, c.status)
			}
		})
	}
}

func TestARequestHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := get(serving(owner, func(_ http.ResponseWriter, r *http.Request, _ access.Principal) error {
			<-r.Context().Done()
			return r.Context().Err()
		}))
		if w.Code != 503 || p.Code != "unavailable" {
			t.Errorf("%d %+v, want 503", w.Code, p)
		}
	})
}

func TestABodyPastItsLimitIsTooLarge(t *testing.T) {
	s := api.New(func(*http.Request) (access.Principal, error) { return owner, nil }, time.Now, silent)
	api.Handle(s, route.CreateDataset, func(context.Context, access.Principal, *struct{ Body map[string]any }) (*struct{}, error) {
		return &struct{}{}, nil
	})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/datasets", strings.NewReader(`{"name":"`+strings.Repeat("x", 2<<20)+`"}`)))
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 413 || p.Code != "too_large" {
		t.Errorf("%d %+v %v, want 413 too_large", w.Code, p, err)
	}
}
