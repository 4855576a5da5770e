package athena_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/athena"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/duck/ducktest"
	"github.com/tarnhq/tarn/shared/engine/enginetest"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// pushing is an engine that puts every plan to the service that it can, and answers
// the others here.
type pushing struct {
	config         athena.Config
	lake           *lake
	service        *service
	pushed, others atomic.Int64
}

func newPushing(published *lake, here engine.Engine) *pushing {
	s := newService(published)
	return &pushing{lake: published, service: s, config: athena.Config{Inner: here, Lake: published, Service: s}}
}

func (p *pushing) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	c := p.config
	table, err := p.lake.Shown(ctx, "t", over.Dataset, time.Time{})
	if err != nil {
		return query.Result{}, err
	}
	c.Rows = max(1, unpublished(table, over))
	before := p.service.asked.Load()
	result, err := athena.New(c).Run(ctx, plan, over)
	var refused *fault.Error
	if errors.As(err, &refused) && (refused.Code == "scan_too_large" || refused.Code == "not_published") {
		p.others.Add(1)
		return c.Inner.Run(ctx, plan, over)
	}
	if asked := p.service.asked.Load(); asked > before {
		p.pushed.Add(1)
	}
	return result, err
}

// unpublished counts the rows of segments that a table does not show.
func unpublished(t shown.Table, over snapshot.Snapshot) (n int64) {
	files := map[string]bool{}
	for _, f := range t.Files {
		files[f.Key] = true
	}
	for _, ref := range over.Segments {
		if !files[ref.Key] {
			n += ref.Rows
		}
	}
	return n
}

// world is a store, what is published of it, and the engine here.
func world(t *testing.T) (*folder, *lake, engine.Engine) {
	t.Helper()
	store := &folder{root: t.TempDir() + "/"}
	var now atomic.Int64
	here := ducktest.Open(t, store, duck.Config{Now: func() time.Time { return time.Unix(now.Add(60), 0) }}) // tails are soon forgotten
	return store, newLake(t, store.root), here
}

// TestAnswersOfBothEnginesMergedAreTheAnswer runs the statements on an engine that
// understands them, over tables some of whose files are not live any more, while live
// segments are not in them yet.
func TestAnswersOfBothEnginesMergedAreTheAnswer(t *testing.T) {
	store, published, here := world(t)
	e := newPushing(published, here)
	enginetest.RunMerged(t, store, e, someShown(store, published))
	e.wantsUse(t)
}

// TestWhatIsKeptIsNotScanned asks through an engine that keeps answers, which asks of
// some of the published segments alone.
func TestWhatIsKeptIsNotScanned(t *testing.T) {
	store, published, here := world(t)
	e := newPushing(published, here)
	enginetest.RunMerged(t, store, partial.New(partial.Config{Inner: e, Worth: 1}), someShown(store, published))
	e.wantsUse(t)
}

func (p *pushing) wantsUse(t *testing.T) {
	t.Helper()
	t.Logf("%d plans were put to the service, %d were refused", p.pushed.Load(), p.others.Load())
	if p.pushed.Load() == 0 {
		t.Error("no plan was put to the service")
	}
}

// someShown merges some segments, and publishes some of them and some that are not live.
func someShown(store *folder, published *lake) func(*rapid.T, snapshot.Snapshot) snapshot.Snapshot {
	return func(t *rapid.T, over snapshot.Snapshot) snapshot.Snapshot {
		over.State.Schema = over.Schema
		var live, shown []segment.Ref
		for _, ref := range over.Segments {
			if rapid.IntRange(0, 3).Draw(t, "merge") == 0 {
				live = append(live, ref)
				continue
			}
			merged := rewritten(t, store, over, ref)
			if rapid.IntRange(0, 5).Draw(t, "stale") == 0 {
				live, shown = append(live, ref), append(shown, merged) // the table shows rows of which another copy is live
				continue
			}
			live = append(live, merged)
			if rapid.IntRange(0, 5).Draw(t, "publish") > 0 {
				shown = append(shown, merged)
			}
		}
		published.publish(t, over.Dataset.ID, over.Schema, shown)
		over.Segments = live
		return over
	}
}

// rewritten makes of a segment one as compaction does, in the columns of the schema.
func rewritten(t *rapid.T, store *folder, over snapshot.Snapshot, ref segment.Ref) segment.Ref {
	batch, err := segment.NewCache(store, 1<<20).ReadRows(context.Background(), ref)
	if err == nil {
		batch, err = rows.Merge([]rows.Batch{batch}, over.Schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	merged, err := segment.WriteMerged(context.Background(), store, segment.Origin{Tenant: "t", Dataset: over.Dataset.ID, Shard: "m", From: "1", Through: "1"}, batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	return merged
}
