package eventlog_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk/disktest"
	"github.com/tarnhq/tarn/shared/adapter/embedded/eventlog"
	"github.com/tarnhq/tarn/shared/stream"
)

// TestPowerCuts runs writers, reshardings, trims and failing calls until the
// power is cut, or the process dies, at any call, again and again, and compares
// what is there after each restart with what was acknowledged.
func TestPowerCuts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := disktest.New("/")
		m := &model{acknowledged: map[string]stream.Sequence{}}
		for life := range rapid.IntRange(1, 5).Draw(r, "lives") {
			d.CutAfter(rapid.IntRange(0, 60).Draw(r, "calls"))
			if rapid.Bool().Draw(r, "faulty") {
				d.Fail(everyNth(rapid.IntRange(2, 20).Draw(r, "fails every")))
			}
			options := eventlog.Options{
				Disk: d, Shards: 2, CacheSize: 1 << 10,
				FileSize: int64(rapid.SampledFrom([]int{600, 2000, 1 << 20}).Draw(r, "file")), BlockSize: rapid.SampledFrom([]int{200, 1000}).Draw(r, "block"),
			}
			if l, err := eventlog.Open("/log", options); err == nil {
				m.live(r, l, life)
				_ = l.Close()
			}
			if rapid.Bool().Draw(r, "power") {
				d = d.Restart(func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "chance") })
			} else {
				d = d.Crash()
			}
			options.Disk = d
			l, err := eventlog.Open("/log", options)
			if err != nil {
				r.Fatalf("Open after it: %v", err)
			}
			m.check(r, l)
			if err := l.Close(); err != nil {
				r.Fatalf("Close: %v", err)
			}
		}
	})
}

func everyNth(n int) func(string, string) error {
	calls := 0 // the file system calls it under its lock
	return func(call, _ string) error {
		if calls++; calls%n == 0 && call != "open" && call != "read" && call != "readdir" && call != "stat" {
			return fmt.Errorf("%s fails", call)
		}
		return nil
	}
}

// model knows what was promised.
type model struct {
	mu           sync.Mutex
	acknowledged map[string]stream.Sequence
	trimmed      stream.Sequence // records through this one may be gone
}

const writers = 3

// live lets writers put what they can until the power is cut.
func (m *model) live(r *rapid.T, l *eventlog.Log, life int) {
	ctx := context.Background()
	splits, trims := rapid.IntRange(0, 9).Draw(r, "split at"), rapid.IntRange(0, 9).Draw(r, "trim at")
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range 10 {
				m.put(ctx, l, w, fmt.Sprintf("%d/%d/%02d", life, w, i))
				if w == 0 && i == splits {
					reshape(ctx, l)
				}
				if w == 0 && i == trims {
					m.trim(ctx, l)
				}
			}
		})
	}
	all.Wait()
}

func (m *model) put(ctx context.Context, l *eventlog.Log, w int, text string) {
	places, err := l.Put(ctx, []stream.Entry{{Hash: hashOf(w), Data: []byte(text + " one")}, {Hash: hashOf(w), Data: []byte(text + " two")}})
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acknowledged[text+" one"], m.acknowledged[text+" two"] = places[0].Sequence, places[1].Sequence
}

func hashOf(w int) stream.Hash { return stream.Hash(w) << 62 }

// reshape splits the shard of the lowest hash, or merges it with its neighbour.
func reshape(ctx context.Context, l *eventlog.Log) {
	all, err := l.Shards(ctx)
	if err != nil {
		return
	}
	open := slices.DeleteFunc(all, func(s stream.Shard) bool { return s.Closed })
	slices.SortFunc(open, func(a, b stream.Shard) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	if len(open) > 2 {
		_ = l.Merge(ctx, open[0].ID, open[1].ID)
		return
	}
	_ = l.Split(ctx, open[0].ID, open[0].Through/2)
}

// trim gives up all records that were acknowledged so far.
func (m *model) trim(ctx context.Context, l *eventlog.Log) {
	m.mu.Lock()
	for _, seq := range m.acknowledged {
		if seq.After(m.trimmed) {
			m.trimmed = seq
		}
	}
	through := m.trimmed
	m.mu.Unlock()
	if through == "" {
		return
	}
	marks := map[stream.ShardID]stream.Sequence{}
	all, _ := l.Shards(ctx)
	for _, s := range all {
		marks[s.ID] = through
	}
	_ = l.Trim(ctx, marks)
}

// check reads everything and compares.
func (m *model) check(r *rapid.T, l *eventlog.Log) {
	all, err := l.Shards(context.Background())
	if err != nil {
		r.Fatalf("Shards: %v", err)
	}
	found := map[string]stream.Sequence{}
	last := map[string]stream.Sequence{} // by life and writer
	for _, s := range all {
		var after stream.Sequence
		for {
			records, drained, err := l.Read(context.Background(), s.ID, after, 4, 0)
			if err != nil {
				r.Fatalf("Read(%s, %s): %v", s.ID, after, err)
			}
			for _, rec := range records {
				text := string(rec.Data)
				if rec.Hash < s.From || rec.Hash > s.Through {
					r.Fatalf("shard %s holds hash %x", s.ID, rec.Hash)
				}
				if !rec.Sequence.After(after) {
					r.Fatalf("sequence %s follows %s", rec.Sequence, after)
				}
				if _, twice := found[text]; twice {
					r.Fatalf("%q is there twice", text)
				}
				found[text], after = rec.Sequence, rec.Sequence
			}
			if len(records) == 0 {
				if drained != s.Closed {
					r.Fatalf("shard %+v: drained %v at its end", s, drained)
				}
				break
			}
		}
	}
	for text, seq := range m.acknowledged {
		if got, ok := found[text]; ok && got != seq || !ok && seq.After(m.trimmed) {
			r.Fatalf("%q was acknowledged at %s, found at %q", text, seq, got)
		}
	}
	texts := slices.SortedFunc(func(yield func(string) bool) {
		for text := range found {
			if !yield(text) {
				return
			}
		}
	}, func(a, b string) int {
		if found[b].After(found[a]) {
			return -1
		}
		return 1
	})
	for _, text := range texts {
		stem := text[:len(text)-len("00 one")]
		if text < string(last[stem]) {
			r.Fatalf("%q comes after %q", text, last[stem])
		}
		last[stem] = stream.Sequence(text)
	}
	// What is there now has been served: from here on it counts as acknowledged.
	for text, seq := range found {
		m.acknowledged[text] = seq
	}
}
