package httpjson_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/secret"
)

// What the API takes. Its parts need escapes in a DSN.
const (
	user     = "shop@example.com"
	password = "s3/cr?t:é"
	queryKey = "qu3ry+key"
)

// clock is that of the API: later than all of the suite's rows.
var clock = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// shop is an HTTP API of a test's own, over a real connection.
type shop struct {
	*httptest.Server
	paging string // as settings call it
	since  string
	auth   string
	order  string // of lists: id, unless it is at

	mu     sync.Mutex
	tables map[string]map[int64]string // JSON objects by id
	wide   map[string]int
	raw    map[string]string                                      // answers as they are
	tokens int                                                    // given out under other names, which are good no more
	uses   int                                                    // of tokens
	served int                                                    // pages
	before func(w http.ResponseWriter, r *http.Request) (ok bool) // called with mu held
}

func newShop(t *testing.T, paging, since, auth string) *shop {
	t.Helper()
	s := &shop{paging: paging, since: since, auth: auth, tables: map[string]map[int64]string{}, wide: map[string]int{}, raw: map[string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *shop) dsn(password string) secret.Value {
	u, _ := url.Parse(s.URL)
	u.User, u.Path, u.RawQuery = url.UserPassword(user, password), "/v2", url.Values{"api_key": {queryKey}}.Encode()
	return secret.New([]byte(u.String()))
}

func (s *shop) DSN() secret.Value           { return s.dsn(password) }
func (s *shop) WrongPassword() secret.Value { return s.dsn(password + "-wrong") }
func (s *shop) Password() string            { return password }

func (s *shop) Make(_ *testing.T, table string, wide int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[table], s.wide[table] = map[int64]string{}, wide
}

func (s *shop) Put(_ *testing.T, table string, items ...connectortest.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range items {
		row := map[string]any{"id": i.ID, "at": i.At.Format(time.RFC3339Nano), "name": nil}
		if i.Name != "" {
			row["name"] = i.Name
		}
		for n := range s.wide[table] {
			row[fmt.Sprint("w", n)] = i.Wide
		}
		text, _ := json.Marshal(row)
		s.tables[table][i.ID] = string(text)
	}
}

func (s *shop) Delete(_ *testing.T, table string, ids ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.tables[table], id)
	}
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Date", clock.Format(http.TimeFormat))
	if r.URL.Path == "/token" {
		s.token(w, r)
		return
	}
	if !s.admits(r) {
		http.Error(w, `{"error": "`+password+`"}`, http.StatusUnauthorized) // some tell everybody
		return
	}
	if s.before != nil && !s.before(w, r) {
		return
	}
	table := strings.TrimPrefix(r.URL.Path, "/v2/")
	if raw, ok := s.raw[table]; ok {
		_, _ = w.Write([]byte(raw))
		return
	}
	if _, ok := s.tables[table]; !ok {
		http.Error(w, `{"error": "not found"}`, http.StatusNotFound)
		return
	}
	s.served++
	s.page(w, r, s.list(table, r.URL.Query().Get("changed_since")))
}

// list returns the rows since a time, in the order of their ids.
func (s *shop) list(table, told string) (all []string) {
	var from time.Time
	switch n, _ := strconv.ParseInt(told, 10, 64); {
	case told == "":
	case s.since == "unix":
		from = time.Unix(n, 0)
	case s.since == "unix_ms":
		from = time.UnixMilli(n)
	default:
		from, _ = time.Parse(time.RFC3339, told)
	}
	for _, id := range slices.Sorted(maps.Keys(s.tables[table])) {
		var row struct{ At time.Time }
		_ = json.Unmarshal([]byte(s.tables[table][id]), &row)
		if !row.At.Before(from) {
			all = append(all, s.tables[table][id])
		}
	}
	if s.order == "at" {
		slices.SortStableFunc(all, func(a, b string) int { return strings.Compare(changedAt(a), changedAt(b)) })
	}
	return all
}

func changedAt(row string) string {
	var r struct{ At string }
	_ = json.Unmarshal([]byte(row), &r)
	return r.At
}

// size is of a page, whatever was asked for.
const size = 3

// page answers with a page of rows.
func (s *shop) page(w http.ResponseWriter, r *http.Request, all []string) {
	q := r.URL.Query()
	number := func(name string) int { n, _ := strconv.Atoi(q.Get(name)); return n }
	begin, next := 0, ""
	switch s.paging {
	case "none":
		_, _ = fmt.Fprintf(w, `{"count": %d, "data": [%s]}`, len(all), strings.Join(all, ","))
		return
	case "page", "page not found":
		begin = (number("page") - 1) * size
		if begin > 0 && begin >= len(all) && s.paging != "page" {
			http.Error(w, `{"detail": "Invalid page."}`, http.StatusNotFound)
			return
		}
	case "offset":
		begin = number("start")
	default:
		begin = slices.IndexFunc(all, func(row string) bool { return idOf(row) > number("after") })
	}
	if begin < 0 {
		begin = len(all)
	}
	begin = min(begin, len(all))
	end := min(begin+size, len(all))
	rows := all[begin:end]
	if end < len(all) {
		next = strconv.Itoa(idOf(rows[len(rows)-1]))
	}
	q.Set("after", next)
	u := *r.URL
	u.RawQuery = q.Encode()
	switch list := strings.Join(rows, ","); {
	case s.paging == "cursor":
		_, _ = fmt.Fprintf(w, `{"data": [%s], "meta": {"next": %s}}`, list, cmp.Or(next, "null"))
	case s.paging == "next_url" && next != "":
		_, _ = fmt.Fprintf(w, `{"data": [%s], "paging": {"next": %q}}`, list, s.URL+u.String())
	case s.paging == "link" && next != "":
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="self", <%s>; rel="next"`, r.URL, u.String()))
		_, _ = fmt.Fprintf(w, `[%s]`, list)
	default:
		_, _ = fmt.Fprintf(w, `{"data": [%s], "has_more": %t}`, list, next != "")
	}
}

func idOf(row string) int {
	var r struct{ ID int }
	_ = json.Unmarshal([]byte(row), &r)
	return r.ID
}

// admits reports whether a request has the credential as it should be sent.
func (s *shop) admits(r *http.Request) bool {
	if r.URL.Query().Get("api_key") != queryKey {
		return false
	}
	switch s.auth {
	case "header":
		return r.Header.Get("X-Api-Key") == "key="+password
	case "bearer":
		return r.Header.Get("Authorization") == "Bearer "+password
	case "oauth", "oauth in body":
		good := r.Header.Get("Authorization") == fmt.Sprint("Bearer t0ken-", s.tokens)
		if s.uses++; good && s.uses%5 == 0 { // tokens are revoked when nobody thinks of it
			s.tokens++
		}
		return good
	}
	name, given, _ := r.BasicAuth()
	return name == user && given == password
}

// token serves client credentials.
func (s *shop) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	name, given := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if basicName, basicGiven, ok := r.BasicAuth(); ok && s.auth == "oauth" {
		name, _ = url.QueryUnescape(basicName)
		given, _ = url.QueryUnescape(basicGiven)
	}
	w.Header().Set("Content-Type", "application/json")
	if name != user || given != password || r.PostForm.Get("grant_type") != "client_credentials" || r.PostForm.Get("scope") != "read all" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error": "invalid_client", "error_description": %q}`, given)
		return
	}
	_, _ = fmt.Fprintf(w, `{"access_token": "t0ken-%d", "token_type": "bearer", "expires_in": 3600}`, s.tokens)
}
