package eventlog_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/adapter/embedded/disk/disktest"
	"github.com/tarnhq/tarn/shared/adapter/embedded/eventlog"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/stream/streamtest"
)

// tiny makes every test cross the borders of blocks, files and memory.
var tiny = eventlog.Options{Shards: 2, FileSize: 4 << 10, BlockSize: 512, CacheSize: 1 << 10}

func TestLog(t *testing.T) {
	for name, options := range map[string]eventlog.Options{"by default": {}, "in tiny files": tiny} {
		t.Run(name, func(t *testing.T) {
			streamtest.Run(t, func(t *testing.T) streamtest.Fixture {
				l := open(t, filepath.Join(t.TempDir(), "log"), options)
				return streamtest.Fixture{Stream: l, Split: l.Split, Merge: l.Merge}
			})
		})
	}
}

func TestRestart(t *testing.T) {
	t.Run("everything is there again, and sequences go on", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		var want []string
		var last stream.Sequence
		for run := range 5 {
			l := open(t, dir, tiny)
			for i := range 40 {
				want = append(want, fmt.Sprintf("%d.%d %050d", run, i, 0))
				place := put(t, l, 1, want[len(want)-1])
				if !place.Sequence.After(last) {
					t.Fatalf("sequence %s follows %s", place.Sequence, last)
				}
				last = place.Sequence
			}
			if diff := cmp.Diff(want, texts(t, l, "shard-000000")); diff != "" {
				t.Fatalf("run %d (-want +got):\n%s", run, diff)
			}
			closeLog(t, l)
		}
		if last != "200" {
			t.Errorf("the last of 200 records is at %s", last)
		}
	})
	t.Run("shards, their parents and their ends are remembered", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		l := open(t, dir, tiny)
		put(t, l, 1, "parent")
		must(t, l.Split(t.Context(), "shard-000000", 1<<20))
		must(t, l.Merge(t.Context(), "shard-000003", "shard-000001"))
		put(t, l, math.MaxUint64, "child")
		want := shards(t, l)
		closeLog(t, l)
		l = open(t, dir, tiny)
		if diff := cmp.Diff(want, shards(t, l)); diff != "" {
			t.Errorf("shards (-before +after):\n%s", diff)
		}
		for shard, text := range map[stream.ShardID]string{"shard-000000": "parent", "shard-000004": "child"} {
			if got := texts(t, l, shard); !slices.Equal(got, []string{text}) {
				t.Errorf("shard %s holds %q", shard, got)
			}
		}
	})
	t.Run("an index that is missing or damaged is made again", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		l := open(t, dir, tiny)
		want := fill(t, l, 200)
		closeLog(t, l)
		indexes, _ := filepath.Glob(filepath.Join(dir, "*.index"))
		if len(indexes) < 3 {
			t.Fatalf("%d indexes, want several", len(indexes))
		}
		must(t, os.Remove(indexes[0]))
		flip(t, indexes[1], 20)
		l = open(t, dir, tiny)
		if diff := cmp.Diff(want, texts(t, l, "shard-000000")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

func TestDamage(t *testing.T) {
	newest := func(t *testing.T, dir string) string {
		files, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		if len(files) == 0 {
			t.Fatal("no files")
		}
		return files[len(files)-1]
	}
	t.Run("a torn end is cut", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		l := open(t, dir, eventlog.Options{})
		want := fill(t, l, 10)
		closeLog(t, l)
		path := newest(t, dir)
		body, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, append(body, body[len(body)-100:len(body)-50]...), 0o600))
		l = open(t, dir, eventlog.Options{})
		if diff := cmp.Diff(want, texts(t, l, "shard-000000")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if place := put(t, l, 1, "next"); place.Sequence != "11" {
			t.Errorf("the next record is at %s", place.Sequence)
		}
	})
	t.Run("damage to a synced record is reported when the log is opened", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		l := open(t, dir, eventlog.Options{})
		fill(t, l, 10)
		closeLog(t, l)
		before, err := os.ReadFile(newest(t, dir))
		must(t, err)
		flip(t, newest(t, dir), len(before)/2)
		_, err = eventlog.Open(dir, eventlog.Options{})
		if !fault.Is(err, fault.Internal) {
			t.Errorf("Open: %v, want a report of damage", err)
		}
		after, err := os.ReadFile(newest(t, dir))
		must(t, err)
		if len(after) != len(before) {
			t.Errorf("the file was cut from %d to %d bytes", len(before), len(after))
		}
	})
	t.Run("damage to a full file is reported when it is read", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		l := open(t, dir, tiny)
		fill(t, l, 200)
		closeLog(t, l)
		files, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		flip(t, files[1], 2000)
		l = open(t, dir, tiny)
		if _, err := readAll(t, l, "shard-000000"); !fault.Is(err, fault.Internal) {
			t.Errorf("Read: %v, want a report of damage", err)
		}
	})
	t.Run("a missing file is reported", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		l := open(t, dir, tiny)
		fill(t, l, 200)
		closeLog(t, l)
		files, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		must(t, os.Remove(files[1]))
		if _, err := eventlog.Open(dir, tiny); !fault.Is(err, fault.Internal) {
			t.Errorf("Open: %v, want a report of damage", err)
		}
	})
}

