package route

import (
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
)

// The endpoints of Cube's REST API. The function that answers queries serves them, so
// that the engine is in one function. A query stands in the address or, where it is
// long, in the body.
var (
	CubeLoad = byGetAndPost("cubeLoad", "/cubejs-api/v1/load", "Ask one or more of Cube's queries",
		Param{"queryType", "multi: the answer is a list of results", "multi"})
	CubeDryRun = byGetAndPost("cubeDryRun", "/cubejs-api/v1/dry-run", "Tell how a query of Cube's is understood")
	CubeSQL    = byGetAndPost("cubeSQL", "/cubejs-api/v1/sql", "Tell what answers a query of Cube's")
	CubeMeta   = Route{ID: "cubeMeta", Function: "queries", Method: http.MethodGet, Path: "/cubejs-api/v1/meta",
		Action: access.RunQuery, Status: http.StatusOK, Tag: cubeTag, Summary: "Describe datasets as cubes", Unbound: true, ErrorText: true}
	CubeStatement = Route{ID: "cubeStatement", Function: "queries", Method: http.MethodPost, Path: "/cubejs-api/v1/cubesql",
		Action: access.RunSQL, Status: http.StatusOK, Tag: cubeTag, Summary: "Ask in SQL, as Cube's clients do: a line for the schema, one for the rows", Unbound: true, ErrorText: true}
)

const cubeTag = "Cube-compatible"

// byGetAndPost is an endpoint that takes its query either way.
func byGetAndPost(id, path, summary string, more ...Param) [2]Route {
	r := Route{ID: id, Function: "queries", Method: http.MethodPost, Path: path, Action: access.RunQuery, Status: http.StatusOK,
		Tag: cubeTag, Summary: summary, Unbound: true, ErrorText: true}
	get := r
	get.ID, get.Method, get.Summary = id+"Get", http.MethodGet, summary+", in the address"
	get.Params = append([]Param{{"query", "a query as JSON, or an array of them", `{"measures":["web.count"]}`}}, more...)
	return [2]Route{get, r}
}
