package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

var viewer = access.Principal{Tenant: "acme", ID: "user:1", Role: access.Viewer}

// service is a server for one caller, with its log.
type service struct {
	*Server
	log bytes.Buffer
}

func serve(caller access.Principal, identified error) *service {
	s := &service{}
	identify := func(*http.Request) (access.Principal, error) { return caller, identified }
	s.Server = New(identify, func() time.Time { return noon }, slog.New(slog.NewTextHandler(&s.log, nil)))
	return s
}

func (s *service) ask(method, target, body string) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	s.ServeHTTP(out, httptest.NewRequest(method, target, strings.NewReader(body)))
	return out
}

// raw serves route.GetDataset by a handler.
func (s *service) raw(h func(http.ResponseWriter, *http.Request, access.Principal) error) {
	Raw(s.Server, route.GetDataset, nil, nil, h)
}

func problemIn(t *testing.T, out *httptest.ResponseRecorder) (p Problem) {
	t.Helper()
	if err := json.Unmarshal(out.Body.Bytes(), &p); err != nil || out.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%v %s %s", err, out.Header(), out.Body)
	}
	if p.Status != out.Code {
		t.Errorf("status %d in a body of status %d", p.Status, out.Code)
	}
	return p
}

func TestAHandlerIsReachedByThoseWhoMay(t *testing.T) {
	bound := viewer
	bound.Dataset = "shop"
	old := viewer
	old.Expires = noon
	producer := viewer
	producer.Role = access.Producer
	for name, c := range map[string]struct {
		caller access.Principal
		err    error
		status int
	}{
		"who may":                        {viewer, nil, 200},
		"nobody":                         {access.Principal{}, nil, 401},
		"a credential nobody knows":      {access.Principal{}, fault.New(fault.Unauthenticated, "unknown_key", "unknown"), 401},
		"one that has expired":           {old, nil, 401},
		"a role that may not":            {producer, nil, 403},
		"a key of another dataset":       {bound, nil, 403},
		"when keys cannot be looked up":  {access.Principal{}, fault.New(fault.Unavailable, "away", "away"), 503},
		"when looking them up is broken": {access.Principal{}, errors.New("no such index"), 500},
	} {
		t.Run(name, func(t *testing.T) {
			s, reached := serve(c.caller, c.err), false
			s.raw(func(_ http.ResponseWriter, _ *http.Request, caller access.Principal) error {
				reached = caller == c.caller
				return nil
			})
			out := s.ask("GET", "/v1/datasets/web", "")
			if out.Code != c.status || reached != (c.status == 200) {
				t.Errorf("%d, reached: %v", out.Code, reached)
			}
		})
	}
}

func TestWhatAHandlerMayNotTellStaysInTheLog(t *testing.T) {
	for name, h := range map[string]func(http.ResponseWriter, *http.Request, access.Principal) error{
		"an error": func(http.ResponseWriter, *http.Request, access.Principal) error {
			return fmt.Errorf("reading: %w", errors.New("secret"))
		},
		"an error that has a message": func(http.ResponseWriter, *http.Request, access.Principal) error {
			return fault.New(fault.Internal, "secret", "secret")
		},
		"a panic": func(http.ResponseWriter, *http.Request, access.Principal) error { panic("secret") },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(viewer, nil)
			s.raw(h)
			out := s.ask("GET", "/v1/datasets/web", "")
			if p := problemIn(t, out); p.Status != 500 || p.Code != "internal" || strings.Contains(out.Body.String(), "secret") {
				t.Errorf("%s", out.Body)
			}
			if !strings.Contains(s.log.String(), "secret") || !strings.Contains(s.log.String(), "level=ERROR") {
				t.Errorf("the log says %s", &s.log)
			}
		})
	}
}

func TestAnErrorAfterTheAnswerBeganChangesNothingOfIt(t *testing.T) {
	s := serve(viewer, nil)
	s.raw(func(w http.ResponseWriter, _ *http.Request, _ access.Principal) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("the connection broke")
	})
	if out := s.ask("GET", "/v1/datasets/web", ""); out.Code != 200 || out.Body.String() != "half" {
		t.Errorf("%d %s", out.Code, out.Body)
	}
	if !strings.Contains(s.log.String(), "status=200") || !strings.Contains(s.log.String(), "the connection broke") {
		t.Errorf("the log says %s", &s.log)
	}
}

