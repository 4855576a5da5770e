package keys

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// service serves the endpoints to the holders of keys of one table.
type service struct {
	*api.Server
	keys    access.Keys
	usage   *access.Usage
	clients *access.Clients
}

func newService() service {
	return newServiceOn(access.Keys{Table: &fake.Table{}, Now: now, Random: rand.Reader})
}

// newServiceOn is another process on the same table, which remembers no keys.
func newServiceOn(keys access.Keys) service {
	usage := &access.Usage{Table: keys.Table, Now: keys.Now}
	clients := &access.Clients{Keys: keys, Secrets: &fake.Secrets{}}
	who := &access.Authenticator{Keys: keys, Usage: usage, Clients: clients}
	s := api.New(who.Identify, now, slog.New(slog.DiscardHandler))
	Register(s, Deps{Keys: keys, Usage: usage, Clients: clients})
	return service{s, keys, usage, clients}
}

// key makes a key without the endpoint.
func (s service) key(t *testing.T, spec access.KeySpec) (id, secret string) {
	t.Helper()
	spec.Name = "test"
	made, secret, err := s.keys.Create(t.Context(), "main", spec)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID, secret
}

// call sends a request and decodes its answer.
func (s service) call(t *testing.T, secret, method, path, body string, answer any) int {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if answer != nil && w.Code < 300 {
		if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	return w.Code
}

func TestAKeyIsMadeUsedListedAndRevoked(t *testing.T) {
	s := newService()
	_, owner := s.key(t, access.KeySpec{Role: access.Owner})

	var made struct{ ID, Key string }
	status := s.call(t, owner, http.MethodPost, "/v1/keys", `{"name": "app", "role": "producer", "dataset": "web", "expires": "2026-01-03T00:00:00Z"}`, &made)
	if status != http.StatusCreated || made.ID == "" || made.Key == "" {
		t.Fatalf("create: %d %+v", status, made)
	}
	var me struct {
		Tenant, ID, Role, Dataset string
		Expires                   time.Time
		Actions                   []string
	}
	status = s.call(t, made.Key, http.MethodGet, "/v1/me", "", &me)
	if status != http.StatusOK || me.Tenant != "main" || me.ID != "key:"+made.ID || me.Role != "producer" || me.Dataset != "web" ||
		!me.Expires.Equal(noon.Add(12*time.Hour)) || !slices.Equal(me.Actions, []string{"events:write", "self:read"}) {
		t.Errorf("me: %d %+v", status, me)
	}
	var list struct{ Keys []map[string]any }
	status = s.call(t, owner, http.MethodGet, "/v1/keys", "", &list)
	if status != http.StatusOK || len(list.Keys) != 2 {
		t.Errorf("list: %d %v", status, list)
	}
	for _, key := range list.Keys {
		for _, secret := range []string{"key", "hash", "tenant"} {
			if key[secret] != nil {
				t.Errorf("the list tells a key's %s", secret)
			}
		}
	}
	if status := s.call(t, owner, http.MethodDelete, "/v1/keys/"+made.ID, "", nil); status != http.StatusNoContent {
		t.Errorf("revoke: %d", status)
	}
	if status := newServiceOn(s.keys).call(t, made.Key, http.MethodGet, "/v1/me", "", nil); status != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d, want 401", status)
	}
}

