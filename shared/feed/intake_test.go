package feed_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

var orders = feed.Feed{Name: "orders", Kind: feed.Kafka, Topic: "orders", Servers: []string{"b:1"}}

// place is an intake over ports in memory.
type place struct {
	*feed.Intake
	table   *fake.Table
	stream  *fake.Stream
	secrets *fake.Secrets
	keys    access.Keys
	catalog dataset.Catalog
	now     time.Time
	puts    int   // so far
	full    int   // puts that the stream takes; zero: any number
	away    error // what it says then
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{stream: fake.NewStream(1), secrets: &fake.Secrets{}, now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return p.now }
	p.table = &fake.Table{Now: clock}
	p.keys, p.catalog = access.Keys{Table: p.table, Now: clock, Random: rand.Reader}, dataset.Catalog{Table: p.table, Now: clock}
	for _, spec := range []dataset.Spec{{Name: "web", Kind: dataset.Events}, {Name: "prices", Kind: dataset.Table}} {
		if _, err := p.catalog.Create(t.Context(), "acme", spec); err != nil {
			t.Fatal(err)
		}
	}
	p.Intake = &feed.Intake{Secrets: p.secrets, Authenticator: &access.Authenticator{Keys: p.keys}, Datasets: &dataset.Cache{Catalog: p.catalog, MaxAge: time.Second},
		Enricher: enrich.New(&fieldrule.Salts{Secrets: p.secrets}, p.table, &fake.Blobs{}, clock), Meter: quota.NewMeter(p.table, clock, false), Now: clock,
		Producer: ingest.NewProducer(ingest.Options{ID: 1, Stream: counted{p.stream, p}, Buckets: 4, Now: clock, Seal: events.Seal,
			Sleep: func(_ context.Context, d time.Duration) { p.now = p.now.Add(d) }})}
	return p
}

// counted is a stream that takes so many puts.
type counted struct {
	stream.Stream
	p *place
}

func (c counted) Put(ctx context.Context, entries []stream.Entry) ([]stream.Place, error) {
	if c.p.puts++; c.p.full > 0 && c.p.puts > c.p.full {
		return nil, c.p.away
	}
	return c.Stream.Put(ctx, entries)
}

// use stores a new key as that of the feed, and returns its id.
func (p *place) use(t *testing.T, role access.Role, bound dataset.Name) string {
	t.Helper()
	key, text, err := p.keys.Create(t.Context(), "acme", access.KeySpec{Name: "feed", Role: role, Dataset: bound})
	if err != nil {
		t.Fatal(err)
	}
	p.store(t, text+"\n")
	return key.ID
}

func (p *place) store(t *testing.T, key string) {
	t.Helper()
	if err := p.secrets.Put(t.Context(), secret.Deployment, feed.KeySecret("orders"), secret.New([]byte(key))); err != nil {
		t.Fatal(err)
	}
}

