package enrich

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Enricher does to events, on every way in, what the owner of their dataset declared. It is
// safe for concurrent use and must not be copied.
type Enricher struct {
	Salts   *fieldrule.Salts
	Catalog dataset.Catalog
	Tables  *Tables

	mu       sync.Mutex
	programs map[versionKey]*Program
}

// New returns an Enricher over the items and blobs of a stage.
func New(salts *fieldrule.Salts, items table.Table, blobs blob.Store, now func() time.Time) *Enricher {
	const readMemory = 1 << 20 // bytes: what is read is remembered by Tables
	catalog := dataset.Catalog{Table: items, Now: now}
	source := &snapshot.Sealed{Catalog: catalog, Manifest: manifest.Store{Table: items, Blobs: blobs, Now: now}}
	return &Enricher{Salts: salts, Catalog: catalog, Tables: &Tables{Source: source, Segments: segment.NewCache(blobs, readMemory), Now: now}}
}

type versionKey struct {
	tenant  tenant.ID
	dataset dataset.ID
	version uint32
}

// maxPrograms bounds the versions that are remembered.
const maxPrograms = 1000

// Prepare makes events of what was sent what is put on the stream, in place: first by the
// rules for their fields, which also hold for the texts of those that are refused, then by
// the steps of the enrichment. It returns the version of that, which the batch is to carry;
// zero where there is none. When it fails, nothing of the batch may be put.
func (e *Enricher) Prepare(ctx context.Context, t tenant.ID, d dataset.Dataset, sent []events.Event) (uint32, error) {
	if err := e.Salts.Apply(ctx, t, d.Settings.Fields, sent); err != nil || d.Enrichment == 0 || len(sent) == 0 {
		return 0, err
	}
	p, err := e.program(ctx, versionKey{t, d.ID, d.Enrichment})
	if err != nil || len(p.Steps) == 0 {
		return 0, err
	}
	r, err := p.prepare(ctx, t, e)
	if err != nil {
		return 0, err
	}
	r.all(sent)
	return p.Version, nil
}

// PrepareAgain is Prepare for events out of quarantine, whose texts went through a version
// before; zero: through none. What was enriched once is not enriched again: by another
// version it would be neither's.
func (e *Enricher) PrepareAgain(ctx context.Context, t tenant.ID, d dataset.Dataset, before uint32, sent []events.Event) (uint32, error) {
	if before == 0 {
		return e.Prepare(ctx, t, d, sent)
	}
	return before, e.Salts.Apply(ctx, t, d.Settings.Fields, sent)
}

// program returns a version, which is read once.
func (e *Enricher) program(ctx context.Context, key versionKey) (*Program, error) {
	e.mu.Lock()
	p := e.programs[key]
	e.mu.Unlock()
	if p != nil {
		return p, nil
	}
	stored, err := e.Catalog.EnrichmentOf(ctx, key.tenant, key.dataset, key.version)
	if err != nil {
		return nil, err
	}
	if p, err = read(stored); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.programs == nil || len(e.programs) >= maxPrograms {
		e.programs = map[versionKey]*Program{}
	}
	e.programs[key] = p
	return p, nil
}
