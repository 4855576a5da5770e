package jobs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/job"
)

// watch streams a job's progress as server-sent events until the job ends, or the
// request's time does; a client then comes back with the id of the last event, as an
// EventSource does by itself. Where an answer is not sent before it is whole, it is the
// next event alone. A client that has seen the end is told not to come again, by 204.
func (d Deps) watch(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	ctx := r.Context()
	j, err := d.find(ctx, caller, job.ID(r.PathValue("job_id")))
	if err != nil {
		return err
	}
	seen, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	if err != nil {
		seen = 0
	}
	if j.State.Ended() && seen >= j.Revision {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		if j.Revision > seen {
			v, err := d.show(ctx, j)
			if err != nil {
				return err
			}
			if err := writeEvent(w, j.Revision, v); err != nil {
				return nil // the client is gone
			}
			seen = j.Revision
			if http.NewResponseController(w).Flush() != nil || j.State.Ended() {
				return nil
			}
		}
		if d.Poll(ctx) != nil {
			return nil // the time is up
		}
		if j, err = d.find(ctx, caller, j.ID); err != nil {
			return err
		}
	}
}

// writeEvent writes one event. Clients that lose the stream come back in a second.
func writeEvent(w http.ResponseWriter, id int64, v View) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "retry: 1000\nid: %d\nevent: progress\ndata: %s\n\n", id, text)
	return err
}
