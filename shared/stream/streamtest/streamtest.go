// Package streamtest holds the promises that every stream.Stream keeps. Each test
// marks its records and reads from the first of them, so that all of them can
// share one stream with each other and with earlier runs; only the tests of
// resharding want a stream of their own.
package streamtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// Fixture is a stream under test.
type Fixture struct {
	Stream stream.Stream

	// Split closes a shard and opens two in its place, of which the upper one
	// begins at a hash; Merge closes two neighbours and opens one. They may return
	// before it is done. When they are nil the tests of resharding are skipped.
	Split func(ctx context.Context, shard stream.ShardID, at stream.Hash) error
	Merge func(ctx context.Context, a, b stream.ShardID) error
}

// patience bounds the wait for what a service does in its own time.
const patience = 60 * time.Second

// Run tests the stream that open returns. It calls open once for each test.
func Run(t *testing.T, open func(*testing.T) Fixture) {
	for _, group := range []map[string]func(*testing.T, stream.Stream){puts, reads, limits, shards} {
		for claim, test := range group {
			t.Run(claim, func(t *testing.T) { test(t, open(t).Stream) })
		}
	}
	for claim, test := range reshardings {
		t.Run(claim, func(t *testing.T) {
			f := open(t)
			if f.Split == nil || f.Merge == nil {
				t.Skip("the opener of this stream gives no Split and Merge, so resharding is not tested")
			}
			test(t, f)
		})
	}
}

// mark begins the data of the records of one test.
func mark() string { return "test-" + rand.Text() + "-" }

func put(t testing.TB, s stream.Stream, entries ...stream.Entry) []stream.Place {
	t.Helper()
	places, err := store(t.Context(), s, entries...)
	if err != nil {
		t.Fatal(err)
	}
	return places
}

// store puts entries and fails unless all of them are stored.
func store(ctx context.Context, s stream.Stream, entries ...stream.Entry) ([]stream.Place, error) {
	places, err := s.Put(ctx, entries)
	if err != nil || len(places) != len(entries) {
		return nil, fmt.Errorf("put of %d entries: %d places, %w", len(entries), len(places), err)
	}
	for i, place := range places {
		if place.Err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, place.Err)
		}
	}
	return places, nil
}

// anchor puts a record and returns its place, from which a test reads on.
func anchor(t testing.TB, s stream.Stream, hash stream.Hash) stream.Place {
	t.Helper()
	return put(t, s, stream.Entry{Hash: hash, Data: []byte("anchor")})[0]
}

// collect reads a shard until it has seen the data of n records that begin with
// mark, or patience ends.
func collect(t testing.TB, s stream.Stream, shard stream.ShardID, after stream.Sequence, mark string, n int) []stream.Record {
	t.Helper()
	var found []stream.Record
	for deadline := time.Now().Add(patience); len(found) < n && time.Now().Before(deadline); {
		records, drained := read(t, s, shard, after, 100, time.Second)
		found = append(found, marked(records, mark)...)
		if len(records) > 0 {
			after = records[len(records)-1].Sequence
		}
		if drained {
			break
		}
	}
	if len(found) != n {
		t.Fatalf("shard %s has %d records of this test, want %d", shard, len(found), n)
	}
	return found
}

func read(t testing.TB, s stream.Stream, shard stream.ShardID, after stream.Sequence, limit int, wait time.Duration) ([]stream.Record, bool) {
	t.Helper()
	records, drained, err := s.Read(t.Context(), shard, after, limit, wait)
	if err != nil {
		t.Fatalf("Read(%s, %s): %v", shard, after, err)
	}
	if len(records) > limit {
		t.Fatalf("Read returned %d records, limit %d", len(records), limit)
	}
	return records, drained
}

func marked(records []stream.Record, mark string) []stream.Record {
	return slices.DeleteFunc(slices.Clone(records), func(r stream.Record) bool {
		return len(r.Data) < len(mark) || string(r.Data[:len(mark)]) != mark
	})
}

func texts(records []stream.Record, mark string) []string {
	var found []string
	for _, r := range records {
		found = append(found, string(r.Data[len(mark):]))
	}
	return found
}

// list returns all shards by their ids.
func list(t testing.TB, s stream.Stream) map[stream.ShardID]stream.Shard {
	t.Helper()
	all, err := s.Shards(t.Context())
	if err != nil {
		t.Fatalf("Shards: %v", err)
	}
	byID := map[stream.ShardID]stream.Shard{}
	for _, shard := range all {
		byID[shard.ID] = shard
	}
	if len(byID) != len(all) {
		t.Errorf("Shards names a shard twice: %+v", all)
	}
	return byID
}

// openShards returns the shards that take records, in the order of their hashes.
func openShards(t testing.TB, s stream.Stream) []stream.Shard {
	t.Helper()
	var open []stream.Shard
	for _, shard := range list(t, s) {
		if !shard.Closed {
			open = append(open, shard)
		}
	}
	slices.SortFunc(open, func(a, b stream.Shard) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	return open
}

// refused reports whether an entry was turned down for what it is, be it alone
// or with the whole call.
func refused(places []stream.Place, err error) bool {
	if err == nil && len(places) > 0 {
		err = places[len(places)-1].Err
	}
	return fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge)
}
