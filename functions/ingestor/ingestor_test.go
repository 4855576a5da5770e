package ingestor

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tail"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner tenant.ID = "main"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func clock() time.Time { return now }

// world is a stream with events of two datasets, and what is stored of them.
type world struct {
	stream   *fake.Stream
	table    *fake.Table
	blobs    *fake.Blobs
	datasets []dataset.Dataset
	producer *ingest.Producer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{stream: fake.NewStream(1), table: &fake.Table{Now: clock}, blobs: &fake.Blobs{Now: clock}}
	catalog := dataset.Catalog{Table: w.table, Now: clock}
	for _, name := range []dataset.Name{"shop", "web"} {
		d, err := catalog.Create(t.Context(), owner, dataset.Spec{Name: name, Kind: dataset.Events})
		if err != nil {
			t.Fatal(err)
		}
		w.datasets = append(w.datasets, d)
	}
	w.producer = ingest.NewProducer(ingest.Options{ID: 7, Stream: w.stream, Buckets: 1, Seal: events.Seal, Now: clock})
	return w
}

// send puts n events, one record each, on the stream: of both datasets in turn, one
// in five a copy, one in seven of no use.
func (w *world) send(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		e := events.Event{ID: fmt.Sprintf("e%d", i-i%5/4), Name: "seen", Time: now.UnixMicro()}
		if i%7 == 6 {
			e.Refused, e.Raw = events.Refusal{Code: "no_event_name", Reason: "no name"}, []byte("{}")
		}
		_, err := w.producer.Put(t.Context(), ingest.Batch{Tenant: owner, Dataset: w.datasets[i%10/5].ID, Arrived: now.UnixMicro(), Events: []events.Event{e}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ingestor is one run of the process, over ports that fail when the fuse is spent.
func (w *world) ingestor(fuse *fuse) *Ingestor {
	tbl, blobs := fusedTable{w.table, fuse}, fusedBlobs{w.blobs, fuse}
	return &Ingestor{Stream: w.stream, Live: &tail.Live{
		Catalog: dataset.Catalog{Table: tbl, Now: clock}, Manifest: manifest.Store{Table: tbl, Blobs: blobs, Now: clock},
		Segments: segment.NewCache(blobs, 1<<20), Blobs: blobs, Now: clock}}
}

// records returns everything on the stream.
func (w *world) records(t *testing.T) (stream.ShardID, []stream.Record) {
	t.Helper()
	shards, err := w.stream.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	records, _, err := w.stream.Read(t.Context(), shards[0].ID, "", 1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	return shards[0].ID, records
}

// totals are what both datasets hold: rows, duplicates, quarantined.
func (w *world) totals(t *testing.T) (all []int64) {
	t.Helper()
	for _, d := range w.datasets {
		st, err := manifest.Store{Table: w.table, Blobs: w.blobs, Now: clock}.Load(t.Context(), owner, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		sum, _ := ledger.Balance(nil, st.Ledger)
		all = append(all, st.Visible(), sum.Stored, sum.Duplicate, sum.Quarantined)
	}
	return all
}

// fuse fails every call after so many.
type fuse struct{ left int }

func (f *fuse) spent() error {
	if f.left--; f.left < 0 {
		return fault.New(fault.Unavailable, "injected", "injected")
	}
	return nil
}

type fusedTable struct {
	table.Table
	*fuse
}

func (t fusedTable) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := t.spent(); err != nil {
		return table.Item{}, err
	}
	return t.Table.Get(ctx, key)
}

func (t fusedTable) List(ctx context.Context, q table.Query) (table.Page, error) {
	if err := t.spent(); err != nil {
		return table.Page{}, err
	}
	return t.Table.List(ctx, q)
}

func (t fusedTable) Commit(ctx context.Context, writes ...table.Write) error {
	if err := t.spent(); err != nil {
		return err
	}
	return t.Table.Commit(ctx, writes...)
}

type fusedBlobs struct {
	blob.Store
	*fuse
}

func (b fusedBlobs) Put(ctx context.Context, key string, body []byte) error {
	if err := b.spent(); err != nil {
		return err
	}
	return b.Store.Put(ctx, key, body)
}

func (b fusedBlobs) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := b.spent(); err != nil {
		return nil, err
	}
	return b.Store.Get(ctx, key, offset, length)
}

const enough = 1 << 30

// undisturbed is what a world holds in which nothing fails.
func undisturbed(t *testing.T, n int) []int64 {
	t.Helper()
	w := newWorld(t)
	w.send(t, n)
	shard, records := w.records(t)
	if from, err := w.ingestor(&fuse{enough}).Consume(t.Context(), shard, records); err != nil || from != "" {
		t.Fatalf("from %q: %v", from, err)
	}
	return w.totals(t)
}

// TestABatchThatFailedAnywhereCountsOnce fails every call of every port once, in a
// process that goes on as in one that starts again.
func TestABatchThatFailedAnywhereCountsOnce(t *testing.T) {
	const n = 40
	want := undisturbed(t, n)
	if want[1] == 0 || want[2] == 0 || want[3] == 0 {
		t.Fatalf("the sample has events of one kind only: %v", want)
	}
	for _, restarts := range []bool{false, true} {
		for calls := 0; ; calls++ {
			w := newWorld(t)
			w.send(t, n)
			shard, records := w.records(t)
			f := &fuse{calls}
			process := w.ingestor(f)
			from, err := process.Consume(t.Context(), shard, records)
			if err == nil {
				if calls == 0 {
					t.Fatal("nothing was called")
				}
				break // the fuse outlasted the batch
			}
			if f.left = enough; restarts {
				process = w.ingestor(f)
			}
			if from, err = process.Consume(t.Context(), shard, since(records, from)); err != nil || from != "" {
				t.Fatalf("after %d calls: again from %q: %v", calls, from, err)
			}
			if diff := cmp.Diff(want, w.totals(t)); diff != "" {
				t.Fatalf("after %d calls, restarts %v (-want +got):\n%s", calls, restarts, diff)
			}
		}
	}
}

// since is what the event source delivers again.
func since(records []stream.Record, from stream.Sequence) []stream.Record {
	for i, r := range records {
		if r.Sequence == from {
			return records[i:]
		}
	}
	return nil
}

func TestABatchDeliveredTwiceOrPackedDifferentlyCountsOnce(t *testing.T) {
	want := undisturbed(t, 40)
	w := newWorld(t)
	w.send(t, 40)
	shard, records := w.records(t)
	process, other := w.ingestor(&fuse{enough}), w.ingestor(&fuse{enough})
	for _, part := range []struct {
		by      *Ingestor
		records []stream.Record
	}{{process, records[:10]}, {process, records[:25]}, {other, records[5:]}, {other, records}} {
		if from, err := part.by.Consume(t.Context(), shard, part.records); err != nil {
			t.Fatalf("from %q: %v", from, err)
		}
	}
	if diff := cmp.Diff(want, w.totals(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhoLostItsShardIsToldAndLeavesNothing(t *testing.T) {
	want := undisturbed(t, 40)
	w := newWorld(t)
	w.send(t, 40)
	shard, records := w.records(t)
	zombie, other := w.ingestor(&fuse{enough}), w.ingestor(&fuse{enough})
	for _, step := range []struct {
		by   *Ingestor
		to   int
		want bool
	}{{zombie, 10, true}, {other, 30, true}, {zombie, 40, false}, {zombie, 40, true}} {
		_, err := step.by.Consume(t.Context(), shard, records[:step.to])
		if (err == nil) != step.want || err != nil && !fault.Is(err, fault.Conflict) {
			t.Fatalf("up to %d: %v", step.to, err)
		}
	}
	if diff := cmp.Diff(want, w.totals(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAnUnknownShardIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.send(t, 1)
	_, records := w.records(t)
	from, err := w.ingestor(&fuse{enough}).Consume(t.Context(), "shardId-9", records)
	if !fault.Is(err, fault.Unavailable) || from != records[0].Sequence {
		t.Errorf("from %q: %v", from, err)
	}
}
