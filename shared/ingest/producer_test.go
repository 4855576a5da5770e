package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
)

var (
	errThrottled   = fault.New(fault.Throttled, "slow_down", "slow down")
	errUnavailable = fault.New(fault.Unavailable, "gone", "gone")
)

// log is a stream of one shard that fails as it is told: for each call a text with a
// letter for each entry, '.' stored, 't' throttled, 'u' unavailable, 'l' stored and
// the answer lost, 'i' can never be stored; or "!" for the whole call, "?" for the
// whole call after storing it. Calls beyond the script are stored.
type log struct {
	stream.Stream
	mu     sync.Mutex
	script []string
	puts   [][]stream.Entry
	stored []stream.Entry
}

func (l *log) Put(_ context.Context, entries []stream.Entry) ([]stream.Place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var size int
	for _, e := range entries {
		size += len(e.Data)
	}
	if len(entries) == 0 || len(entries) > stream.MaxPut || size > stream.MaxBytes {
		return nil, fault.New(fault.Invalid, "bad_put", "%d entries of %d bytes", len(entries), size)
	}
	l.puts = append(l.puts, entries)
	fates := ""
	if len(l.script) > 0 {
		fates, l.script = l.script[0], l.script[1:]
	}
	if fates == "?" {
		l.stored = append(l.stored, entries...)
	}
	if fates == "!" || fates == "?" {
		return nil, errUnavailable
	}
	places := make([]stream.Place, len(entries))
	for i, e := range entries {
		fate := byte('.')
		if i < len(fates) {
			fate = fates[i]
		}
		if fate == '.' || fate == 'l' {
			l.stored = append(l.stored, e)
			places[i] = stream.Place{Shard: "s0", Sequence: stream.Sequence(fmt.Sprint(len(l.stored)))}
		}
		switch fate {
		case 't':
			places[i].Err = errThrottled
		case 'u', 'l':
			places[i] = stream.Place{Err: errUnavailable}
		case 'i':
			places[i].Err = fault.New(fault.Invalid, "never", "never")
		}
	}
	return places, nil
}

// clock is a clock that only moves when somebody sleeps.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(_ context.Context, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newProducer(l *log, buckets int) (*Producer, *clock) {
	c := &clock{now: time.Now()}
	return NewProducer(Options{ID: 42, Stream: l, Buckets: buckets, Now: c.Now, Sleep: c.Sleep}), c
}

func batch(ids ...string) Batch {
	b := Batch{Tenant: "demo", Dataset: "a1b2c3d4e5f6", Arrived: arrivedAt}
	for _, id := range ids {
		b.Events = append(b.Events, events.Event{ID: id, Name: "n", Time: arrivedAt})
	}
	return b
}

func ids(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("e%d", i))
	}
	return out
}

func envelopes(t interface{ Fatal(...any) }, entries []stream.Entry) (out []*events.Envelope) {
	for _, e := range entries {
		var d events.Decoder // a new one each: what it decodes lasts until it decodes the next
		env, err := d.Record(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, env)
	}
	return out
}

func TestEachDeliveryHasOnePositionHoweverOftenItIsPut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &log{script: rapid.SliceOfN(rapid.StringMatching(`[.tul]{0,6}|!|\?`), 0, 20).Draw(t, "script")}
		p, _ := newProducer(l, 1<<rapid.IntRange(0, 6).Draw(t, "buckets"))
		p.Patience = 300 * time.Millisecond
		var sent, acknowledged []string
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			ids := rapid.SliceOfN(rapid.StringMatching(`[a-f]{1,2}`), 0, 12).Draw(t, "ids")
			sent = append(sent, ids...)
			if _, err := p.Put(context.Background(), batch(ids...)); err == nil {
				acknowledged = append(acknowledged, ids...)
			} else if k := fault.KindOf(err); k != fault.Unavailable && k != fault.Throttled {
				t.Fatal(err)
			}
		}
		type position struct {
			bucket uint16
			at     uint64
		}
		at := map[position]string{}
		for i, env := range envelopes(t, l.stored) {
			if env.Producer != 42 || env.Tenant != "demo" || env.Dataset != "a1b2c3d4e5f6" || env.Arrived != arrivedAt {
				t.Fatalf("other header: %+v", env)
			}
			if uint64(l.stored[i].Hash) != uint64(env.Bucket)<<p.shift {
				t.Fatalf("bucket %d is put at %#x", env.Bucket, l.stored[i].Hash)
			}
			for n, ev := range env.Events {
				where := position{env.Bucket, env.First + uint64(n)}
				if id, ok := at[where]; ok && id != ev.ID {
					t.Fatalf("%v is that of %s and of %s", where, id, ev.ID)
				}
				at[where] = ev.ID
				if p.bucket("a1b2c3d4e5f6", ev.ID) != env.Bucket {
					t.Fatalf("%s is in bucket %d", ev.ID, env.Bucket)
				}
			}
		}
		stored := map[string]int{}
		for _, id := range at {
			stored[id]++
		}
		for _, id := range acknowledged {
			stored[id]--
			if stored[id] < 0 {
				t.Fatalf("%s was acknowledged and is not stored", id)
			}
		}
		if len(at) > len(sent) {
			t.Fatalf("%d deliveries of %d events", len(at), len(sent))
		}
	})
}

