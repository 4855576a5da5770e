package aws

import (
	"strings"
	"testing"
	"testing/synctest"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
)

func TestAStatementHasOneExecutionPerTurn(t *testing.T) {
	s := &athenaServer{}
	account := s.start(t)
	a, other := account.Athena("tarn"), account.Athena("other")
	start := func(a *Athena, statement, turn string) execution.ID {
		t.Helper()
		id, err := a.Start(t.Context(), statement, turn)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := start(a, "SELECT 1", "2026-01-01/0")
	if again := start(a, "SELECT 1", "2026-01-01/0"); again != first {
		t.Errorf("asked again, %s runs beside %s", again, first)
	}
	seen := map[execution.ID]bool{first: true}
	for _, id := range []execution.ID{start(a, "SELECT 1", "2026-01-01/1"), start(a, "SELECT 2", "2026-01-01/0"), start(other, "SELECT 1", "2026-01-01/0")} {
		if seen[id] {
			t.Errorf("another turn, statement or workgroup has execution %s again", id)
		}
		seen[id] = true
	}
}

func TestAnAnswerOfAthenaIsReadPageByPage(t *testing.T) {
	want := [][]*string{{sdk.String("a\x00\"\n😀"), nil}, {sdk.String(""), sdk.String("0")}, {nil, nil}, {sdk.String("v0"), sdk.String("v1")}}
	s := &athenaServer{rows: want}
	a := s.start(t).Athena("tarn")
	id, err := a.Start(t.Context(), "SELECT 1", "0")
	if err != nil {
		t.Fatal(err)
	}
	var got [][]*string
	for token := ""; ; {
		page, err := a.Fetch(t.Context(), id, token)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Rows...)
		if token = page.Next; token == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatBecameOfAnExecution(t *testing.T) {
	for name, c := range map[string]struct {
		life athenaLife
		want execution.Execution
	}{
		"queued":    {athenaLife{states: []string{"QUEUED"}}, execution.Execution{State: execution.Waiting}},
		"running":   {athenaLife{states: []string{"RUNNING"}}, execution.Execution{State: execution.Running}},
		"done":      {athenaLife{states: []string{"SUCCEEDED"}}, execution.Execution{State: execution.Done}},
		"cancelled": {athenaLife{states: []string{"CANCELLED"}, reason: "Query was cancelled"}, execution.Execution{State: execution.Cancelled, Reason: "Query was cancelled"}},
		"limited": {athenaLife{states: []string{"CANCELLED"}, reason: "Query cancelled! : Bytes scanned limit was exceeded"},
			execution.Execution{State: execution.Cancelled, Limited: true, Reason: "Query cancelled! : Bytes scanned limit was exceeded"}},
		"failed": {athenaLife{states: []string{"FAILED"}, reason: "HIVE_CURSOR_ERROR"}, execution.Execution{State: execution.Failed, Reason: "HIVE_CURSOR_ERROR"}},
		"greedy": {athenaLife{states: []string{"FAILED"}, reason: "Query exhausted resources at this scale factor"},
			execution.Execution{State: execution.Failed, Greedy: true, Reason: "Query exhausted resources at this scale factor"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &athenaServer{lives: []athenaLife{c.life}}
			a := s.start(t).Athena("tarn")
			id, err := a.Start(t.Context(), "SELECT 1", "0")
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.Look(t.Context(), id)
			c.want.Scanned = 12_345_678_901
			if err != nil || got != c.want {
				t.Errorf("%+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestAnAnswerThatIsNotKeptIsNotFound(t *testing.T) {
	s := &athenaServer{lives: []athenaLife{{states: []string{"SUCCEEDED"}, expired: true}, {states: []string{"RUNNING"}}}}
	a := s.start(t).Athena("tarn")
	for turn, want := range []fault.Kind{fault.NotFound, fault.Internal} {
		id, err := a.Start(t.Context(), "SELECT 1", strings.Repeat("x", turn))
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Fetch(t.Context(), id, "")
		wantKind(t, err, want)
	}
}

func TestAthenaIsAskedAgainWhileItIsBusy(t *testing.T) {
	s := &athenaServer{busy: 2}
	account, gone, denied := s.start(t), serve(t, lost), serve(t, refuse(400, "AccessDeniedException"))
	synctest.Test(t, func(t *testing.T) {
		a := account.Athena("tarn")
		if _, err := a.Start(t.Context(), "SELECT 1", "0"); err != nil {
			t.Errorf("busy for two requests: %v", err)
		}
		s.busy = 1000
		_, err := a.Start(t.Context(), "SELECT 1", "0")
		wantKind(t, err, fault.Unavailable)
		_, err = gone.account().Athena("tarn").Start(t.Context(), "SELECT 1", "0")
		wantKind(t, err, fault.Unavailable)
		_, err = denied.account().Athena("tarn").Look(t.Context(), "1")
		wantKind(t, err, fault.Internal)
	})
}

func TestAnExecutionIsStopped(t *testing.T) {
	s := &athenaServer{lives: []athenaLife{{states: []string{"RUNNING"}}}}
	a := s.start(t).Athena("tarn")
	id, err := a.Start(t.Context(), "SELECT 1", "0")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if x, err := a.Look(t.Context(), id); err != nil || x.State != execution.Cancelled {
		t.Errorf("%+v, %v", x, err)
	}
}
