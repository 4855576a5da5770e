package httpjson_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/httpjson"
	"github.com/tarnhq/tarn/shared/fault"
)

// answers answers with one status after the other, and then with a row.
func answers(served *int, all ...func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		*served++
		if *served <= len(all) {
			all[*served-1](w)
			return
		}
		_, _ = w.Write([]byte(`[{"id": 1}]`))
	}
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(`{"error": "hush"}`))
	}
}

func cut(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`[{"id": 1}`))
}

func TestAnAPIIsWaitedForAsItAsksAndNotForLong(t *testing.T) {
	s := time.Second
	for name, c := range map[string]struct {
		answers []func(http.ResponseWriter)
		waits   []time.Duration
		code    string // of the error
		after   time.Duration
	}{
		"too many requests":           {[]func(http.ResponseWriter){status(429, "Retry-After", "7")}, []time.Duration{7 * s}, "", 0},
		"it does not say how long":    {[]func(http.ResponseWriter){status(429), status(503), status(500)}, []time.Duration{s, 2 * s, 4 * s}, "", 0},
		"a quota, told with 403":      {[]func(http.ResponseWriter){status(403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "20")}, []time.Duration{20 * s}, "", 0},
		"a connection that is cut":    {[]func(http.ResponseWriter){cut}, []time.Duration{s}, "", 0},
		"an answer that is cut off":   {[]func(http.ResponseWriter){func(w http.ResponseWriter) { _, _ = w.Write([]byte(`[{"id": 1`)) }}, []time.Duration{s}, "", 0},
		"longer than is waited":       {[]func(http.ResponseWriter){status(429, "Retry-After", "3600")}, nil, "rate_limited", time.Hour},
		"a quota for longer":          {[]func(http.ResponseWriter){status(403, "RateLimit", `"hour";r=0;t=600`)}, nil, "rate_limited", 10 * time.Minute},
		"it goes on failing":          {[]func(http.ResponseWriter){status(502), status(502), status(502), status(502)}, []time.Duration{s, 2 * s, 4 * s}, "source_unavailable", 8 * s},
		"403 without a quota":         {[]func(http.ResponseWriter){status(403)}, nil, "source_refused", 0},
		"a request that is not taken": {[]func(http.ResponseWriter){status(422)}, nil, "request_refused", 0},
		"nothing there":               {[]func(http.ResponseWriter){status(404)}, nil, "unknown_table", 0},
		"a redirect to nowhere":       {[]func(http.ResponseWriter){status(304)}, nil, "bad_redirect", 0},
		"a page for people":           {[]func(http.ResponseWriter){func(w http.ResponseWriter) { _, _ = w.Write([]byte("\n<!doctype html><html>")) }}, nil, "not_json", 0},
		"something else":              {[]func(http.ResponseWriter){func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"a": hush}`)) }}, nil, "not_json", 0},
	} {
		var waited []time.Duration
		served := 0
		out := read(t, answers(&served, c.answers...), reading{change: waits(&waited)})
		if diff := cmp.Diff(c.waits, waited); diff != "" || codeOf(out.err) != c.code || c.code == "" && len(out.rows) != 1 {
			t.Errorf("%s: %v, waited %v", name, out, waited)
		}
		var f *fault.Error
		if errors.As(out.err, &f) && f.RetryAfter != c.after {
			t.Errorf("%s: to be tried again after %v, want %v", name, f.RetryAfter, c.after)
		}
	}
}

func TestAQuotaThatIsUsedUpIsWaitedForBeforeTheNextPage(t *testing.T) {
	for reset, want := range map[string][]time.Duration{"9": {9 * time.Second}, "5000": nil} { // the API will say so, if it means it
		var waited []time.Duration
		now := clock
		out := read(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("p") == "" {
				w.Header().Set("X-RateLimit-Remaining", "0")
				w.Header().Set("X-RateLimit-Reset", reset)
				w.Header().Set("Link", `<?p=2>; rel="next"`)
			}
			_, _ = w.Write([]byte(`[{"id": 1}]`))
		}, reading{change: func(d *httpjson.Driver) {
			d.Now = func() time.Time { return now }
			waits(&waited)(d)
		}})
		if diff := cmp.Diff(want, waited); diff != "" || out.err != nil || len(out.rows) != 2 {
			t.Errorf("reset %s: %v, waited %v", reset, out, waited)
		}
	}
}

func TestTheCredentialGoesToNoOtherHost(t *testing.T) {
	met := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { met++ }))
	defer other.Close()
	for name, c := range map[string]struct {
		settings string
		answer   func(http.ResponseWriter, *http.Request)
	}{
		"a redirect": {``, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) }},
		"a link": {``, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<"+other.URL+`>; rel="next"`)
			_, _ = w.Write([]byte("[{}]"))
		}},
		"a URL in an answer": {`{"pagination": {"kind": "next_url", "next": "next"}}`, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"data": [{}], "next": %q}`, other.URL)
		}},
		"a redirect of the token_url": {`{"auth": {"kind": "oauth", "token_url": "SELF/token"}}`, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}},
	} {
		if out := read(t, c.answer, reading{settings: c.settings}); codeOf(out.err) != "other_host" || met > 0 {
			t.Errorf("%s: %v; the other was asked %d times", name, out.err, met)
		}
	}
}

