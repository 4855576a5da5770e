package access

import (
	"bytes"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// clock is a time that only the test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newKeys() (Keys, *memory, *clock) {
	mem, clk := &memory{}, &clock{noon}
	return Keys{Table: mem, Now: clk.now, Random: mathrand.NewChaCha8([32]byte{1})}, mem, clk
}

func create(t *testing.T, keys Keys, spec KeySpec) (Key, string) {
	t.Helper()
	key, secret, err := keys.Create(t.Context(), "main", spec)
	if err != nil {
		t.Fatal(err)
	}
	return key, secret
}

var webProducer = KeySpec{Name: "shop", Role: Producer, Dataset: "web", Expires: noon.Add(time.Hour)}

func TestAKeyIdentifiesItsPrincipal(t *testing.T) {
	keys, _, _ := newKeys()
	key, secret := create(t, keys, webProducer)
	got, err := keys.Identify(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	want := Principal{Tenant: "main", ID: "key:" + key.ID, Role: Producer, Dataset: "web", Expires: noon.Add(time.Hour)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoReasonToRefuseAKeyCanBeToldFromAnother(t *testing.T) {
	keys, _, clk := newKeys()
	_, expired := create(t, keys, webProducer)
	revokedKey, revoked := create(t, keys, KeySpec{Name: "old", Role: Viewer})
	if err := keys.Revoke(t.Context(), "main", revokedKey.ID); err != nil {
		t.Fatal(err)
	}
	living, _ := create(t, keys, KeySpec{Name: "living", Role: Viewer})
	clk.Time = noon.Add(time.Hour)
	refused := map[string]string{
		"expired":            expired,
		"revoked":            revoked,
		"unknown":            formatSecret("0123456789abcdef", make([]byte, randomBytes)),
		"of another secret":  formatSecret(living.ID, make([]byte, randomBytes)),
		"with a typo":        strings.Replace(expired, expired[30:31], "x", 1),
		"empty":              "",
		"of somebody else's": "sk_live_0123456789",
	}
	var first error
	for name, secret := range refused {
		got, err := keys.Identify(t.Context(), secret)
		if !fault.Is(err, fault.Unauthenticated) || !got.IsNobody() {
			t.Errorf("a key that is %s: got %+v, %v, want nobody and Unauthenticated", name, got, err)
		}
		if first == nil {
			first = err
		}
		if diff := cmp.Diff(first, err); diff != "" {
			t.Errorf("a key that is %s is told apart: %s", name, diff)
		}
	}
}

func TestATypoIsRefusedWithoutARead(t *testing.T) {
	keys, mem, _ := newKeys()
	_, secret := create(t, keys, webProducer)
	for i := range secret {
		typo := []byte(secret)
		if typo[i]++; typo[i] == 'g' {
			typo[i] = '0'
		}
		if _, err := keys.Identify(t.Context(), string(typo)); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("typo at %d: %v, want Unauthenticated", i, err)
		}
	}
	if n := mem.reads.Load(); n != 0 {
		t.Errorf("%d reads, want none", n)
	}
}

func TestATableThatIsDownIsNotARefusal(t *testing.T) {
	keys, mem, _ := newKeys()
	_, secret := create(t, keys, webProducer)
	mem.down = fault.New(fault.Unavailable, "down", "down")
	if _, err := keys.Identify(t.Context(), secret); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestTheSecretIsNowhereInTheTable(t *testing.T) {
	keys, mem, _ := newKeys()
	_, secret := create(t, keys, webProducer)
	random := secret[len(secretPrefix)+idLength+1:]
	for _, item := range mem.written {
		if all := fmt.Sprintf("%v %s", item, item.Body); strings.Contains(all, random[:16]) {
			t.Errorf("item %v holds the secret", item.Key)
		}
	}
}

func TestSecretsHaveTheFormThatScannersKnow(t *testing.T) {
	keys, _, _ := newKeys()
	_, secret := create(t, keys, webProducer)
	if !regexp.MustCompile(`^tarn_[0-9a-f]{16}_[0-9a-f]{72}$`).MatchString(secret) {
		t.Errorf("secret %q", secret)
	}
}

func TestCreateRefusesWhatNoKeyCanBe(t *testing.T) {
	keys, mem, _ := newKeys()
	for claim, spec := range map[string]KeySpec{
		"without a name":       {Role: Viewer},
		"with a blank name":    {Name: "  ", Role: Viewer},
		"with a long name":     {Name: strings.Repeat("n", 101), Role: Viewer},
		"without a role":       {Name: "k"},
		"with a made-up role":  {Name: "k", Role: "root"},
		"with no such dataset": {Name: "k", Role: Viewer, Dataset: "No Such"},
		"expired already":      {Name: "k", Role: Viewer, Expires: noon},
	} {
		t.Run(claim, func(t *testing.T) {
			if _, _, err := keys.Create(t.Context(), "main", spec); !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v, want Invalid", err)
			}
		})
	}
	if len(mem.written) != 0 {
		t.Errorf("%d items were written", len(mem.written))
	}
}

func TestCreateFailsWithoutRandomness(t *testing.T) {
	keys, _, _ := newKeys()
	keys.Random = bytes.NewReader(make([]byte, 10))
	if _, _, err := keys.Create(t.Context(), "main", webProducer); err == nil {
		t.Error("made a key of 10 random bytes")
	}
}

func TestListPagesThroughTheTenantsKeysOnly(t *testing.T) {
	keys, _, _ := newKeys()
	want := map[string]Key{}
	for i := range 5 {
		key, _ := create(t, keys, KeySpec{Name: fmt.Sprint("key ", i), Role: Viewer})
		want[key.ID] = key
	}
	if _, _, err := keys.Create(t.Context(), "other", webProducer); err != nil {
		t.Fatal(err)
	}
	got, next := map[string]Key{}, ""
	for {
		page, more, err := keys.List(t.Context(), "main", next, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > 2 {
			t.Errorf("a page of %d keys, want at most 2", len(page))
		}
		for _, key := range page {
			got[key.ID] = key
		}
		if next = more; next == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRevoke(t *testing.T) {
	for claim, c := range map[string]struct {
		tenant tenant.ID
		id     func(Key) string
		kind   fault.Kind // of the error; Internal: none
	}{
		"an own key is revoked":                   {"main", func(k Key) string { return k.ID }, fault.Internal},
		"another tenant's key is as if it is not": {"other", func(k Key) string { return k.ID }, fault.NotFound},
		"an unknown key is not found":             {"main", func(Key) string { return "feedfeedfeedfeed" }, fault.NotFound},
	} {
		t.Run(claim, func(t *testing.T) {
			keys, _, _ := newKeys()
			key, secret := create(t, keys, webProducer)
			err := keys.Revoke(t.Context(), c.tenant, c.id(key))
			if ok := c.kind == fault.Internal; ok != (err == nil) || !ok && fault.KindOf(err) != c.kind {
				t.Errorf("got %v, want kind %v", err, c.kind)
			}
			_, identified := keys.Identify(t.Context(), secret)
			if (err == nil) == (identified == nil) {
				t.Errorf("Revoke said %v, then Identify said %v", err, identified)
			}
		})
	}
}

func TestARevokedKeyKeepsTheTimeOfItsRevocation(t *testing.T) {
	keys, _, clk := newKeys()
	key, _ := create(t, keys, webProducer)
	for range 2 {
		if err := keys.Revoke(t.Context(), "main", key.ID); err != nil {
			t.Fatal(err)
		}
		clk.Time = clk.Add(time.Minute)
	}
	page, _, err := keys.List(t.Context(), "main", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if got := page[0].Revoked; !got.Equal(noon) {
		t.Errorf("revoked at %v, want %v", got, noon)
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(formatSecret("0123456789abcdef", bytes.Repeat([]byte{7}, randomBytes)))
	f.Add("tarn_")
	f.Add("")
	f.Add(strings.Repeat("_", secretLength))
	f.Fuzz(func(t *testing.T, secret string) {
		id, ok := parseSecret(secret)
		if !ok {
			return
		}
		if len(id) != idLength || !strings.HasPrefix(secret, "tarn_"+id+"_") || checksum(secret[:secretLength-8]) != secret[secretLength-8:] {
			t.Errorf("parseSecret(%q) accepts id %q", secret, id)
		}
	})
}

func TestEveryIssuedSecretParses(t *testing.T) {
	keys := Keys{Table: &memory{}, Now: time.Now, Random: rand.Reader}
	for range 100 {
		key, secret := create(t, keys, KeySpec{Name: "k", Role: Viewer})
		if id, ok := parseSecret(secret); !ok || id != key.ID {
			t.Fatalf("parseSecret(%q) = %q, %v, want %q", secret, id, ok, key.ID)
		}
	}
}

func TestTheSecretBeforeARotationIsGoodForTheOverlap(t *testing.T) {
	keys, _, clk := newKeys()
	key, first := create(t, keys, KeySpec{Name: "k", Role: Viewer})
	rotate := func(overlap time.Duration) string {
		_, secret, err := keys.Rotate(t.Context(), "main", key.ID, overlap)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	good := func(when string, secrets map[string]bool) {
		t.Helper()
		for secret, want := range secrets {
			p, err := keys.Identify(t.Context(), secret)
			if want && (err != nil || p.ID != "key:"+key.ID) || !want && !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s: %+v, %v, want good %v", when, p, err, want)
			}
		}
	}
	second := rotate(time.Hour)
	good("after the rotation", map[string]bool{first: true, second: true})
	clk.Time = noon.Add(time.Hour)
	good("after the overlap", map[string]bool{first: false, second: true})
	third := rotate(time.Hour)
	fourth := rotate(time.Hour)
	good("after two rotations", map[string]bool{first: false, second: false, third: true, fourth: true})
	fifth := rotate(0)
	good("without an overlap", map[string]bool{fourth: false, fifth: true})
	if err := keys.Revoke(t.Context(), "main", key.ID); err != nil {
		t.Fatal(err)
	}
	good("once it is revoked", map[string]bool{fourth: false, fifth: false})
	if _, _, err := keys.Rotate(t.Context(), "main", key.ID, 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("a revoked key is rotated: %v", err)
	}
}

func TestARotationAndARevocationAtOnceLeaveTheKeyRevoked(t *testing.T) {
	for range 20 {
		keys, _, _ := newKeys()
		keys.Random = rand.Reader
		key, first := create(t, keys, KeySpec{Name: "k", Role: Viewer})
		var all sync.WaitGroup
		var second string
		all.Go(func() { _, second, _ = keys.Rotate(t.Context(), "main", key.ID, time.Hour) })
		all.Go(func() {
			if err := keys.Revoke(t.Context(), "main", key.ID); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		for _, secret := range []string{first, second} {
			if _, err := keys.Identify(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
				t.Fatalf("a revoked key is good: %v", err)
			}
		}
	}
}

func TestScopesNarrowARole(t *testing.T) {
	keys, _, _ := newKeys()
	_, secret := create(t, keys, KeySpec{Name: "k", Role: Admin, Scopes: []Action{RunQuery, ReadDataset}})
	p, err := keys.Identify(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range Actions {
		want := action == RunQuery || action == ReadDataset
		if err := p.Allow(action, "web", noon); want != (err == nil) || err != nil && !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", action, err)
		}
	}
	if diff := cmp.Diff([]Action{ReadDataset, RunQuery}, p.Actions()); diff != "" {
		t.Error(diff)
	}
}

func TestUsageIsWrittenOnceAnHourAndNeverByARequest(t *testing.T) {
	keys, mem, clk := newKeys()
	key, secret := create(t, keys, KeySpec{Name: "k", Role: Producer})
	usage := &Usage{Table: mem, Now: clk.now}
	a := &Authenticator{Keys: keys, Usage: usage}
	before := len(mem.written)
	for hour := range 3 {
		for range 10 {
			if _, err := a.IdentifyKey(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			clk.Time = clk.Add(KeyMemory)
		}
		if got := len(mem.written) - before; got != hour {
			t.Errorf("%d writes before the %d. flush, want %d", got, hour+1, hour)
		}
		for range 2 {
			if err := usage.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		listed := []Key{key}
		if err := usage.Fill(t.Context(), "main", listed); err != nil || !listed[0].LastUsed.Equal(noon.Add(time.Duration(hour)*time.Hour)) {
			t.Errorf("used %s, %v", listed[0].LastUsed, err)
		}
		clk.Time = noon.Add(time.Duration(hour+1) * time.Hour)
	}
}
