// Package client speaks to the API: it sends a request until it is answered or given up,
// waits as long as it is told to, and reads problem documents. It knows nothing of what
// is asked.
package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Client sends requests to one server.
type Client struct {
	URL        string
	HTTP       *http.Client
	Credential func(context.Context) (string, error) // of the bearer; none where it is empty
	Timeout    time.Duration                         // of one try; 0: none
	Tries      int
	Sleep      func(context.Context, time.Duration) error // fails when the context ends
}

// Request is what to ask. Its body can be sent again.
type Request struct {
	Method, Path string
	Query        url.Values
	Body         []byte
	Type         string // media type of the body; JSON where it is empty
	Accept       string // of the answer; JSON where it is empty
	Header       map[string]string

	// Again says that the request may be sent again even where nobody knows whether it
	// arrived. GET and PUT may always.
	Again bool
}

// Answer is a success, whole.
type Answer struct {
	Header http.Header
	Body   []byte
}

// maxAnswer is more than any answer of the API holds: large ones are files.
const maxAnswer = 1 << 30

// Do sends a request, and again where that helps. It fails with *Problem when the server
// refused it, *Unreachable when it could not be asked, or the context's error.
func (c *Client) Do(ctx context.Context, r Request) (out Answer, err error) {
	err = c.repeat(ctx, r, func(ctx context.Context) (time.Duration, error) {
		ctx, cancel := c.bounded(ctx)
		defer cancel()
		res, err := c.send(ctx, r)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		if err != nil {
			return 0, &Unreachable{URL: c.URL, Err: err}
		}
		if res.StatusCode >= 300 {
			return retryAfter(res.Header), problemOf(res.StatusCode, body)
		}
		out = Answer{res.Header, body}
		return 0, nil
	})
	return out, err
}

// Stream sends a request whose answer is read as it comes. Who calls closes the body.
func (c *Client) Stream(ctx context.Context, r Request) (res *http.Response, err error) {
	err = c.repeat(ctx, r, func(ctx context.Context) (time.Duration, error) {
		got, err := c.send(ctx, r)
		if err != nil {
			return 0, err
		}
		if got.StatusCode >= 300 {
			defer got.Body.Close()
			body, _ := io.ReadAll(io.LimitReader(got.Body, 1<<20)) // what came of it is told
			return retryAfter(got.Header), problemOf(got.StatusCode, body)
		}
		res = got
		return 0, nil
	})
	return res, err
}

func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.Timeout)
}

func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	at := c.URL + r.Path
	if len(r.Query) > 0 {
		at += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, at, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", or(r.Type, "application/json"))
	}
	req.Header.Set("Accept", or(r.Accept, "application/json"))
	if c.Credential != nil {
		secret, err := c.Credential(ctx)
		if err != nil {
			return nil, err
		}
		if secret != "" {
			req.Header.Set("Authorization", "Bearer "+secret)
		}
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, &Unreachable{URL: c.URL, Err: withoutURL(err)}
	}
	return res, nil
}

// repeat tries until it succeeds, fails for good, or Tries are used up. A try returns how
// long the server wants it to wait.
func (c *Client) repeat(ctx context.Context, r Request, try func(context.Context) (time.Duration, error)) error {
	pause := 250 * time.Millisecond
	for n := 1; ; n++ {
		asked, err := try(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || n >= c.Tries || !helps(r, err) {
			return err
		}
		if err := c.Sleep(ctx, max(asked, pause)); err != nil {
			return err
		}
		pause *= 2
	}
}

// helps reports whether to send r again could help after err. What was turned away, or
// never left, may be sent again by anybody.
func helps(r Request, err error) bool {
	var refused *Problem
	if errors.As(err, &refused) {
		switch refused.Status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			return true
		case http.StatusBadGateway, http.StatusGatewayTimeout:
			return r.repeats()
		}
		return false
	}
	var away *Unreachable
	if !errors.As(err, &away) {
		return false
	}
	var dial *net.OpError
	return r.repeats() || errors.As(err, &dial) && dial.Op == "dial"
}

func (r Request) repeats() bool {
	return r.Again || r.Method == http.MethodGet || r.Method == http.MethodPut
}

// longest is the longest that a server is waited for: past that it is told as away.
const longest = 2 * time.Minute

func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, longest)
	}
	return 0
}

// Sleep waits, unless the context ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