func TestTrim(t *testing.T) {
	files := func(t *testing.T, dir string) int {
		names, err := filepath.Glob(filepath.Join(dir, "*.log"))
		must(t, err)
		return len(names)
	}
	t.Run("files that every shard is past are deleted, others stay", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		l := open(t, dir, tiny)
		put(t, l, math.MaxUint64, "other")
		all := fill(t, l, 200)
		before := files(t, dir)
		must(t, l.Trim(t.Context(), map[stream.ShardID]stream.Sequence{"shard-000000": "150"}))
		if got := files(t, dir); got != before {
			t.Errorf("%d of %d files left though a shard needs the first", got, before)
		}
		must(t, l.Trim(t.Context(), map[stream.ShardID]stream.Sequence{"shard-000000": "150", "shard-000001": "1"}))
		got := texts(t, l, "shard-000000")
		if files(t, dir) >= before || len(got) < 51 || !slices.Equal(got, all[len(all)-len(got):]) {
			t.Errorf("%d of %d files and %d records left", files(t, dir), before, len(got))
		}
		if _, _, err := l.Read(t.Context(), "shard-000000", "3", 10, 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("Read after a deleted record: %v, want NotFound", err)
		}
		if _, _, err := l.Read(t.Context(), "shard-000001", "1", 10, 0); err != nil {
			t.Errorf("Read of a shard that lost nothing unread: %v", err)
		}
		closeLog(t, l)
		l = open(t, dir, tiny)
		if diff := cmp.Diff(got, texts(t, l, "shard-000000")); diff != "" {
			t.Errorf("records after a restart (-before +after):\n%s", diff)
		}
		if _, _, err := l.Read(t.Context(), "shard-000000", "3", 10, 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("Read after a deleted record and a restart: %v, want NotFound", err)
		}
	})
	t.Run("a big newest file is deleted too once all is past", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		l := open(t, dir, eventlog.Options{Shards: 1})
		for range 3 {
			put(t, l, 1, string(make([]byte, stream.MaxRecord)))
		}
		must(t, l.Trim(t.Context(), map[stream.ShardID]stream.Sequence{"shard-000000": "3"}))
		if size := dirSize(t, dir); size > 10_000 {
			t.Errorf("%d bytes left", size)
		}
		closeLog(t, l)
		l = open(t, dir, eventlog.Options{})
		if place := put(t, l, 1, "next"); place.Sequence != "4" || len(shards(t, l)) != 1 {
			t.Errorf("the next record is at %s", place.Sequence)
		}
	})
	t.Run("files older than the retention are deleted", func(t *testing.T) {
		var clock atomic.Int64
		clock.Store(time.Now().Unix())
		options := tiny
		options.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
		options.Retention = time.Hour
		l := open(t, filepath.Join(t.TempDir(), "log"), options)
		fill(t, l, 100)
		clock.Add(3601)
		fill(t, l, 1)
		must(t, l.Trim(t.Context(), nil))
		if got := texts(t, l, "shard-000000"); len(got) > 50 || len(got) == 0 {
			t.Errorf("%d records left", len(got))
		}
	})
	t.Run("a closed shard is forgotten with its records", func(t *testing.T) {
		l := open(t, filepath.Join(t.TempDir(), "log"), tiny)
		fill(t, l, 10)
		must(t, l.Split(t.Context(), "shard-000000", 1<<20))
		fill(t, l, 100)
		must(t, l.Trim(t.Context(), map[stream.ShardID]stream.Sequence{"shard-000000": "10", "shard-000002": "110"}))
		for _, s := range shards(t, l) {
			if s.Closed {
				t.Errorf("shard %s is still there", s.ID)
			}
		}
		if _, _, err := l.Read(t.Context(), "shard-000000", "", 10, 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("Read: %v, want NotFound", err)
		}
	})
}

