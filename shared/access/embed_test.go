package access

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

var sales = Embed{Saved: "sales", Dataset: "web", Filters: []json.RawMessage{json.RawMessage(`{"column":"country","op":"=","value":"CH"}`)}}

func newEmbeds() (*Embeds, *vault, *clock) {
	kept, clk := &vault{}, &clock{noon}
	return &Embeds{Secrets: kept, Now: clk.now, Random: rand.Reader}, kept, clk
}

var maker = Principal{Tenant: "main", ID: "key:1", Role: Editor, Groups: []string{"g"}, Attributes: map[string][]string{"country": {"CH"}}}

func mint(t *testing.T, e *Embeds) string {
	t.Helper()
	token, err := e.Mint(t.Context(), maker, sales, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestAnEmbedTokenStandsForItsQueryAndItsMakersRules(t *testing.T) {
	e, _, _ := newEmbeds()
	token := mint(t, e)
	got, err := (&Authenticator{Embeds: e}).IdentifyHeader(t.Context(), "Bearer "+token)
	if err != nil {
		t.Fatal(err)
	}
	want := sales
	want.By = Maker{ID: "key:1", Role: Editor, Groups: maker.Groups, Attributes: maker.Attributes}
	if got.Tenant != "main" || got.Role != "" || !got.Expires.Equal(noon.Add(time.Hour)) || !strings.HasPrefix(got.ID, "embed:") {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(&want, got.Embed); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(maker, got.Behind()); diff != "" {
		t.Error(diff)
	}
}

func TestTheHolderOfAnEmbedTokenMayDoNothingElse(t *testing.T) {
	e, _, _ := newEmbeds()
	p, err := e.Identify(t.Context(), mint(t, e))
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range append([]Action{""}, Actions...) {
		for _, on := range []dataset.Name{"", "web", "app"} {
			if err := p.Allow(action, on, noon); !fault.Is(err, fault.Denied) {
				t.Errorf("%s of %q: %v", action, on, err)
			}
			want := action == RunQuery && on == "web"
			if err := p.AllowRows(action, on, noon); want != (err == nil) || err != nil && !fault.Is(err, fault.Denied) {
				t.Errorf("rows, %s of %q: %v", action, on, err)
			}
		}
	}
	for name, want := range map[string]bool{"sales": true, "other": false, "": false} {
		if err := p.AllowSaved(name, noon); want != (err == nil) {
			t.Errorf("saved query %q: %v", name, err)
		}
	}
	later := noon.Add(time.Hour)
	for _, err := range []error{p.Allow(RunQuery, "web", later), p.AllowRows(RunQuery, "web", later), p.AllowSaved("sales", later)} {
		if !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("after the token expired: %v", err)
		}
	}
	if err := maker.AllowSaved("sales", noon); err == nil {
		t.Error("who has no embed token was taken for who has one")
	}
}

func TestAnEmbedTokenIsRefused(t *testing.T) {
	e, _, clk := newEmbeds()
	good := mint(t, e)
	parts := strings.Split(strings.TrimPrefix(good, embedPrefix), ".")
	encode := base64.RawURLEncoding.EncodeToString
	claims := func(changes object) object {
		c := object{"aud": embedAudience, "iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix(), "jti": "1", "tenant": "main", "embed": object{"saved": "sales", "dataset": "web"}}
		for name, value := range changes {
			c[name] = value
			if value == nil {
				delete(c, name)
			}
		}
		return c
	}
	key := e.signs.known.Current.Reveal()
	signed := func(changes object) string { return embedPrefix + sign(jose.HS256, "", key, claims(changes)) }
	if p, err := e.Identify(t.Context(), signed(nil)); err != nil || p.Embed.Saved != "sales" {
		t.Fatalf("what is good is refused: %+v, %v", p, err)
	}
	other, _, _ := newEmbeds()
	for claim, token := range map[string]string{
		"at the moment it expires":           signed(object{"exp": noon.Unix()}),
		"when it never expires":              signed(object{"exp": nil}),
		"when it does not say since when":    signed(object{"iat": nil}),
		"when it was issued in the future":   signed(object{"iat": noon.Add(time.Minute).Unix()}),
		"for another audience":               signed(object{"aud": "console"}),
		"for no audience":                    signed(object{"aud": nil}),
		"for two audiences":                  signed(object{"aud": []string{embedAudience, "console"}}),
		"without a tenant":                   signed(object{"tenant": ""}),
		"without an id":                      signed(object{"jti": nil}),
		"without a query":                    signed(object{"embed": object{"dataset": "web"}}),
		"with alg none":                      embedPrefix + encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"with alg none and the signature":    embedPrefix + encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + "." + parts[2],
		"with another key":                   mint(t, other),
		"with a key in its header":           embedPrefix + embedding(t, jose.HS256, []byte("a key of the sender's own, in its token"), claims(nil)),
		"with HS512":                         embedPrefix + sign(jose.HS512, "", append(slices.Clone(key), key...), claims(nil)),
		"signed as people's tokens are":      embedPrefix + sign(jose.RS256, "rsa", rsaKey(), claims(nil)),
		"with an altered payload":            embedPrefix + parts[0] + "." + encode([]byte(`{"aud":"tarn:embed","tenant":"main"}`)) + "." + parts[2],
		"without its signature":              embedPrefix + parts[0] + "." + parts[1] + ".",
		"without its prefix":                 strings.TrimPrefix(good, embedPrefix),
		"when it is garbage":                 embedPrefix + "garbage",
		"when it is empty":                   embedPrefix,
		"when it is huge":                    good + strings.Repeat("a", maxToken),
		"when it is a token of a person":     embedPrefix + sign(jose.RS256, "rsa", rsaKey(), accessClaims(nil)),
		"when another's claims are appended": good + "." + parts[1],
	} {
		t.Run(claim, func(t *testing.T) {
			got, err := e.Identify(t.Context(), token)
			if !fault.Is(err, fault.Unauthenticated) || !got.IsNobody() {
				t.Errorf("%+v, %v, want nobody and Unauthenticated", got, err)
			}
		})
	}
	if p, err := newTokens().Identify(t.Context(), good); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("taken for a person's: %+v, %v", p, err)
	}
	clk.Time = noon.Add(time.Hour)
	if p, err := e.Identify(t.Context(), good); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after an hour: %+v, %v", p, err)
	}
}

func TestDeletingTheKeyEndsEveryEmbedTokenWithinAMinute(t *testing.T) {
	e, kept, clk := newEmbeds()
	token := mint(t, e)
	if err := kept.Delete(t.Context(), secret.Deployment, EmbedSecret); err != nil {
		t.Fatal(err)
	}
	clk.Time = clk.Add(signingMemory - 1)
	if _, err := e.Identify(t.Context(), token); err != nil {
		t.Error(err)
	}
	clk.Time = clk.Add(1)
	if _, err := e.Identify(t.Context(), token); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("got %v", err)
	}
	clk.Time = clk.Add(absentMemory)
	kept.down = fault.New(fault.Unavailable, "down", "down").Because(errors.New("down"))
	if _, err := e.Identify(t.Context(), token); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without its key: %v, want Unavailable", err)
	}
}

