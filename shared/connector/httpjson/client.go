package httpjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// Bounds of how long an answer is waited for. What asks for more is tried again by the job.
const (
	maxTries  = 4
	maxWait   = 30 * time.Second
	firstWait = time.Second // before the second try; doubled with each
)

// client asks an API. One goroutine uses it.
type client struct {
	http    *http.Client
	address address
	auth    *auth
	tokens  *tokens // nil but for OAuth
	headers map[string]string
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
	filled  time.Time // before it, a quota is used up
}

func newClient(d Driver, a address, s settings) *client {
	own := *d.Client
	c := &client{http: &own, address: a, auth: s.Auth, headers: s.Headers, now: d.Now, sleep: d.Sleep}
	check := own.CheckRedirect
	own.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if !a.own(next.URL) {
			return otherHost("a redirect")
		}
		return check(next, via)
	}
	if s.Auth.kind() == byOAuth {
		c.tokens = newTokens(d, a, s.Auth)
	}
	return c
}

// answer is one of JSON, or empty.
type answer struct {
	body   json.RawMessage
	header http.Header
	date   time.Time // as the server has it
}

// failure is why there is none.
type failure struct {
	why    *fault.Error
	status int           // of the answer; zero: there was none
	again  bool          // another try may mend it
	wait   time.Duration // that the server asks for; zero: it does not say
}

func (f *failure) Error() string { return f.why.Error() }

func (f *failure) Unwrap() error { return f.why }

// get asks for a URL, again where that may help.
func (c *client) get(ctx context.Context, u *url.URL) (answer, error) {
	if wait := c.filled.Sub(c.now()); wait > 0 && wait <= maxWait {
		if err := c.pause(ctx, wait); err != nil {
			return answer{}, err
		}
	}
	for try := 1; ; try++ {
		a, f := c.once(ctx, u)
		if f == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return a, ctx.Err()
		}
		if !f.again {
			return a, f
		}
		wait := f.wait
		if wait == 0 {
			wait = firstWait << (try - 1)
		}
		if try == maxTries || wait > maxWait || late(ctx, wait) {
			f.why.RetryAfter = wait
			return a, f
		}
		if err := c.pause(ctx, wait); err != nil {
			return a, err
		}
	}
}

// late reports whether a deadline does not let something be waited for.
func late(ctx context.Context, wait time.Duration) bool {
	deadline, has := ctx.Deadline()
	return has && time.Until(deadline) < wait
}

func (c *client) pause(ctx context.Context, d time.Duration) error {
	if late(ctx, d) {
		f := fault.New(fault.Unavailable, "rate_limited", "the API lets nothing be asked for %v", d.Round(time.Second))
		f.RetryAfter = d
		return f
	}
	return c.sleep(ctx, d)
}

// once asks once, or twice where a token was not taken that was kept for some time.
func (c *client) once(ctx context.Context, u *url.URL) (answer, *failure) {
	for {
		token, fresh, err := c.token(ctx)
		if err != nil {
			return answer{}, failureOf(err)
		}
		a, f := c.ask(ctx, u, token)
		if f == nil || f.status != http.StatusUnauthorized || c.tokens == nil || fresh {
			return a, f
		}
		c.tokens.forget()
	}
}

func (c *client) token(ctx context.Context) (token string, fresh bool, err error) {
	if c.tokens == nil {
		return "", false, nil
	}
	return c.tokens.get(ctx)
}

// secrets are what no place that is kept may hold. Some APIs have the token in their links.
func (c *client) secrets() []string {
	all := c.address.secrets()
	if c.tokens != nil && c.tokens.token != "" {
		all = append(all, c.tokens.token, url.QueryEscape(c.tokens.token))
	}
	return all
}

// ask sends a request and reads the answer.
func (c *client) ask(ctx context.Context, u *url.URL, token string) (answer, *failure) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address.signed(u).String(), nil)
	if err != nil {
		return answer{}, &failure{why: fault.New(fault.Invalid, "bad_next", "the address of the page is no URL")}
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "tarn")
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	c.auth.sign(r, c.address, token)
	got, err := c.http.Do(r)
	if err != nil {
		return answer{}, failureOf(unreachable(err))
	}
	defer got.Body.Close()
	wait := quota(got.Header, c.now())
	if wait > 0 {
		c.filled = c.now().Add(wait)
	}
	if got.StatusCode < 200 || got.StatusCode > 299 {
		return answer{}, c.refused(got, wait)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return answer{}, failureOf(unreachable(err))
	}
	a := answer{header: got.Header, date: dateOf(got.Header, c.now())}
	if got.StatusCode != http.StatusNoContent {
		a.body = bytes.TrimPrefix(body, []byte("\ufeff"))
	}
	if len(a.body) == 0 && got.StatusCode == http.StatusNoContent || json.Valid(a.body) {
		return a, nil
	}
	return a, notJSON(a.body)
}

// refused says what an answer without rows means.
func (c *client) refused(got *http.Response, filled time.Duration) *failure {
	status, asked := got.StatusCode, retryAfter(got.Header, c.now())
	limited := status == http.StatusTooManyRequests || status == http.StatusForbidden && asked+filled > 0
	switch {
	case limited:
		why := fault.New(fault.Unavailable, "rate_limited", "the API answers %d: it was asked too often", status)
		return &failure{why: why, status: status, again: true, wait: max(asked, filled)}
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooEarly:
		why := fault.New(fault.Unavailable, "source_unavailable", "the API answers %d", status)
		return &failure{why: why, status: status, again: true, wait: asked}
	}
	return &failure{why: refusal("the API", status), status: status}
}

// refusal is what a status means that another try does not mend. What the server wrote
// may hold the credential, so nothing of it is passed on.
func refusal(who string, status int) *fault.Error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.New(fault.Invalid, "source_refused", "%s answers %d: it does not take the credential, or does not let it do that", who, status).
			WithHint("look at the credential in the dsn, and at auth in the settings, which says how it is sent")
	case http.StatusNotFound, http.StatusGone:
		return fault.New(fault.NotFound, "unknown_table", "%s answers %d: there is nothing at this path", who, status).
			WithHint("a table is a path below the dsn's")
	}
	if status/100 == 3 {
		return fault.New(fault.Invalid, "bad_redirect", "%s answers %d, which leads nowhere", who, status)
	}
	return fault.New(fault.Invalid, "request_refused", "%s answers %d", who, status).
		WithHint("look at the table's query, and at headers, pagination and since in the settings")
}

// isNoJSON reports whether an answer came, but of another kind.
func isNoJSON(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Code == "not_json"
}

// notJSON says what an answer is that is no JSON. One that was cut off may be whole the
// next time.
func notJSON(body []byte) *failure {
	if trimmed := bytes.TrimSpace(body); bytes.HasPrefix(trimmed, []byte("<")) {
		return &failure{why: fault.New(fault.Invalid, "not_json", "the API answers with a page of HTML or XML, where JSON is needed").
			WithHint("is the dsn the API's, and not its website's? Some send JSON for a header or a query that asks for it")}
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(body, new(json.RawMessage)); errors.As(err, &syntax) && syntax.Offset >= int64(len(body)) {
		return &failure{why: fault.New(fault.Unavailable, "answer_cut_off", "the API's answer ends within its JSON"), again: true}
	}
	return &failure{why: fault.New(fault.Invalid, "not_json", "the API's answer is no JSON")}
}
