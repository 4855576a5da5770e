package manifest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
)

// snapshots lists the files that hold snapshots of the state.
func snapshots(t *testing.T, s manifest.Store) []blob.Info {
	t.Helper()
	page, err := s.Blobs.List(t.Context(), segment.Prefix(owner, data)+"state/", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return page.Blobs
}

func grow(t *testing.T, s manifest.Store, st manifest.State, commits int) manifest.State {
	t.Helper()
	for range commits {
		st = commit(t, s, st, add(fmt.Sprintf("s-1-2-%d", st.Version)))
	}
	return st
}

func TestSweepKeepsTheNewestSnapshotOnly(t *testing.T) {
	s := store()
	st := grow(t, s, manifest.State{}, 200)
	if n := len(snapshots(t, s)); n != 3 {
		t.Fatalf("%d snapshots, want 3", n)
	}
	s.Now = func() time.Time { return now.Add(2 * time.Hour) }
	if n, err := s.Sweep(t.Context(), owner, data, time.Hour); n != 2 || err != nil {
		t.Errorf("%d deleted, %v, want 2", n, err)
	}
	if diff := cmp.Diff(st, load(t, s)); diff != "" {
		t.Error(diff)
	}
}

// meanwhile does something between the read of a snapshot's item and of its file.
type meanwhile struct {
	table.Table
	act func()
}

func (m meanwhile) Get(ctx context.Context, key table.Key) (table.Item, error) {
	item, err := m.Table.Get(ctx, key)
	if key.Sort == "state" {
		m.act()
	}
	return item, err
}

func TestAReaderWhoseSnapshotIsSweptFoldsTheLog(t *testing.T) {
	s := store()
	st := grow(t, s, manifest.State{}, 100)
	reader := s
	reader.Table = meanwhile{s.Table, func() {
		st = grow(t, s, st, 100)
		later := s
		later.Now = func() time.Time { return now.Add(2 * time.Hour) }
		if n, err := later.Sweep(t.Context(), owner, data, time.Hour); n == 0 || err != nil {
			t.Fatalf("%d deleted, %v", n, err)
		}
	}}
	if diff := cmp.Diff(st, load(t, reader)); diff != "" {
		t.Error(diff)
	}
}

func TestADeletedDatasetLeavesNothing(t *testing.T) {
	s := store()
	grow(t, s, manifest.State{}, 200) // more items than one transaction takes
	if err := s.Blobs.Put(t.Context(), ref("s-1-2-0", 1).Key, []byte("x")); err != nil {
		t.Fatal(err)
	}
	blobs, items, err := s.Delete(t.Context(), owner, data)
	if err != nil || blobs != 4 || items != 401 { // a segment and three snapshots; log, live and the newest snapshot's
		t.Errorf("%d blobs, %d items, %v", blobs, items, err)
	}
	page, err := s.Table.List(t.Context(), table.Query{Partition: checkpoint.Partition(owner, data)})
	if err != nil || len(page.Items) > 0 || len(snapshots(t, s)) > 0 {
		t.Errorf("%d items, %d snapshots are left, %v", len(page.Items), len(snapshots(t, s)), err)
	}
}

func TestASegmentThatWasRemovedIsKeptForTheGraceHoweverOldItIs(t *testing.T) {
	s := store()
	if err := s.Blobs.Put(t.Context(), ref("s-1-5-aa", 1).Key, []byte("x")); err != nil {
		t.Fatal(err)
	}
	c := add("s-1-5-aa")
	c.Mark = move("s", checkpoint.Mark{}, "5")
	st := commit(t, s, manifest.State{}, c)
	removed := now.Add(100 * time.Hour)
	s.Now = func() time.Time { return removed }
	st = commit(t, s, st, manifest.Change{Commit: "swap", Remove: []string{ref("s-1-5-aa", 1).Key}, Add: []segment.Ref{ref("b", 1)}})
	grow(t, s, st, 100) // a snapshot remembers it, too
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {time.Hour, 0}, {time.Hour + time.Microsecond, 1}} {
		s.Now = func() time.Time { return removed.Add(step.after) }
		if n, err := s.Sweep(t.Context(), owner, data, time.Hour); n != step.want || err != nil {
			t.Errorf("%v after the removal: %d deleted, %v, want %d", step.after, n, err, step.want)
		}
	}
}

func TestRemovalsAreForgottenOnceNobodyCanReadThem(t *testing.T) {
	s := store()
	st := commit(t, s, manifest.State{}, add("a"))
	st = commit(t, s, st, manifest.Change{Commit: "swap", Remove: []string{ref("a", 1).Key}, Add: []segment.Ref{ref("b", 1)}})
	s.Now = func() time.Time { return now.Add(manifest.MaxGrace) }
	if st = commit(t, s, st, add("c")); len(st.Removed) > 0 {
		t.Errorf("still remembered: %v", st.Removed)
	}
	if _, err := s.Sweep(t.Context(), owner, data, manifest.MaxGrace+1); err == nil {
		t.Error("a sweep with a longer grace than removals are remembered was not refused")
	}
}