func TestEmbedTokensOutliveOneRotationOfTheirKey(t *testing.T) {
	e, kept, clk := newEmbeds()
	token := mint(t, e)
	for rotations, want := range []bool{true, true, false} {
		if rotations > 0 {
			fresh := secret.New([]byte(strings.Repeat(string(rune('a'+rotations)), signingBytes)))
			if err := kept.Put(t.Context(), secret.Deployment, EmbedSecret, fresh); err != nil {
				t.Fatal(err)
			}
		}
		clk.Time = clk.Add(signingMemory)
		if _, err := e.Identify(t.Context(), token); want != (err == nil) || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("after %d rotations: %v", rotations, err)
		}
		if _, err := e.Identify(t.Context(), mint(t, e)); err != nil {
			t.Errorf("one made after %d rotations: %v", rotations, err)
		}
	}
}

func TestAnEmbedTokenOutlivesNeitherADayNorItsMaker(t *testing.T) {
	e, _, _ := newEmbeds()
	short := maker
	short.Expires = noon.Add(time.Minute)
	for claim, c := range map[string]struct {
		by      Principal
		expires time.Time
		want    bool
	}{
		"within a day":          {maker, noon.Add(MaxEmbedLife), true},
		"longer than a day":     {maker, noon.Add(MaxEmbedLife + 1), false},
		"in the past":           {maker, noon, false},
		"as long as its maker":  {short, noon.Add(time.Minute), true},
		"longer than its maker": {short, noon.Add(time.Minute + 1), false},
	} {
		_, err := e.Mint(t.Context(), c.by, sales, c.expires)
		if c.want != (err == nil) || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", claim, err)
		}
	}
}
