package httpjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/httpjson"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/secret"
)

func check(dsn, settings string, tables ...connector.Table) error {
	return httpjson.New(outbound.Options{}).Check(connector.Config{DSN: secret.New([]byte(dsn)), Settings: json.RawMessage(settings), Tables: tables})
}

const api = "https://client:hush@api.example.com/v2/#login.example.com"

func TestSettingsAreWhatTheyAreDocumentedToBe(t *testing.T) {
	for _, settings := range []string{
		``, `null`, `{}`,
		`{"auth": {"kind": "header", "name": "X-Api-Key"}, "headers": {"Accept": "application/json"}, "items": "data.orders"}`,
		`{"auth": {"kind": "header", "name": "authorization", "prefix": "Token "}}`,
		`{"auth": {"kind": "oauth", "token_url": "https://login.example.com/token", "scope": "read", "audience": "https://api", "client": "body"}}`,
		`{"auth": {"kind": "oauth", "token_url": "https://api.example.com/oauth2/token"}}`,
		`{"pagination": {"kind": "page", "param": "page", "size_param": "per_page", "size": 100, "first": 0, "ends": "short"}}`,
		`{"pagination": {"kind": "offset", "param": "skip", "ends": "not_found"}, "tables": {"orders": {"pagination": {"kind": "none"}, "items": "/rows", "since": {}}}}`,
		`{"pagination": {"kind": "cursor", "param": "starting_after", "last": "id", "more": "has_more"}, "since": {"param": "since", "format": "unix_ms"}}`,
		`{"pagination": {"kind": "next_url", "next": "/@odata.nextLink"}}`,
	} {
		if err := check(api, settings, connector.Table{Table: "orders"}); err != nil {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

func TestWhatSettingsCannotBeIsRefusedWithAHint(t *testing.T) {
	for _, settings := range []string{
		`[]`, `{"auth"`, `{} {}`, `{"paging": {}}`, `{"auth": {"kind": "bearer", "token": "x"}}`,
		`{"auth": {"kind": "digest"}}`, `{"auth": {}}`, `{"auth": {"kind": "bearer", "name": "X"}}`, `{"auth": {"kind": "bearer", "scope": "x"}}`,
		`{"auth": {"kind": "header"}}`, `{"auth": {"kind": "header", "name": "a b"}}`, `{"auth": {"kind": "header", "name": "Host"}}`, `{"auth": {"kind": "header", "name": "X", "prefix": "a\r\nb: "}}`,
		`{"auth": {"kind": "oauth"}}`, `{"auth": {"kind": "oauth", "token_url": "/token"}}`, `{"auth": {"kind": "oauth", "token_url": "https://evil.example/token"}}`,
		`{"auth": {"kind": "oauth", "token_url": "http://login.example.com/token"}}`, `{"auth": {"kind": "oauth", "token_url": "https://u:p@login.example.com/token"}}`,
		`{"auth": {"kind": "oauth", "token_url": "https://login.example.com/token", "client": "cookie"}}`,
		`{"headers": {"Authorization": "Bearer x"}}`, `{"headers": {"cookie": "x"}}`, `{"headers": {"X": "a\nb"}}`, `{"headers": {"": "x"}}`,
		`{"items": "a..b"}`, `{"tables": {"orders": {"items": "/~"}}}`, `{"tables": {"customers": {}}}`, `{"tables": {"orders": {"auth": {"kind": "bearer"}}}}`,
		`{"pagination": {"kind": "scroll"}}`, `{"pagination": {"kind": "page"}}`, `{"pagination": {"kind": "link", "param": "page"}}`,
		`{"pagination": {"kind": "page", "param": "p", "size": 10}}`, `{"pagination": {"kind": "page", "param": "p", "size_param": "s"}}`, `{"pagination": {"kind": "page", "param": "p", "ends": "short"}}`,
		`{"pagination": {"kind": "page", "param": "p", "ends": "never"}}`, `{"pagination": {"kind": "page", "param": "p", "first": -1}}`, `{"pagination": {"kind": "offset", "param": "p", "first": 1}}`,
		`{"pagination": {"kind": "cursor", "param": "c"}}`, `{"pagination": {"kind": "cursor", "param": "c", "next": "a", "last": "b"}}`, `{"pagination": {"kind": "next_url"}}`,
		`{"pagination": {"kind": "page", "param": "p", "next": "a"}}`, `{"pagination": {"kind": "page", "param": "p", "last": "a"}}`, `{"pagination": {"kind": "link", "more": "a"}}`,
		`{"since": {"format": "unix"}}`, `{"since": {"param": "s", "format": "iso"}}`,
	} {
		err := check(api, settings, connector.Table{Table: "orders"})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(codeOf(err), "bad_settings") {
			t.Errorf("%s: %v", settings, err)
		}
	}
	if err := check("https://api.example.com/", `{"auth": {"kind": "bearer"}}`); codeOf(err) != "bad_settings" {
		t.Errorf("auth without a credential: %v", err)
	}
}

func TestADSNIsAURLAndATableAPathBelowIt(t *testing.T) {
	for _, dsn := range []string{"", "api.example.com", "ftp://hush@api.example.com/", "https:///v2", "https://a:hu%sh@api.example.com/", "https://hush@a,b/", "https:hush", "https://hush@api.example.com/#https://login.example.com"} {
		if err := check(dsn, ``); codeOf(err) != "bad_dsn" || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
	for table, fine := range map[string]bool{
		"orders": true, "orders?status=any&x=%2F": true, "shops/7/orders.json": true, "orders/": true, "?list=orders": true, "a%2Fb": true,
		"/orders": false, "../admin": false, "a/../../b": false, "a/./b": false, "a//b": false, "//evil.example/x": false, "https://evil.example/": false, "a#b": false, `a\..\b`: false, "a%zz": false, "%2e%2e/admin": false,
	} {
		if err := check(api, ``, connector.Table{Table: table}); (err == nil) != fine || err != nil && codeOf(err) != "bad_table" {
			t.Errorf("%s: %v", table, err)
		}
	}
	if err := check(api, ``, connector.Table{Table: "orders", Cursor: "at"}); codeOf(err) != "key_needed" {
		t.Errorf("incremental without a key: %v", err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(api, `{"auth": {"kind": "oauth", "token_url": "https://login.example.com/token"}, "items": "/a~1", "pagination": {"kind": "page", "param": "page"}, "tables": {"orders?x=1": {"since": {}}}}`, "orders?x=1")
	f.Add("http://k@h:1/%2F?q", `{"headers": {"A": "b"}}`, "a/b")
	f.Fuzz(func(t *testing.T, dsn, settings, table string) {
		err := check(dsn, settings, connector.Table{Table: table})
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
	})
}
