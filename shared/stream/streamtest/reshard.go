package streamtest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/stream"
)

var shards = map[string]func(*testing.T, stream.Stream){
	"the open shards hold every hash once": func(t *testing.T, s stream.Stream) { covered(t, s) },
	"no id of a shard holds a # or a /": func(t *testing.T, s stream.Stream) {
		for id := range list(t, s) {
			if id == "" || strings.ContainsAny(string(id), "#/") {
				t.Errorf("shard %q", id)
			}
		}
	},
}

// covered fails unless each hash has one open shard.
func covered(t *testing.T, s stream.Stream) {
	t.Helper()
	var next stream.Hash
	open := openShards(t, s)
	for i, shard := range open {
		if shard.From != next || shard.Through < shard.From || i+1 < len(open) && shard.Through == math.MaxUint64 {
			t.Fatalf("shard %s holds %x to %x, want it to begin at %x", shard.ID, shard.From, shard.Through, next)
		}
		next = shard.Through + 1
	}
	if next != 0 {
		t.Fatalf("no shard holds %x and above", next)
	}
}

var reshardings = map[string]func(*testing.T, Fixture){
	"a split closes a shard, and its halves go on": func(t *testing.T, f Fixture) {
		m := mark()
		parent := openShards(t, f.Stream)[0]
		middle := parent.From + (parent.Through-parent.From)/2 + 1
		low, high := stream.Entry{Hash: middle - 1, Data: []byte(m + "low")}, stream.Entry{Hash: middle, Data: []byte(m + "high")}
		start := anchor(t, f.Stream, parent.From)
		put(t, f.Stream, low, high)
		lower, upper := split(t, f, parent, middle)
		if lower.From != parent.From || lower.Through != middle-1 || upper.From != middle || upper.Through != parent.Through {
			t.Errorf("%+v was split into %+v and %+v", parent, lower, upper)
		}
		places := put(t, f.Stream, low, high)
		if places[0].Shard != lower.ID || places[1].Shard != upper.ID {
			t.Errorf("records went to %s and %s", places[0].Shard, places[1].Shard)
		}
		if got := texts(drain(t, f.Stream, parent.ID, start.Sequence, m), m); !slices.Equal(got, []string{"low", "high"}) {
			t.Errorf("parent holds %q", got)
		}
		collect(t, f.Stream, lower.ID, "", m+"low", 1)
		collect(t, f.Stream, upper.ID, "", m+"high", 1)
	},
	"a merge closes two shards, and their child goes on": func(t *testing.T, f Fixture) {
		m := mark()
		parent := openShards(t, f.Stream)[0]
		middle := parent.From + (parent.Through-parent.From)/2 + 1
		lower, upper := split(t, f, parent, middle)
		put(t, f.Stream, stream.Entry{Hash: middle - 1, Data: []byte(m + "low")}, stream.Entry{Hash: middle, Data: []byte(m + "high")})
		child := merge(t, f, lower, upper)
		if child.From != parent.From || child.Through != parent.Through {
			t.Errorf("%+v and %+v were merged into %+v", lower, upper, child)
		}
		if place := anchor(t, f.Stream, middle); place.Shard != child.ID {
			t.Errorf("record went to %s, want %s", place.Shard, child.ID)
		}
		for shard, want := range map[stream.ShardID]string{lower.ID: "low", upper.ID: "high"} {
			if got := texts(drain(t, f.Stream, shard, "", m), m); !slices.Equal(got, []string{want}) {
				t.Errorf("shard %s holds %q, want %q", shard, got, want)
			}
		}
	},
	"a shard is drained only with its last record": func(t *testing.T, f Fixture) {
		m := mark()
		parent := openShards(t, f.Stream)[0]
		start := anchor(t, f.Stream, parent.From)
		for i := range 5 {
			put(t, f.Stream, stream.Entry{Hash: parent.From, Data: []byte(m + fmt.Sprint(i))})
		}
		split(t, f, parent, parent.From+(parent.Through-parent.From)/2+1)
		var got []string
		after := start.Sequence
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
			records, drained := read(t, f.Stream, parent.ID, after, 2, time.Second)
			got = append(got, texts(marked(records, m), m)...)
			if drained {
				break
			}
			if len(records) > 0 {
				after = records[len(records)-1].Sequence
			}
		}
		if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, got); diff != "" {
			t.Errorf("records up to the drain (-want +got):\n%s", diff)
		}
	},
	"resharding under load loses, doubles and reorders nothing": func(t *testing.T, f Fixture) {
		m := mark()
		parent := openShards(t, f.Stream)[0]
		middle := parent.From + (parent.Through-parent.From)/2 + 1
		stop := make(chan struct{})
		acknowledged := make([]int, 2)
		var writers sync.WaitGroup
		for w, hash := range []stream.Hash{parent.From, middle} {
			writers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						data := fmt.Appendf(nil, "%s%d.%08d", m, w, acknowledged[w])
						if _, err := store(t.Context(), f.Stream, stream.Entry{Hash: hash, Data: data}); err != nil {
							t.Error(err)
							return
						}
						acknowledged[w]++
					}
				}
			})
		}
		lower, upper := split(t, f, parent, middle)
		child := merge(t, f, lower, upper)
		close(stop)
		writers.Wait()
		// The last records may be the child's, which stays open: they end the reading.
		var got [2][]string
		gather := func(records []stream.Record) {
			for _, text := range texts(marked(records, m), m) {
				got[text[0]-'0'] = append(got[text[0]-'0'], text)
			}
		}
		gather(drain(t, f.Stream, parent.ID, "", m))
		gather(drain(t, f.Stream, lower.ID, "", m))
		gather(drain(t, f.Stream, upper.ID, "", m))
		gather(collect(t, f.Stream, child.ID, "", m, acknowledged[0]+acknowledged[1]-len(got[0])-len(got[1])))
		for w := range got {
			var want []string
			for i := range acknowledged[w] {
				want = append(want, fmt.Sprintf("%d.%08d", w, i))
			}
			if diff := cmp.Diff(want, got[w]); diff != "" {
				t.Errorf("records of writer %d, parents first (-want +got):\n%s", w, diff)
			}
		}
	},
}