func TestFailure(t *testing.T) {
	broken := errors.New("broken")
	for _, call := range []string{"write", "sync", "create", "rename", "syncdir"} {
		t.Run("a put whose "+call+" fails is Unavailable, and the log goes on without it", func(t *testing.T) {
			d := disktest.New("/")
			options := tiny
			options.Disk, options.FileSize = d, 1<<10
			l := open(t, "/log", options)
			want := fill(t, l, 20)
			var fails, repairs atomic.Bool
			d.Fail(func(did, _ string) error {
				if did == call && fails.Load() || did == "truncate" && repairs.Load() {
					return broken
				}
				return nil
			})
			for range 3 {
				fails.Store(true)
				repairs.Store(true)
				for refused := 0; refused == 0; { // until the call is made at all
					place, err := attempt(t, l, "lost")
					switch {
					case fault.Is(err, fault.Unavailable):
						refused++
					case err != nil:
						t.Fatalf("Put: %v, want Unavailable", err)
					default:
						want = append(want, "lost")
						if place.Sequence != stream.Sequence(fmt.Sprint(len(want))) {
							t.Fatalf("record %d is at %s", len(want), place.Sequence)
						}
					}
				}
				fails.Store(false)
				repairs.Store(false)
				put(t, l, 1, "found")
				want = append(want, "found")
			}
			if diff := cmp.Diff(want, texts(t, l, "shard-000000")); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			closeLog(t, l)
			options.Disk = d.Restart(func(int) int { return 0 })
			l = open(t, "/log", options)
			if diff := cmp.Diff(want, texts(t, l, "shard-000000")); diff != "" {
				t.Errorf("records after a restart (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a put that would touch the reserve is Unavailable, and harms nothing", func(t *testing.T) {
		var free atomic.Uint64
		free.Store(1 << 30)
		options := tiny
		options.Space = &disk.Space{Reserve: 1 << 20, Free: func(string) (uint64, error) { return free.Load(), nil }, Now: ticking()}
		l := open(t, filepath.Join(t.TempDir(), "log"), options)
		want := fill(t, l, 5)
		free.Store(1 << 20)
		for range 3 {
			if _, err := attempt(t, l, "lost"); !fault.Is(err, fault.Unavailable) {
				t.Errorf("Put: %v, want Unavailable", err)
			}
		}
		if diff := cmp.Diff(want, texts(t, l, "shard-000000")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		free.Store(1 << 30)
		if place := put(t, l, 1, "again"); place.Sequence != "6" {
			t.Errorf("the next record is at %s", place.Sequence)
		}
	})
	t.Run("a disk that is full in the middle of a write loses nothing", func(t *testing.T) {
		d := disktest.New("/")
		options := tiny
		options.Disk = d
		l := open(t, "/log", options)
		want := fill(t, l, 5)
		var full atomic.Bool
		d.Fail(func(call, _ string) error {
			if full.Load() && call == "write" {
				return syscall.ENOSPC
			}
			return nil
		})
		full.Store(true)
		if _, err := attempt(t, l, "lost"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Put: %v, want Unavailable", err)
		}
		full.Store(false)
		put(t, l, 1, "again")
		if diff := cmp.Diff(append(want, "again"), texts(t, l, "shard-000000")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
	t.Run("what is served after a failed sync and a restart outlives a power cut", func(t *testing.T) {
		d := disktest.New("/")
		options := eventlog.Options{Disk: d, Shards: 1}
		l := open(t, "/log", options)
		put(t, l, 1, "stored")
		d.Fail(func(call, _ string) error {
			if call == "sync" || call == "truncate" {
				return broken
			}
			return nil
		})
		if _, err := attempt(t, l, "cached"); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("Put: %v, want Unavailable", err)
		}
		options.Disk = d.Crash()
		served := texts(t, open(t, "/log", options), "shard-000000")
		options.Disk = options.Disk.(*disktest.Forgetful).Restart(func(int) int { return 0 })
		if diff := cmp.Diff(served, texts(t, open(t, "/log", options), "shard-000000")); diff != "" {
			t.Errorf("records (-served +after the cut):\n%s", diff)
		}
	})
	t.Run("a closed log is Unavailable", func(t *testing.T) {
		l := open(t, filepath.Join(t.TempDir(), "log"), tiny)
		closeLog(t, l)
		if _, err := attempt(t, l, "late"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Put: %v, want Unavailable", err)
		}
		if _, _, err := l.Read(t.Context(), "shard-000000", "", 1, 0); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Read: %v, want Unavailable", err)
		}
	})
}
