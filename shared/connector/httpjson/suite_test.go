package httpjson_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/httpjson"
	"github.com/tarnhq/tarn/shared/outbound"
)

// driver may reach this machine, and waits for nothing.
func driver(t *testing.T) httpjson.Driver {
	t.Helper()
	loopback, err := outbound.ParseNetworks("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	d := httpjson.New(outbound.Options{Allow: loopback})
	d.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return d
}

func TestHTTPKeepsThePromisesOfAConnector(t *testing.T) {
	for _, c := range []struct{ name, paging, since, auth, settings string }{
		{"page, basic", "page", "rfc3339", "basic",
			`{"pagination": {"kind": "page", "param": "page"}, "since": {"param": "changed_since"}}`},
		{"page that ends with 404, basic, older rows left out here", "page not found", "", "basic",
			`{"auth": {"kind": "basic"}, "pagination": {"kind": "page", "param": "page", "ends": "not_found"}}`},
		{"offset, header", "offset", "unix", "header",
			`{"auth": {"kind": "header", "name": "X-Api-Key", "prefix": "key="}, "pagination": {"kind": "offset", "param": "start", "size_param": "limit", "size": 100},
			  "since": {"param": "changed_since", "format": "unix"}}`},
		{"cursor, bearer", "cursor", "unix_ms", "bearer",
			`{"auth": {"kind": "bearer"}, "items": "data", "pagination": {"kind": "cursor", "param": "after", "next": "/meta/next"}, "since": {"param": "changed_since", "format": "unix_ms"}}`},
		{"cursor of the last item, OAuth", "last", "rfc3339", "oauth",
			`{"auth": {"kind": "oauth", "token_url": "TOKEN", "scope": "read all"}, "pagination": {"kind": "cursor", "param": "after", "last": "id", "more": "has_more"},
			  "since": {"param": "changed_since", "format": "rfc3339"}}`},
		{"link, OAuth in the body", "link", "", "oauth in body",
			`{"auth": {"kind": "oauth", "token_url": "TOKEN", "scope": "read all", "client": "body"}, "pagination": {"kind": "link"}}`},
		{"link that was not told of", "link", "rfc3339", "basic", `{"since": {"param": "changed_since"}}`},
		{"next_url", "next_url", "rfc3339", "basic",
			`{"pagination": {"kind": "next_url", "next": "paging.next"}, "since": {"param": "changed_since"}}`},
		{"one page", "none", "", "basic", `{"headers": {"Accept": "application/vnd.shop+json"}, "items": "/data"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := newShop(t, c.paging, c.since, c.auth)
			settings := json.RawMessage(strings.ReplaceAll(c.settings, "TOKEN", server.URL+"/token"))
			connectortest.Suite{
				Kind: httpjson.Kind, Driver: driver(t), Guarded: httpjson.New(outbound.Options{}), Settings: settings, Keyed: true,
				Origin: func(t *testing.T) connectortest.Origin { return server.fresh() },
			}.Run(t)
		})
		if testing.Short() {
			return
		}
	}
}

// fresh returns the API without what a test before has put there.
func (s *shop) fresh() *shop {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tables)
	clear(s.raw)
	return s
}

func (s *shop) Typed(*testing.T) (table string, want []string) {
	rows := map[string]string{
		`{"id": 1, "n": 7, "wide": 9007199254740993, "f": 1.5, "b": true, "s": "a", "t": "2026-03-29T14:00:00.5+02:00", "o": {"x": [1, 2.50]}, "a": [], "m": 1, "e": ""}`: `{"id": 1, "n": 7, "wide": 9007199254740993, "f": 1.5, "b": true, "s": "a", "t": "2026-03-29T12:00:00.5Z", "o": {"x": [1, 2.50]}, "a": [], "m": "1", "e": ""}`,
		`{"id": 2, "n": null, "wide": -9223372036854775808, "f": 2, "b": false, "s": "\u00e9\ud83d\ude00\n", "t": null, "o": [3], "a": ["x"], "m": "two", "e": "x"}`:      `{"id": 2, "wide": -9223372036854775808, "f": 2, "b": false, "s": "é😀\n", "o": [3], "a": ["x"], "m": "two", "e": "x"}`,
		`{"id": 3, "n": -1, "wide": 0, "f": 1e3, "b": null, "s": " ", "t": "1970-01-01T00:00:00Z", "extra": "later"}`:                                                     `{"id": 3, "n": -1, "wide": 0, "f": 1000, "s": " ", "t": "1970-01-01T00:00:00Z", "extra": "later"}`,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables["typed"] = map[int64]string{}
	for given, becomes := range rows {
		s.tables["typed"][int64(idOf(given))] = given
		want = append(want, becomes)
	}
	return "typed", want
}
