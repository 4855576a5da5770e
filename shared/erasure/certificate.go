package erasure

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
)

// Certificate is the result of an erasure: what was rewritten and deleted, and until when
// something may be left that cannot be.
type Certificate struct {
	Suppression string    `json:"suppression,omitempty" doc:"the keyed hash by which later events of the subject are dropped"`
	Hashed      string    `json:"suppression_hashed,omitempty" doc:"the same of what a rule that hashes fields makes of the subject"`
	Datasets    []Touched `json:"datasets" doc:"those that held something"`
	Searched    int       `json:"searched" doc:"datasets that were looked through"`
	Rows        int64     `json:"rows" doc:"rows erased"`
	Deleted     Deleted   `json:"deleted"`
	Remains     []Expiry  `json:"remains" doc:"what cannot be rewritten, and when it is gone by itself"`
	Completed   time.Time `json:"completed"`
}

// Touched is what happened to one dataset.
type Touched struct {
	Dataset     dataset.Name `json:"dataset"`
	Rows        int64        `json:"rows" doc:"rows erased"`
	Quarantined int64        `json:"quarantined" doc:"quarantined events erased"`
	Duplicates  int64        `json:"duplicates" doc:"notes of copies of erased events"`
	Files       []Files      `json:"files" doc:"commit by commit"`
	More        int          `json:"more,omitempty" doc:"commits that are not listed for want of room"`
}

// Files are the segments that one commit replaced, and those that came in their place.
type Files struct {
	Old []string `json:"old"`
	New []string `json:"new"`
}

// Expiry is when something that is left is gone by itself.
type Expiry struct {
	What string    `json:"what"`
	By   time.Time `json:"by"`
}

// maxNames bounds the names that a certificate lists: a job's result has 64 KiB.
const maxNames = 300

func (x *run) certificate(ctx context.Context) (Certificate, error) {
	now := x.Now().UTC().Truncate(time.Microsecond)
	c := Certificate{Suppression: x.Hash, Datasets: []Touched{}, Deleted: x.Deleted, Remains: []Expiry{}, Completed: now}
	if x.order.Hashed != nil {
		c.Hashed = x.order.Hashed.Hash
	}
	all, err := x.inScope(ctx)
	if err != nil {
		return c, err
	}
	c.Searched = len(all)
	names := 0
	for _, d := range all {
		done, err := x.records(ctx, d.ID)
		if err != nil {
			return c, err
		}
		if len(done) == 0 {
			continue
		}
		t := Touched{Dataset: d.Name, Files: []Files{}}
		for _, r := range done {
			t.Rows, t.Quarantined, t.Duplicates = t.Rows+r.Rows, t.Quarantined+r.Quarantined, t.Duplicates+r.Duplicates
			if names += len(r.Old) + len(r.New); names > maxNames {
				t.More++
				continue
			}
			t.Files = append(t.Files, Files{r.Old, r.New})
		}
		c.Datasets = append(c.Datasets, t)
		c.Rows += t.Rows
	}
	for _, r := range x.Remains {
		c.Remains = append(c.Remains, Expiry{r.What, now.Add(r.For)})
	}
	return c, nil
}
