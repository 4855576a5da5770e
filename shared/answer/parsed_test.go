package answer_test

import (
	"context"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// declaring is a world whose dataset declares columns.
type declaring struct {
	*world
	columns []dataset.Column
}

func (w *declaring) Open(ctx context.Context, t tenant.ID, name dataset.Name, wait snapshot.Position) (snapshot.Snapshot, error) {
	over, err := w.world.Open(ctx, t, name, wait)
	over.Dataset.Declared = w.columns
	return over, err
}

func TestTheSameTextHasTheSameAnswerForAsLongAsTheDatasetIsTheSame(t *testing.T) {
	w := &declaring{world: &world{}}
	e := &answer.Executor{Gate: gate.New(w, &fake.Table{}, time.Now), Engine: w, Cache: keep(nil), Now: time.Now}
	again := func(who tenant.ID, want bool) {
		t.Helper()
		p, known := e.Cache.Parsed(analyst(who), []byte(count))
		if !known {
			if want {
				t.Error("the text is not known")
			}
			return
		}
		if p.Dataset != "web" {
			t.Errorf("it is about %q", p.Dataset)
		}
		a, ok, err := e.Again(t.Context(), analyst(who), p)
		if err != nil || ok != want || ok && a.Rows[0][0].Int() != w.runs {
			t.Errorf("%v, %v, %v; want %v", a, ok, err, want)
		}
	}
	ask := func(waits bool) {
		t.Helper()
		q, err := e.Open(t.Context(), analyst("acme"), request(t, count))
		if err != nil {
			t.Fatal(err)
		}
		defer q.Release()
		q.Remember([]byte(count), waits)
		if _, err := q.Ask(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	again("acme", false)
	ask(true)
	again("acme", false)
	ask(false)
	again("acme", true)
	again("other", false)
	for _, change := range []func(){
		func() { w.over.Version++ },
		func() { w.over.Position = snapshot.Position{"shard": stream.Sequence("17")} },
		func() { w.columns = []dataset.Column{{Name: "n", Type: dataset.Int}} },
		func() {
			rule := gate.RowFilter{Dataset: "web", Callers: gate.Callers{Roles: []access.Role{access.Analyst}}, Filter: []byte(`{"column": "event", "op": "=", "value": "view"}`)}
			if _, err := e.Gate.Rules.AddFilter(t.Context(), "acme", rule); err != nil {
				t.Fatal(err)
			}
		},
	} {
		change()
		again("acme", false)
		ask(false)
		again("acme", true)
	}
	if w.opened != w.released {
		t.Errorf("%d snapshots opened, %d released", w.opened, w.released)
	}
}
