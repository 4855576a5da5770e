package export

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
)

// encodeUsed encodes those versions of definitions that a question went through.
func encodeUsed(defined []saved.Entry, used []query.Used) (json.RawMessage, error) {
	if len(used) == 0 {
		return nil, nil
	}
	kept := slices.DeleteFunc(defined, func(e saved.Entry) bool {
		return !slices.Contains(used, query.Used{Name: e.Name, Version: e.Version})
	})
	return json.Marshal(kept)
}

// definitionsOf decodes what a job pinned.
func definitionsOf(j job.Job) (query.Definitions, error) {
	if j.Pinned == nil {
		return nil, nil
	}
	var kept []saved.Entry
	if err := json.Unmarshal(j.Pinned, &kept); err != nil {
		return nil, fmt.Errorf("definitions of job %s: %w", j.ID, err)
	}
	return saved.Definitions(kept, j.Dataset)
}