func TestARedirectWithinTheAPIIsFollowed(t *testing.T) {
	out := read(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, r.URL.Path+"/?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		if name, password, _ := r.BasicAuth(); name != "client" || password != "hush" || r.URL.Query().Get("key") != "k" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`[{"id": 1}]`))
	}, reading{query: "key=k"})
	if out.err != nil || len(out.rows) != 1 {
		t.Errorf("%v", out)
	}
}

func TestAnAnswerIsPackedAndBounded(t *testing.T) {
	row := `{"id": 1, "text": "` + strings.Repeat("a", 1<<20) + `"}`
	send := func(rows int) got {
		return read(t, func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				t.Error("gzip is not asked for")
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			_, _ = fmt.Fprintf(z, "[%s%s]", row, strings.Repeat(","+row, rows-1))
		}, reading{})
	}
	if out := send(3); out.err != nil || len(out.rows) != 3 {
		t.Errorf("3 MiB: %v, %d rows", out.err, len(out.rows))
	}
	if out := send(70); codeOf(out.err) != "answer_too_large" || !fault.Is(out.err, fault.TooLarge) {
		t.Errorf("70 MiB: %v", out.err)
	}
}

func TestATokenIsKeptUntilShortlyBeforeItEnds(t *testing.T) {
	now, tokens := clock, 0
	out := read(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			tokens++
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"access_token": "x", "expires_in": "600"}`))
			return
		}
		now = now.Add(200 * time.Second) // each page takes its time
		if page := r.URL.Query().Get("p"); page != "4444" {
			w.Header().Set("Link", `<?p=4`+page+`>; rel="next"`)
		}
		_, _ = w.Write([]byte(`[{"id": 1}]`))
	}, reading{settings: `{"auth": {"kind": "oauth", "token_url": "SELF/token"}}`, change: func(d *httpjson.Driver) { d.Now = func() time.Time { return now } }})
	if out.err != nil || len(out.rows) != 5 || tokens != 2 { // the first is good for 570 s: three pages
		t.Errorf("%v, with %d tokens", out, tokens)
	}
}

func TestALinkThatHasTheSecretInItIsFollowedAndNotKept(t *testing.T) {
	for settings, inLink := range map[string]string{
		``: "hush",
		`{"auth": {"kind": "oauth", "token_url": "SELF/token"}}`: "t0/ken",
	} {
		var kept []string
		out := read(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			switch {
			case r.URL.Path == "/token":
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"access_token": "t0/ken"}`))
				return
			case q.Get("access_token") == "":
				q.Set("access_token", inLink)
				w.Header().Set("Link", "<?"+q.Encode()+`>; rel="next"`)
			}
			_, _ = fmt.Fprintf(w, `[{"id": %d, "at": 7}]`, len(q))
		}, reading{settings: settings, table: connector.Table{Table: "things", Cursor: "at", Key: []string{"id"}}, each: func(b connector.Batch) { kept = append(kept, string(b.Next)) }})
		if out.err != nil || len(out.rows) != 2 || len(kept) != 2 || strings.Contains(kept[0], "page") || !strings.Contains(kept[0], "last") {
			t.Errorf("%s: %v, kept %q", settings, out, kept)
		}
	}
}

func TestWhyThereIsNoTokenIsSaidWithoutTheSecret(t *testing.T) {
	for body, want := range map[string]string{
		`{"error": "invalid_client", "error_description": "hush"}`: "source_refused",
		`{"error": "invalid_scope", "error_description": "hush"}`:  "token_refused",
		`{"error": "hush"}`:    "request_refused",
		`{"token": "hush"}`:    "request_refused",
		`<html>hush`:           "request_refused",
		`200{"token": "hush"}`: "bad_token",
		`200<html>hush`:        "bad_token",
		`503{"error": "hush"}`: "source_unavailable",
		`401`:                  "source_refused",
	} {
		out := read(t, func(w http.ResponseWriter, _ *http.Request) {
			code, text := 400, body
			if n, err := fmt.Sscanf(body, "%3d", &code); n == 1 && err == nil {
				text = body[3:]
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(text))
		}, reading{settings: `{"auth": {"kind": "oauth", "token_url": "SELF/token"}}`})
		if codeOf(out.err) != want {
			t.Errorf("%s: %v", body, out.err)
		}
	}
}

func TestAnAPIIsNotWaitedForPastADeadline(t *testing.T) {
	served := 0
	server := httptest.NewServer(answers(&served, status(503, "Retry-After", "20")))
	defer server.Close()
	source, err := driver(t).Open(t.Context(), configOf(server.URL, connector.Table{Table: "things"}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := source.Check(ctx); !fault.Is(err, fault.Unavailable) || served != 1 {
		t.Errorf("%v, asked %d times", err, served)
	}
}
