package answer_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// world is a source whose datasets change, and an engine that counts its runs.
type world struct {
	mu       sync.Mutex
	over     snapshot.Snapshot
	runs     int64
	running  chan struct{} // told of each run, if not nil
	proceed  chan struct{} // each run waits for it, if not nil
	released int
	opened   int
	err      error
}

func (w *world) Open(_ context.Context, t tenant.ID, name dataset.Name, _ snapshot.Position) (snapshot.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened++
	over := w.over
	over.Dataset = dataset.Dataset{ID: dataset.ID(string(t) + string(name)), Name: name, Kind: dataset.Events}
	over.Release = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.released++
	}
	return over, nil
}

func (w *world) Run(ctx context.Context, p query.Plan, _ snapshot.Snapshot) (query.Result, error) {
	w.mu.Lock()
	w.runs++
	result := query.Result{Columns: p.Columns(), Rows: [][]query.Value{{query.IntValue(w.runs)}}, Version: w.over.Version}
	result.Stats.RowsScanned = 10
	err := w.err
	w.mu.Unlock()
	if w.running != nil {
		w.running <- struct{}{}
	}
	if w.proceed != nil {
		select {
		case <-w.proceed:
		case <-ctx.Done():
			return query.Result{}, ctx.Err()
		}
	}
	return result, err
}

func (w *world) executor(cache *answer.Cache) *answer.Executor {
	return &answer.Executor{Gate: gate.New(w, &fake.Table{}, time.Now), Engine: w, Cache: cache, Now: time.Now}
}

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

func keep(shared answer.Shared) *answer.Cache { return answer.NewCache(1<<20, shared, silent) }

func request(t *testing.T, text string) query.Request {
	t.Helper()
	r, err := query.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// analyst is somebody of a tenant.
func analyst(t tenant.ID) access.Principal {
	return access.Principal{Tenant: t, ID: "user:1", Role: access.Analyst}
}

const count = `{"dataset": "web", "measures": ["count"]}`

// asked asks and returns the number of the run that the answer is from.
func asked(t *testing.T, e *answer.Executor, who tenant.ID, text string) int64 {
	t.Helper()
	a, err := e.Ask(t.Context(), analyst(who), request(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return a.Rows[0][0].Int()
}

func TestAnAnswerIsGivenAgainToTheSameQuestionOfTheSameRowsAlone(t *testing.T) {
	w := &world{}
	e := w.executor(keep(nil))
	want := int64(0)
	ask := func(what string, fresh bool, who tenant.ID, text string) {
		t.Helper()
		if fresh {
			want++
		}
		if got := asked(t, e, who, text); fresh && got != want || !fresh && w.runs != want {
			t.Errorf("%s: answer %d after %d runs, want %d", what, got, w.runs, want)
		}
	}
	ask("the first", true, "acme", count)
	ask("the same", false, "acme", count)
	ask("the same, spelled otherwise", false, "acme", `{"measures": [{"op": "count"}], "dataset": "web", "kind": "aggregate"}`)
	ask("another question", true, "acme", `{"dataset": "web", "measures": ["count"], "filter": {"column": "event", "op": "=", "value": "x"}}`)
	ask("another dataset", true, "acme", `{"dataset": "shop", "measures": ["count"]}`)
	ask("another tenant", true, "other", count)
	w.over.Version++
	ask("another version", true, "acme", count)
	w.over.Position = snapshot.Position{"shard": stream.Sequence("17")}
	ask("another tail", true, "acme", count)
	ask("the same again", false, "acme", count)
	if w.opened != w.released {
		t.Errorf("%d snapshots opened, %d released", w.opened, w.released)
	}
}

func TestAnAnswerGivenAgainSaysThatItCostNothing(t *testing.T) {
	w := &world{}
	e := w.executor(keep(nil))
	first, err := e.Ask(t.Context(), analyst("acme"), request(t, count))
	if err != nil {
		t.Fatal(err)
	}
	second, err := e.Ask(t.Context(), analyst("acme"), request(t, count))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(query.Stats{RowsScanned: 10}, first.Stats); diff != "" {
		t.Errorf("the first: %s", diff)
	}
	if diff := cmp.Diff(query.Stats{Kept: true}, second.Stats); diff != "" {
		t.Errorf("the second: %s", diff)
	}
	if first.Tag != second.Tag || first.Tag == "" {
		t.Errorf("tags %q and %q", first.Tag, second.Tag)
	}
}

func TestAFormIsMadeOnceWhileItsAnswerIsKept(t *testing.T) {
	e := (&world{}).executor(keep(nil))
	made := 0
	for range 3 {
		a, err := e.Ask(t.Context(), analyst("acme"), request(t, count))
		if err != nil {
			t.Fatal(err)
		}
		form, err := a.Form("json", func(query.Result) ([]byte, error) { made++; return []byte("form"), nil })
		if err != nil || string(form) != "form" {
			t.Fatalf("%s, %v", form, err)
		}
	}
	if made != 2 { // of the answer that was new, and of the one that is kept
		t.Errorf("the form is made %d times", made)
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	w := &world{err: fault.New(fault.Unavailable, "deadline", "too long")}
	e := w.executor(keep(nil))
	if _, err := e.Ask(t.Context(), analyst("acme"), request(t, count)); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
	w.err = nil
	if got := asked(t, e, "acme", count); got != 2 {
		t.Errorf("the answer is of run %d", got)
	}
}

func TestTheSameQuestionManyTimesAtOnceIsAnsweredOnce(t *testing.T) {
	w := &world{running: make(chan struct{}, 100), proceed: make(chan struct{})}
	e := w.executor(keep(nil))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := e.Ask(t.Context(), analyst("acme"), request(t, count)); err != nil {
				t.Error(err)
			}
		})
	}
	<-w.running
	close(w.proceed)
	all.Wait()
	if w.runs != 1 {
		t.Errorf("%d runs", w.runs)
	}
}

// TestWhoeverIsCalledAwayTakesNobodyAlong ends the first of two who ask the same.
func TestWhoeverIsCalledAwayTakesNobodyAlong(t *testing.T) {
	w := &world{running: make(chan struct{}, 100), proceed: make(chan struct{})}
	e := w.executor(keep(nil))
	first, leave := context.WithCancel(t.Context())
	left, stayed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := e.Ask(first, analyst("acme"), request(t, count))
		left <- err
	}()
	<-w.running
	go func() {
		_, err := e.Ask(t.Context(), analyst("acme"), request(t, count))
		stayed <- err
	}()
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the first is told %v", err)
	}
	<-w.running // the second asks for itself
	close(w.proceed)
	if err := <-stayed; err != nil {
		t.Error(err)
	}
}

