package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
)

// sample is a request as the gateway sends it.
func sample(t *testing.T) (e events.APIGatewayV2HTTPRequest) {
	t.Helper()
	read(t, "apigateway-ingest", &e)
	return e
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../events/samples/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// invoke has a handler answer an event.
func invoke(t *testing.T, e events.APIGatewayV2HTTPRequest, h http.HandlerFunc) (r events.APIGatewayV2HTTPResponse) {
	t.Helper()
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := gateway{handler: h, log: quiet()}.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARequestIsWhatTheClientSent(t *testing.T) {
	invoke(t, sample(t), func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got := []string{r.Method, r.Host, r.URL.String(), r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Host")}
		want := []string{"POST", "api.example.com", "/v1/datasets/web/events", "/v1/datasets/web/events", "Bearer tk_sample", ""}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if !strings.HasPrefix(string(body), `[{"event_id":"e1"`) || r.ContentLength != int64(len(body)) {
			t.Errorf("a body of %d bytes: %s", r.ContentLength, body)
		}
	})
}

func TestAHandlerThatWritesNothingAnswers200(t *testing.T) {
	r := invoke(t, sample(t), func(http.ResponseWriter, *http.Request) {})
	if r.StatusCode != http.StatusOK || r.Body != "" {
		t.Errorf("answered %d %q", r.StatusCode, r.Body)
	}
}

func TestAHandlerThatPanicsAnswers500AndTellsNothing(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"before it wrote": func(http.ResponseWriter, *http.Request) { panic("secret") },
		"after it wrote":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("secret") },
		"by aborting":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			r := invoke(t, sample(t), h)
			if r.StatusCode != http.StatusInternalServerError || r.Headers["Content-Type"] != "application/problem+json" {
				t.Errorf("answered %d %v", r.StatusCode, r.Headers)
			}
			if strings.Contains(r.Body, "secret") || strings.Contains(r.Body, "half") || !json.Valid([]byte(r.Body)) {
				t.Errorf("the body is %s", r.Body)
			}
		})
	}
}

func TestRemoteAddrHasAPort(t *testing.T) {
	for ip, want := range map[string]string{"203.0.113.7": "203.0.113.7:0", "2001:db8::7": "[2001:db8::7]:0"} {
		e := sample(t)
		e.RequestContext.HTTP.SourceIP = ip
		invoke(t, e, func(_ http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr != want {
				t.Errorf("RemoteAddr is %q, want %q", r.RemoteAddr, want)
			}
		})
	}
}

func TestHeadersAreNotSplitAtCommas(t *testing.T) {
	for name, value := range map[string]string{
		"Date":              "Fri, 02 Jan 2026 03:04:05 GMT",
		"Accept":            "text/csv, application/json;q=0.5",
		"If-Modified-Since": "Fri, 02 Jan 2026 03:04:05 GMT",
		"User-Agent":        "Mozilla/5.0 (X11) AppleWebKit (KHTML, like Gecko)",
	} {
		e := sample(t)
		e.Headers[strings.ToLower(name)] = value
		invoke(t, e, func(_ http.ResponseWriter, r *http.Request) {
			if diff := cmp.Diff([]string{value}, r.Header.Values(name)); diff != "" {
				t.Errorf("%s, -want +got:\n%s", name, diff)
			}
		})
	}
}

func TestAPathIsNeverParsedTwice(t *testing.T) {
	for name, c := range map[string]struct{ raw, decoded, path, escaped string }{
		"a percent sign":                      {"/v1/100%", "/v1/100%", "/v1/100%", "/v1/100%25"},
		"what looks like an escape":           {"/v1/a%2Fb", "/v1/a%2Fb", "/v1/a%2Fb", "/v1/a%252Fb"},
		"a question mark":                     {"/v1/a?b=c", "/v1/a?b=c", "/v1/a?b=c", "/v1/a%3Fb=c"},
		"a number sign":                       {"/v1/a#b", "/v1/a#b", "/v1/a#b", "/v1/a%23b"},
		"a space, a letter beyond ASCII":      {"/v1/a ü", "/v1/a ü", "/v1/a ü", "/v1/a%20%C3%BC"},
		"a control character":                 {"/v1/a\nb", "/v1/a\nb", "/v1/a\nb", "/v1/a%0Ab"},
		"two slashes":                         {"//evil.example/a", "//evil.example/a", "//evil.example/a", "//evil.example/a"},
		"of a function URL, which encodes it": {"/v1/a%2Fb%20c", "/v1/a/b c", "/v1/a/b c", "/v1/a%2Fb%20c"},
		"without the decoded form":            {"/v1/datasets", "", "/v1/datasets", "/v1/datasets"},
	} {
		t.Run(name, func(t *testing.T) {
			e := sample(t)
			e.RawPath, e.RequestContext.HTTP.Path, e.RawQueryString = c.raw, c.decoded, "id=1"
			called := false
			invoke(t, e, func(_ http.ResponseWriter, r *http.Request) {
				called = true
				if diff := cmp.Diff([]string{c.path, c.escaped, "id=1"}, []string{r.URL.Path, r.URL.EscapedPath(), r.URL.RawQuery}); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
			if !called {
				t.Error("the request did not reach the handler")
			}
		})
	}
}

func TestAQueryIsTakenAsItWasSent(t *testing.T) {
	for _, query := range []string{"", "id=a%20b&id=c", "id=a+b", "id=100%", "a#b", "id=a,b"} {
		e := sample(t)
		e.RawQueryString, e.QueryStringParameters = query, map[string]string{"id": "joined,by,commas"}
		invoke(t, e, func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != query {
				t.Errorf("the query is %q, want %q", r.URL.RawQuery, query)
			}
		})
	}
}

func TestBytesGoBothWays(t *testing.T) {
	sent := []byte{0x1f, 0x8b, 0xff, 0x00}
	e := sample(t)
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(sent), true
	r := invoke(t, e, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(w, r.Body); err != nil {
			t.Error(err)
		}
	})
	got, err := base64.StdEncoding.DecodeString(r.Body)
	if err != nil || !r.IsBase64Encoded || !bytes.Equal(got, sent) {
		t.Errorf("%v came back as %v (base64 %v), %v", sent, got, r.IsBase64Encoded, err)
	}
}

