package athena_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/athena"
	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// scripted is a service whose executions do what a test says, and the time that
// passes meanwhile.
type scripted struct {
	now   time.Time
	lives []execution.Execution // of the executions in turn; the last one of all others
	after map[execution.ID]time.Time
	turns []string

	statements []string
	stopped    []execution.ID
	gone       int // answers that are not kept
	rows       [][]*string
	fails      error
}

func (s *scripted) Start(_ context.Context, statement, turn string) (execution.ID, error) {
	s.statements = append(s.statements, statement)
	if s.fails != nil {
		return "", s.fails
	}
	if !slices.Contains(s.turns, turn) {
		s.turns = append(s.turns, turn)
	}
	return execution.ID(fmt.Sprint(slices.Index(s.turns, turn))), nil
}

func (s *scripted) Look(_ context.Context, id execution.ID) (execution.Execution, error) {
	if until, ok := s.after[id]; ok && s.now.Before(until) {
		return execution.Execution{State: execution.Running}, nil
	}
	var n int
	_, err := fmt.Sscan(string(id), &n)
	return s.lives[min(n, len(s.lives)-1)], err
}

func (s *scripted) Fetch(context.Context, execution.ID, string) (execution.Page, error) {
	if s.gone > 0 {
		s.gone--
		return execution.Page{}, fault.New(fault.NotFound, "gone", "gone")
	}
	return execution.Page{Rows: s.rows}, nil
}

func (s *scripted) Stop(ctx context.Context, id execution.ID) error {
	s.stopped = append(s.stopped, id)
	return ctx.Err()
}

func (s *scripted) wait(ctx context.Context, d time.Duration) error {
	s.now = s.now.Add(d)
	return ctx.Err()
}

// table is a published table of some files.
type table []string

func (keys table) Shown(context.Context, tenant.ID, dataset.Dataset, time.Time) (shown.Table, error) {
	t := shown.Table{Namespace: "lake", Name: "web", Snapshot: 1, Root: "s3://bucket/", Columns: map[int32]string{}}
	for place, c := range dataset.Fixed {
		t.Columns[segment.FieldID(place, c.Type)] = c.Name
	}
	for _, key := range keys {
		t.Files = append(t.Files, shown.File{Key: key, MinTime: 0, MaxTime: 9})
	}
	return t, nil
}

// here is an engine whose answer to anything is one row.
type here struct {
	asked []snapshot.Snapshot
	rows  [][]query.Value
	stats query.Stats
}

func (h *here) Run(_ context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	h.asked = append(h.asked, over)
	return query.Result{Columns: plan.Columns(), Rows: h.rows, Version: over.Version, Stats: h.stats}, nil
}

func refs(names ...string) (all []segment.Ref) {
	for _, name := range names {
		all = append(all, segment.Ref{Key: "t/acme/d/web/rows/" + name, Rows: 10, Bytes: 100, MinTime: 0, MaxTime: 9, Days: []segment.Day{0}, Merged: true})
	}
	return all
}

func keys(refs []segment.Ref) (all table) {
	for _, ref := range refs {
		all = append(all, ref.Key)
	}
	return all
}

func over(segments []segment.Ref) snapshot.Snapshot {
	return snapshot.Snapshot{Dataset: dataset.Dataset{ID: "web", Kind: dataset.Events}, Version: 3, Segments: segments, Release: func() {}}
}

var counting = query.AggregatePlan{Rows: query.Rows{Range: query.Unbounded}, Measures: []query.Aggregand{{Name: "users", Op: query.Count, Field: &query.Field{Name: "user_id", Type: dataset.Text}}}, Limit: 1}

func numbers(n string) [][]*string { return [][]*string{{&n}} }

