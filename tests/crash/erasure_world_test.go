package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/erasure"
	"github.com/tarnhq/tarn/shared/fate"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/tests/fake"
)

// somebody is erased. One event in five is theirs, by its id: as a user, or before they
// signed in.
const somebody = "somebody-2c9f1e"

func isSomebodys(id string) bool { return numberOf(id)%5 == 1 }

func numberOf(id string) (n int) {
	_, _ = fmt.Sscanf(id, "e%d", &n)
	return n
}

// erasing is a world in which somebody is being erased.
type erasing struct {
	*world
	request    json.RawMessage
	checkpoint json.RawMessage // that was saved
	result     erasure.Certificate
	pointers   *locations
	salts      *fieldrule.Salts
	engine     engine.Reader // of an erasure by a filter; nil: somebody is erased as a subject
	erases     bool          // now
	done       bool
}

func newErasing(t *testing.T, seed uint64) *erasing {
	w := &erasing{world: newWorld(t, seed), pointers: &locations{at: map[string]string{}}, salts: &fieldrule.Salts{Secrets: &fake.Secrets{}}}
	w.off()
	w.injector.aside, w.injector.after = w.meanwhile, func() {}
	return w
}

// whose gives the events of a batch their users. A rule hashes the ids of some.
func (w *erasing) whose(batch []events.Event) []events.Event {
	for i := range batch {
		e := &batch[i]
		e.UserID = "somebody else"
		if isSomebodys(e.ID) {
			e.UserID = somebody
			if len(e.ID)%2 == 0 {
				e.UserID, e.AnonymousID = "", somebody
			}
		}
		if e.Refused.Code != "" {
			e.Raw = []byte(fmt.Sprintf(`{"context": {"user_id": %q}}`, e.UserID+e.AnonymousID))
		}
		if numberOf(e.ID)%3 == 0 {
			rules := []fieldrule.Rule{{Field: "user_id", Treat: fieldrule.Hash}, {Field: "anonymous_id", Treat: fieldrule.Hash}}
			if err := w.salts.Apply(w.t.Context(), owner, rules, batch[i:i+1]); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return batch
}

// sends sends some events. After an erasure by a filter they are of others: nothing keeps
// later events of somebody away.
func (w *erasing) sends() {
	batch := w.whose(w.batch())
	if w.engine != nil && w.done {
		batch = slices.DeleteFunc(batch, func(e events.Event) bool { return isSomebodys(e.ID) })
	}
	w.send(batch)
}

// order asks for the erasure of somebody.
func (w *erasing) order() {
	source := &snapshot.Sealed{Catalog: dataset.Catalog{Table: w.table, Now: w.clock}, Manifest: manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}}
	o := erasure.Orders{Gate: gate.New(source, w.table, w.clock), Suppressions: suppression.Store{Table: w.table}, Salts: w.salts}
	spec, err := o.Spec(w.t.Context(), access.Principal{Tenant: owner, ID: "user:1", Role: access.Admin}, access.EraseSubjects, w.asked())
	if err != nil {
		w.t.Fatal(err)
	}
	w.request = spec.Request
}

// asked is somebody as a subject, or a filter of their rows.
func (w *erasing) asked() erasure.Request {
	if w.engine == nil {
		return erasure.Request{Subject: somebody}
	}
	salt, err := w.salts.Of(w.t.Context(), owner)
	if err != nil {
		w.t.Fatal(err)
	}
	ids, _ := json.Marshal([]string{somebody, salt.Hash(somebody)})
	filter := fmt.Sprintf(`{"or": [{"column": "user_id", "op": "in", "value": %[1]s}, {"column": "anonymous_id", "op": "in", "value": %[1]s}]}`, ids)
	return erasure.Request{Dataset: w.dataset.Name, Filter: json.RawMessage(filter)}
}

// Save, Report and Logf implement job.Checkpointer.
func (w *erasing) Save(_ context.Context, checkpoint any, _ job.Progress) error {
	text, err := json.Marshal(checkpoint)
	return w.call(func() error { w.checkpoint = text; return err })
}

func (w *erasing) Report(job.Progress) {}
func (w *erasing) Logf(string, ...any) {}

// erase runs the job as far as it comes.
func (w *erasing) erase() error {
	w.erases = true
	defer func() { w.erases = false }()
	tbl, blobs := faultyTable{w.table, &w.injector}, faultyBlobs{w.blobs, &w.injector}
	store := manifest.Store{Table: tbl, Blobs: blobs, Now: w.clock}
	r := erasure.Runner{
		Catalog: dataset.Catalog{Table: tbl, Now: w.clock}, Manifest: store, Jobs: job.Jobs{Table: tbl, Now: w.clock}, Now: w.clock, Engine: w.engine,
		Lake: &lake.Publisher{Manifest: store, Blobs: blobs, Pointers: faultyPointers{w.pointers, &w.injector}, Root: "blobs://", Now: w.clock},
	}
	result, err := r.Run(w.t.Context(), job.Job{ID: "j1", Tenant: owner, Request: w.request, Checkpoint: w.checkpoint}, w)
	if err == nil {
		w.done, w.result = true, result.(erasure.Certificate)
	}
	return err
}

func (w *erasing) publish() error {
	store := manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}
	_, err := lake.Publisher{Manifest: store, Blobs: w.blobs, Pointers: w.pointers, Root: "blobs://", Now: w.clock}.Publish(w.t.Context(), owner, w.dataset)
	return err
}

