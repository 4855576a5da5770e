package lake

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

func TestShownIsWhatReadersOfTheTableSee(t *testing.T) {
	w := newWorld(t)
	begin := w.now
	if got, err := w.Shown(t.Context(), owner, w.dataset, w.now); err != nil || got.Snapshot != 0 || len(got.Files) > 0 {
		t.Errorf("before anything is published: %+v, %v", got, err)
	}
	w.seal(10, 1, whole)
	w.settle()
	w.publish()
	first := w.shownAt(t, w.now)
	w.seal(30, 3, other)
	w.settle()
	w.publish()
	w.seal(1, 1, whole) // is not published
	st, err := w.Manifest.Load(t.Context(), owner, w.dataset.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]shown.File{}
	for _, ref := range st.Of(segment.Rows) {
		if ref.Merged {
			want[ref.Key] = shown.File{Key: ref.Key, MinTime: ref.MinTime, MaxTime: ref.MaxTime}
		}
	}
	if old := w.shownAt(t, begin); old.Snapshot != 0 || len(old.Files) > 0 {
		t.Errorf("before the first publication: %+v", old)
	}
	if diff := cmp.Diff(first, w.shownAt(t, w.now.Add(-time.Minute))); diff != "" {
		t.Errorf("before the second (-then +now):\n%s", diff)
	}
	table := w.shownAt(t, w.now)
	got := map[string]shown.File{}
	for _, f := range table.Files {
		got[f.Key] = f
	}
	if diff := cmp.Diff(want, got); diff != "" || table.Snapshot == 0 || table.Root != w.Root || table.Namespace != owner || table.Name != "web" {
		t.Errorf("%+v\n%s", table, diff)
	}
	for id, name := range map[int32]string{
		segment.FieldID(rows.Time, dataset.Time):           "time",
		segment.FieldUUID:                                  "event_uuid",
		segment.FieldID(rows.FirstProperty, dataset.Int):   "p___50rice",
		segment.FieldID(rows.FirstProperty, dataset.Float): "p___50rice__float",
	} {
		if table.Columns[id] != name {
			t.Errorf("field %d is called %q, want %q", id, table.Columns[id], name)
		}
	}
}

func (w *world) shownAt(t *testing.T, at time.Time) shown.Table {
	t.Helper()
	table, err := w.Shown(t.Context(), owner, w.dataset, at)
	if err != nil {
		t.Fatal(err)
	}
	return table
}