// split splits a shard and waits until its children take records.
func split(t *testing.T, f Fixture, parent stream.Shard, at stream.Hash) (lower, upper stream.Shard) {
	t.Helper()
	if err := f.Split(t.Context(), parent.ID, at); err != nil {
		t.Fatalf("Split: %v", err)
	}
	children := successors(t, f.Stream, 2, parent.ID)
	return children[0], children[1]
}

// merge merges two shards and waits until their child takes records.
func merge(t *testing.T, f Fixture, lower, upper stream.Shard) stream.Shard {
	t.Helper()
	if err := f.Merge(t.Context(), lower.ID, upper.ID); err != nil {
		t.Fatalf("Merge: %v", err)
	}
	return successors(t, f.Stream, 1, lower.ID, upper.ID)[0]
}

// successors waits until the parents are closed and have n open children, and
// returns these in the order of their hashes.
func successors(t *testing.T, s stream.Stream, n int, parents ...stream.ShardID) []stream.Shard {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		all := list(t, s)
		closed := true
		for _, id := range parents {
			closed = closed && all[id].Closed
		}
		var children []stream.Shard
		for _, shard := range openShards(t, s) {
			if slices.ContainsFunc(parents, func(id stream.ShardID) bool { return slices.Contains(shard.Parents, id) }) {
				children = append(children, shard)
			}
		}
		if !closed || len(children) != n {
			continue
		}
		for _, child := range children {
			if len(child.Parents) != len(parents) {
				t.Errorf("shard %s has the parents %v, want %v", child.ID, child.Parents, parents)
			}
		}
		covered(t, s)
		return children
	}
	t.Fatalf("shards %v have no %d successors: %+v", parents, n, list(t, s))
	return nil
}

// drain reads a closed shard to its end and returns its records of this test.
func drain(t *testing.T, s stream.Stream, shard stream.ShardID, after stream.Sequence, mark string) []stream.Record {
	t.Helper()
	var found []stream.Record
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		records, drained := read(t, s, shard, after, 100, time.Second)
		found = append(found, marked(records, mark)...)
		if drained {
			return found
		}
		if len(records) > 0 {
			after = records[len(records)-1].Sequence
		}
	}
	t.Fatalf("shard %s does not drain", shard)
	return nil
}
