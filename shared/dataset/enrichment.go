package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Enrichment is a version of what is done to a dataset's events on their way in. It never
// changes. Package enrich knows what the steps mean.
type Enrichment struct {
	Version uint32          `json:"version"`
	Created time.Time       `json:"created"`
	By      string          `json:"by" doc:"who made it, as GET /v1/me tells ids"`
	Steps   json.RawMessage `json:"steps"`
}

// MaxEnrichments bounds the versions of a dataset's enrichment.
const MaxEnrichments = 10_000

func enrichments(t tenant.ID, id ID) string { return partition(t) + "#" + string(id) }

func enrichmentKey(t tenant.ID, id ID, version uint32) table.Key {
	return table.Key{Partition: enrichments(t, id), Sort: fmt.Sprintf("enrichment#%08d", version)}
}

// Enrich makes a dataset's next version of its enrichment, which holds for events from
// then on. The version before must be from, or it is fault.Conflict: of two changes of
// one version, one wins. To make the same version again changes nothing.
func (c Catalog) Enrich(ctx context.Context, t tenant.ID, n Name, from uint32, by string, steps json.RawMessage) (Enrichment, error) {
	d, edition, err := c.get(ctx, t, n)
	if err != nil {
		return Enrichment{}, err
	}
	switch {
	case d.Enrichment == from+1:
		made, err := c.EnrichmentOf(ctx, t, d.ID, d.Enrichment)
		if err != nil || bytes.Equal(made.Steps, steps) {
			return made, err
		}
		fallthrough
	case d.Enrichment != from:
		return Enrichment{}, fault.New(fault.Conflict, "enrichment_changed", "the enrichment of dataset %q is of version %d, not %d", n, d.Enrichment, from).
			WithHint("read it again and decide anew")
	case from >= MaxEnrichments:
		return Enrichment{}, fault.New(fault.Invalid, "too_many_versions", "an enrichment has at most %d versions", MaxEnrichments)
	}
	d.Enrichment++
	made := Enrichment{Version: d.Enrichment, Created: c.Now().UTC().Truncate(time.Microsecond), By: by, Steps: steps}
	body, err := json.Marshal(made)
	if err != nil {
		return Enrichment{}, fmt.Errorf("enrichment of dataset %s: %w", n, err)
	}
	err = c.Table.Commit(ctx,
		table.Put(item(nameKey(t, n), d, next(edition))).If(table.Equal("edition", edition)),
		table.Put(table.Item{Key: enrichmentKey(t, d.ID, made.Version), Body: body}).If(table.Absent))
	if fault.Is(err, fault.Conflict) {
		err = fault.New(fault.Conflict, "dataset_changed", "dataset %q was changed meanwhile", n).
			WithHint("read its enrichment again and decide anew")
	}
	return made, err
}

// EnrichmentOf returns a version, or fault.NotFound.
func (c Catalog) EnrichmentOf(ctx context.Context, t tenant.ID, id ID, version uint32) (Enrichment, error) {
	found, err := c.Table.Get(ctx, enrichmentKey(t, id, version))
	if fault.Is(err, fault.NotFound) {
		return Enrichment{}, fault.New(fault.NotFound, "enrichment_not_found", "the dataset's enrichment has no version %d", version).
			WithHint("GET /v1/datasets/{dataset}/enrichment/versions lists those there are")
	}
	if err != nil {
		return Enrichment{}, err
	}
	return readEnrichment(found)
}

// Enrichments returns a page of versions in order of their numbers; next continues.
func (c Catalog) Enrichments(ctx context.Context, t tenant.ID, id ID, next string, limit int) (all []Enrichment, more string, err error) {
	page, err := c.Table.List(ctx, table.Query{Partition: enrichments(t, id), Prefix: "enrichment#", Next: next, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	for _, item := range page.Items {
		one, err := readEnrichment(item)
		if err != nil {
			return nil, "", err
		}
		all = append(all, one)
	}
	return all, page.Next, nil
}

func readEnrichment(item table.Item) (e Enrichment, err error) {
	if err := json.Unmarshal(item.Body, &e); err != nil {
		return e, fmt.Errorf("catalog item %s of %s: %w", item.Key.Sort, item.Key.Partition, err)
	}
	return e, nil
}
