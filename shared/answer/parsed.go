package answer

import (
	"context"
	"maps"
	"slices"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// sent is a request as a caller sent it.
type sent struct {
	tenant tenant.ID
	caller string
	text   string
}

// Parsed is what the text of a request came to over a version: nobody has to read it
// again while the version is the newest.
type Parsed struct {
	Dataset dataset.Name // that the request is about

	id       dataset.ID
	version  manifest.Version
	position snapshot.Position
	declared []dataset.Column // of the dataset, which change without a version
	view     string           // key of the caller's, which changes without a version too
	tag      Tag
}

func (p Parsed) holds(over engine.Visible) bool {
	return p.view == over.View.Key() && p.id == over.Dataset.ID && p.version == over.Version && maps.Equal(p.position, over.Position) && slices.Equal(p.declared, over.Dataset.Declared)
}

// Parsed returns what the same text came to when it was sent before.
func (c *Cache) Parsed(p access.Principal, text []byte) (Parsed, bool) {
	if c == nil {
		return Parsed{}, false
	}
	return c.parsed.Get(sent{p.Tenant, p.ID, string(text)})
}

// Again returns the answer that a text had before, if the rows are still the same and
// the answer is still kept.
func (e *Executor) Again(ctx context.Context, caller access.Principal, p Parsed) (Answer, bool, error) {
	over, err := e.Gate.Open(ctx, caller, access.RunQuery, p.Dataset, nil)
	if err != nil {
		return Answer{}, false, err
	}
	defer over.Release()
	if !p.holds(over) {
		return Answer{}, false, nil
	}
	a, ok := e.Cache.memory.Get(p.tag)
	return a, ok, nil
}

// Remember notes the text that a Question was made of. One that depends on more than
// the dataset is not noted: on definitions, on what to wait for.
func (q *Question) Remember(text []byte, waits bool) {
	if q.executor.Cache == nil || waits || q.explain || len(q.Program.Definitions) > 0 {
		return
	}
	over := q.Over
	p := Parsed{Dataset: over.Dataset.Name, id: over.Dataset.ID, version: over.Version, position: over.Position, declared: over.Dataset.Declared, view: over.View.Key(), tag: q.Tag}
	const perText = 300 // bytes, about
	q.executor.Cache.parsed.Put(sent{q.caller.Tenant, q.caller.ID, string(text)}, p, int64(len(text))+perText)
}