// asking is an engine that puts what scans more than 15 rows to a scripted service.
func asking(s *scripted, inner *here, published athena.Lake) *athena.Engine {
	if s.now.IsZero() {
		s.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if s.rows == nil {
		s.rows = numbers("20")
	}
	return athena.New(athena.Config{Inner: inner, Lake: published, Service: s, Rows: 15, Wait: s.wait, Now: func() time.Time { return s.now }})
}

func wantCode(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code || f.Hint == "" {
		t.Errorf("%v, want %v %s with a hint", err, kind, code)
	}
}

var done = execution.Execution{State: execution.Done, Scanned: 5}

func TestWhatIsWithinTheLimitIsAnsweredHere(t *testing.T) {
	s, inner := &scripted{fails: errors.New("asked")}, &here{}
	all := refs("a", "b", "c")
	all[1].MinTime, all[1].MaxTime = 100, 200
	plan := counting
	plan.Range = query.Range{From: 10, To: 150}
	if _, err := asking(s, inner, nil).Run(t.Context(), plan, over(all)); err != nil || len(inner.asked) != 1 {
		t.Errorf("10 of 30 rows are in the range: %v", err)
	}
	if _, err := athena.New(athena.Config{Inner: inner}).Run(t.Context(), counting, over(all)); err != nil || len(inner.asked) != 2 {
		t.Errorf("there is no limit: %v", err)
	}
	bytes := athena.New(athena.Config{Inner: inner, Lake: table(nil), Service: s, Bytes: 299})
	_, err := bytes.Run(t.Context(), counting, over(all))
	wantCode(t, err, fault.Unavailable, "not_published")
}

func TestTheBareNumberOfRowsIsNoScan(t *testing.T) {
	s, inner, all := &scripted{lives: []execution.Execution{done}}, &here{rows: [][]query.Value{{query.IntValue(1)}}}, refs("a", "b")
	plan := counting
	plan.Measures = []query.Aggregand{{Name: "count", Op: query.Count}}
	if _, err := asking(s, inner, keys(all)).Run(t.Context(), plan, over(all)); err != nil || len(inner.asked) != 1 || len(s.turns) > 0 {
		t.Errorf("of whole segments: %v, turns %v", err, s.turns)
	}
	plan.Range.To = 5
	if _, err := asking(s, inner, keys(all)).Run(t.Context(), plan, over(all)); err != nil || len(inner.asked) != 1 || len(s.turns) != 1 {
		t.Errorf("of parts: %v, turns %v", err, s.turns)
	}
}

func TestWhatCameSinceIsAddedFromHere(t *testing.T) {
	all := refs("a", "b", "c")
	s, inner := &scripted{lives: []execution.Execution{done}}, &here{rows: [][]query.Value{{query.IntValue(7)}}, stats: query.Stats{RowsScanned: 10, Bytes: 3, Segments: 1}}
	got, err := asking(s, inner, keys(all[:2])).Run(t.Context(), counting, over(all))
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows[0][0] != query.IntValue(27) || got.Version != 3 || len(got.Columns) != 1 {
		t.Errorf("%+v", got)
	}
	if want := (query.Stats{RowsScanned: 30, Segments: 3, Bytes: 8, Millis: got.Stats.Millis}); got.Stats != want {
		t.Errorf("%+v, want %+v", got.Stats, want)
	}
	if len(inner.asked) != 1 || len(inner.asked[0].Segments) != 1 || inner.asked[0].Segments[0].Key != all[2].Key {
		t.Errorf("here was asked %+v", inner.asked)
	}
}

func TestTheTailCameSince(t *testing.T) {
	s, inner := &scripted{lives: []execution.Execution{done}}, &here{rows: [][]query.Value{{query.IntValue(1)}}}
	all := over(refs("a", "b"))
	all.Tail = []snapshot.Part{{ID: 1, Rows: rows.Batch{Len: 1}}}
	got, err := asking(s, inner, keys(all.Segments)).Run(t.Context(), counting, all)
	if err != nil || got.Rows[0][0] != query.IntValue(21) {
		t.Errorf("%+v, %v", got.Rows, err)
	}
}

func TestWhatCannotBeMergedIsRefusedOnceRowsCame(t *testing.T) {
	plan := counting
	plan.Measures = []query.Aggregand{{Name: "users", Op: query.CountDistinct, Field: &query.Field{Name: "user_id", Type: dataset.Text}}}
	all := refs("a", "b", "c")
	s, inner := &scripted{lives: []execution.Execution{done}}, &here{}
	got, err := asking(s, inner, keys(all)).Run(t.Context(), plan, over(all))
	if err != nil || got.Rows[0][0] != query.IntValue(20) {
		t.Errorf("nothing came since: %v, %v", got.Rows, err)
	}
	_, err = asking(s, inner, keys(all[1:])).Run(t.Context(), plan, over(all))
	wantCode(t, err, fault.Invalid, "scan_too_large")
	_, err = asking(s, inner, keys(all)).Run(t.Context(), query.SessionsPlan{Rows: query.Rows{Range: query.Unbounded}}, over(all))
	wantCode(t, err, fault.Invalid, "scan_too_large")
	_, err = asking(s, inner, keys(all[:1])).Run(t.Context(), counting, over(all))
	wantCode(t, err, fault.Unavailable, "not_published")
	tables := over(all)
	tables.Dataset.Kind = dataset.Table
	_, err = asking(s, inner, nil).Run(t.Context(), counting, tables)
	wantCode(t, err, fault.Invalid, "scan_too_large")
	median := counting
	median.Measures = []query.Aggregand{{Op: query.Median, Field: &query.Field{Name: "n", Type: dataset.Int}}}
	_, err = asking(s, inner, keys(all)).Run(t.Context(), median, over(all))
	wantCode(t, err, fault.Invalid, "scan_too_large")
	if len(inner.asked) > 0 {
		t.Error("here was asked")
	}
}

func TestWhoAsksAgainFindsTheExecutionThatRuns(t *testing.T) {
	all := refs("a", "b")
	s := &scripted{lives: []execution.Execution{done}}
	e := asking(s, &here{}, keys(all))
	s.after = map[execution.ID]time.Time{"0": s.now.Add(50 * time.Second)}
	for try := range 3 {
		got, err := e.Run(t.Context(), counting, over(all))
		if try < 2 {
			wantCode(t, err, fault.Unavailable, "scan_running")
			continue
		}
		if err != nil || got.Rows[0][0] != query.IntValue(20) {
			t.Errorf("%v, %v", got.Rows, err)
		}
	}
	if len(s.turns) != 1 || len(s.stopped) > 0 {
		t.Errorf("turns %v were begun, %v stopped", s.turns, s.stopped)
	}
}

func TestAnExecutionIsStoppedWhenNobodyWaits(t *testing.T) {
	all := refs("a", "b")
	forever := func(s *scripted) { s.after = map[execution.ID]time.Time{"0": s.now.Add(time.Hour)} }
	s := &scripted{lives: []execution.Execution{done}}
	e := asking(s, &here{}, keys(all))
	forever(s)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := e.Run(ctx, counting, over(all)); !fault.Is(err, fault.Unavailable) || !slices.Equal(s.stopped, []execution.ID{"0"}) {
		t.Errorf("the caller left: %v, stopped %v", err, s.stopped)
	}
	s = &scripted{lives: []execution.Execution{done}}
	e = asking(s, &here{}, keys(all))
	forever(s)
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	_, err := e.Run(ctx, counting, over(all))
	wantCode(t, err, fault.Unavailable, "scan_running")
	if len(s.stopped) > 0 {
		t.Error("the caller's time ended, and what another call would find was stopped")
	}
}

func TestAFailedExecutionHasAnotherTurn(t *testing.T) {
	all := refs("a", "b")
	failed := execution.Execution{State: execution.Failed, Reason: "node lost"}
	s := &scripted{lives: []execution.Execution{failed, {State: execution.Cancelled, Reason: "somebody else's"}, done}}
	if got, err := asking(s, &here{}, keys(all)).Run(t.Context(), counting, over(all)); err != nil || got.Rows[0][0] != query.IntValue(20) {
		t.Errorf("%v, %v", got.Rows, err)
	}
	if len(s.turns) != 3 || !strings.HasPrefix(s.turns[0], "2026-01-01/") {
		t.Errorf("turns %v", s.turns)
	}
	s = &scripted{lives: []execution.Execution{done}, gone: 1}
	if _, err := asking(s, &here{}, keys(all)).Run(t.Context(), counting, over(all)); err != nil || len(s.turns) != 2 {
		t.Errorf("an answer was gone: %v after turns %v", err, s.turns)
	}
	s = &scripted{lives: []execution.Execution{failed}}
	_, err := asking(s, &here{}, keys(all)).Run(t.Context(), counting, over(all))
	wantCode(t, err, fault.Unavailable, "scan_failed")
}

func TestLimitsOfTheServiceAreTheCallersToKeep(t *testing.T) {
	all := refs("a", "b")
	for _, x := range []execution.Execution{{State: execution.Cancelled, Limited: true}, {State: execution.Failed, Greedy: true}} {
		s := &scripted{lives: []execution.Execution{x}}
		_, err := asking(s, &here{}, keys(all)).Run(t.Context(), counting, over(all))
		wantCode(t, err, fault.Invalid, "scan_too_large")
		if len(s.turns) != 1 {
			t.Errorf("%+v was tried %d times", x, len(s.turns))
		}
	}
	busy := fault.New(fault.Unavailable, "athena_unavailable", "busy")
	if _, err := asking(&scripted{fails: busy}, &here{}, keys(all)).Run(t.Context(), counting, over(all)); !errors.Is(err, busy) {
		t.Errorf("%v, want %v", err, busy)
	}
}

func TestAnAnswerThatIsNotThePlansIsNone(t *testing.T) {
	all := refs("a", "b")
	one, no := "1", "x"
	for _, rows := range [][][]*string{{{&one, &one}}, {{&no}}, {{}}} {
		s := &scripted{lives: []execution.Execution{done}, rows: rows}
		if got, err := asking(s, &here{}, keys(all)).Run(t.Context(), counting, over(all)); !fault.Is(err, fault.Internal) {
			t.Errorf("%v, %v", got.Rows, err)
		}
	}
}