func TestWhoMayDoWhatWithKeys(t *testing.T) {
	s := newService()
	secrets := map[string]string{"nobody": "", "an unknown key": "tarn_unknown"}
	for name, spec := range map[string]access.KeySpec{
		"an owner": {Role: access.Owner}, "an admin": {Role: access.Admin}, "an editor": {Role: access.Editor},
		"a producer": {Role: access.Producer}, "an admin of one dataset": {Role: access.Admin, Dataset: "web"},
	} {
		_, secrets[name] = s.key(t, spec)
	}
	for _, c := range []struct {
		who, method, path, body string
		want                    int
	}{
		{"an owner", "POST", "/v1/keys", `{"name": "k", "role": "owner"}`, 201},
		{"an admin", "POST", "/v1/keys", `{"name": "k", "role": "admin"}`, 201},
		{"an admin", "POST", "/v1/keys", `{"name": "k", "role": "owner"}`, 403},
		{"an editor", "POST", "/v1/keys", `{"name": "k", "role": "producer"}`, 403},
		{"a producer", "POST", "/v1/keys", `{"name": "k", "role": "producer"}`, 403},
		{"an admin of one dataset", "POST", "/v1/keys", `{"name": "k", "role": "admin"}`, 403},
		{"nobody", "POST", "/v1/keys", `{"name": "k", "role": "producer"}`, 401},
		{"an unknown key", "POST", "/v1/keys", `{"name": "k", "role": "producer"}`, 401},

		{"an admin", "POST", "/v1/keys", `{"name": "k", "role": "root"}`, 400},
		{"an admin", "POST", "/v1/keys", `{"role": "viewer"}`, 400},
		{"an admin", "POST", "/v1/keys", `{"name": "k", "role": "viewer", "dataset": "No Such"}`, 400},
		{"an admin", "POST", "/v1/keys", `{"name": "k", "role": "viewer", "expires": "2026-01-01T00:00:00Z"}`, 400},
		{"an admin", "POST", "/v1/keys", `{`, 400},

		{"an admin", "GET", "/v1/keys?limit=1", "", 200},
		{"an admin", "GET", "/v1/keys?limit=0", "", 400},
		{"an editor", "GET", "/v1/keys", "", 403},
		{"nobody", "GET", "/v1/keys", "", 401},
		{"an admin", "DELETE", "/v1/keys/0123456789abcdef", "", 404},
		{"an editor", "DELETE", "/v1/keys/0123456789abcdef", "", 403},
		{"a producer", "GET", "/v1/me", "", 200},
		{"nobody", "GET", "/v1/me", "", 401},
	} {
		if got := s.call(t, secrets[c.who], c.method, c.path, c.body, nil); got != c.want {
			t.Errorf("%s: %s %s %s: %d, want %d", c.who, c.method, c.path, c.body, got, c.want)
		}
	}
}

func TestAKeyTellsTheHourInWhichItWasUsedLast(t *testing.T) {
	s := newService()
	ownerID, owner := s.key(t, access.KeySpec{Role: access.Owner})
	s.key(t, access.KeySpec{Role: access.Viewer})
	var listed struct{ Keys []access.Key }
	s.call(t, owner, http.MethodGet, "/v1/keys", "", nil)
	if err := s.usage.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status := s.call(t, owner, http.MethodGet, "/v1/keys", "", &listed); status != http.StatusOK || len(listed.Keys) != 2 {
		t.Fatalf("%d %+v", status, listed)
	}
	for _, key := range listed.Keys {
		want := time.Time{}
		if key.ID == ownerID {
			want = noon
		}
		if !key.LastUsed.Equal(want) {
			t.Errorf("key %s was used %s, want %s", key.ID, key.LastUsed, want)
		}
	}
}

func TestNobodyRotatesAKeyThatMayMoreThanTheyMay(t *testing.T) {
	s := newService()
	ownerID, _ := s.key(t, access.KeySpec{Role: access.Owner})
	adminID, admin := s.key(t, access.KeySpec{Role: access.Admin})
	_, narrow := s.key(t, access.KeySpec{Role: access.Admin, Scopes: []access.Action{access.ManageKeys, access.RunQuery}})
	for _, c := range []struct {
		who, path, body string
		want            int
	}{
		{admin, "/v1/keys/" + ownerID + "/rotate", "", http.StatusForbidden},
		{narrow, "/v1/keys/" + adminID + "/rotate", "", http.StatusForbidden},
		{narrow, "/v1/keys", `{"name": "k", "role": "admin"}`, http.StatusForbidden},
		{narrow, "/v1/keys", `{"name": "k", "role": "viewer"}`, http.StatusForbidden},
		{narrow, "/v1/keys", `{"name": "k", "role": "viewer", "scopes": ["query:run"]}`, http.StatusCreated},
		{narrow, "/v1/me", "", http.StatusMethodNotAllowed},
		{admin, "/v1/keys", `{"name": "k", "role": "viewer", "scopes": ["keys:manage"]}`, http.StatusBadRequest},
		{admin, "/v1/keys", `{"name": "k", "role": "viewer", "scopes": ["query"]}`, http.StatusBadRequest},
		{admin, "/v1/keys/" + adminID + "/rotate", `{"overlap_seconds": -1}`, http.StatusBadRequest},
		{admin, "/v1/keys/" + adminID + "/rotate", `{"overlap_seconds": 2592001}`, http.StatusBadRequest},
		{admin, "/v1/keys/" + adminID + "/rotate", `{"overlap_seconds": 60}`, http.StatusOK},
	} {
		if got := s.call(t, c.who, http.MethodPost, c.path, c.body, nil); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.path, c.body, got, c.want)
		}
	}
}
