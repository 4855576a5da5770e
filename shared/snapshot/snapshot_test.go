package snapshot_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestAPositionIsReadBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := snapshot.Position{}
		for shard, n := range rapid.MapOf(rapid.StringMatching(`[a-zA-Z0-9-]{1,20}`), rapid.Uint64Min(1)).Draw(t, "position") {
			p[stream.ShardID(shard)] = stream.Sequence(time.Duration(n % 1e9).String()) // any text
		}
		got, err := snapshot.ParsePosition(p.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	f.Add("")
	f.Add(snapshot.Position{"shard-1": "17"}.String())
	f.Add("!!")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := snapshot.ParsePosition(text)
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v, want Invalid", err)
		}
		if err == nil && !p.Covers(p) {
			t.Error("a position does not cover itself")
		}
	})
}

func TestCovers(t *testing.T) {
	at := snapshot.Position{"a": "10", "b": "9"}
	for claim, c := range map[string]struct {
		wait snapshot.Position
		want bool
	}{
		"nothing":                   {nil, true},
		"itself":                    {at, true},
		"an earlier place":          {snapshot.Position{"a": "9"}, true},
		"a later one of one shard":  {snapshot.Position{"a": "9", "b": "10"}, false},
		"a shard that it knows not": {snapshot.Position{"c": "1"}, false},
	} {
		if got := at.Covers(c.wait); got != c.want {
			t.Errorf("%s: %v, want %v", claim, got, c.want)
		}
	}
}

// sealed is a source without a tail, and the store that feeds it.
func sealed(t *testing.T, poll func(context.Context) error) (*snapshot.Sealed, manifest.Store, dataset.Dataset) {
	now := func() time.Time { return time.Unix(1e9, 0) }
	tbl := &fake.Table{Now: now}
	store := manifest.Store{Table: tbl, Blobs: &fake.Blobs{Now: now}, Now: now}
	catalog := dataset.Catalog{Table: tbl, Now: now}
	d, err := catalog.Create(t.Context(), "main", dataset.Spec{Name: "web", Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	return &snapshot.Sealed{Catalog: catalog, Manifest: store, Poll: poll}, store, d
}

func TestASealedSourceWaitsForAPosition(t *testing.T) {
	polls := 0
	source, store, d := sealed(t, nil)
	source.Poll = func(ctx context.Context) error {
		polls++
		from := checkpoint.Mark{}
		_, err := store.Commit(ctx, "main", d.ID, manifest.State{}, manifest.Change{Commit: "c", Add: []segment.Ref{{Key: "k", Kind: segment.Rows, Rows: 3}},
			Mark: &manifest.MarkMove{Shard: stream.Shard{ID: "s"}, From: from, To: from.Advance("7", "c", checkpoint.Seen{})}})
		return err
	}
	snap, err := source.Open(t.Context(), "main", "web", snapshot.Position{"s": "7"})
	if err != nil || snap.Visible() != 3 || polls != 1 {
		t.Errorf("%d rows after %d polls, %v", snap.Visible(), polls, err)
	}
}

func TestWaitingInVainIsUnavailable(t *testing.T) {
	source, _, _ := sealed(t, func(context.Context) error { return errors.New("the time is up") })
	if _, err := source.Open(t.Context(), "main", "web", snapshot.Position{"s": "7"}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v, want Unavailable", err)
	}
}

func TestAnotherTenantsDatasetIsNotFound(t *testing.T) {
	source, _, _ := sealed(t, nil)
	if _, err := source.Open(t.Context(), "other", "web", nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v, want NotFound", err)
	}
}
