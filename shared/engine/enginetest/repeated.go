package enginetest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
)

// RunRepeated tests an engine that keeps answers: the same plans are asked again and
// again while rows come, late ones too, are sealed, merged and erased. Each answer is
// held against a look at every row that is there then. Now and then restart gives
// another engine, which has what outlives the process.
func RunRepeated(t *testing.T, store blob.Store, restart func() engine.Engine) {
	rapid.Check(t, func(t *rapid.T) {
		e := restart()
		h := drawCareer(t, store)
		var plans []query.AggregatePlan
		for range rapid.IntRange(1, 3).Draw(t, "plans") {
			plans = append(plans, drawPlan(t, h.drawn(t).snapshot))
		}
		followed := followers[rapid.IntRange(0, len(followers)-1).Draw(t, "kind")](t, h.drawn(t))
		for range rapid.IntRange(2, 6).Draw(t, "steps") {
			h.step(t)
			if rapid.IntRange(0, 4).Draw(t, "restart") == 0 {
				e = restart()
			}
			now := h.drawn(t)
			for _, plan := range plans {
				compareAnswers(t, e, moved(t, plan), now)
			}
			compareFollowed(t, e, now, followed, nil)
		}
	})
}

// followers draw requests that follow subjects.
var followers = []func(*rapid.T, drawn) query.Request{drawFunnel, drawRetention, drawPaths, drawSessions}

// moved asks the same of another range now and then, of another order and limit too.
func moved(t *rapid.T, p query.AggregatePlan) query.AggregatePlan {
	if rapid.IntRange(0, 3).Draw(t, "move") == 0 {
		bound := rapid.SampledFrom([]int64{micros("2026-03-28T00:00:00Z"), micros("2026-03-29T12:00:00Z"), micros("2026-03-30T00:00:00Z")})
		p.Range = query.Range{From: bound.Draw(t, "from"), To: query.Unbounded.To}
	}
	if len(p.Order) > 0 && rapid.IntRange(0, 3).Draw(t, "turn") == 0 {
		p.Order = slices.Clone(p.Order)
		p.Order[0].Desc = !p.Order[0].Desc
		p.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
	}
	return p
}

// careers numbers datasets, so that no two share what an engine keeps.
var careers atomic.Int64

// career is a dataset over time.
type career struct {
	store   blob.Store
	name    dataset.ID
	schema  dataset.Schema
	version manifest.Version
	waiting []rows.Batch // have not come yet
	pieces  []piece
	written int
}

// piece is rows that are sealed, or a part of the tail.
type piece struct {
	rows rows.Batch
	refs []segment.Ref // none: in the tail
	id   uint64
}

func drawCareer(t *rapid.T, store blob.Store) *career {
	h := &career{store: store, name: dataset.ID(fmt.Sprintf("h%d", careers.Add(1)))}
	draw := drawEvent
	if rapid.Bool().Draw(t, "dense") {
		draw = drawDense(t)
	}
	var all []*events.Event
	for i := range rapid.IntRange(4, 60).Draw(t, "events") {
		e := draw(t, i, false)
		if next, changed, refusal := rows.Resolve(h.schema, e, dataset.Keep); refusal == (events.Refusal{}) {
			if changed {
				h.schema = next
			}
			all = append(all, e)
		}
	}
	for len(all) > 0 {
		n := rapid.IntRange(1, len(all)).Draw(t, "rows")
		b := rows.NewBuilder(h.schema, dataset.Keep)
		for _, e := range all[:n] {
			b.Append(e, e.Time+1)
		}
		h.waiting, all = append(h.waiting, b.View()), all[n:]
	}
	return h
}

// step lets one thing happen.
func (h *career) step(t *rapid.T) {
	h.version++
	if len(h.waiting) > 0 {
		h.pieces = append(h.pieces, piece{rows: h.waiting[0], id: uint64(len(h.waiting))})
		h.waiting = h.waiting[1:]
	}
	at := rapid.IntRange(0, len(h.pieces)).Draw(t, "piece")
	if at == len(h.pieces) {
		return
	}
	switch p := h.pieces[at]; rapid.SampledFrom([]string{"seal", "seal", "merge", "erase", "wait"}).Draw(t, "then") {
	case "seal":
		h.pieces[at].refs = h.write(t, p.rows)
	case "merge":
		if next := at + 1; next < len(h.pieces) && p.refs != nil && h.pieces[next].refs != nil {
			all, err := rows.Merge([]rows.Batch{p.rows, h.pieces[next].rows}, h.schema)
			if err != nil {
				t.Fatal(err)
			}
			h.pieces = slices.Replace(h.pieces, at, at+2, piece{rows: all, refs: h.write(t, all)})
		}
	case "erase":
		h.pieces = slices.Delete(h.pieces, at, at+1)
	}
}

func (h *career) write(t *rapid.T, batch rows.Batch) (refs []segment.Ref) {
	h.written++
	sequence := stream.Sequence(fmt.Sprint(h.written))
	for _, order := range segment.Split(batch, rapid.IntRange(1, 5).Draw(t, "least"), rapid.IntRange(1, 20).Draw(t, "days")) {
		origin := segment.Origin{Tenant: "t", Dataset: h.name, Shard: "s", From: sequence, Through: sequence}
		ref, err := segment.Write(context.Background(), h.store, origin, batch, order)
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	return refs
}

// drawn is the dataset as it is now.
func (h *career) drawn(t *rapid.T) drawn {
	d := drawn{snapshot: snapshot.Snapshot{Dataset: dataset.Dataset{ID: h.name, Kind: dataset.Events}, Schema: h.schema, Version: h.version, Release: func() {}}}
	var all []rows.Batch
	for _, p := range h.pieces {
		all = append(all, p.rows)
		d.snapshot.Segments = append(d.snapshot.Segments, p.refs...)
		if p.refs == nil {
			d.snapshot.Tail = append(d.snapshot.Tail, snapshot.Part{ID: p.id, Rows: p.rows})
		}
	}
	if len(all) == 0 {
		all = append(all, rows.NewBuilder(h.schema, dataset.Keep).View())
	}
	var err error
	if d.all, err = rows.Merge(all, h.schema); err != nil {
		t.Fatal(err)
	}
	return d
}
