package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Problem is a refusal, as the API words it (RFC 9457).
type Problem struct {
	Status int      `json:"status"`
	Title  string   `json:"title"`
	Code   string   `json:"code"`
	Detail string   `json:"detail"`
	Hint   string   `json:"hint,omitempty"`
	Errors []Detail `json:"errors,omitempty"`

	Document []byte `json:"-"` // as it came; nil where it was none of ours
}

// Detail is one place where a request is wrong.
type Detail struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

func (p *Problem) Error() string {
	text := p.Title
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	for _, e := range p.Errors {
		text += "\n  " + strings.TrimSpace(e.Location+" "+e.Message)
	}
	if p.Hint != "" {
		text += "\nhint: " + p.Hint
	}
	return text
}

// problemOf reads a refusal. What stands between may answer in its own words.
func problemOf(status int, body []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(body, p) == nil && p.Title != "" {
		p.Status, p.Document = status, body
		return p
	}
	p = &Problem{Status: status, Title: http.StatusText(status)}
	if p.Title == "" {
		p.Title = fmt.Sprintf("HTTP status %d", status)
	}
	if text := strings.TrimSpace(string(body)); utf8.ValidString(text) && len(text) < 300 && !strings.HasPrefix(text, "<") {
		p.Detail = text
	}
	return p
}

// Unreachable says that a server could not be asked.
type Unreachable struct {
	URL string
	Err error
}

func (u *Unreachable) Error() string { return fmt.Sprintf("%s cannot be reached: %v", u.URL, u.Err) }
func (u *Unreachable) Unwrap() error { return u.Err }
