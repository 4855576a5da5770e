package lake

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/tests/fake"
)

var (
	whole = events.Value{Kind: events.Int, Int: 7}
	other = events.Value{Kind: events.Float, Float: 0.5}
)

func TestWhatIsMergedIsPublishedOnce(t *testing.T) {
	w := newWorld(t)
	if r := w.publish(); r != (Report{}) || len(w.at.at) > 0 {
		t.Errorf("an empty dataset: %+v, %v", r, w.at.at)
	}
	w.seal(10, 1, whole)
	if r := w.publish(); r != (Report{}) {
		t.Errorf("before it is merged: %+v", r)
	}
	w.settle()
	if r := w.publish(); r != (Report{Added: 1}) {
		t.Errorf("once it is merged: %+v", r)
	}
	if r := w.publish(); r != (Report{}) {
		t.Errorf("again: %+v", r)
	}
	w.checkShown(10)
}

func TestAFileThatAMergeReplacedIsReplacedInOneSnapshot(t *testing.T) {
	w := newWorld(t)
	w.seal(10, 1, whole)
	w.settle()
	w.publish()
	w.now = w.now.Add(-2 * time.Hour) // more of the same day
	w.seal(10, 1, whole)
	w.settle()
	if r := w.publish(); r != (Report{Added: 1, Removed: 1}) {
		t.Errorf("%+v", r)
	}
	tbl := w.checkShown(20)
	if s, _ := tbl.snapshot(); s.Summary["operation"] != "overwrite" || s.Summary["total-records"] != "20" || s.Summary["deleted-records"] != "10" {
		t.Errorf("summary %v", s.Summary)
	}
}

func TestACommitThatWasOvertakenIsBegunAnew(t *testing.T) {
	w := newWorld(t)
	w.seal(10, 1, whole)
	w.settle()
	w.at.before = func() { w.publish() } // the other one publishes the same
	if r := w.publish(); r != (Report{}) {
		t.Errorf("the one that was overtaken: %+v", r)
	}
	w.checkShown(10)
	w.seal(30, 3, other)
	w.settle()
	w.at.before = func() {
		w.publish()
		w.seal(5, 1, whole)
		w.settle()
	}
	w.publish()
	w.publish()
	w.checkShown(45)
}

func TestAnAnswerThatIsLostChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.seal(10, 1, whole)
	w.settle()
	w.at.lose = true
	if _, err := w.Publish(t.Context(), owner, w.dataset); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v, want Unavailable", err)
	}
	if r := w.publish(); r != (Report{}) {
		t.Errorf("afterwards %+v", r)
	}
	w.checkShown(10)
}

func TestATypeThatIcebergCannotWidenGetsAFieldOfItsOwn(t *testing.T) {
	w := newWorld(t)
	names := func() (all []string) {
		for _, f := range w.checkShown(w.visible()).schema().Fields()[10:] {
			all = append(all, f.Name+" "+f.Type.String())
		}
		return all
	}
	w.seal(10, 1, whole)
	w.settle()
	w.publish()
	before := names()
	w.now = w.now.Add(24 * time.Hour)
	w.seal(10, 1, other)
	w.settle()
	w.publish()
	want := []string{"p___50rice long", "p___50rice__float double"}
	if diff := cmp.Diff(want, names()); diff != "" || !slices.Equal(before, want[:1]) {
		t.Errorf("first %q, then (-want +got):\n%s", before, diff)
	}
}

func TestSnapshotsAndFilesOfTheTableAreLetGo(t *testing.T) {
	w := newWorld(t)
	for range 8 {
		w.seal(10, 2, whole)
		w.settle() // takes two hours
		w.publish()
	}
	tbl := w.checkShown(80)
	if n := len(tbl.Snapshots); n > 3 {
		t.Errorf("%d snapshots are kept", n)
	}
	page, err := w.files.List(t.Context(), Folder(owner, w.dataset.ID)+"/", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	avro := 0
	for _, b := range page.Blobs {
		if strings.HasSuffix(b.Key, ".avro") {
			avro++
		}
	}
	if avro > 3*len(tbl.Snapshots) {
		t.Errorf("%d manifests and lists of them for %d snapshots", avro, len(tbl.Snapshots))
	}
}

func TestWhatASnapshotShowsIsNotSwept(t *testing.T) {
	w := newWorld(t)
	w.seal(10, 1, whole)
	w.settle()
	w.publish()
	shown := w.checkShown(10)
	w.now = w.now.Add(-2 * time.Hour)
	w.seal(10, 1, whole)
	w.settle() // replaces the file that is published
	w.now = w.now.Add(100 * time.Hour)
	w.sweep()
	w.readable(shown)
	w.publish()
	w.sweep() // a reader may still be at the snapshot before
	w.readable(shown)
	w.now = w.now.Add(kept + margin)
	before := len(w.segments())
	if w.sweep(); len(w.segments()) >= before {
		t.Error("the file that was replaced is never swept")
	}
}

func TestATableOfADeletedDatasetIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.seal(10, 1, whole)
	w.settle()
	w.publish()
	w.dataset = dataset.Dataset{ID: "d2", Name: "web", Kind: dataset.Events}
	w.seal(3, 1, whole)
	w.settle()
	w.publish()
	if tbl := w.checkShown(3); tbl.Properties[ownerProperty] != "d2" || len(tbl.Snapshots) != 1 {
		t.Errorf("the table is that of %s", tbl.Properties[ownerProperty])
	}
}

// breaking fails the nth call that writes, after it was done or before.
type breaking struct {
	*fake.Blobs
	*pointers
	left  *int
	after bool
}

var errBroken = fault.New(fault.Unavailable, "broken", "broken")

func (b breaking) do(call func() error) error {
	*b.left--
	if *b.left == 0 && !b.after {
		return errBroken
	}
	if err := call(); err != nil || *b.left != 0 {
		return err
	}
	return errBroken
}

func (b breaking) Put(ctx context.Context, key string, body []byte) error {
	return b.do(func() error { return b.Blobs.Put(ctx, key, body) })
}

func (b breaking) Delete(ctx context.Context, key string) error {
	return b.do(func() error { return b.Blobs.Delete(ctx, key) })
}

func (b breaking) Swap(ctx context.Context, namespace, name, from, to string) error {
	return b.do(func() error { return b.pointers.Swap(ctx, namespace, name, from, to) })
}

func TestACommitBrokenOffAtAnyCallIsEndedByTheNext(t *testing.T) {
	for _, after := range []bool{false, true} {
		for call := 1; ; call++ {
			w := newWorld(t)
			w.seal(10, 3, whole)
			w.settle()
			w.publish()
			w.seal(10, 1, other)
			w.settle()
			left := call
			broken := w.Publisher
			b := breaking{w.files, w.at, &left, after}
			broken.Blobs, broken.Pointers, broken.Manifest.Blobs = b, b, b
			_, err := broken.Publish(t.Context(), owner, w.dataset)
			w.publish()
			w.readable(w.checkShown(20))
			if left > 0 {
				if call < 5 || err != nil {
					t.Errorf("a commit of %d calls: %v", call, err)
				}
				break // it ended before that call
			}
		}
	}
}
