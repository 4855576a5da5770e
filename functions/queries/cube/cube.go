// Package cube holds the endpoints of Cube's REST API, for clients that people already
// have. The function that answers queries serves them: nothing but the form of
// questions and answers is different.
package cube

import (
	"net/http"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/cube"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/route"
)

// Deps is what the endpoints need: what answers queries, and the datasets to describe.
type Deps struct {
	queries.Deps
	Catalog dataset.Catalog
	// Patience returns what tells a request that it has waited enough: its caller asks
	// again while the answer is on its way. Nil where nothing goes on after an answer
	// is sent: a request then waits as long as it may.
	Patience func() <-chan time.Time
}

// endpoints are the handlers, with what they remember from one request to the next.
type endpoints struct {
	Deps
	waiting waiting
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	e := &endpoints{Deps: d, waiting: waiting{now: d.Now, runs: map[string]*run{}}}
	both(s, route.CubeLoad, cube.Load{}, e.load)
	both(s, route.CubeDryRun, cube.DryRun{}, e.dryRun)
	both(s, route.CubeSQL, cube.Statement{}, e.sql)
	api.Raw(s, route.CubeMeta, nil, cube.Meta{}, e.meta)
	api.Raw(s, route.CubeStatement, sqlBody{}, nil, e.statement)
}

// both serves an endpoint whose query stands in the address or in the body.
func both(s *api.Server, rows [2]route.Route, returns any, h func(http.ResponseWriter, *http.Request, access.Principal) error) {
	api.Raw(s, rows[0], nil, returns, h)
	api.Raw(s, rows[1], body{}, returns, h)
}