// meanwhile is what happens in the middle of somebody's call.
func (w *erasing) meanwhile() {
	switch w.rng.IntN(4) {
	case 0:
		_ = w.merge()
	case 1:
		_ = w.publish()
	case 2:
		w.deliver(1 - w.busy)
	default:
		if w.erases && w.engine == nil { // and not a sender, whose call it would be in
			w.sends()
		}
		w.deliver(1 - w.busy)
	}
}

// complete begins the job again until it is done.
func (w *erasing) complete() {
	w.off()
	for range 10 {
		if w.done {
			return
		}
		if err := w.erase(); err != nil {
			w.t.Logf("again after: %v", err)
		}
	}
	w.t.Fatal("the erasure does not end")
}

// locations are lake.Pointers in memory.
type locations struct{ at map[string]string }

func (p *locations) Current(_ context.Context, namespace, name string) (string, error) {
	if at := p.at[namespace+"."+name]; at != "" {
		return at, nil
	}
	return "", fault.New(fault.NotFound, "no_table", "no table")
}

func (p *locations) Swap(_ context.Context, namespace, name, from, to string) error {
	if p.at[namespace+"."+name] != from {
		return fault.New(fault.Conflict, "moved", "the table moved on")
	}
	p.at[namespace+"."+name] = to
	return nil
}

type faultyPointers struct {
	*locations
	*injector
}

func (f faultyPointers) Swap(ctx context.Context, namespace, name, from, to string) error {
	return f.call(func() error { return f.locations.Swap(ctx, namespace, name, from, to) })
}

