package cube

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/cube"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
)

// body is what a client posts. What else it sends is about caches, of which there is
// none that could be stale.
type body struct {
	Query     json.RawMessage `json:"query" doc:"one of Cube's queries, or an array of them"`
	QueryType string          `json:"queryType,omitempty" doc:"multi: the answer is a list of results"`
}

// asked is a request as it was understood.
type asked struct {
	kind      cube.Kind
	questions []cube.Question
	multi     bool // the answer is a list of results
	key       string
}

// read reads a request of either method.
func read(r *http.Request) (body, error) {
	if r.Method == http.MethodGet {
		form := r.URL.Query()
		return body{json.RawMessage(form.Get("query")), form.Get("queryType")}, nil
	}
	var in body
	if err := decode(r, &in); err != nil {
		return in, err
	}
	var text string
	if json.Unmarshal(in.Query, &text) == nil { // a query as a text that holds it
		in.Query = json.RawMessage(text)
	}
	return in, nil
}

// decode reads a body that is one JSON object.
func decode(r *http.Request, into any) error {
	text, err := api.Body(r)
	if err != nil {
		return err
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || text[0] != '{' || json.Unmarshal(text, into) != nil {
		return fault.New(fault.Invalid, "bad_body", "the body is not a JSON object with a query").WithHint(`{"query": {"measures": ["web.count"]}}`)
	}
	return nil
}

// ask understands a request: which queries it holds, and what answers them.
func (e *endpoints) ask(r *http.Request, caller access.Principal) (asked, error) {
	in, err := read(r)
	if err != nil {
		return asked{}, err
	}
	kind, queries, err := cube.Decode(in.Query)
	if err != nil {
		return asked{}, err
	}
	out := asked{kind: kind, multi: in.QueryType == "multi", key: string(caller.Tenant) + "\x00" + caller.ID + "\x00" + string(in.Query)}
	for _, q := range queries {
		over, err := e.cube(r.Context(), caller, q.Dataset())
		if err != nil {
			return out, err
		}
		question, err := over.Ask(q, e.Now())
		if err != nil {
			return out, err
		}
		out.questions = append(out.questions, question)
	}
	return out, nil
}

// cube opens a dataset that the caller may ask, as it is now.
func (e *endpoints) cube(ctx context.Context, caller access.Principal, name dataset.Name) (cube.Cube, error) {
	over, err := e.Gate.Open(ctx, caller, route.RunQuery.Action, name, nil)
	if err != nil {
		return cube.Cube{}, err
	}
	defer over.Release()
	named, err := e.Saved.Named(ctx, caller.Tenant, over.Dataset)
	return cube.Of(over.Dataset.Name, over.View.Columns(), named), err
}

// requests are what the questions ask for.
func (a asked) requests() []query.Request {
	all := make([]query.Request, len(a.questions))
	for i, q := range a.questions {
		all[i] = q.Request
	}
	return all
}

func send(w http.ResponseWriter, answer any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}
