package queries

import (
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/query"
)

// saved answers a saved query. Who may ask it is who may ask the question.
func (d *Deps) saved(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	as, err := formatOf(r)
	if err != nil {
		return err
	}
	if as.mediaType == formats[0].mediaType {
		as.name, as.write = "objects", query.WriteObjects
	}
	request, err := d.Saved.Query(r.Context(), caller.Tenant, r.PathValue("name"))
	if err != nil {
		return err
	}
	between(&request, r.URL.Query().Get("from"), r.URL.Query().Get("to"))
	return d.give(w, r, caller, request, nil, as)
}

// between puts a range in the place of a saved query's own, where one is given.
func between(r *query.Request, from, to string) {
	if from == "" && to == "" {
		return
	}
	if r.Time == nil {
		r.Time = &query.Time{}
	}
	if from != "" {
		r.Time.From = from
	}
	if to != "" {
		r.Time.To = to
	}
}
