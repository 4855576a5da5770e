package athena_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/athena"
	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/snapshot"
)

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