func TestARetryPutsTheSameBytes(t *testing.T) {
	l := &log{script: []string{".l.u", "?"}}
	p, _ := newProducer(l, 4)
	if _, err := p.Put(t.Context(), batch(ids(40)...)); err != nil {
		t.Fatal(err)
	}
	if len(l.puts) != 3 || len(l.puts[0]) != 4 || len(l.puts[1]) != 2 || len(l.puts[2]) != 2 {
		t.Fatalf("%d puts", len(l.puts))
	}
	for i, first := range []int{1, 3} {
		if !bytes.Equal(l.puts[0][first].Data, l.puts[1][i].Data) || !bytes.Equal(l.puts[1][i].Data, l.puts[2][i].Data) {
			t.Error("the retry has other bytes")
		}
	}
}

func TestWhatBecomesOfFailures(t *testing.T) {
	many := func(fate string) []string { return strings.Split(strings.Repeat(fate+" ", 1000), " ") }
	cases := map[string]struct {
		script []string
		kind   fault.Kind
		ok     bool
	}{
		"none":                         {nil, 0, true},
		"one that passes":              {[]string{"t", "u", "!", "?"}, 0, true},
		"a stream that stays away":     {many("!"), fault.Unavailable, false},
		"a record that never gets in":  {many("u"), fault.Unavailable, false},
		"a stream that stays too slow": {many("t"), fault.Throttled, false},
		"what can never be stored":     {[]string{"i"}, fault.Invalid, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := &log{script: c.script}
			p, clock := newProducer(l, 1)
			start := clock.Now()
			reached, err := p.Put(t.Context(), batch("e1"))
			if took := clock.Now().Sub(start); took > p.Patience {
				t.Errorf("it took %v", took)
			}
			if c.ok {
				if diff := cmp.Diff(snapshot.Position{"s0": stream.Sequence(fmt.Sprint(len(l.stored)))}, reached); err != nil || diff != "" {
					t.Error(err, diff)
				}
				return
			}
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != c.kind || reached != nil {
				t.Fatalf("%v, want %v", err, c.kind)
			}
			if retry := c.kind != fault.Invalid; retry && (e.RetryAfter == 0 || len(l.puts) < 3 || len(l.puts) > 40) {
				t.Errorf("retry after %v, %d puts", e.RetryAfter, len(l.puts))
			}
		})
	}
}

func TestPositionsOfAFailedBatchAreNotUsedAgain(t *testing.T) {
	l := &log{script: []string{"i"}}
	p, _ := newProducer(l, 1)
	if _, err := p.Put(t.Context(), batch("a", "b", "c")); err == nil {
		t.Fatal("the batch did not fail")
	}
	if _, err := p.Put(t.Context(), batch("d")); err != nil {
		t.Fatal(err)
	}
	if first := envelopes(t, l.stored)[0].First; first != 3 {
		t.Errorf("the next batch begins at %d", first)
	}
}

