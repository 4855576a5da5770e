package cube

import (
	"context"
	"github.com/tarnhq/tarn/shared/gate"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// slow is a dataset that has a new version at each look, and an engine that answers
// when it is told to.
type slow struct {
	versions atomic.Uint64
	end      chan struct{}
	ended    chan struct{}
}

func (s *slow) Open(_ context.Context, _ tenant.ID, name dataset.Name, _ snapshot.Position) (snapshot.Snapshot, error) {
	version := manifest.Version(s.versions.Add(1))
	return snapshot.Snapshot{Dataset: dataset.Dataset{ID: "web1", Name: name, Kind: dataset.Events}, Version: version, Release: func() {}}, nil
}

func (s *slow) Run(_ context.Context, plan query.Plan, _ snapshot.Snapshot) (query.Result, error) {
	defer close(s.ended)
	<-s.end
	return query.Result{Columns: plan.Columns(), Rows: [][]query.Value{{query.IntValue(42)}}}, nil
}

func TestALongQueryIsAskedAgainAndAnswered(t *testing.T) {
	world := &slow{end: make(chan struct{}), ended: make(chan struct{})}
	caller := access.Principal{Tenant: "acme", ID: "user:1", Role: access.Analyst}
	s := api.New(func(*http.Request) (access.Principal, error) { return caller, nil }, time.Now, slog.New(slog.DiscardHandler))
	patience := over
	Register(s, Deps{Deps: queries.Deps{Executor: answer.Executor{Gate: gate.New(world, &fake.Table{}, time.Now), Saved: saved.Store{Table: &fake.Table{}, Now: time.Now}, Engine: world, Now: time.Now}},
		Patience: func() <-chan time.Time { return patience }})
	ask := func() string {
		out := httptest.NewRecorder()
		s.ServeHTTP(out, httptest.NewRequest(http.MethodPost, "/cubejs-api/v1/load", strings.NewReader(`{"query": {"measures": ["web.count"]}}`)))
		if out.Code != http.StatusOK {
			t.Errorf("%d %s", out.Code, out.Body)
		}
		return out.Body.String()
	}
	for range 2 {
		if got := ask(); got != `{"error":"Continue wait","stage":"Executing query"}`+"\n" {
			t.Errorf("while it runs: %s", got)
		}
	}
	close(world.end)
	<-world.ended
	patience = make(chan time.Time)
	if got := ask(); !strings.Contains(got, `"data":[{"web.count":"42"}]`) {
		t.Errorf("when it has ended: %s", got)
	}
}
