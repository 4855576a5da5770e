package crash

import (
	"slices"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/tests/fake"
)

// lists are versions of an enrichment that treat the same events differently: a retry may
// meet another one than the first try did.
var lists = []string{
	`[{"filter": {"column": "user_id", "op": "!=", "value": "u1"}}, {"sample": {"share": 0.8, "by": "event_id"}}]`,
	`[{"cast": {"field": "free", "to": "int"}}, {"filter": {"column": "user_id", "op": "!=", "value": "u2"}}]`,
	`[]`,
}

// declare makes the next version of the dataset's enrichment.
func (w *world) declare() {
	made, err := dataset.Catalog{Table: w.table, Now: w.clock}.Enrich(w.t.Context(), owner, w.dataset.Name, w.dataset.Enrichment, "owner", []byte(lists[w.rng.IntN(len(lists))]))
	if err != nil {
		w.t.Fatal(err)
	}
	w.dataset.Enrichment = made.Version
}

func (w *world) enricher() *enrich.Enricher {
	return enrich.New(&fieldrule.Salts{Secrets: &fake.Secrets{}}, w.table, w.blobs, w.clock)
}

// prepared is a batch as it goes to the stream; the batch stays what the sender has.
func (w *world) prepared(batch []events.Event) (made []events.Event, enrichment uint32) {
	made = slices.Clone(batch)
	for i := range made {
		made[i].Values = slices.Clone(made[i].Values)
	}
	enrichment, err := w.enricher().Prepare(w.t.Context(), owner, w.dataset, made)
	if err != nil {
		w.t.Fatal(err)
	}
	return made, enrichment
}
