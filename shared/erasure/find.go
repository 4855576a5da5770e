package erasure

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
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
	Events      []map[string]any   `json:"events" doc:"the rows that are on this page, by their times"`
	Quarantine  []quarantine.Event `json:"quarantine" doc:"those that are on this page, by their arrival"`
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

// Find returns what a snapshot holds of a subject, and lists what comes on a page. The
// datasets of a page have to be asked in the order of their names.
func (f Finder) Find(ctx context.Context, over snapshot.Snapshot, s segment.Subject, p *Page) (Holding, error) {
	h := holding{Holding: Holding{Dataset: over.Dataset.Name}, subject: s,
		rows: newList[map[string]any](p, over.Dataset.Name, false), quarantined: newList[quarantine.Event](p, over.Dataset.Name, true)}
	if err := h.find(ctx, f.Segments, over); err != nil {
		return Holding{}, err
	}
	h.Events, h.Quarantine = h.rows.take(), h.quarantined.take()
	return h.Holding, nil
}

// holding is what a dataset holds in the making.
type holding struct {
	Holding
	subject     segment.Subject
	rows        *list[map[string]any]
	quarantined *list[quarantine.Event]
}

func (h *holding) find(ctx context.Context, segments *segment.Cache, over snapshot.Snapshot) error {
	for _, ref := range over.Segments {
		has, err := segments.Has(ctx, ref, h.subject)
		if err != nil {
			return err
		}
		if !has {
			continue
		}
		batch, err := segments.ReadRows(ctx, ref)
		if err != nil {
			return err
		}
		if err := h.batch(batch); err != nil {
			return err
		}
	}
	for _, part := range over.Tail {
		if err := h.batch(part.Rows); err != nil {
			return err
		}
	}
	for _, ref := range over.State.Of(segment.Quarantine) {
		all, err := segments.ReadQuarantine(ctx, ref)
		if err != nil {
			return err
		}
		if err := h.refused(all); err != nil {
			return err
		}
	}
	return h.refused(over.Unsealed.Quarantined)
}

func (h *holding) batch(b rows.Batch) error {
	for row := range b.Len {
		if !h.subject.Holds(b, row) {
			continue
		}
		h.Rows++
		if err := h.rows.add(timeOf(b, row), asObject(b, row)); err != nil {
			return err
		}
	}
	return nil
}

// timeOf is when the event of a row happened; zero for the row of a table.
func timeOf(b rows.Batch, row int) int64 {
	if len(b.Columns) > rows.Time && b.Columns[rows.Time].Name == dataset.ColumnTime && b.Columns[rows.Time].Type == dataset.Time {
		return b.Columns[rows.Time].Ints[row]
	}
	return 0
}

func (h *holding) refused(all []segment.QuarantineRow) error {
	for _, q := range all {
		if !suppression.Mentions(q.Raw, h.subject.Named) {
			continue
		}
		h.Quarantined++
		if err := h.quarantined.add(q.Received, quarantine.Show(q)); err != nil {
			return err
		}
	}
	return nil
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
			if f := c.Float[row]; math.IsNaN(f) || math.IsInf(f, 0) {
				o[c.Name] = strconv.FormatFloat(f, 'g', -1, 64) // JSON has no number for it
			}
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
