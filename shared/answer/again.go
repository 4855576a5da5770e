package answer

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// words are a request as it was sent.
type words struct {
	tenant tenant.ID
	text   string
}

// meaning is what words meant over a version: nobody has to read them again while the
// version is the newest.
type meaning struct {
	name     dataset.Name
	id       dataset.ID
	version  manifest.Version
	position string
	declared []dataset.Column // of the dataset, which change without a version
	tag      Tag
}

func (m meaning) holds(over snapshot.Snapshot) bool {
	return m.id == over.Dataset.ID && m.version == over.Version && m.position == over.Position.String() && slices.Equal(m.declared, over.Dataset.Declared)
}

// About returns the dataset that the same words were about before.
func (k *Kept) About(t tenant.ID, text []byte) (dataset.Name, bool) {
	if k == nil {
		return "", false
	}
	m, ok := k.words.Get(words{t, string(text)})
	return m.name, ok
}

// Again returns the answer that the same words had before, if the rows are still the
// same and the answer is still kept.
func (d *Desk) Again(ctx context.Context, t tenant.ID, text []byte) (Answer, bool, error) {
	m, ok := d.Kept.words.Get(words{t, string(text)})
	if !ok {
		return Answer{}, false, nil
	}
	over, err := d.Source.Open(ctx, t, m.name, nil)
	if err != nil {
		return Answer{}, false, err
	}
	defer over.Release()
	if !m.holds(over) {
		return Answer{}, false, nil
	}
	a, ok := d.Kept.memory.Get(m.tag)
	return a, ok, nil
}

// Remember notes what words meant that a Question was made of. Words whose meaning
// depends on more than the dataset are not noted: on definitions, on what to wait for.
func (q *Question) Remember(text []byte, waits bool) {
	if q.desk.Kept == nil || waits || q.explain || len(q.Program.Definitions) > 0 {
		return
	}
	m := meaning{name: q.Over.Dataset.Name, id: q.Over.Dataset.ID, version: q.Over.Version, position: q.Over.Position.String(), declared: q.Over.Dataset.Declared, tag: q.Tag}
	const perMeaning = 300 // bytes, about
	q.desk.Kept.words.Put(words{q.tenant, string(text)}, m, int64(len(text))+perMeaning)
}