func TestProcessesShareAnswers(t *testing.T) {
	w := &world{}
	shared := answer.Table{Table: &fake.Table{}, Now: time.Now}
	asked(t, w.executor(keep(shared)), "acme", count)
	a, err := w.executor(keep(shared)).Ask(t.Context(), analyst("acme"), request(t, count))
	if err != nil || a.Rows[0][0].Int() != 1 || w.runs != 1 || !a.Stats.Kept {
		t.Errorf("%+v, %v after %d runs", a, err, w.runs)
	}
}

// broken shares nothing, and what it gives is wrong.
type broken struct{ value []byte }

func (b broken) Get(context.Context, tenant.ID, answer.Tag) ([]byte, bool, error) {
	if b.value != nil {
		return b.value, true, nil
	}
	return nil, false, errors.New("no connection")
}

func (b broken) Put(context.Context, tenant.ID, answer.Tag, []byte) error {
	return errors.New("no connection")
}

func TestWhatIsSharedMayBreak(t *testing.T) {
	for _, shared := range []broken{{}, {[]byte("nonsense")}} {
		w := &world{}
		e := w.executor(keep(shared))
		if got := asked(t, e, "acme", count); got != 1 {
			t.Errorf("answer %d", got)
		}
		if got := asked(t, e, "acme", count); got != 1 || w.runs != 1 {
			t.Errorf("answer %d after %d runs", got, w.runs)
		}
	}
}

func TestAnExplanationTellsWhatAnAnswerCost(t *testing.T) {
	w := &world{}
	at := time.Unix(0, 0)
	e := &answer.Executor{Gate: gate.New(w, &fake.Table{}, time.Now), Engine: w, Cache: keep(nil), Now: func() time.Time { at = at.Add(time.Second); return at }}
	const compared = `{"dataset": "web", "measures": ["count"], "explain": true, "compare": {"unit": "week"},
		"time": {"from": "2026-01-05T00:00:00Z", "to": "2026-01-12T00:00:00Z"}}`
	for _, from := range []string{"engine", "kept"} {
		a, err := e.Ask(t.Context(), analyst("acme"), request(t, compared))
		if err != nil {
			t.Fatal(err)
		}
		plans := map[string]int{"engine": 2, "kept": 0}[from]
		if e := a.Explain; e == nil || e.From != from || e.OpenMs != 1000 || e.BindMs != 1000 || e.RunMs != 1000 || len(e.Plans) != plans || e.USD <= 0 {
			t.Errorf("%+v", e)
		}
	}
	a, err := e.Ask(t.Context(), analyst("acme"), request(t, strings.Replace(compared, `"explain": true, `, "", 1)))
	if err != nil || a.Explain != nil || !a.Stats.Kept {
		t.Errorf("unasked: %+v, %v", a, err)
	}
}