func TestTheCallersDeadlineEndsTheRetriesAMarginBefore(t *testing.T) {
	l := &log{script: strings.Split(strings.Repeat("! ", 1000), " ")}
	p, clock := newProducer(l, 1)
	deadline := clock.Now().Add(3 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	if _, err := p.Put(ctx, batch("a")); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if left := deadline.Sub(clock.Now()); left < p.Margin || left > p.Margin+lastPause {
		t.Errorf("%v were left for the answer", left)
	}
}

func TestLargeBatchesAreManyRecordsThatFit(t *testing.T) {
	text := strings.Repeat("x", 30_000)
	b := batch(ids(400)...)
	for i := range b.Events {
		b.Events[i].UserID = text
	}
	l := &log{}
	p, _ := newProducer(l, 2)
	if _, err := p.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	next := map[uint16]uint64{}
	total := 0
	for i, env := range envelopes(t, l.stored) {
		if len(l.stored[i].Data) > stream.MaxRecord {
			t.Errorf("a record of %d bytes", len(l.stored[i].Data))
		}
		if env.First != next[env.Bucket] {
			t.Errorf("bucket %d goes on at %d, not %d", env.Bucket, env.First, next[env.Bucket])
		}
		next[env.Bucket] += uint64(len(env.Events))
		total += len(env.Events)
	}
	if total != 400 || len(l.stored) < 12 || len(l.puts) < 3 {
		t.Errorf("%d events in %d records and %d puts", total, len(l.stored), len(l.puts))
	}
}

func TestManyBucketsAreManyPuts(t *testing.T) {
	l := &log{}
	p, _ := newProducer(l, 1<<16)
	if _, err := p.Put(t.Context(), batch(ids(1200)...)); err != nil {
		t.Fatal(err)
	}
	if len(l.puts) != 3 {
		t.Errorf("%d puts", len(l.puts))
	}
}

func TestEventsOfTheSameIDKeepTheirOrder(t *testing.T) {
	b := batch("x", "a", "x", "b", "c", "x")
	for i := range b.Events {
		b.Events[i].Time += int64(i)
	}
	l := &log{}
	p, _ := newProducer(l, 64)
	if _, err := p.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var times []int64
	for _, env := range envelopes(t, l.stored) {
		for _, ev := range env.Events {
			if ev.ID == "x" {
				times = append(times, ev.Time-arrivedAt)
			}
		}
	}
	if diff := cmp.Diff([]int64{0, 2, 5}, times); diff != "" {
		t.Error(diff)
	}
}

func TestABatchIsOneEnvelopeABucketWhateverItsSize(t *testing.T) {
	l := &log{}
	p, _ := newProducer(l, 1)
	b := batch("a")
	b.Events[0].Shape = &events.Shape{Names: []string{"x"}}
	b.Events[0].Values = []events.Value{{Kind: events.Int, Int: 7}}
	b.Account = 99
	if _, err := p.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	want := []*events.Envelope{{Tenant: "demo", Dataset: "a1b2c3d4e5f6", Producer: 42, Arrived: arrivedAt, Account: 99, Events: b.Events}}
	if diff := cmp.Diff(want, envelopes(t, l.stored), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// hung is a stream that does not answer before it is told to.
type hung struct {
	log
	entered chan struct{}
	answer  chan struct{}
}

func (h *hung) Put(ctx context.Context, entries []stream.Entry) ([]stream.Place, error) {
	h.entered <- struct{}{}
	<-h.answer
	return h.log.Put(ctx, entries)
}

func TestTooMuchInFlightIsThrottled(t *testing.T) {
	h := &hung{entered: make(chan struct{}), answer: make(chan struct{})}
	p := NewProducer(Options{ID: 1, Stream: h, Buckets: 1, MaxInFlight: 100})
	done := make(chan error)
	go func() {
		_, err := p.Put(context.Background(), batch(ids(1000)...)) // more than the limit, but alone
		done <- err
	}()
	<-h.entered
	var e *fault.Error
	if _, err := p.Put(t.Context(), batch("a")); !errors.As(err, &e) || e.Kind != fault.Throttled || e.RetryAfter != time.Second {
		t.Errorf("a second batch: %v", err)
	}
	h.answer <- struct{}{}
	if err := <-done; err != nil {
		t.Error(err)
	}
	go func() { <-h.entered; h.answer <- struct{}{} }()
	if _, err := p.Put(t.Context(), batch("a")); err != nil {
		t.Errorf("once there is room: %v", err)
	}
}

func TestOnlyWhatIsAcknowledgedIsCounted(t *testing.T) {
	l := &log{script: []string{"i", "t", "."}}
	p, clock := newProducer(l, 1)
	tbl := newTable()
	p.Accepted = &Accepted{Table: tbl, Producer: 42, Now: clock.Now}
	put := func(b Batch) { _, _ = p.Put(t.Context(), b) }
	put(batch("refused by the stream"))
	put(batch("a", "b"))
	replayed := batch("counted before")
	replayed.Account = 7
	put(replayed)
	if err := p.Accepted.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[ledger.Account]int64{{Hour: ledger.HourOf(arrivedAt), Producer: 42}: 2}
	if diff := cmp.Diff(want, tbl.accounts(t)); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkPack(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			p, _ := newProducer(&log{}, 16)
			decoded, err := new(Decoder).Decode(clickstream(n), arrivedAt)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				p.pack(Batch{Tenant: "demo", Dataset: "a1b2c3d4e5f6", Arrived: arrivedAt, Events: decoded})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}
