package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tail"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner tenant.ID = "main"

const buckets = 8 // of the stream

// TestMain lets garbage gather for longer: a schedule keeps little and drops much.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// world is one schedule: the services that survive everything, and the processes
// that do not.
type world struct {
	t   *testing.T
	rng *rand.Rand
	now time.Time
	injector

	table   *fake.Table
	blobs   *fake.Blobs
	stream  *fake.Stream
	dataset dataset.Dataset

	sender     *sender
	workers    [2]*worker                         // two at any time: one is the zombie of the other
	busy       int                                // the worker at whose call a detour begins
	checkpoint map[stream.ShardID]stream.Sequence // how far the event source delivered with success
	sent       [][]events.Event                   // batches, for senders that retry
	answered   int                                // deliveries that were acknowledged
	sealed     map[string]string                  // rows that a reader has seen in segments
	merges     int                                // that were committed
}

// sender is one run of the ingesting process.
type sender struct {
	producer *ingest.Producer
	accepted *ingest.Accepted
}

// worker is one run of an ingestor.
type worker struct {
	live  *tail.Live
	seals map[stream.ShardID][]*tail.Seal    // frozen and not settled
	read  map[stream.ShardID]stream.Sequence // how far it folded, beyond the checkpoint
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC),
		checkpoint: map[stream.ShardID]stream.Sequence{}}
	w.injector = injector{countdown: -1, happened: map[misfortune]int{}}
	w.injector.aside, w.injector.after = w.aside, w.afterwards
	clock := func() time.Time { return w.now }
	w.table, w.blobs, w.stream = &fake.Table{Now: clock}, &fake.Blobs{Now: clock}, fake.NewStream(2)
	d, err := dataset.Catalog{Table: w.table, Now: clock, NewID: func() dataset.ID { return "d1" }}.Create(t.Context(), owner, dataset.Spec{Name: "web", Kind: dataset.Events,
		Columns: []dataset.Column{{Name: declared, Type: dataset.Int}}})
	if err != nil {
		t.Fatal(err)
	}
	w.dataset = d
	w.sender, w.workers = w.newSender(), [2]*worker{w.newWorker(), w.newWorker()}
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) newSender() *sender {
	id := events.Producer(w.rng.Uint64() | 1)
	accepted := &ingest.Accepted{Table: faultyTable{w.table, &w.injector}, Producer: id, Now: w.clock}
	options := w.options(id)
	options.Accepted = accepted
	return &sender{accepted: accepted, producer: ingest.NewProducer(options)}
}

func (w *world) options(id events.Producer) ingest.Options {
	return ingest.Options{
		ID: id, Stream: faultyStream{w.stream, &w.injector}, Buckets: buckets,
		Now: w.clock, Sleep: func(_ context.Context, d time.Duration) { w.now = w.now.Add(d) }, Patience: 5 * time.Second,
	}
}

// cacheMemory lets a worker remember nothing of ids that it met, little, or all.
var cacheMemory = []int64{0, 1 << 12, 1 << 20}

func (w *world) newWorker() *worker {
	tbl, blobs := faultyTable{w.table, &w.injector}, faultyBlobs{w.blobs, &w.injector}
	return &worker{
		live: &tail.Live{
			Catalog:  dataset.Catalog{Table: tbl, Now: w.clock},
			Manifest: manifest.Store{Table: tbl, Blobs: blobs, Now: w.clock},
			Segments: segment.NewCache(blobs, cacheMemory[w.rng.IntN(len(cacheMemory))]), Blobs: blobs, Now: w.clock,
		},
		seals: map[stream.ShardID][]*tail.Seal{}, read: map[stream.ShardID]stream.Sequence{},
	}
}

// survives runs what a process does and reports whether the process outlived it.
func survives(act func()) (alive bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(death); !ok {
				panic(p)
			}
		}
	}()
	act()
	return true
}

// send hands a batch over, as a request does.
func (w *world) send(batch []events.Event) {
	w.sent = append(w.sent, batch)
	made, enrichment := w.prepared(batch)
	if !survives(func() {
		_, err := w.sender.producer.Put(w.t.Context(), ingest.Batch{Tenant: owner, Dataset: w.dataset.ID, Arrived: w.now.UnixMicro(), Events: made, Enrichment: enrichment})
		if err == nil {
			w.answered += len(batch)
		}
		if w.rng.IntN(3) == 0 {
			_ = w.sender.accepted.Flush(w.t.Context()) // tried again later, or lost with the process
		}
	}) {
		w.sender = w.newSender()
	}
}

