package erasure

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Holding is what a dataset holds of a subject.
type Holding struct {
	Dataset     dataset.Name       `json:"dataset"`
	Rows        int64              `json:"rows" doc:"of all, whether they are listed or not"`
	Quarantined int64              `json:"quarantined" doc:"events in quarantine that mention the subject"`
	Events      []map[string]any   `json:"events" doc:"the rows, as many as the limit says"`
	Quarantine  []quarantine.Event `json:"quarantine" doc:"as many as the limit says"`
}

// Finder finds what is held.
type Finder struct {
	Segments *segment.Cache
	Salts    *fieldrule.Salts
}

// Subject returns somebody by an id: as it is, and as a rule for fields makes it.
func (f Finder) Subject(ctx context.Context, t tenant.ID, id string) (segment.Subject, error) {
	salt, err := f.Salts.Of(ctx, t)
	if err != nil {
		return segment.Subject{}, err
	}
	names := []string{id, salt.Hash(id)}
	return segment.Subject{Probes: []uint64{segment.Probe(id), segment.Probe(names[1])}, Is: func(id string) bool { return slices.Contains(names, id) }}, nil
}

// Find returns what a snapshot holds of a subject, and lists up to limit rows and as many
// quarantined events.
func (f Finder) Find(ctx context.Context, over snapshot.Snapshot, s segment.Subject, limit int) (Holding, error) {
	h := Holding{Dataset: over.Dataset.Name, Events: []map[string]any{}, Quarantine: []quarantine.Event{}}
	for _, ref := range over.Segments {
		has, err := f.Segments.Has(ctx, ref, s)
		if err != nil {
			return h, err
		}
		if !has {
			continue
		}
		batch, err := f.Segments.ReadRows(ctx, ref)
		if err != nil {
			return h, err
		}
		h.rows(batch, s, limit)
	}
	for _, part := range over.Tail {
		h.rows(part.Rows, s, limit)
	}
	for _, ref := range over.State.Of(segment.Quarantine) {
		all, err := f.Segments.ReadQuarantine(ctx, ref)
		if err != nil {
			return h, err
		}
		h.quarantined(all, s, limit)
	}
	h.quarantined(over.Unsealed.Quarantined, s, limit)
	return h, nil
}

func (h *Holding) rows(b rows.Batch, s segment.Subject, limit int) {
	for row := range b.Len {
		if !s.Holds(b, row) {
			continue
		}
		if h.Rows++; len(h.Events) < limit {
			h.Events = append(h.Events, asObject(b, row))
		}
	}
}

func (h *Holding) quarantined(all []segment.QuarantineRow, s segment.Subject, limit int) {
	for _, q := range all {
		if !suppression.Mentions(q.Raw, s.Named) {
			continue
		}
		if h.Quarantined++; len(h.Quarantine) < limit {
			h.Quarantine = append(h.Quarantine, quarantine.Show(q))
		}
	}
}

// asObject is a row as JSON: without what is null.
func asObject(b rows.Batch, row int) map[string]any {
	o := map[string]any{}
	for i := range b.Columns {
		c := &b.Columns[i]
		if c.IsNull(row) {
			continue
		}
		switch c.Type {
		case dataset.Bool:
			o[c.Name] = c.Ints[row] != 0
		case dataset.Int:
			o[c.Name] = c.Ints[row]
		case dataset.Float:
			o[c.Name] = c.Float[row]
		case dataset.Time:
			o[c.Name] = time.UnixMicro(c.Ints[row]).UTC()
		case dataset.JSON:
			o[c.Name] = json.RawMessage(c.Text(row))
		default:
			o[c.Name] = string(c.Text(row))
		}
	}
	return o
}
