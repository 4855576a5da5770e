package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
)

type lineKey struct{}

// line is what the guard learns of one request, for its handler and its access line.
type line struct {
	err    error
	caller access.Principal
	body   *heard      // as far as the audit log needs it; may be nil
	header http.Header // of the answer
}

// Caller returns the principal of the request that ctx belongs to.
func Caller(ctx context.Context) access.Principal {
	if l, ok := ctx.Value(lineKey{}).(*line); ok {
		return l.caller
	}
	return access.Principal{}
}

// note remembers the error behind a problem, for the log.
func note(ctx context.Context, err error) {
	if l, ok := ctx.Value(lineKey{}).(*line); ok {
		l.err = err
	}
}

// Identified records the caller of a producer route, which the handler itself
// identifies because the key may stand in the body, and authorizes it for the dataset
// that the events go to; empty: the one of first use.
func (s *Server) Identified(r *http.Request, rt route.Route, caller access.Principal, on dataset.Name) error {
	if l, ok := r.Context().Value(lineKey{}).(*line); ok {
		l.caller = caller
	}
	err := caller.Allow(rt.Action, on, s.now())
	if fault.Is(err, fault.Denied) { // few of those who send need a grant
		if caller, err = s.withGrants(r.Context(), caller); err == nil {
			err = caller.Allow(rt.Action, on, s.now())
		}
	}
	if err != nil {
		return err
	}
	return s.count(r.Context(), rt, caller)
}

// mount registers the handler of a route behind the guard.
func (s *Server) mount(rt route.Route, h func(http.ResponseWriter, *http.Request) error) {
	s.served[rt.Pattern()] = true
	s.mux.HandleFunc(rt.Pattern(), func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		l := &line{header: w.Header()}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), lineKey{}, l), Deadline)
		defer cancel()
		_ = http.NewResponseController(w).SetReadDeadline(began.Add(Deadline)) // a body that trickles in ends then; in Lambda it is here already
		out := &answer{ResponseWriter: w}
		out.Header().Set("X-Content-Type-Options", "nosniff")
		out.Header().Set("Cache-Control", "no-store")
		l.err = firstError(s.run(rt, h, out, overheard(rt, r.WithContext(ctx), l), l), l.err)
		s.access(rt, r, out, l, time.Since(began))
		s.tell(rt, r, l)
	})
}

// run serves one request and turns an error or a panic into a problem document.
func (s *Server) run(rt route.Route, h func(http.ResponseWriter, *http.Request) error, w *answer, r *http.Request, l *line) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, bytes.TrimSpace(debug.Stack()))
		}
		if err != nil && w.status == 0 {
			p := ProblemOf(err)
			if rt.ErrorCode {
				p.Text, p.basic = p.Code, true
			}
			if rt.ErrorText {
				p.Text = p.sentence()
			}
			p.write(w)
		}
	}()
	if rt.Action != "" && !rt.Producer {
		caller, err := s.identify(r)
		if err != nil {
			return err
		}
		l.caller = caller
		if caller, err = s.authorize(rt, r, caller); err != nil {
			return err
		}
		l.caller = caller
		if err := s.count(r.Context(), rt, caller); err != nil {
			return err
		}
	}
	if err := s.announce(rt, r, l); err != nil {
		return err
	}
	return h(w, r)
}

// authorize returns an error unless a caller may use a route, and the caller as it does.
func (s *Server) authorize(rt route.Route, r *http.Request, caller access.Principal) (access.Principal, error) {
	caller, err := s.withGrants(r.Context(), caller)
	if err != nil {
		return caller, err
	}
	if rt.Embed {
		caller = caller.AskSaved(r.PathValue("name"), s.now())
	}
	switch {
	case rt.Embed && caller.Embed != nil:
		return caller, caller.AllowSaved(r.PathValue("name"), s.now())
	case rt.Unbound:
		return caller, caller.AllowSomewhere(rt.Action, s.now())
	}
	return caller, caller.Allow(rt.Action, datasetOf(r), s.now())
}

// withGrants returns a caller with what was granted to it.
func (s *Server) withGrants(ctx context.Context, caller access.Principal) (access.Principal, error) {
	if s.granted == nil || caller.IsNobody() || caller.Embed != nil {
		return caller, nil
	}
	var err error
	caller.Granted, err = s.granted(ctx, caller)
	return caller, err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// access writes the one line of a request. It holds no payload, token or
// personal data.
func (s *Server) access(rt route.Route, r *http.Request, w *answer, l *line, took time.Duration) {
	level := slog.LevelInfo
	attrs := [7]slog.Attr{slog.String("route", rt.ID), slog.String("tenant", string(l.caller.Tenant)), slog.String("caller", l.caller.ID),
		slog.Int("status", w.status), slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", w.bytes)}
	n := 6
	if l.err != nil {
		if k := fault.KindOf(l.err); k == fault.Internal || k == fault.Unavailable {
			level = slog.LevelError
		}
		attrs[n] = slog.String("error", logged(l.err)) // #nosec G602 -- the seventh of seven
		n++
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs[:n]...)
}

// logged is what the log says of an error: of the caller's faults only the code, for
// their texts quote the request, and a request may hold a secret anywhere.
func logged(err error) string {
	kind := fault.KindOf(err)
	if kind == fault.Internal || kind == fault.Unavailable {
		return err.Error()
	}
	var e *fault.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return kind.String()
}

// unknown answers what no route matches: 404, or 405 with what is allowed.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	for _, rt := range route.All {
		probe := &http.Request{Method: rt.Method, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(probe); pattern == rt.Pattern() {
			w.Header().Add("Allow", rt.Method)
		}
	}
	if w.Header().Get("Allow") != "" {
		problem(http.StatusMethodNotAllowed, "method_not_allowed", r.Method+" is not served here").write(w)
		return
	}
	p := problem(http.StatusNotFound, "no_such_route", "there is nothing at this address")
	p.Hint = "the API reference is at /docs"
	p.write(w)
}

// answer remembers what was sent.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
