package httpjson

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestTheNextLinkIsFoundAsRFC8288HasIt(t *testing.T) {
	for field, want := range map[string]string{
		`<https://a/2>; rel="next"`:                                     "https://a/2",
		`<https://a/1>; rel="prev", <https://a/3>; rel="next"`:          "https://a/3",
		`<https://a/3>;rel=next;title="a, <b>; rel=x"`:                  "https://a/3",
		`<https://a/9>; title="x\", rel=\"next"; rel="last"`:            "",
		`<https://a/3> ; REL = "first NEXT"`:                            "https://a/3",
		`<https://a/9>; rel="last"; rel="next"`:                         "",
		`<?page=2&x=a,b;c>; rel=next`:                                   "?page=2&x=a,b;c",
		`, ,<https://a/2>; results="true" ; rel="next"; cursor="0:1:0"`: "https://a/2",
		`<https://a/2>; rel="next`:                                      "https://a/2",
		`<https://a/2>; crossorigin; rel=next`:                          "https://a/2",
		`<https://a/2>; rel="nextone"`:                                  "",
		`https://a/2; rel="next"`:                                       "",
		`<https://a/2; rel="next"`:                                      "",
		`<>; rel="next"`:                                                "",
		``:                                                              "",
	} {
		got, ok := nextLink(http.Header{"Link": {field}})
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", field, got, ok, want)
		}
	}
	if got, _ := nextLink(http.Header{"Link": {`<a>; rel="self"`, `broken`, `<b>; rel="next"`}}); got != "b" {
		t.Errorf("of several fields: %q", got)
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add("https://a/2?x=1", `; title="a, b"; rel="next"`, `<x>; rel=prev`)
	f.Fuzz(func(t *testing.T, target, parameters, before string) {
		nextLink(http.Header{"Link": {target, parameters, before}}) // ends
		if target = strings.TrimSpace(target); target == "" || strings.Contains(target, ">") {
			t.Skip()
		}
		if got, ok := nextLink(http.Header{"Link": {`<x>; rel="prev", <` + target + `>; rel="next"`}}); !ok || got != target {
			t.Errorf("%q: %q, %v", target, got, ok)
		}
	})
}

