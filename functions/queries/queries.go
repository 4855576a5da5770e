// Package queries holds the endpoints that answer questions.
package queries

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Deps is what the endpoints need.
type Deps struct {
	Source snapshot.Source
	Saved  saved.Store
	Engine engine.Engine
	SQL    engine.SQL // nil: callers' own SQL is not run
	Now    func() time.Time
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Raw(s, route.RunQuery, query.Request{}, query.Answer{}, d.run)
	api.OrText(s, query.Measure{}, "count, or the name of a defined measure")
	api.OrText(s, query.Dimension{}, "the name of a column or of a defined dimension")
	api.Raw(s, route.GetSaved, nil, []map[string]any{}, d.saved)
	api.Raw(s, route.RunSQL, SQLRequest{}, SQLAnswer{}, d.sql)
}

func (d Deps) run(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	as, err := formatOf(r)
	if err != nil {
		return err
	}
	body, err := read(r)
	if err != nil {
		return err
	}
	request, err := query.Decode(body)
	if err != nil {
		return err
	}
	if err := caller.Allow(route.RunQuery.Action, request.Dataset, d.Now()); err != nil {
		return err
	}
	result, err := d.answer(r.Context(), caller, request)
	if err != nil {
		return err
	}
	return as.send(w, result)
}

// answer asks the question of the dataset's newest version.
func (d Deps) answer(ctx context.Context, caller access.Principal, request query.Request) (query.Result, error) {
	wait, err := snapshot.ParsePosition(request.WaitFor)
	if err != nil {
		return query.Result{}, err
	}
	if err := request.Dataset.Check(); err != nil {
		return query.Result{}, err
	}
	over, err := d.Source.Open(ctx, caller.Tenant, request.Dataset, wait)
	if err != nil {
		return query.Result{}, err
	}
	defer over.Release()
	program, err := d.Saved.Bind(ctx, caller.Tenant, request, over.Dataset, over.Schema)
	if err != nil {
		return query.Result{}, err
	}
	return engine.Answer(ctx, d.Engine, program, over)
}

func read(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, fault.New(fault.TooLarge, "query_too_large", "a query has at most %d bytes", over.Limit)
	case err != nil:
		return nil, fault.New(fault.Invalid, "bad_body", "the body could not be read").Because(err)
	}
	return body, nil
}
