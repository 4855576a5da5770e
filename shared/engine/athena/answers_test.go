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
	"github.com/tarnhq/tarn/shared/engine/enginetest"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/fault"
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
	pushed, others atomic.Int64
}

func (p *pushing) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	c := p.config
	c.Rows = max(1, p.unpublished(over))
	result, err := athena.New(c).Run(ctx, plan, over)
	var refused *fault.Error
	if errors.As(err, &refused) && (refused.Code == "scan_too_large" || refused.Code == "not_published") {
		p.others.Add(1)
		return c.Inner.Run(ctx, plan, over)
	}
	if result.Stats.Bytes >= 7 {
		p.pushed.Add(1)
	}
	return result, err
}

func (p *pushing) unpublished(over snapshot.Snapshot) (n int64) {
	table, _ := p.lake.Shown(context.Background(), "t", over.Dataset)
	files := map[string]bool{}
	for _, f := range table.Files {
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
	files, err := local.New(store, t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var now atomic.Int64
	here, err := duck.Open(duck.Config{Files: files, Now: func() time.Time { return time.Unix(now.Add(60), 0) }}) // tails are soon forgotten
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := here.Close(); err != nil {
			t.Error(err)
		}
	})
	return store, newLake(t, store.root), here
}

// TestAnswersOfBothEnginesMergedAreTheAnswer runs the statements on an engine that
// understands them, over tables some of whose files are not live any more, while live
// segments are not in them yet.
func TestAnswersOfBothEnginesMergedAreTheAnswer(t *testing.T) {
	store, published, here := world(t)
	e := &pushing{lake: published, config: athena.Config{Inner: here, Lake: published, Service: newService(published)}}
	enginetest.RunMerged(t, store, e, func(t *rapid.T, over snapshot.Snapshot) snapshot.Snapshot {
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
	})
	t.Logf("%d plans were put to the service, %d were refused", e.pushed.Load(), e.others.Load())
	if e.pushed.Load() < 20 {
		t.Error("next to no plan was put to the service")
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