func TestARequestHasOneLineWithoutItsContent(t *testing.T) {
	s := serve(viewer, nil)
	s.raw(func(w http.ResponseWriter, _ *http.Request, _ access.Principal) error {
		_, err := io.WriteString(w, "12345")
		return err
	})
	s.ask("GET", "/v1/datasets/web?token=secret", "secret")
	line := s.log.String()
	for _, want := range []string{"route=getDataset", "tenant=acme", "caller=user:1", "status=200", "bytes=5", "level=INFO"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Contains(line, "secret") || strings.Count(line, "\n") != 1 {
		t.Errorf("the log says %s", line)
	}
}

func TestARequestHasADeadlineAndNoCacheKeepsItsAnswer(t *testing.T) {
	s := serve(viewer, nil)
	var deadline time.Time
	s.raw(func(_ http.ResponseWriter, r *http.Request, _ access.Principal) error {
		deadline, _ = r.Context().Deadline()
		return nil
	})
	out := s.ask("GET", "/v1/datasets/web", "")
	if left := time.Until(deadline); left <= 0 || left > Deadline {
		t.Errorf("%v are left", left)
	}
	if out.Header().Get("Cache-Control") != "no-store" || out.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", out.Header())
	}
}

// thing is the input of a typed operation.
type thing struct {
	Dataset string `path:"dataset"`
	Body    struct {
		Settings struct {
			OnConflict string `json:"on_conflict" enum:"quarantine,keep"`
		} `json:"settings"`
	}
}

func TestATypedOperationIsGivenWhatFitsItsTypes(t *testing.T) {
	for name, c := range map[string]struct {
		body     string
		status   int
		location string
	}{
		"what fits":              {`{"settings":{"on_conflict":"keep"}}`, 200, ""},
		"another value":          {`{"settings":{"on_conflict":"drop"}}`, 400, "body.settings.on_conflict"},
		"another type":           {`{"settings":7}`, 400, "body.settings"},
		"a field that is none":   {`{"settings":{"on_conflict":"keep"},"x":1}`, 400, "body.x"},
		"nothing":                {``, 400, ""},
		"no JSON":                {`{`, 400, "body"},
		"more than a body holds": {strings.Repeat(" ", 1<<20+1), 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			admin := viewer
			admin.Role = access.Admin
			s := serve(admin, nil)
			Handle(s.Server, route.UpdateDataset, func(_ context.Context, caller access.Principal, in *thing) (*struct{}, error) {
				if caller != admin || in.Dataset != "web" || in.Body.Settings.OnConflict != "keep" {
					t.Errorf("called with %+v by %+v", in, caller)
				}
				return nil, nil
			})
			out := s.ask("PATCH", "/v1/datasets/web", c.body)
			if c.status == 200 {
				if out.Code >= 300 {
					t.Errorf("%d %s", out.Code, out.Body)
				}
				return
			}
			p := problemIn(t, out)
			if p.Status != c.status || p.Detail == "" {
				t.Errorf("%s", out.Body)
			}
			if c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location || p.Errors[0].Message == "") {
				t.Errorf("what is wrong is at %+v, want %s", p.Errors, c.location)
			}
		})
	}
}

func TestATypedOperationsErrorIsToldAndLogged(t *testing.T) {
	s := serve(viewer, nil)
	Handle(s.Server, route.GetDataset, func(context.Context, access.Principal, *struct {
		Dataset string `path:"dataset"`
	}) (*struct{}, error) {
		return nil, fault.New(fault.Unavailable, "away", "the table is away").Because(errors.New("dial: refused"))
	})
	out := s.ask("GET", "/v1/datasets/web", "")
	if p := problemIn(t, out); p.Status != 503 || p.Code != "away" || out.Header().Get("Retry-After") != "1" || strings.Contains(out.Body.String(), "dial") {
		t.Errorf("%v %s", out.Header(), out.Body)
	}
	if !strings.Contains(s.log.String(), "dial: refused") || !strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("the log says %s", &s.log)
	}
}

func TestAProducersRouteAsksForTheDatasetOfThePathOrOfTheKey(t *testing.T) {
	s := serve(access.Principal{}, nil)
	producer := access.Principal{Tenant: "acme", ID: "key:1", Role: access.Producer, Dataset: "web"}
	var outcome error
	for _, rt := range []route.Route{route.SendEvents, route.Track[0]} {
		Raw(s.Server, rt, nil, nil, func(_ http.ResponseWriter, r *http.Request, _ access.Principal) error {
			outcome = s.Identified(r, rt, producer)
			return nil
		})
	}
	for path, allowed := range map[string]bool{"/v1/datasets/web/events": true, "/v1/datasets/shop/events": false, route.Track[0].Path: true} {
		s.log.Reset()
		s.ask("POST", path, "")
		if (outcome == nil) != allowed {
			t.Errorf("%s: %v", path, outcome)
		}
		if !strings.Contains(s.log.String(), "caller=key:1") {
			t.Errorf("the log says %s", &s.log)
		}
	}
}
