package eventlog_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded/eventlog"
	"github.com/tarnhq/tarn/shared/stream"
)

func open(t testing.TB, dir string, options eventlog.Options) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(dir, options)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func closeLog(t testing.TB, l *eventlog.Log) {
	t.Helper()
	must(t, l.Close())
}

func attempt(t testing.TB, l *eventlog.Log, text string) (stream.Place, error) {
	places, err := l.Put(t.Context(), []stream.Entry{{Hash: 1, Data: []byte(text)}})
	if err != nil {
		return stream.Place{}, err
	}
	return places[0], places[0].Err
}

func put(t testing.TB, l *eventlog.Log, hash stream.Hash, text string) stream.Place {
	t.Helper()
	places, err := l.Put(t.Context(), []stream.Entry{{Hash: hash, Data: []byte(text)}})
	must(t, err)
	return places[0]
}

// fill puts n records into the shard of hash 1 and returns them.
func fill(t testing.TB, l *eventlog.Log, n int) []string {
	t.Helper()
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%060d", i))
		put(t, l, 1, all[i])
	}
	return all
}

func texts(t testing.TB, l *eventlog.Log, shard stream.ShardID) []string {
	t.Helper()
	all, err := readAll(t, l, shard)
	must(t, err)
	return all
}

func readAll(t testing.TB, l *eventlog.Log, shard stream.ShardID) ([]string, error) {
	var all []string
	var after stream.Sequence
	for {
		records, _, err := l.Read(t.Context(), shard, after, 7, 0)
		if err != nil || len(records) == 0 {
			return all, err
		}
		for _, r := range records {
			all = append(all, string(r.Data))
			after = r.Sequence
		}
	}
}

func shards(t testing.TB, l *eventlog.Log) []stream.Shard {
	t.Helper()
	all, err := l.Shards(t.Context())
	must(t, err)
	return all
}

func flip(t testing.TB, path string, at int) {
	t.Helper()
	body, err := os.ReadFile(path)
	must(t, err)
	body[at] ^= 0x40
	must(t, os.WriteFile(path, body, 0o600))
}

func dirSize(t testing.TB, dir string) (size int64) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			info, infoErr := e.Info()
			size, err = size+info.Size(), infoErr
		}
		return err
	}))
	return size
}

// ticking returns a clock that moves on by a second with each look.
func ticking() func() time.Time {
	now := time.Now()
	return func() time.Time { now = now.Add(time.Second); return now }
}
