package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
)

func TestWhereACredentialMayStand(t *testing.T) {
	keys, _, _ := newKeys()
	key, secret := create(t, keys, KeySpec{Name: "k", Role: Producer})
	token := sign(jose.RS256, "rsa", rsaKey(), accessClaims(nil))
	byKey, byToken, nobody := "key:"+key.ID, "user:u1", ""
	for claim, c := range map[string]struct {
		set  func(*http.Request)
		want string // the principal's id; empty: nobody
		kind fault.Kind
	}{
		"a key as Bearer":                    {header("Bearer " + secret), byKey, 0},
		"a token as Bearer":                  {header("Bearer " + token), byToken, 0},
		"the scheme in any case":             {header("bEaReR  " + secret), byKey, 0},
		"a key as the user name of Basic":    {func(r *http.Request) { r.SetBasicAuth(secret, "") }, byKey, 0},
		"the password of Basic is ignored":   {func(r *http.Request) { r.SetBasicAuth(secret, "anything") }, byKey, 0},
		"no header is nobody":                {func(*http.Request) {}, nobody, 0},
		"a token as a user name is refused":  {func(r *http.Request) { r.SetBasicAuth(token, "") }, nobody, fault.Unauthenticated},
		"a key as password is refused":       {func(r *http.Request) { r.SetBasicAuth("", secret) }, nobody, fault.Unauthenticated},
		"Basic that is no base64 is refused": {header("Basic %%%"), nobody, fault.Unauthenticated},
		"another scheme is refused":          {header("Digest " + secret), nobody, fault.Unauthenticated},
		"Bearer of nothing is refused":       {header("Bearer "), nobody, fault.Unauthenticated},
		"a key without a scheme":             {header(secret), byKey, 0},
	} {
		t.Run(claim, func(t *testing.T) {
			a := &Authenticator{Keys: keys, Tokens: newTokens()}
			r := httptest.NewRequest(http.MethodPost, "/v1/track", nil)
			c.set(r)
			got, err := a.Identify(r)
			if (err == nil) != (c.kind == 0) || err != nil && fault.KindOf(err) != c.kind {
				t.Errorf("got %v, want kind %v", err, c.kind)
			}
			if got.ID != c.want {
				t.Errorf("identified %q, want %q", got.ID, c.want)
			}
		})
	}
}

func header(authorization string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", authorization) }
}

func TestWithoutAVerifierEveryTokenIsRefused(t *testing.T) {
	keys, _, _ := newKeys()
	a := &Authenticator{Keys: keys}
	_, err := a.IdentifyHeader(t.Context(), "Bearer "+sign(jose.RS256, "rsa", rsaKey(), accessClaims(nil)))
	if !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("got %v, want Unauthenticated", err)
	}
}

func TestABusyKeyCostsNoReadPerRequest(t *testing.T) {
	keys, mem, clk := newKeys()
	_, secret := create(t, keys, KeySpec{Name: "k", Role: Producer})
	a := &Authenticator{Keys: keys}
	for range 100 {
		clk.Time = clk.Add(KeyMemory / 100)
		if _, err := a.IdentifyKey(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	if n := mem.reads.Load(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
}

func TestARevokedKeyIsForgottenInTime(t *testing.T) {
	keys, _, clk := newKeys()
	_, other := create(t, keys, KeySpec{Name: "other", Role: Viewer})
	key, secret := create(t, keys, KeySpec{Name: "k", Role: Producer})
	a := &Authenticator{Keys: keys}
	for _, s := range []string{other, secret} {
		if _, err := a.IdentifyKey(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := keys.Revoke(t.Context(), "main", key.ID); err != nil {
		t.Fatal(err)
	}
	clk.Time = clk.Add(KeyMemory - 1)
	if _, err := a.IdentifyKey(t.Context(), secret); err != nil {
		t.Errorf("forgotten early: %v", err)
	}
	clk.Time = clk.Add(1)
	if _, err := a.IdentifyKey(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("got %v, want Unauthenticated", err)
	}
}

func TestARememberedKeyExpiresOnTime(t *testing.T) {
	keys, _, clk := newKeys()
	_, secret := create(t, keys, KeySpec{Name: "k", Role: Producer, Expires: noon.Add(time.Second)})
	a := &Authenticator{Keys: keys}
	if _, err := a.IdentifyKey(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	clk.Time = clk.Add(time.Second)
	if _, err := a.IdentifyKey(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("got %v, want Unauthenticated", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var m recollection[keyHash, Principal]
	for i := range 3 * maxRemembered {
		m.put(hashOf(i), Principal{ID: fmt.Sprint(i)}, noon)
		if len(m.entries) > maxRemembered {
			t.Fatalf("%d entries, want at most %d", len(m.entries), maxRemembered)
		}
	}
}

func TestASlowReadIsNotRememberedByALaterMemory(t *testing.T) {
	var m recollection[keyHash, Principal]
	m.put(hashOf(1), Principal{ID: "early"}, noon)
	m.put(hashOf(2), Principal{ID: "late"}, noon.Add(KeyMemory))
	m.put(hashOf(3), Principal{ID: "slow"}, noon.Add(time.Second))
	if _, ok := m.get(hashOf(3), noon.Add(KeyMemory)); ok {
		t.Error("an old answer was remembered as if it were new")
	}
}

func hashOf(i int) (h keyHash) {
	copy(h[:], fmt.Sprint(i))
	return h
}

func TestAPrincipalSurvivesTheGateway(t *testing.T) {
	for claim, want := range map[string]Principal{
		"a bound key that expires": {Tenant: "acme", ID: "key:1", Role: Producer, Dataset: "web", Expires: noon.Add(time.Nanosecond)},
		"a narrowed key":           {Tenant: "main", ID: "key:3", Role: Admin, Scopes: []Action{RunQuery, ManageKeys}},
		"the holder of an embed token": {Tenant: "main", ID: "embed:1", Expires: noon, Embed: &Embed{Saved: "sales", Dataset: "web",
			Filters: []json.RawMessage{json.RawMessage(`{"column":"country","op":"=","value":"CH"}`)}, By: Maker{ID: "key:1", Role: Editor, Groups: []string{"g"}}}},
		"a key for ever":          {Tenant: "main", ID: "key:2", Role: Owner},
		"a person without a role": {Tenant: "main", ID: "user:1", Expires: noon},
		"nobody":                  {},
	} {
		t.Run(claim, func(t *testing.T) {
			got, err := FromContext(want.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAContextThatNoAuthorizerMadeIsAnError(t *testing.T) {
	good := Principal{Tenant: "main", ID: "key:1", Role: Owner, Expires: noon}
	for _, name := range []string{contextTenant, contextID, contextRole, contextDataset, contextExpires, contextScopes} {
		for _, value := range []any{nil, 1, true} {
			values := good.Context()
			values[name] = value
			if p, err := FromContext(values); err == nil {
				t.Errorf("%s = %v: %+v, want an error", name, value, p)
			}
		}
	}
	values := good.Context()
	values[contextExpires] = "soon"
	if p, err := FromContext(values); err == nil {
		t.Errorf("%+v, want an error", p)
	}
}
