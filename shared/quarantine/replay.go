package quarantine

import (
	"context"
	"encoding/json"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Replayer sends what is in quarantine again.
type Replayer struct {
	Manifest manifest.Store
	Segments *segment.Cache
	Enricher *enrich.Enricher
	Ingest   ingest.Options // of the producers that replay; their ID is set here, and they count nothing as accepted
}

// Mended maps an event's id to its text as it should have been sent.
type Mended map[string]json.RawMessage

// Replay sends every event of the sealed quarantine segments again that have not
// expired, mended where there is a mended text, and takes the segments out of
// quarantine. It returns how many it sent and where they went. An event keeps its id and
// its account in the ledger: it is pending until it has been folded in, and may end in
// quarantine again.
func (r Replayer) Replay(ctx context.Context, t tenant.ID, snap snapshot.Snapshot, mended Mended) (int, snapshot.Position, error) {
	sent, position := 0, snapshot.Position{}
	if snap.Dataset.Kind != dataset.Events {
		return 0, nil, fault.New(fault.Invalid, "not_an_events_dataset", "what is in quarantine of a dataset of kind %s were no events", snap.Dataset.Kind).
			WithHint("load the rows again, mended; a load with mode replace empties the quarantine")
	}
	horizon := snap.Dataset.Settings.Horizon(r.Manifest.Now().UnixMicro())
	for _, ref := range snap.State.Of(segment.Quarantine) {
		if ref.MaxReceived < horizon {
			continue // it has expired, and may be on its way out: package retention says when
		}
		kept, err := r.Segments.ReadQuarantine(ctx, ref)
		if err != nil {
			return sent, position, err
		}
		if err := r.send(ctx, t, snap, ref, kept, mended, position); err != nil {
			return sent, position, err
		}
		switch err := r.release(ctx, t, snap, ref, kept); {
		case fault.Is(err, fault.Conflict):
			continue // another replay was faster, with the same positions
		case err != nil:
			return sent, position, err
		}
		sent += len(kept)
	}
	return sent, position, nil
}

// send puts the events of a segment on the stream, in the order they stand in it, by the
// rules for their fields as these are now. A text that had not been enriched is, by the
// version of now; one that had been is not again, mended or not: what is mended is what
// is listed.
func (r Replayer) send(ctx context.Context, t tenant.ID, snap snapshot.Snapshot, ref segment.Ref, kept []segment.QuarantineRow, mended Mended, position snapshot.Position) error {
	options := r.Ingest
	options.ID, options.Accepted = ref.Replayer(), nil
	producer := ingest.NewProducer(options)
	for _, q := range kept {
		event, err := decode(q, mended)
		if err != nil {
			return err
		}
		again := []events.Event{event}
		enrichment, err := r.Enricher.PrepareAgain(ctx, t, snap.Dataset, q.Enrichment, again)
		if err != nil {
			return err
		}
		at, err := producer.Put(ctx, ingest.Batch{Tenant: t, Dataset: snap.Dataset.ID, Arrived: q.Received, Account: events.Producer(q.Producer), Events: again, Enrichment: enrichment})
		if err != nil {
			return err
		}
		for shard, sequence := range at {
			position.Raise(shard, sequence)
		}
	}
	return nil
}

// decode reads an event again. It keeps its id, mended or not: the id says which
// bucket it goes to, and with it its position.
func decode(q segment.QuarantineRow, mended Mended) (events.Event, error) {
	text := q.Raw
	if better, ok := mended[q.EventID]; ok {
		text = better
	}
	var d ingest.Decoder
	decoded, err := d.Decode(text, q.Received)
	if err != nil || len(decoded) != 1 {
		refused := events.Refusal{Code: q.Code, Reason: q.Reason}
		return events.Event{ID: q.EventID, Time: q.Received, MadeTime: true, Refused: refused, Raw: q.Raw}, nil
	}
	decoded[0].ID, decoded[0].MadeID = q.EventID, false
	return decoded[0], nil
}

// release takes a segment out of quarantine and its events out of the accounts.
func (r Replayer) release(ctx context.Context, t tenant.ID, snap snapshot.Snapshot, ref segment.Ref, kept []segment.QuarantineRow) error {
	counts := map[ledger.Account]ledger.Counts{}
	for _, q := range kept {
		a := ledger.Account{Hour: ledger.HourOf(q.Received), Producer: events.Producer(q.Producer)}
		counts[a] = counts[a].Plus(ledger.Counts{Quarantined: -1})
	}
	_, err := r.Manifest.Commit(ctx, t, snap.Dataset.ID, snap.State, manifest.Change{
		Commit: "replay " + ref.Key, Remove: []string{ref.Key}, Ledger: ledger.Delta{Lines: ledger.Lines(counts)},
	})
	return err
}
