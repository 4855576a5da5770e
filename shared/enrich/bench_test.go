package enrich

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/load"
)

// batchOf makes events as a page sends them, of one shape and of 50 people.
func batchOf(n int) []events.Event {
	shape := &events.Shape{Names: []string{"url", "price", "email", "user_agent"}}
	batch := make([]events.Event, n)
	for i := range batch {
		batch[i] = events.Event{ID: fmt.Sprint("event-", i), Name: "page_viewed", UserID: fmt.Sprint("u", i%50), Time: 1767323045000000, Shape: shape, Values: []events.Value{
			{Kind: events.Text, Text: "/products/7"}, {Kind: events.Text, Text: "19.90"}, {Kind: events.Text, Text: "somebody@example.com"}, {Kind: events.Text, Text: firefox}}}
	}
	return batch
}

func TestADatasetWithoutAnEnrichmentPaysNothing(t *testing.T) {
	w := newWorld(t)
	batch := batchOf(100)
	if got := testing.AllocsPerRun(100, func() {
		if _, err := w.enricher.Prepare(t.Context(), tenantID, w.web, batch); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("a batch is %v allocations", got)
	}
}

// BenchmarkPrepare measures what a list costs an event of a batch of 100, above that of no
// list, and that of a list which only notes its version.
func BenchmarkPrepare(b *testing.B) {
	w := newWorld(b)
	var customers []customer
	for i := range 50 {
		customers = append(customers, customer{fmt.Sprint("u", i), "free", 1})
	}
	w.load(b, load.Append, customers...)
	const noted = `{"cast":{"field":"nothing","to":"int"}}`
	for _, c := range []struct{ name, steps string }{
		{"none", ""},
		{"version", `[` + noted + `]`},
		{"rename", `[{"rename":{"from":"url","to":"page"}}]`},
		{"cast", `[{"cast":{"field":"price","to":"float"}}]`},
		{"drop", `[{"drop":{"field":"email"}}]`},
		{"hash", `[{"hash":{"field":"email"}}]`},
		{"look_up", byUser},
		{"parse_user_agent", `[{"parse_user_agent":{"field":"user_agent"}}]`},
		{"sample", `[{"sample":{"share":0.5,"by":"user_id"}}]`},
		{"filter", `[{"filter":{"column":"event","op":"!=","value":"heartbeat"}}]`},
	} {
		b.Run(c.name, func(b *testing.B) {
			if c.steps != "" {
				w.enrich(b, c.steps)
			}
			batch := batchOf(100)
			was, values := slices.Clone(batch), slices.Clone(batch[0].Values)
			b.ReportAllocs()
			for b.Loop() {
				copy(batch, was)
				for i := range batch {
					copy(batch[i].Values, values)
				}
				if _, err := w.enricher.Prepare(b.Context(), tenantID, w.web, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/event")
		})
	}
}
