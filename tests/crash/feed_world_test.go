package crash

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	cryptorand "crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// feedWorld is a stream that others write, an event source that delivers it at least once,
// and who takes it.
type feedWorld struct {
	*world
	feed      feed.Feed
	log       [2][]feed.Record // by partition
	committed [2]int           // records of each that the event source does not deliver again by itself
	secrets   *fake.Secrets
	intake    *feed.Intake
	accepted  *ingest.Accepted

	marks   int             // events so far; each carries its number
	good    map[string]bool // marks of those that can be stored
	bad     map[string]bool // ids of those that cannot
	batches int             // that were delivered
	again   int             // records that were delivered again
}

type faultySecrets struct {
	secret.Store
	*injector
}

func (f faultySecrets) Get(ctx context.Context, t tenant.ID, name secret.Name) (found secret.Secret, err error) {
	err = f.call(func() error { found, err = f.Store.Get(ctx, t, name); return err })
	return found, err
}

func newFeedWorld(t *testing.T, seed uint64) *feedWorld {
	w := &feedWorld{world: newWorld(t, seed), secrets: &fake.Secrets{}, good: map[string]bool{}, bad: map[string]bool{}}
	w.feed = feed.Feed{Name: "orders", Kind: []feed.Kind{feed.Kinesis, feed.MSK, feed.Kafka}[w.rng.IntN(3)]}
	w.off()
	_, key, err := access.Keys{Table: w.table, Now: w.clock, Random: cryptorand.Reader}.Create(t.Context(), owner, access.KeySpec{Name: "feed", Role: access.Producer, Dataset: "web"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.secrets.Put(t.Context(), secret.Deployment, feed.KeySecret("orders"), secret.New([]byte(key))); err != nil {
		t.Fatal(err)
	}
	w.start()
	return w
}

// start begins another run of the process that takes the feed.
func (w *feedWorld) start() {
	sender, tbl := w.newSender(), faultyTable{w.table, &w.injector}
	w.accepted = sender.accepted
	w.intake = &feed.Intake{
		Secrets: faultySecrets{w.secrets, &w.injector}, Authenticator: &access.Authenticator{Keys: access.Keys{Table: tbl, Now: w.clock}},
		Datasets: &dataset.Cache{Catalog: dataset.Catalog{Table: tbl, Now: w.clock}, MaxAge: time.Second},
		Enricher: enrich.New(&fieldrule.Salts{Secrets: w.secrets}, tbl, w.blobs, w.clock), Meter: quota.NewMeter(tbl, w.clock, w.rng.IntN(2) == 0), Producer: sender.producer, Now: w.clock,
	}
}

// put has somebody write records, one of them again now and then.
func (w *feedWorld) put() {
	p := w.rng.IntN(len(w.log))
	for range 1 + w.rng.IntN(6) {
		place := fmt.Sprint(len(w.log[p]))
		rec := feed.Record{Partition: fmt.Sprint(p), Place: place, Time: w.now.UnixMicro(), Data: w.data(p, place)}
		if w.rng.IntN(8) == 0 {
			rec.Time = 0
		}
		w.log[p] = append(w.log[p], rec)
	}
}

// data makes what a record of a place holds, in any form that there is.
func (w *feedWorld) data(partition int, place string) []byte {
	switch w.rng.IntN(9) {
	case 0:
		w.bad[fmt.Sprintf("orders/%d/%s/0", partition, place)] = true
		return []byte("<nothing that anybody reads/>")
	case 1:
		return []byte("[" + w.one() + "," + w.one() + "]")
	case 2:
		return []byte(w.one() + "\n" + w.one() + "\n" + w.one())
	case 3:
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		_, _ = z.Write([]byte(w.one() + "\n" + w.one()))
		_ = z.Close()
		return out.Bytes()
	case 4:
		if w.feed.Kind == feed.Kinesis {
			return packed(w.one(), "["+w.one()+","+w.one()+"]")
		}
	case 5: // a producer that sends again what it sent: the same id in another record
		id := fmt.Sprintf("own%d", w.rng.IntN(5))
		w.good[id] = true
		return fmt.Appendf(nil, `{"event_id":%q,"event":"seen","user_id":%q}`, id, id)
	}
	return []byte(w.one())
}

// one writes an event with a mark, and often with neither id nor time of its own.
func (w *feedWorld) one() string {
	w.marks++
	mark := fmt.Sprintf("m%d", w.marks)
	w.good[mark] = true
	var id, at string
	if w.rng.IntN(3) == 0 {
		id = fmt.Sprintf(`"event_id":"id-%s",`, mark)
	}
	if w.rng.IntN(3) == 0 {
		at = fmt.Sprintf(`"time":%q,`, w.now.Add(-time.Duration(w.rng.IntN(400*24))*time.Hour).UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf(`{%s%s"event":"seen","user_id":%q}`, id, at, mark)
}

// packed is what the Kinesis Producer Library makes of user records.
func packed(user ...string) []byte {
	var m []byte
	for _, data := range user {
		r := protowire.AppendTag(nil, 1, protowire.VarintType)
		r = protowire.AppendVarint(r, 0)
		r = protowire.AppendTag(r, 3, protowire.BytesType)
		r = protowire.AppendString(r, data)
		m = protowire.AppendTag(m, 3, protowire.BytesType)
		m = protowire.AppendBytes(m, r)
	}
	sum := md5.Sum(m)
	return bytes.Join([][]byte{{0xf3, 0x89, 0x9a, 0xc2}, m, sum[:]}, nil)
}

// hand delivers a batch as an event source does: of one partition or of all, cut anywhere,
// from where it has got to or, after a rebalance that lost that, from somewhere before.
// Only then does it note how far it has got, if it lives so long.
func (w *feedWorld) hand() {
	var batch []feed.Record
	var parts []int // of each record
	from := w.committed
	for p := range w.log {
		if w.rng.IntN(3) == 0 || len(w.log[p]) == 0 {
			continue
		}
		if w.rng.IntN(3) == 0 && from[p] > 0 {
			from[p] = w.rng.IntN(from[p])
		}
		to := min(len(w.log[p]), from[p]+1+w.rng.IntN(8))
		w.again += max(0, min(to, w.committed[p])-from[p])
		for _, rec := range w.log[p][from[p]:to] {
			batch, parts = append(batch, rec), append(parts, p)
		}
	}
	if len(batch) == 0 {
		return
	}
	w.batches++
	taken := 0
	if !survives(func() {
		var err error
		taken, err = w.intake.Take(w.t.Context(), w.feed, batch)
		if (err == nil) != (taken == len(batch)) {
			w.t.Errorf("%d of %d taken: %v", taken, len(batch), err)
		}
		if w.rng.IntN(3) == 0 {
			_ = w.accepted.Flush(w.t.Context())
		}
	}) {
		w.start()
	}
	if w.rng.IntN(4) == 0 || w.rng.IntN(2) == 0 && taken < len(batch) { // it ends first, or knows all or nothing
		return
	}
	for _, p := range parts[:taken] {
		from[p]++
	}
	for p := range from {
		w.committed[p] = max(w.committed[p], from[p])
	}
}

// drain delivers the rest, now that nothing happens any more.
func (w *feedWorld) drain() {
	w.off()
	for p := range w.log {
		if _, err := w.intake.Take(w.t.Context(), w.feed, w.log[p][w.committed[p]:]); err != nil {
			w.t.Fatal(err)
		}
		w.committed[p] = len(w.log[p])
	}
	_ = w.accepted.Flush(w.t.Context())
	w.settle()
}

// once checks that every event that was put is there once, under whatever id.
func (w *feedWorld) once() {
	want := model(w.t, w.stream, w.dataset)
	snap := w.open(w.workers[0])
	seen := map[string]bool{}
	for id, row := range w.rows(snap) {
		mark := strings.Fields(row)[len(strings.Fields(row))-2] // its user
		if seen[mark] || !w.good[mark] {
			w.t.Errorf("%s is there twice, or was never put: %s", mark, id)
		}
		seen[mark] = true
	}
	for mark := range w.good {
		if !seen[mark] {
			w.t.Errorf("%s is missing", mark)
		}
	}
	quarantined := map[string]bool{}
	for _, q := range w.quarantined(snap.State) {
		id, _, _ := strings.Cut(q, ":")
		quarantined[id] = true
		if !w.bad[id] {
			w.t.Errorf("in quarantine is %s", q)
		}
	}
	for id := range w.bad {
		if !quarantined[id] {
			w.t.Errorf("%s is not in quarantine", id)
		}
	}
	w.balance(want, snap)
}
