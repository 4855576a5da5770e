package tail_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tail"
	"github.com/tarnhq/tarn/tests/fake"
)

// bench is the stores of one test, and a producer.
type bench struct {
	t        *testing.T
	table    table.Table
	blobs    *fake.Blobs
	stream   *fake.Stream
	catalog  dataset.Catalog
	dataset  dataset.Dataset
	producer *ingest.Producer
	sealed   chan stream.Sequence
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, table: &fake.Table{Now: time.Now}, blobs: &fake.Blobs{Now: time.Now}, stream: fake.NewStream(1), sealed: make(chan stream.Sequence, 1000)}
	b.catalog = dataset.Catalog{Table: b.table, Now: time.Now}
	d, err := b.catalog.Create(t.Context(), "main", dataset.Spec{Name: "web", Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	b.dataset = d
	b.producer = ingest.NewProducer(ingest.Options{ID: 7, Stream: b.stream, Buckets: 2})
	return b
}

// send puts events with ids from..to-1 and returns where they went.
func (b *bench) send(from, to int) snapshot.Position {
	b.t.Helper()
	var batch []events.Event
	for i := from; i < to; i++ {
		batch = append(batch, events.Event{ID: fmt.Sprint("e", i), Name: "seen", Time: time.Now().UnixMicro()})
	}
	at, err := b.producer.Put(b.t.Context(), ingest.Batch{Tenant: "main", Dataset: b.dataset.ID, Arrived: time.Now().UnixMicro(), Events: batch})
	if err != nil {
		b.t.Fatal(err)
	}
	return at
}

// live is the tail of one run of a process, whose table may misbehave.
func (b *bench) live(tbl table.Table) *tail.Live {
	return &tail.Live{Catalog: b.catalog, Manifest: manifest.Store{Table: tbl, Blobs: b.blobs, Now: time.Now},
		Segments: segment.NewCache(b.blobs, 1<<20), Blobs: b.blobs, Now: time.Now}
}

// follow runs workers until the function it returns is called.
func (b *bench) follow(l *tail.Live, p tail.Policy) (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		_ = tail.Follow(ctx, b.stream, func() *tail.Worker {
			return &tail.Worker{Live: l, Stream: b.stream, Positions: checkpoint.Positions{Table: b.table}, Policy: p, Wait: time.Millisecond,
				Pause: snapshot.Every(time.Millisecond), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
				Sealed: func(_ stream.ShardID, at stream.Sequence) { b.sealed <- at }}
		}, snapshot.Every(time.Millisecond), 10*time.Second)
	})
	return func() { cancel(); running.Wait() }
}

// count waits until everything sent is visible and returns the number of rows.
func (b *bench) count(l *tail.Live, wait snapshot.Position) int64 {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	snap, err := l.Open(ctx, "main", "web", wait)
	if err != nil {
		b.t.Fatal(err)
	}
	return snap.Visible()
}

var never = tail.Policy{Rows: 1 << 30, Bytes: 1 << 40, Age: time.Hour}

func TestRowsAreVisibleBeforeTheyAreSealed(t *testing.T) {
	b := newBench(t)
	l := b.live(b.table)
	stop := b.follow(l, never)
	defer stop()
	if got := b.count(l, b.send(0, 100)); got != 100 {
		t.Errorf("%d rows, want 100", got)
	}
	st, err := l.Manifest.Load(t.Context(), "main", b.dataset.ID)
	if err != nil || st.Version != 0 {
		t.Errorf("version %d, %v: want nothing sealed", st.Version, err)
	}
}

func TestStoppingSealsAndTheNextStartReadsNothingTwice(t *testing.T) {
	b := newBench(t)
	l := b.live(b.table)
	stop := b.follow(l, never)
	b.count(l, b.send(0, 50))
	stop()
	at, err := checkpoint.Positions{Table: b.table}.Read(t.Context(), "shard-1")
	if err != nil || at == "" {
		t.Fatalf("position %q, %v: want where the sealed part ends", at, err)
	}
	again := b.live(b.table)
	stop = b.follow(again, never)
	defer stop()
	if got := b.count(again, b.send(40, 60)); got != 60 {
		t.Errorf("%d rows, want 60: the ten sent twice once", got)
	}
}

func TestATailIsSealedWhenItIsLarge(t *testing.T) {
	b := newBench(t)
	l := b.live(b.table)
	stop := b.follow(l, tail.Policy{Rows: 10, Bytes: 1 << 40, Age: time.Hour})
	defer stop()
	var at snapshot.Position
	for i := range 30 {
		at = b.send(i*10, i*10+10)
	}
	for sealed := range b.sealed { // until the last batch is in a segment
		if (snapshot.Position{"shard-1": sealed}).Covers(at) {
			break
		}
	}
	if got := b.count(l, at); got != 300 {
		t.Errorf("%d rows, want 300", got)
	}
}

