package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
)

// pinned is what an order meant when it was submitted: the definitions that it names,
// and what its caller does not see of the dataset.
type pinned struct {
	Definitions []saved.Entry     `json:"definitions,omitempty"`
	Restriction query.Restriction `json:"restriction"`
}

// encode keeps those versions of definitions that a question went through.
func (p pinned) encode(used []query.Used) (json.RawMessage, error) {
	p.Definitions = slices.DeleteFunc(p.Definitions, func(e saved.Entry) bool {
		return !slices.Contains(used, query.Used{Name: e.Name, Version: e.Version})
	})
	return json.Marshal(p)
}

// pinnedBy decodes what a job pinned.
func pinnedBy(j job.Job) (p pinned, named query.Definitions, err error) {
	d := json.NewDecoder(bytes.NewReader(j.Pinned))
	d.UseNumber() // values of filters keep all their digits
	if err := d.Decode(&p); err != nil {
		return p, nil, fmt.Errorf("what job %s pinned: %w", j.ID, err)
	}
	named, err = saved.Definitions(p.Definitions, j.Dataset)
	return p, named, err
}
