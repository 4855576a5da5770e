package export

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// question is an order bound to what it pinned: a program, or a plan of rows.
type question struct {
	program *query.Program
	rows    *query.RowsPlan
}

// everything is the limit of a query that has none.
const everything = math.MaxInt32

// bind types an order over what is seen of a dataset, with the definitions that it may
// name.
func (o order) bind(seen query.View, named query.Definitions) (question, error) {
	if o.Query != nil {
		request, err := query.Decode(o.Query)
		if err != nil {
			return question{}, err
		}
		if request.Limit == 0 {
			request.Limit = everything
		}
		program, err := query.Bind(request, seen, named)
		return question{program: &program}, err
	}
	s, err := query.DecodeSelection(o.Selection)
	if err != nil {
		return question{}, err
	}
	rows, err := query.BindSelection(s, seen, named)
	return question{rows: &rows}, err
}

func (q question) columns() []query.Column {
	if q.rows != nil {
		return q.rows.Columns()
	}
	return q.program.Columns()
}

// uses lists the definitions that the question went through.
func (q question) uses() []query.Used {
	if q.rows != nil {
		return q.rows.Definitions
	}
	return q.program.Definitions
}

// Prepare tells at once what would make an export fail: a dataset or a column that is not
// there, a measure that does not fit. It waits for what the export must see, so that the
// job finds it, and pins the definitions that the export names and what its caller does
// not see: whatever is defined or allowed later does not change the file.
func Prepare(ctx context.Context, g gate.Gate, names saved.Store, limits *limit.Store, p access.Principal, spec job.Spec) (job.Spec, error) {
	var o order
	if err := json.Unmarshal(spec.Request, &o); err != nil {
		return spec, fmt.Errorf("order of an export: %w", err)
	}
	wait, err := o.waitFor()
	if err != nil {
		return spec, err
	}
	over, err := g.Open(ctx, p, access.CreateExport, spec.Dataset, wait)
	if err != nil {
		return spec, err
	}
	defer over.Release()
	defined, err := names.List(ctx, p.Tenant, over.Dataset.ID)
	if err != nil {
		return spec, err
	}
	named, err := saved.Definitions(defined, over.Dataset.Name)
	if err != nil {
		return spec, err
	}
	q, err := o.bind(over.View, named)
	if err != nil {
		return spec, err
	}
	if spec.Pinned, err = (pinned{defined, over.Restriction}).encode(q.uses()); err != nil {
		return spec, err
	}
	return spec, limits.Order(ctx, p, over.Segments)
}

// waitFor returns the position that an order must see.
func (o order) waitFor() (snapshot.Position, error) {
	if o.Query != nil {
		r, err := query.Decode(o.Query)
		if err != nil {
			return nil, err
		}
		return snapshot.ParsePosition(r.WaitFor)
	}
	s, err := query.DecodeSelection(o.Selection)
	if err != nil {
		return nil, err
	}
	return snapshot.ParsePosition(s.WaitFor)
}
