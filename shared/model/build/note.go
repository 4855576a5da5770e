package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
)

// place is where a model's note stands among those of its dataset.
const place = "model"

// note is what a result was made of, put beside it in one commit.
type note struct {
	Definition string                `json:"definition"` // hash of the SQL and of how it is parted
	Inputs     map[dataset.Name]made `json:"inputs"`
}

// made is a version of an input.
type made struct {
	ID      dataset.ID       `json:"id"` // a dataset of the same name may be another
	Version manifest.Version `json:"version"`
}

// recall reads what the result is, and what it was made of.
func (w *build) recall(ctx context.Context) (err error) {
	if w.noted, err = w.Loader.Note(ctx, w.tenant, w.dataset.ID, place); err != nil {
		return err
	}
	if w.target, err = w.Loader.Manifest.Load(ctx, w.tenant, w.dataset.ID); err != nil {
		return err
	}
	if w.noted == nil {
		if w.target.Visible() > 0 {
			return taken(w.dataset.Name)
		}
		return nil
	}
	if err := json.Unmarshal(w.noted, &w.was); err != nil {
		return fmt.Errorf("note of %s: %w", w.dataset.Name, err)
	}
	return nil
}

// definition names what a model does: a result made by another is made anew.
func definition(m model.Model) string {
	text, err := json.Marshal(struct {
		SQL         string
		Incremental *model.Incremental
		Released    bool
	}{m.SQL, m.Incremental, m.Released})
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// note is what is noted with the result. A period that is built again says nothing of the
// rest.
func (w *build) note() (json.RawMessage, error) {
	if w.order.Period != nil && w.noted != nil {
		return w.noted, nil
	}
	n := note{Definition: definition(w.model), Inputs: map[dataset.Name]made{}}
	for name, in := range w.inputs {
		n.Inputs[name] = made{in.visible.Dataset.ID, in.visible.State.Version}
	}
	return json.Marshal(n)
}