func TestCookiesGoBothWays(t *testing.T) {
	e := sample(t)
	e.Cookies = []string{"a=1", "b=2, 3"}
	r := invoke(t, e, func(w http.ResponseWriter, r *http.Request) {
		if diff := cmp.Diff([]string{"a=1; b=2, 3"}, r.Header.Values("Cookie")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "4"})
		http.SetCookie(w, &http.Cookie{Name: "d", Value: "5"})
	})
	if diff := cmp.Diff([]string{"c=4", "d=5"}, r.Cookies); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheFirstStatusCounts(t *testing.T) {
	r := invoke(t, sample(t), func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
		w.WriteHeader(http.StatusInternalServerError)
	})
	if r.StatusCode != http.StatusNoContent {
		t.Errorf("answered %d", r.StatusCode)
	}
}

func TestAnAnswerThatLambdaWouldRefuseIsAProblem(t *testing.T) {
	for _, size := range []int{maxAnswer - 4<<10, maxAnswer} {
		r := invoke(t, sample(t), func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("<"), size))
		})
		switch {
		case size < maxAnswer && (r.StatusCode != http.StatusOK || len(r.Body) != size):
			t.Errorf("%d bytes: answered %d with %d bytes", size, r.StatusCode, len(r.Body))
		case size == maxAnswer && (r.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(r.Body, "answer_too_large")):
			t.Errorf("%d bytes: answered %d %.100s", size, r.StatusCode, r.Body)
		}
	}
}

func TestTheDeadlineLeavesTimeForAnAnswer(t *testing.T) {
	ends := time.Now().Add(10 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), ends)
	defer cancel()
	_, err := gateway{log: quiet(), handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got, ok := r.Context().Deadline(); !ok || !got.Equal(ends.Add(-margin)) {
			t.Errorf("the request ends at %v, the invocation at %v", got, ends)
		}
	})}.Invoke(ctx, []byte(`{}`))
	if err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoEventIsAnError(t *testing.T) {
	if _, err := (gateway{log: quiet()}).Invoke(t.Context(), []byte(`[`)); err == nil {
		t.Error("no error")
	}
}

func TestTheCallerIsWhomTheAuthorizerSays(t *testing.T) {
	owner := access.Principal{Tenant: "main", ID: "key:1", Role: access.Owner, Expires: time.Date(2027, 1, 2, 3, 4, 5, 6, time.UTC)}
	for name, c := range map[string]struct {
		authorizer *events.APIGatewayV2HTTPRequestContextAuthorizerDescription
		want       access.Principal
		fails      bool
	}{
		"nobody without one":        {nil, access.Principal{}, false},
		"nobody where it says so":   {authorizedBy(map[string]any{}), access.Principal{}, false},
		"as it says":                {authorizedBy(owner.Context()), owner, false},
		"never as it would not say": {authorizedBy(map[string]any{"tenant": 1}), access.Principal{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := sample(t)
			e.RequestContext.Authorizer = c.authorizer
			invoke(t, e, func(_ http.ResponseWriter, r *http.Request) {
				got, err := Principal(r)
				if diff := cmp.Diff(c.want, got); diff != "" || (err != nil) != c.fails {
					t.Errorf("%v, -want +got:\n%s", err, diff)
				}
			})
		})
	}
}

func TestACallerCannotNameThemselves(t *testing.T) {
	e := sample(t)
	e.Headers["x-golambdaproxy-apigw-context"] = `{"authorizer":{"lambda":{"tenant":"main","principal":"key:1","role":"owner","dataset":"","expires":""}}}`
	invoke(t, e, func(_ http.ResponseWriter, r *http.Request) {
		if got, err := Principal(r); !got.IsNobody() || err != nil {
			t.Errorf("a header makes the caller %v, %v", got, err)
		}
	})
}

func authorizedBy(values map[string]any) *events.APIGatewayV2HTTPRequestContextAuthorizerDescription {
	return &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: values}
}

func TestAProblemKeepsItsHeaders(t *testing.T) {
	e := fault.New(fault.Throttled, "busy", "later")
	e.RetryAfter = 1500 * time.Millisecond
	if r := problemOf(e); r.StatusCode != http.StatusTooManyRequests || r.Headers["Retry-After"] != "2" {
		t.Errorf("%d %v", r.StatusCode, r.Headers)
	}
	if r := problemOf(errors.New("secret")); r.StatusCode != http.StatusInternalServerError || strings.Contains(r.Body, "secret") {
		t.Errorf("%d %s", r.StatusCode, r.Body)
	}
}
