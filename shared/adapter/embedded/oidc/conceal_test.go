package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// budget is how many changes succeed before the process dies.
type budget struct{ left int }

func (b *budget) spend() error {
	if b.left--; b.left < 0 {
		return fault.New(fault.Unavailable, "died", "died")
	}
	return nil
}

type dyingTable struct {
	table.Table
	*budget
}

func (d dyingTable) Commit(ctx context.Context, writes ...table.Write) error {
	if err := d.spend(); err != nil {
		return err
	}
	return d.Table.Commit(ctx, writes...)
}

type dyingSecrets struct {
	secret.Store
	*budget
}

func (d dyingSecrets) Create(ctx context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	if err := d.spend(); err != nil {
		return err
	}
	return d.Store.Create(ctx, t, name, value)
}

func (d dyingSecrets) Put(ctx context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	if err := d.spend(); err != nil {
		return err
	}
	return d.Store.Put(ctx, t, name, value)
}

// makePlain has the table hold what earlier versions had there.
func (s *site) makePlain(t *testing.T, seed []byte) {
	t.Helper()
	ctx := t.Context()
	key := must(s.issuer.keys.current(ctx))
	writes := []table.Write{table.Put(table.Item{Key: at("keys", "1"), Body: must(json.Marshal(key))})}
	item := must(s.table.Get(ctx, byID(s.user.ID)))
	var account map[string]any
	if err := json.Unmarshal(item.Body, &account); err != nil {
		t.Fatal(err)
	}
	account["Factor"] = map[string]any{"Secret": seed, "Pending": nil, "Step": 7}
	item.Body = must(json.Marshal(account))
	if err := s.table.Commit(ctx, append(writes, table.Put(item))...); err != nil {
		t.Fatal(err)
	}
	for _, name := range must(s.secrets.List(ctx, secret.Deployment)) {
		if err := s.secrets.Delete(ctx, secret.Deployment, name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecretsOfEarlierVersionsAreMovedOutOfTheTableWhereverTheMoveIsBrokenOff(t *testing.T) {
	seed := []byte("12345678901234567890")
	for calls := range 6 {
		s := newSite(t)
		s.makePlain(t, seed)
		before := s.issuer.keys.public()
		b := &budget{left: calls}
		_, err := Conceal(t.Context(), dyingTable{s.table, b}, dyingSecrets{&s.secrets, b})
		if done := calls >= 4; done != (err == nil) {
			t.Fatalf("broken off after %d changes: %v", calls, err)
		}
		moved, err := Conceal(t.Context(), s.table, &s.secrets)
		if err != nil || moved != (calls < 4) {
			t.Fatalf("the second time: %v, %v", moved, err)
		}
		for _, key := range []table.Key{at("keys", "1"), byID(s.user.ID)} {
			item, err := s.table.Get(t.Context(), key)
			if err == nil && (strings.Contains(string(item.Body), "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA") || strings.Contains(string(item.Body), `"d":`)) {
				t.Errorf("after %d changes: %s", calls, item.Body)
			}
		}
		s.open(t)
		if !slices.ContainsFunc(s.issuer.keys.public().Keys, func(k jose.JSONWebKey) bool { return k.KeyID == before.Keys[0].KeyID }) {
			t.Error("the key that signed until now is not published")
		}
		if got := s.fill(t, password, ""); !strings.Contains(got.body, `name="code"`) {
			t.Errorf("no code is asked for: %s", got.Status)
		}
		if got := s.fill(t, password, s.codeNow(seed)); got.StatusCode != http.StatusSeeOther {
			t.Errorf("with the code: %s", got.Status)
		}
	}
}

func TestRemovingSomebodyRemovesTheirSeed(t *testing.T) {
	s := newSite(t)
	s.withFactor(t)
	other := must(s.Create(t.Context(), "bob@example.com", password, nil))
	if _, _, err := s.seeds.create(t.Context(), other.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), s.user.ID); err != nil {
		t.Fatal(err)
	}
	for _, name := range must(s.secrets.List(t.Context(), secret.Deployment)) {
		if strings.Contains(string(name), s.user.ID) {
			t.Errorf("%s is there still", name)
		}
	}
	if n := len(must(s.secrets.List(t.Context(), secret.Deployment))); n != 2 {
		t.Errorf("%d secrets are left, want the signing keys and the other's seed", n)
	}
}

func TestWithoutTheirSeedNobodyWhoHasASecondFactorSignsIn(t *testing.T) {
	s := newSite(t)
	seed := s.withFactor(t)
	if err := s.seeds.clear(t.Context(), s.user.ID); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"", s.codeNow(seed), totpCode(nil, s.clock.Unix()/30)} {
		if got := s.fill(t, password, code); got.StatusCode == http.StatusSeeOther {
			t.Errorf("signed in with code %q", code)
		}
	}
}