// batch makes events of which many are sent again, and some can never be stored.
func (w *world) batch() []events.Event {
	batch := make([]events.Event, 1+w.rng.IntN(12))
	for i := range batch {
		batch[i] = w.event()
	}
	return batch
}

func (w *world) event() events.Event {
	e := events.Event{ID: fmt.Sprintf("e%d", w.rng.IntN(60)), Name: "seen", UserID: fmt.Sprintf("u%d", w.rng.IntN(5)),
		Time: w.now.Add(-time.Duration(w.rng.IntN(3*24)) * time.Hour).UnixMicro()}
	switch w.rng.IntN(12) {
	case 0:
		e.Refused, e.Raw = events.Refusal{Code: "no_event_name", Reason: "no name"}, []byte("{}")
	case 1:
		e.Time = time.Date(1970+w.rng.IntN(56), 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro() // late, however late
	case 2:
		e.Time, e.MadeTime = w.now.UnixMicro(), true
	}
	names, values := []string{free}, []events.Value{w.value()}
	switch w.rng.IntN(6) {
	case 0:
		names, values = append(names, declared), append(values, events.Value{Kind: events.Text, Text: "seven"})
	case 1, 2:
		names, values = append(names, declared), append(values, events.Value{Kind: events.Int, Int: 7})
	case 3:
		names, values = nil, nil
	}
	if names != nil {
		e.Shape, e.Values = &events.Shape{Names: names}, values
	}
	return e
}

// value draws from the types that the inferred column widens over, rarely the wide.
func (w *world) value() events.Value {
	switch n := w.rng.IntN(40); {
	case n == 0:
		return events.Value{Kind: events.Text, Text: "text"}
	case n < 4:
		return events.Value{Kind: events.Float, Float: float64(w.rng.IntN(100)) + 0.5}
	default:
		return events.Value{Kind: events.Int, Int: int64(w.rng.IntN(1000))}
	}
}

// ready returns a random shard that an event source would deliver now: what it
// descends from has been delivered to its end.
func (w *world) ready() (stream.Shard, bool) {
	shards, _ := w.stream.Shards(w.t.Context())
	waits := map[stream.ShardID]bool{} // it, or what it descends from, has a rest; parents are listed first
	var candidates []stream.Shard
	for _, s := range shards {
		for _, p := range s.Parents {
			waits[s.ID] = waits[s.ID] || waits[p]
		}
		if w.rest(s.ID) > 0 {
			if !waits[s.ID] {
				candidates = append(candidates, s)
			}
			waits[s.ID] = true
		}
	}
	if len(candidates) == 0 {
		return stream.Shard{}, false
	}
	return candidates[w.rng.IntN(len(candidates))], true
}

// rest counts the records of a shard that were not delivered with success.
func (w *world) rest(shard stream.ShardID) int {
	records, _, _ := w.stream.Read(w.t.Context(), shard, w.checkpoint[shard], 1<<30, 0)
	return len(records)
}

// deliver gives a worker the next records of a shard, packed differently each time,
// as an event source does: fold, seal, and only then move on.
func (w *world) deliver(who int) {
	shard, ok := w.ready()
	if !ok {
		return
	}
	records, _, err := w.stream.Read(w.t.Context(), shard.ID, w.checkpoint[shard.ID], 1+w.rng.IntN(6), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.busy = who
	wk := w.workers[who]
	if len(wk.seals) > 0 { // it has been working in the other way
		wk = w.restart(who)
	}
	if !survives(func() {
		n, err := wk.live.Fold(w.t.Context(), shard, records)
		retry, sealErr := wk.live.SealNow(w.t.Context(), shard.ID)
		done := n
		for i, r := range records[:n] {
			if sealErr != nil && !retry.After(r.Sequence) {
				done = i
				break
			}
		}
		if err != nil || sealErr != nil {
			wk.live.Forget(shard.ID)
			delete(wk.read, shard.ID)
		}
		if done > 0 {
			w.reached(shard.ID, records[done-1].Sequence)
		}
	}) {
		w.restart(who)
	}
}

func (w *world) reached(shard stream.ShardID, at stream.Sequence) {
	if at.After(w.checkpoint[shard]) {
		w.checkpoint[shard] = at
	}
}

func (w *world) restart(who int) *worker {
	w.workers[who] = w.newWorker()
	return w.workers[who]
}

// follow lets a worker go on as it does on a laptop: fold some, freeze now and then,
// seal in its own time, and leave the checkpoint behind.
func (w *world) follow(who int) {
	shard, ok := w.ready()
	if !ok {
		return
	}
	w.busy = who
	wk := w.workers[who]
	if !survives(func() { w.advance(wk, shard) }) {
		w.restart(who)
	}
}

func (w *world) advance(wk *worker, shard stream.Shard) {
	ctx := w.t.Context()
	from := wk.read[shard.ID]
	if w.checkpoint[shard.ID].After(from) {
		from = w.checkpoint[shard.ID]
	}
	records, _, err := w.stream.Read(ctx, shard.ID, from, 1+w.rng.IntN(6), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	n, _ := wk.live.Fold(ctx, shard, records) // the rest is folded next time
	if n > 0 {
		wk.read[shard.ID] = records[n-1].Sequence
	}
	if len(wk.seals[shard.ID]) == 0 && w.rng.IntN(2) == 0 {
		wk.seals[shard.ID] = wk.live.Freeze(shard.ID, tail.Policy{})
		return
	}
	for _, s := range wk.seals[shard.ID] {
		switch err := s.Run(ctx); {
		case fault.Is(err, fault.Conflict):
			wk.live.Forget(shard.ID)
			delete(wk.read, shard.ID)
			delete(wk.seals, shard.ID)
			return
		case err != nil:
			return // tried again when the shard's turn comes
		}
		s.Settle()
	}
	delete(wk.seals, shard.ID)
}

// replay sends what is in quarantine again, some of it mended.
func (w *world) replay() error {
	tbl, blobs := faultyTable{w.table, &w.injector}, faultyBlobs{w.blobs, &w.injector}
	store := manifest.Store{Table: tbl, Blobs: blobs, Now: w.clock}
	st, err := store.Load(w.t.Context(), owner, w.dataset.ID)
	if err != nil {
		return err
	}
	mended := quarantine.Mended{}
	for n := range 60 {
		if w.rng.IntN(2) == 0 {
			mended[fmt.Sprintf("e%d", n)] = []byte(`{"event": "seen", "time": "2026-03-28T22:00:00Z", "user_id": "u1"}`)
		}
	}
	replayer := quarantine.Replayer{Manifest: store, Segments: segment.NewCache(blobs, 1<<20), Enricher: w.enricher(), Ingest: w.options(0)}
	_, _, err = replayer.Replay(w.t.Context(), owner, snapshot.OfState(w.dataset, st), mended)
	return err
}

// aside is what happens in the middle of somebody's call: another worker takes the
// shard, a reader looks, the stream is resharded.
func (w *world) aside() {
	switch w.rng.IntN(6) {
	case 0:
		w.reshard()
	case 1:
		w.read()
	case 2:
		_ = w.merge() // another compactor, which is faster
	case 3:
		_ = w.merge()
		w.tidy() // what the one that was overtaken has read, and what it wrote
	default:
		w.deliver(1 - w.busy)
	}
}

// afterwards is what happens between a lost answer and the next try: the copy that
// is put again may find other shards.
func (w *world) afterwards() {
	if w.rng.IntN(2) == 0 {
		w.reshard()
	}
}

// reshard splits or merges open shards on the borders of buckets.
func (w *world) reshard() {
	shards, _ := w.stream.Shards(w.t.Context())
	if len(shards) > 12 {
		return
	}
	var open []stream.Shard
	for _, s := range shards {
		if !s.Closed {
			open = append(open, s)
		}
	}
	s := open[w.rng.IntN(len(open))]
	const width = 1 << 61 // of a bucket, of which there are 8
	if middle := s.From + (s.Through-s.From)/2 + 1; w.rng.IntN(2) == 0 && uint64(middle)%width == 0 {
		if err := w.stream.Split(w.t.Context(), s.ID, middle); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	for _, next := range open {
		if s.Through+1 == next.From && next.From != 0 {
			if err := w.stream.Merge(w.t.Context(), s.ID, next.ID); err != nil {
				w.t.Fatal(err)
			}
			return
		}
	}
}
