package feed

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/secret"
)

// Intake puts the events of feeds on Tarn's stream. It is safe for concurrent use and must
// not be copied.
type Intake struct {
	Secrets       secret.Store // with the feeds' write keys
	Authenticator *access.Authenticator
	Datasets      *dataset.Cache
	Enricher      *enrich.Enricher
	Meter         *quota.Meter
	Producer      *ingest.Producer
	Now           func() time.Time

	keys keyring
}

// A put holds no more than this: it is decoded as a whole, and repeated as a whole.
const (
	fullEvents = 20_000
	fullBytes  = 4 << 20 // of plain texts
)

// Take puts the events of records on the stream, in order. When it fails, those of the
// first taken records are stored, and all others must be given again, for nobody knows
// what became of their events. Nothing of a record makes it fail: it does so when whose
// events they are is not known now, when more come than are allowed, or when the stream
// takes none.
func (i *Intake) Take(ctx context.Context, f Feed, records []Record) (taken int, err error) {
	to, err := i.destination(ctx, f)
	if err != nil {
		return 0, err
	}
	for taken < len(records) {
		now := i.Now().UnixMicro()
		r, n := newReading(f, now), taken
		for n < len(records) && len(r.events) < fullEvents && r.bytes < fullBytes {
			r.record(records[n])
			n++
		}
		if err := i.put(ctx, to, r.events, now); err != nil {
			return taken, err
		}
		taken = n
	}
	return taken, nil
}

// destination is where the events of a feed go, and by whose leave.
type destination struct {
	writer  access.Principal
	dataset dataset.Dataset
}

// destination asks, as for each request, who a feed's key is and what it may do: a key that
// is revoked ends the feed until there is another.
func (i *Intake) destination(ctx context.Context, f Feed) (to destination, err error) {
	if to.writer, err = i.keys.identify(ctx, i, f.Name); err != nil {
		return to, err
	}
	if to.writer.Dataset == "" {
		return to, fault.New(fault.Denied, "unbound_key", "the write key of feed %s is bound to no dataset", f.Name).
			WithHint("store one that is, as the secret %s", KeySecret(f.Name))
	}
	if err := to.writer.Allow(access.WriteEvents, to.writer.Dataset, i.Now()); err != nil {
		return to, err
	}
	if to.dataset, err = i.Datasets.Get(ctx, to.writer.Tenant, to.writer.Dataset); err != nil {
		return to, err
	}
	if to.dataset.Kind != dataset.Events {
		err = fault.New(fault.Denied, "not_an_events_dataset", "dataset %q is a table and takes no events", to.dataset.Name)
	}
	return to, err
}

// put puts the events of some records on the stream.
func (i *Intake) put(ctx context.Context, to destination, all []events.Event, now int64) error {
	if len(all) == 0 {
		return nil
	}
	use := quota.Use{quota.Requests: 1, quota.Events: int64(len(all))}
	if _, err := i.Meter.Take(ctx, to.writer.Tenant, to.writer.ID, use); err != nil {
		return err
	}
	enrichment, err := i.Enricher.Prepare(ctx, to.writer.Tenant, to.dataset, all)
	if err != nil {
		return err
	}
	_, err = i.Producer.Put(ctx, ingest.Batch{Tenant: to.writer.Tenant, Dataset: to.dataset.ID, Arrived: now, Events: all, Enrichment: enrichment})
	return err
}

// Credentials are what a Kafka cluster asks for.
type Credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// ReadCredentials returns those of a feed, from the secret that LoginSecret names.
func ReadCredentials(ctx context.Context, s secret.Store, feed string) (c Credentials, err error) {
	found, err := s.Get(ctx, secret.Deployment, LoginSecret(feed))
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(found.Current.Reveal(), &c); err != nil || c.Username == "" {
		return c, fault.New(fault.Denied, "bad_login", "the secret %s is not {\"username\", \"password\"}", LoginSecret(feed)) // the cause would quote it
	}
	return c, nil
}