// checkErased compares what is there with the model of a world without somebody.
func (w *erasing) checkErased() {
	all := model(w.t, w.stream, w.dataset)
	snap := snapshot.OfState(w.dataset, w.state())
	want, got := outcome{Rows: map[string]string{}, Duplicates: map[string]int{}}, outcome{Rows: w.rows(snap), Duplicates: w.duplicates(snap.State), Quarantined: w.quarantined(snap.State)}
	for id, row := range all.Rows {
		if !isSomebodys(id) {
			want.Rows[id] = row
		}
	}
	for id, n := range all.Duplicates {
		if !isSomebodys(id) {
			want.Duplicates[id] = n
		}
	}
	for _, q := range all.Quarantined {
		if id, _, _ := strings.Cut(q, ":"); !isSomebodys(id) || w.engine != nil { // a filter is of rows
			want.Quarantined = append(want.Quarantined, q)
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("the model without somebody (-) and the stores (+) differ:\n%s", diff)
	}
	w.checkLedger(all, snap, int64(len(want.Rows)))
	w.checkFates(all, snap)
	w.checkShown()
	w.scan()
}

// checkLedger holds that nothing was lost but what was erased.
func (w *erasing) checkLedger(all outcome, snap snapshot.Snapshot, visible int64) {
	acknowledged, err := ledger.Acknowledged(w.t.Context(), w.table, owner, w.dataset.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	sum, _ := ledger.Balance(acknowledged, snap.Ledger())
	if sum.Accepted != int64(all.Arrived) || sum.Pending != 0 || sum.Arrived() != sum.Accepted {
		w.t.Errorf("%d arrived, and the ledger has %+v", all.Arrived, sum)
	}
	if erased := snap.Ledger().Erased; snap.Visible() != visible || sum.Stored-erased != visible {
		w.t.Errorf("%d rows visible and %d counted, want %d stored less %d erased", visible, snap.Visible(), sum.Stored, erased)
	}
	if kept := len(w.quarantined(snap.State)); sum.Quarantined != int64(kept) {
		w.t.Errorf("%d in quarantine, and the ledger has %d", kept, sum.Quarantined)
	}
	if w.result.Rows != snap.Ledger().Erased {
		w.t.Errorf("the certificate has %d rows, the ledger %d", w.result.Rows, snap.Ledger().Erased)
	}
}

// checkFates holds that somebody's events are told to be erased or dropped.
func (w *erasing) checkFates(all outcome, snap snapshot.Snapshot) {
	finder := fate.Finder{Segments: segment.NewCache(w.blobs, 1<<20), Stream: w.stream, Suppressions: suppression.Store{Table: w.table}}
	for id := range all.Rows {
		got, err := finder.Find(w.t.Context(), owner, snap, id, time.Time{})
		want := []string{fate.Stored}
		if isSomebodys(id) {
			want = []string{fate.Erased, fate.Dropped}
			if w.engine != nil {
				want = want[:1]
			}
			if slices.ContainsFunc(w.quarantined(snap.State), func(q string) bool { return strings.HasPrefix(q, id+":") }) {
				want = []string{fate.Quarantined} // another event of that id, which a filter leaves
			}
		}
		if err != nil || !slices.Contains(want, got.Fate) {
			w.t.Errorf("%s is %+v, %v; want %v", id, got, err, want)
		}
	}
}

// checkShown holds that the open table shows no file that is gone.
func (w *erasing) checkShown() {
	store := manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}
	shown, err := lake.Publisher{Manifest: store, Blobs: w.blobs, Pointers: w.pointers, Root: "blobs://", Now: w.clock}.Shown(w.t.Context(), owner, w.dataset, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range shown.Files {
		if _, err := w.blobs.Stat(w.t.Context(), f.Key); err != nil {
			w.t.Errorf("the open table shows %s: %v", f.Key, err)
		}
	}
}

// scan looks for somebody in every byte of every blob and item, and with another reader in
// every value of every Parquet file.
func (w *erasing) scan() {
	salt, err := w.salts.Of(w.t.Context(), owner)
	if err != nil {
		w.t.Fatal(err)
	}
	w.scanFor(somebody)
	w.scanFor(salt.Hash(somebody))
}

func (w *erasing) scanFor(name string) {
	page, err := w.blobs.List(w.t.Context(), "", "", 1000)
	if err != nil || page.Next != "" {
		w.t.Fatal(len(page.Blobs), err)
	}
	for _, b := range page.Blobs {
		if w.engine != nil && strings.Contains(b.Key, "/"+string(segment.Quarantine)+"/") {
			continue
		}
		r, err := w.blobs.Get(w.t.Context(), b.Key, 0, -1)
		if err != nil {
			w.t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			w.t.Fatal(err)
		}
		if bytes.Contains(body, []byte(name)) || strings.HasSuffix(b.Key, ".parquet") && anyValue(w.t, body, name) {
			w.t.Errorf("%s holds somebody", b.Key)
		}
	}
	for _, item := range w.table.Items() {
		if text := fmt.Sprint(item.Key, item.Attributes) + string(item.Body); strings.Contains(text, name) {
			w.t.Errorf("item %v holds somebody", item.Key)
		}
	}
}

// anyValue reports whether a text is part of any value of a Parquet file.
func anyValue(t *testing.T, body []byte, text string) bool {
	f, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquet.Row, 100)
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				if slices.ContainsFunc(row, func(v parquet.Value) bool { return strings.Contains(v.String(), text) }) {
					return true
				}
			}
			if err != nil {
				break
			}
		}
		_ = rows.Close()
	}
	return false
}
