package api

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// Problem is the body of every error: RFC 9457 with a stable code and a hint.
type Problem struct {
	Type   string   `json:"type" doc:"a URI that names the problem" example:"urn:tarn:problem:dataset_not_found"`
	Title  string   `json:"title" doc:"the HTTP status in words"`
	Status int      `json:"status"`
	Code   string   `json:"code" doc:"stable name of the problem" example:"dataset_not_found"`
	Detail string   `json:"detail" doc:"what is wrong"`
	Hint   string   `json:"hint,omitempty" doc:"what to do next"`
	Errors []Detail `json:"errors,omitempty" doc:"where the request is wrong"`
	Text   string   `json:"error,omitempty" doc:"of the Cube-compatible endpoints: the detail and the hint; of the token endpoint: the code"`

	retryAfter time.Duration
	basic      bool // how to authenticate, where the status asks for it; else as a bearer
}

// Detail is one thing that is wrong with a request.
type Detail struct {
	Location string `json:"location,omitempty" doc:"path into the request" example:"body.name"`
	Message  string `json:"message"`
}

// Error and GetStatus make a Problem an error that huma can send.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType names the media type of problem documents.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders returns the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized && p.basic {
		h.Set("WWW-Authenticate", `Basic realm="tarn"`)
	} else if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="tarn"`)
	}
	return h
}

var statuses = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Denied:          http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Throttled:       http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
}

// ProblemOf says what a caller is told of an error. Of an internal one, nothing.
func ProblemOf(err error) *Problem {
	var known *Problem
	if errors.As(err, &known) {
		return known
	}
	kind := fault.KindOf(err)
	p := problem(statuses[kind], kind.String(), http.StatusText(statuses[kind]))
	var e *fault.Error
	if kind != fault.Internal && errors.As(err, &e) {
		p = problem(statuses[kind], e.Code, e.Message)
		p.Hint, p.retryAfter = e.Hint, e.RetryAfter
	}
	if (kind == fault.Throttled || kind == fault.Unavailable) && p.retryAfter == 0 {
		p.retryAfter = time.Second
	}
	if kind == fault.Internal {
		p.Detail, p.Hint = "something went wrong on our side", "try again; if it stays, tell the operator the time of this request"
	}
	return p
}

func problem(status int, code, detail string) *Problem {
	return &Problem{Type: "urn:tarn:problem:" + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// write sends the problem.
// sentence is all that a caller is told, for who reads one text.
func (p *Problem) sentence() string {
	if p.Hint == "" {
		return p.Detail
	}
	return p.Detail + ": " + p.Hint
}

func (p *Problem) write(w http.ResponseWriter) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone; there is nobody else to tell
}
