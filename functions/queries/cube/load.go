package cube

import (
	"context"
	"net/http"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/cube"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
)

// later is what a client is told that must ask again.
type later struct {
	Error string `json:"error"`
	Stage string `json:"stage"`
}

// load answers queries.
func (e *endpoints) load(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	a, err := e.ask(r, caller)
	if err != nil {
		return err
	}
	if len(a.questions) > 1 && !a.multi {
		return fault.New(fault.Invalid, "bad_cube_query", "several queries have several answers").WithHint("send queryType=multi")
	}
	requests := a.requests()
	work := func(ctx context.Context) ([]query.Result, error) { return all(ctx, &e.Executor, caller, requests) }
	var patience <-chan time.Time
	if e.Patience != nil {
		patience = e.Patience()
	}
	results, done, err := e.waiting.ask(r.Context(), a.key, patience, work)
	switch {
	case err != nil:
		return err
	case !done:
		return send(w, later{"Continue wait", "Executing query"})
	}
	load, err := cube.Answer(a.kind, a.questions, results, e.Now())
	if err != nil {
		return err
	}
	if !a.multi {
		return send(w, load.Results[0])
	}
	return send(w, load)
}

// all asks requests, one after the other: a query has the whole engine.
func all(ctx context.Context, executor *answer.Executor, caller access.Principal, requests []query.Request) ([]query.Result, error) {
	results := make([]query.Result, len(requests))
	for i, r := range requests {
		a, err := executor.Ask(ctx, caller, r)
		if err != nil {
			return nil, err
		}
		results[i] = a.Result
	}
	return results, nil
}

// dryRun tells how queries are understood.
func (e *endpoints) dryRun(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	a, err := e.ask(r, caller)
	if err != nil {
		return err
	}
	return send(w, cube.Dry(a.kind, a.questions))
}

// sql tells what answers queries: of several, a list.
func (e *endpoints) sql(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	a, err := e.ask(r, caller)
	if err != nil {
		return err
	}
	statements := make([]cube.Statement, len(a.questions))
	for i, q := range a.questions {
		if statements[i], err = q.Statement(); err != nil {
			return err
		}
	}
	if a.kind == cube.Regular {
		return send(w, statements[0])
	}
	return send(w, statements)
}

// meta describes the datasets that the caller may ask.
func (e *endpoints) meta(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	out := cube.Meta{Cubes: []cube.Schema{}}
	const page = 100
	for next := ""; ; {
		datasets, more, err := e.Catalog.List(r.Context(), caller.Tenant, next, page)
		if err != nil {
			return err
		}
		for _, d := range datasets {
			if err := e.describe(r.Context(), caller, d.Name, &out); err != nil {
				return err
			}
		}
		if next = more; next == "" {
			return send(w, out)
		}
	}
}

func (e *endpoints) describe(ctx context.Context, caller access.Principal, name dataset.Name, out *cube.Meta) error {
	if caller.Allow(route.RunQuery.Action, name, e.Now()) != nil {
		return nil // not the caller's to see
	}
	c, err := e.cube(ctx, caller, name)
	if fault.Is(err, fault.NotFound) {
		return nil // deleted meanwhile
	}
	out.Cubes = append(out.Cubes, c.Describe(len(out.Cubes)+1))
	return err
}
