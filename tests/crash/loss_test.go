package crash

import (
	"context"
	"testing"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/stream"
)

// forgetful is a stream that confirms what it does not keep.
type forgetful struct{ stream.Stream }

func (f forgetful) Put(_ context.Context, entries []stream.Entry) ([]stream.Place, error) {
	places := make([]stream.Place, len(entries))
	for i := range places {
		places[i] = stream.Place{Shard: "shard-1", Sequence: "1"}
	}
	return places, nil
}

// TestALossBetweenAcknowledgementAndRowsShows is why the two sides of the ledger are
// counted apart: what was acknowledged and never arrives stays pending, whatever
// else goes well.
func TestALossBetweenAcknowledgementAndRowsShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	sound := w.sender
	lossy := w.newSender()
	options := w.options(lossy.accepted.Producer)
	options.Stream, options.Accepted = forgetful{w.stream}, lossy.accepted
	lossy.producer = ingest.NewProducer(options)

	w.send([]events.Event{{ID: "a", Name: "seen"}, {ID: "b", Name: "seen"}})
	w.sender = lossy
	w.send([]events.Event{{ID: "c", Name: "seen"}, {ID: "d", Name: "seen"}, {ID: "e", Name: "seen"}})
	w.settle()
	w.sender = sound
	w.send([]events.Event{{ID: "f", Name: "seen"}})
	w.settle()

	acknowledged, err := ledger.Acknowledged(t.Context(), w.table, owner, w.dataset.ID)
	if err != nil {
		t.Fatal(err)
	}
	sum, _ := ledger.Balance(acknowledged, w.open(w.workers[0]).Ledger())
	want := ledger.Row{Accepted: 6, Counts: ledger.Counts{Stored: 3}, Pending: 3}
	if sum != want {
		t.Errorf("got %+v, want the three that were lost pending: %+v", sum, want)
	}
}