// arrived lists the ids of what is on the stream.
func (p *place) arrived(t *testing.T) (ids []string) {
	t.Helper()
	shards, err := p.stream.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	records, _, err := p.stream.Read(t.Context(), shards[0].ID, "", 1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		var d events.Decoder
		env, err := d.Record(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range env.Events {
			ids = append(ids, env.Tenant+" "+e.ID)
		}
	}
	return ids
}

// some are records of one event each.
func some(n int) (all []feed.Record) {
	for i := range n {
		all = append(all, feed.Record{Partition: "0", Place: fmt.Sprint(i), Data: fmt.Appendf(nil, `{"event":"a","event_id":"e%d"}`, i)})
	}
	return all
}

func TestRecordsBecomeEventsOfTheKeysTenant(t *testing.T) {
	p := newPlace(t)
	p.use(t, access.Producer, "web")
	if taken, err := p.Take(t.Context(), orders, some(3)); taken != 3 || err != nil {
		t.Fatal(taken, err)
	}
	got := map[string]bool{}
	for _, id := range p.arrived(t) {
		got[id] = true
	}
	if diff := cmp.Diff(map[string]bool{"acme e0": true, "acme e1": true, "acme e2": true}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsTakenInNobodysName(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(t *testing.T, p *place)
		want    fault.Kind
	}{
		"without a key":        {func(*testing.T, *place) {}, fault.NotFound},
		"with one of nobody":   {func(t *testing.T, p *place) { p.store(t, "tarn_nobody") }, fault.Unauthenticated},
		"with one of a reader": {func(t *testing.T, p *place) { p.use(t, access.Viewer, "web") }, fault.Denied},
		"with one for nothing": {func(t *testing.T, p *place) { p.use(t, access.Producer, "") }, fault.Denied},
		"with one of a table":  {func(t *testing.T, p *place) { p.use(t, access.Producer, "prices") }, fault.Denied},
		"with one of what is gone": {func(t *testing.T, p *place) {
			p.use(t, access.Producer, "web")
			if _, err := p.catalog.Delete(t.Context(), "acme", "web"); err != nil {
				t.Fatal(err)
			}
		}, fault.NotFound},
		"with one that is revoked": {func(t *testing.T, p *place) {
			if err := p.keys.Revoke(t.Context(), "acme", p.use(t, access.Producer, "web")); err != nil {
				t.Fatal(err)
			}
		}, fault.Unauthenticated},
	} {
		p := newPlace(t)
		c.arrange(t, p)
		if taken, err := p.Take(t.Context(), orders, some(3)); taken != 0 || !fault.Is(err, c.want) {
			t.Errorf("%s: %d taken, %v", name, taken, err)
		}
		if got := p.arrived(t); len(got) > 0 {
			t.Errorf("%s: on the stream are %v", name, got)
		}
	}
}

func TestAFeedEndsWithItsKeyAndGoesOnWithTheNext(t *testing.T) {
	p := newPlace(t)
	first := p.use(t, access.Producer, "web")
	if _, err := p.Take(t.Context(), orders, some(1)); err != nil {
		t.Fatal(err)
	}
	if err := p.keys.Revoke(t.Context(), "acme", first); err != nil {
		t.Fatal(err)
	}
	p.now = p.now.Add(access.KeyMemory)
	if taken, err := p.Take(t.Context(), orders, some(1)); taken != 0 || !fault.Is(err, fault.Unauthenticated) {
		t.Fatal(taken, err)
	}
	p.use(t, access.Producer, "web")
	if taken, err := p.Take(t.Context(), orders, some(1)); taken != 1 || err != nil {
		t.Error(taken, err)
	}
}

func TestWhatIsOverTheKeysQuotaIsTakenLater(t *testing.T) {
	p := newPlace(t)
	p.use(t, access.Producer, "web")
	policy, err := json.Marshal(quota.Policy{Key: quota.Rates{Events: quota.Rate{Quota: 10, Seconds: 60}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.table.Commit(t.Context(), table.Put(table.Item{Key: quota.Place("acme"), Body: policy})); err != nil {
		t.Fatal(err)
	}
	if taken, err := p.Take(t.Context(), orders, some(8)); taken != 8 || err != nil {
		t.Fatal(taken, err)
	}
	if taken, err := p.Take(t.Context(), orders, some(8)); taken != 0 || !fault.Is(err, fault.Throttled) {
		t.Fatal(taken, err)
	}
	p.now = p.now.Add(time.Minute)
	if taken, err := p.Take(t.Context(), orders, some(8)); taken != 8 || err != nil {
		t.Error(taken, err)
	}
}

// TestWhatTheStreamDidNotTakeIsToBeGivenAgain has so much in each record that a put holds
// one alone.
func TestWhatTheStreamDidNotTakeIsToBeGivenAgain(t *testing.T) {
	var large []feed.Record
	for i := range 3 {
		text := []byte{'['}
		for n := range 20_000 {
			text = fmt.Appendf(text, `{"event":"a","event_id":"%d-%d"},`, i, n)
		}
		text[len(text)-1] = ']'
		large = append(large, feed.Record{Partition: "0", Place: fmt.Sprint(i), Data: text})
	}
	for _, kind := range []fault.Kind{fault.Unavailable, fault.Throttled} {
		p := newPlace(t)
		p.use(t, access.Producer, "web")
		p.full, p.away = 2, fault.New(kind, "away", "away")
		taken, err := p.Take(t.Context(), orders, large)
		if taken != 2 || !fault.Is(err, kind) {
			t.Fatalf("%d taken, %v", taken, err)
		}
		p.full = 0
		if again, err := p.Take(t.Context(), orders, large[taken:]); again != 1 || err != nil || len(p.arrived(t)) != 60_000 {
			t.Errorf("%d taken, %v", again, err)
		}
	}
}

func TestCredentialsAreANameAndAPassword(t *testing.T) {
	s := &fake.Secrets{}
	for text, want := range map[string]fault.Kind{`{"username":"u","password":"hidden"}`: 0, `{"password":"hidden"}`: fault.Denied, `hidden`: fault.Denied} {
		if err := s.Put(t.Context(), secret.Deployment, feed.LoginSecret("orders"), secret.New([]byte(text))); err != nil {
			t.Fatal(err)
		}
		got, err := feed.ReadCredentials(t.Context(), s, "orders")
		if (err != nil) != (want != 0) || err != nil && !fault.Is(err, want) || err == nil && got != (feed.Credentials{Username: "u", Password: "hidden"}) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if _, err := feed.ReadCredentials(t.Context(), s, "clicks"); !fault.Is(err, fault.NotFound) {
		t.Errorf("without a secret: %v", err)
	}
}
