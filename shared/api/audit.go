package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
)

// Audit has the server tell of refusals, of SQL and of the use of keys. Of changes tell
// the tables of the log, whoever the server tells.
func (s *Server) Audit(log *audit.Store) { s.audit = log }

// overheard returns the request as the handler gets it: what it commits carries an entry,
// and as much of its body is remembered as the entry needs.
func overheard(rt route.Route, r *http.Request, l *line) *http.Request {
	if rt.Changes() || rt.Action == access.RunSQL {
		l.body = &heard{ReadCloser: r.Body}
		r.Body = l.body
	}
	if rt.Changes() && !rt.Outside || rt.Producer {
		r = r.WithContext(audit.With(r.Context(), func() audit.Event { return eventOf(rt, r, l) }))
	}
	return r
}

// announce tells of a change that no transaction will tell of, before it is made. One
// that cannot be told of must not be.
func (s *Server) announce(rt route.Route, r *http.Request, l *line) error {
	if !rt.Outside || s.audit == nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody(rt)+1)) // who reads it next finds that it is too long
	if err != nil {
		return fault.New(fault.Invalid, "bad_body", "the body could not be read").Because(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	e := eventOf(rt, r, l)
	e.Outcome = audit.Begun
	if err := s.audit.Append(r.Context(), e); err != nil {
		return fault.New(fault.Unavailable, "audit_away", "the audit log cannot be written, and nothing is changed without it").Because(err)
	}
	return nil
}

// eventOf is what a request did, as far as it got.
func eventOf(rt route.Route, r *http.Request, l *line) audit.Event {
	e := audit.Event{Tenant: l.caller.Tenant, By: l.caller.ID, Role: l.caller.Role, Action: rt.Action, Route: rt.ID, Outcome: audit.Done}
	if rt.Private {
		return e
	}
	for _, name := range params(rt.Path) {
		if e.On == nil {
			e.On = map[string]string{}
		}
		e.On[name] = clipped(r.PathValue(name))
	}
	switch {
	case l.body != nil && rt.Events:
		e.Payload.Bytes = l.body.size
	case l.body != nil:
		e.Payload = audit.Body(l.body.text, l.body.size)
	}
	e.Payload.Query = clipped(r.URL.RawQuery)
	return e
}

// clipped bounds what a caller may have written into the log.
func clipped(text string) string {
	const longest = 1000
	return strings.ToValidUTF8(text[:min(len(text), longest)], "")
}

// tell tells of a request what no change tells. It never fails the request.
func (s *Server) tell(rt route.Route, r *http.Request, l *line) {
	if s.audit == nil {
		return
	}
	if l.caller.IsNobody() {
		s.tellOfNobody(rt, r, l)
		return
	}
	kind := fault.Internal
	if l.err != nil {
		kind = fault.KindOf(l.err)
	}
	var err error
	switch {
	case kind == fault.Denied || kind == fault.Unauthenticated:
		err = s.audit.Tally(r.Context(), problemEvent(rt, r, l))
	case rt.Outside:
		e := problemEvent(rt, r, l)
		e.Payload = audit.Payload{} // the entry before has it
		err = errors.Join(s.audit.Append(r.Context(), e), s.use(r, l))
	case rt.Action == access.RunSQL:
		err = errors.Join(s.audit.Append(r.Context(), problemEvent(rt, r, l)), s.use(r, l))
	default:
		err = s.use(r, l)
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "audit", "route", rt.ID, "error", err)
	}
}

// tellOfNobody tells of a credential that was refused. Who sent none attempted nothing.
func (s *Server) tellOfNobody(rt route.Route, r *http.Request, l *line) {
	if !fault.Is(l.err, fault.Unauthenticated) {
		return
	}
	outcome := ProblemOf(l.err).Code
	if r.Header.Get("Authorization") == "" && !(rt.Producer && outcome != access.CodeNobody) {
		return
	}
	e := audit.Event{Tenant: access.DefaultTenant, By: audit.Nobody, Action: audit.RefuseCredential, Route: rt.ID, Outcome: outcome, Payload: audit.Payload{From: r.RemoteAddr}}
	if err := s.audit.Attempt(r.Context(), e); err != nil {
		s.log.ErrorContext(r.Context(), "audit", "route", rt.ID, "error", err)
	}
}

// problemEvent is what a request did, or the problem that it was answered with.
func problemEvent(rt route.Route, r *http.Request, l *line) audit.Event {
	e := eventOf(rt, r, l)
	if l.err != nil {
		e.Outcome = ProblemOf(l.err).Code
	}
	return e
}

// use tells of the use of a key or of a person's token.
func (s *Server) use(r *http.Request, l *line) error {
	if !strings.HasPrefix(l.caller.ID, "key:") && !strings.HasPrefix(l.caller.ID, access.UserPrefix) {
		return nil
	}
	return s.audit.Used(r.Context(), l.caller)
}

// heard is a body of which the beginning is remembered.
type heard struct {
	io.ReadCloser
	text []byte
	size int64
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.text = append(h.text, p[:min(n, max(0, audit.MaxBody-len(h.text)))]...)
	h.size += int64(n)
	return n, err
}