func TestWaitsAreReadAsServersTellThem(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := func(pairs ...string) http.Header {
		out := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			out.Add(pairs[i], pairs[i+1])
		}
		return out
	}
	for name, c := range map[string]struct {
		header       http.Header
		after, quota time.Duration
	}{
		"nothing":                         {h(), 0, 0},
		"seconds":                         {h("Retry-After", "120"), 2 * time.Minute, 0},
		"a date":                          {h("Retry-After", "Fri, 02 Jan 2026 03:05:05 GMT"), time.Minute, 0},
		"a date, by the server's clock":   {h("Retry-After", "Fri, 02 Jan 2026 03:05:05 GMT", "Date", "Fri, 02 Jan 2026 03:05:00 GMT"), 5 * time.Second, 0},
		"a date in the past":              {h("Retry-After", "Fri, 02 Jan 2020 03:05:05 GMT"), 0, 0},
		"no number":                       {h("Retry-After", "-5"), 0, 0},
		"GitHub's":                        {h("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1767323105"), 0, time.Minute},
		"in milliseconds":                 {h("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1767323105000"), 0, time.Minute},
		"in seconds from now":             {h("X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "1.5"), 0, 1500 * time.Millisecond},
		"something is left":               {h("X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "60"), 0, 0},
		"draft of the IETF, 3":            {h("RateLimit-Limit", "100", "RateLimit-Remaining", "0", "RateLimit-Reset", "60"), 0, time.Minute},
		"draft of the IETF, 7":            {h("RateLimit", "limit=100, remaining=0, reset=60"), 0, time.Minute},
		"draft of the IETF, 10":           {h("RateLimit", `"minute";r=3;t=9, "hour";r=0;t=60`), 0, time.Minute},
		"draft of the IETF, 10, not used": {h("RateLimit", `"default";r=50;t=30`), 0, 0},
		"nonsense":                        {h("RateLimit", `;;=,r=0`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "NaN"), 0, 0},
	} {
		if after, used := retryAfter(c.header, now), quota(c.header, now); after != c.after || used != c.quota {
			t.Errorf("%s: %v and %v, want %v and %v", name, after, used, c.after, c.quota)
		}
	}
}

func TestAPlaceInAnAnswerIsAPointerOrNames(t *testing.T) {
	answer := []byte(`{"a": {"b.c": [10, {"d/e~": "x"}], "b": {"c": 1}}, "": 2, "n": null}`)
	for path, want := range map[string]string{
		"":                            string(answer),
		"a.b.c":                       "1",
		"/a/b/c":                      "1",
		"/a/b.c/0":                    "10",
		"/a/b.c/1/d~1e~0":             `"x"`,
		"/":                           "2",
		"n":                           "null",
		"/a/b.c/2":                    "",
		"/a/b.c/-1":                   "",
		"a.x":                         "",
		"n.x":                         "",
		"/a/b.c/0/deeper":             "",
		"/a/b.c/99999999999999999999": "",
	} {
		parts, err := parsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got, ok := lookup(answer, parts); string(got) != want || ok != (want != "") {
			t.Errorf("%s: %s, %v, want %s", path, got, ok, want)
		}
	}
	for _, path := range []string{"a..b", ".", "a.", "/a~", "/a~2b", strings.Repeat("a", 1001)} {
		if _, err := parsePath(path); err == nil {
			t.Errorf("%q is a path", path)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("/a/b~1c/0", []byte(`{"a": {"b/c": [1]}}`))
	f.Add("a.b", []byte(`{"a": {"b": {}}}`))
	f.Fuzz(func(t *testing.T, path string, answer []byte) {
		parts, err := parsePath(path)
		if err != nil {
			return
		}
		lookup(answer, parts)
		pointer := ""
		for _, part := range parts {
			pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(part)
		}
		again, err := parsePath(pointer)
		if err == nil && strings.Join(again, "\x00") != strings.Join(parts, "\x00") || err != nil && len(pointer) <= 1000 {
			t.Errorf("%q: %q, as a pointer %q: %q, %v", path, parts, pointer, again, err)
		}
	})
}

func TestALinkIsFollowedWithinTheOriginAlone(t *testing.T) {
	for _, c := range []struct{ dsn, link, want string }{
		{"https://k:s@api.example.com/v2", "?page=2", "https://api.example.com/v2/orders?page=2"},
		{"https://k:s@api.example.com/v2/", "/v3/orders?page=2#x", "https://api.example.com/v3/orders?page=2"},
		{"https://k:s@API.example.com:443/v2/", "https://api.example.com/v2/orders", "https://api.example.com/v2/orders"},
		{"https://k:s@api.example.com/v2/", "http://api.example.com/v2/orders", "https://api.example.com/v2/orders"}, // a proxy ends TLS
		{"https://k:s@api.example.com/v2/", "https://a:b@api.example.com/v2/orders", "https://api.example.com/v2/orders"},
		{"https://k:s@api.example.com/v2/", "http://api.example.com:8080/v2/orders", ""},
		{"https://k:s@api.example.com/v2/", "https://api.example.com.evil.example/", ""},
		{"https://k:s@api.example.com/v2/", "//evil.example/v2/orders", ""},
		{"https://k:s@api.example.com/v2/", "https://api.example.com@evil.example/", ""},
		{"https://k:s@api.example.com/v2/", "https://evil.example\\@api.example.com/", ""},
		{"https://k:s@api.example.com/v2/", "file:///etc/passwd", ""},
		{"http://k:s@api.example.com/v2/", "https://api.example.com/v2/orders", ""},
		{"https://k:s@api.example.com/v2/", "%zz", ""},
	} {
		a, err := parseDSN(c.dsn)
		if err != nil {
			t.Fatal(err)
		}
		from, err := a.table("orders")
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.follow(from, c.link)
		if (err == nil) != (c.want != "") || err == nil && got.String() != c.want {
			t.Errorf("%s from %s: %v, %v, want %q", c.link, from, got, err, c.want)
		}
	}
}

func TestWhatTheDSNAddsToAURLIsInNoPlaceThatIsKept(t *testing.T) {
	a, err := parseDSN("https://api.example.com/v2?api_key=a%20b&v=1")
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse("https://api.example.com/v2/orders?page=2&v=9&sig=x%2Fy")
	signed := a.signed(u)
	if want := "https://api.example.com/v2/orders?page=2&v=9&sig=x%2Fy&api_key=a%20b"; signed.String() != want {
		t.Errorf("signed: %s", signed)
	}
	if want, got := "/v2/orders?page=2&sig=x%2Fy", a.relative(signed); got != want {
		t.Errorf("relative: %s, want %s", got, want)
	}
	if got, want := with("fields=a,b&$x=1;2&page=1&%70age=2", "page", "a b"), "fields=a,b&$x=1;2&page=a+b"; got != want {
		t.Errorf("with a page: %s, want %s", got, want)
	}
	at := position{Pass: &course{At: place{Page: "/v2/orders?cursor=for+a+b", Read: 3}}}
	if text := string(at.text(a.secrets())); strings.Contains(text, "for+a+b") || strings.Contains(text, `"read":3`) || at.Pass.At.Read != 3 {
		t.Errorf("kept: %s", text)
	}
}