func TestSealAllSealsWhatThereIsNow(t *testing.T) {
	b := newBench(t)
	l := b.live(b.table)
	stop := b.follow(l, never)
	defer stop()
	b.count(l, b.send(0, 10))
	if err := l.SealAll(t.Context(), "main", "web"); err != nil {
		t.Fatal(err)
	}
	st, err := l.Manifest.Load(t.Context(), "main", b.dataset.ID)
	if err != nil || st.Visible() != 10 {
		t.Errorf("%d rows sealed, %v, want 10", st.Visible(), err)
	}
}

func TestChildrenAreFoldedAfterTheirParents(t *testing.T) {
	b := newBench(t)
	l := b.live(b.table)
	stop := b.follow(l, never)
	defer stop()
	b.send(0, 100)
	if err := b.stream.Split(t.Context(), "shard-1", 1<<63); err != nil {
		t.Fatal(err)
	}
	if got := b.count(l, b.send(50, 150)); got != 150 { // half of them copies of what the parent has
		t.Errorf("%d rows, want 150", got)
	}
}

// flaky fails its commits for as long as it is told.
type flaky struct {
	table.Table
	mu   sync.Mutex
	fail error
}

func (f *flaky) Commit(ctx context.Context, writes ...table.Write) error {
	f.mu.Lock()
	err := f.fail
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.Table.Commit(ctx, writes...)
}

func TestASealIsTriedUntilItWorks(t *testing.T) {
	b := newBench(t)
	away := &flaky{Table: b.table, fail: fault.New(fault.Unavailable, "away", "away")}
	l := b.live(away)
	stop := b.follow(l, tail.Policy{Rows: 1, Bytes: 1, Age: time.Hour})
	at := b.send(0, 20)
	if got := b.count(l, at); got != 20 {
		t.Errorf("%d rows while sealing fails, want 20", got)
	}
	away.mu.Lock()
	away.fail = nil
	away.mu.Unlock()
	<-b.sealed
	stop()
	if got := b.count(b.live(b.table), at); got != 20 {
		t.Errorf("%d rows sealed, want 20", got)
	}
}

func TestAPoisonedRecordIsKeptAndPassedOver(t *testing.T) {
	b := newBench(t)
	if _, err := b.stream.Put(t.Context(), []stream.Entry{{Data: []byte("no envelope")}}); err != nil {
		t.Fatal(err)
	}
	l := b.live(b.table)
	stop := b.follow(l, never)
	defer stop()
	if got := b.count(l, b.send(0, 3)); got != 3 {
		t.Errorf("%d rows, want 3", got)
	}
	page, err := b.blobs.List(t.Context(), "poison/", "", 10)
	if err != nil || len(page.Blobs) != 1 || !strings.HasPrefix(page.Blobs[0].Key, "poison/shard-1/") {
		t.Errorf("poison: %v, %v", page.Blobs, err)
	}
}

func TestWhatWasSentToADeletedDatasetIsPassedOver(t *testing.T) {
	b := newBench(t)
	b.send(0, 5)
	if _, err := b.catalog.Delete(t.Context(), "main", "web"); err != nil {
		t.Fatal(err)
	}
	d, err := b.catalog.Create(t.Context(), "main", dataset.Spec{Name: "web", Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	b.dataset = d
	l := b.live(b.table)
	stop := b.follow(l, never)
	defer stop()
	if got := b.count(l, b.send(10, 12)); got != 2 {
		t.Errorf("%d rows in the new dataset of that name, want 2", got)
	}
}

func TestShardsAreReadyOnceTheirParentsAreSealed(t *testing.T) {
	shards := []stream.Shard{{ID: "a"}, {ID: "b"}, {ID: "c", Parents: []stream.ShardID{"a", "b"}}, {ID: "d", Parents: []stream.ShardID{"gone"}}}
	for claim, c := range map[string]struct {
		running, ended []stream.ShardID
		want           string
	}{
		"roots, and those whose parents have expired": {nil, nil, "a b d"},
		"not those that run":                          {[]stream.ShardID{"a"}, nil, "b d"},
		"not while one parent is left":                {[]stream.ShardID{"b"}, []stream.ShardID{"a"}, "d"},
		"a child of two that ended":                   {nil, []stream.ShardID{"a", "b", "d"}, "c"},
	} {
		t.Run(claim, func(t *testing.T) {
			set := func(ids []stream.ShardID) map[stream.ShardID]bool {
				out := map[stream.ShardID]bool{}
				for _, id := range ids {
					out[id] = true
				}
				return out
			}
			var got []string
			for _, s := range tail.Ready(shards, set(c.running), set(c.ended)) {
				got = append(got, string(s.ID))
			}
			slices.Sort(got)
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestATailOfNothingButCopiesIsSealedToo(t *testing.T) {
	b := newBench(t)
	l := b.live(b.table)
	stop := b.follow(l, tail.Policy{Rows: 20, Bytes: 1 << 40, Age: time.Hour})
	defer stop()
	b.send(0, 20)
	<-b.sealed
	b.send(0, 20) // all of them copies
	<-b.sealed
	if got := b.count(l, nil); got != 20 {
		t.Errorf("%d rows, want 20", got)
	}
}
