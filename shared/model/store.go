package model

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Store keeps the folder of each tenant, all its versions, and how the last build of each
// model ended.
type Store struct {
	Table table.Table
	Now   func() time.Time
}

// Folder is a version of a tenant's files. Version 0 is the empty one.
type Folder struct {
	Version int       `json:"version"`
	Files   Files     `json:"files"`
	Changed time.Time `json:"changed,omitzero"`
	By      string    `json:"by,omitempty"`
}

// Project reads the folder.
func (f Folder) Project() (Project, error) {
	p, err := Read(f.Files)
	p.Version, p.Changed, p.By = f.Version, f.Changed, f.By
	return p, err
}

func partition(t tenant.ID) string { return "models#" + string(t) }

func newestKey(t tenant.ID) table.Key { return table.Key{Partition: partition(t), Sort: "newest"} }

func versionKey(t tenant.ID, version int) table.Key {
	return table.Key{Partition: partition(t), Sort: fmt.Sprintf("version#%08d", version)}
}

func statusKey(t tenant.ID, name dataset.Name) table.Key {
	return table.Key{Partition: partition(t), Sort: "status#" + string(name)}
}

// Folder returns a version of the folder; of version 0, the newest. Where there is none, it
// is empty.
func (s Store) Folder(ctx context.Context, t tenant.ID, version int) (Folder, error) {
	key := newestKey(t)
	if version > 0 {
		key = versionKey(t, version)
	}
	item, err := s.Table.Get(ctx, key)
	switch {
	case fault.Is(err, fault.NotFound) && version == 0:
		return Folder{Files: Files{}}, nil
	case fault.Is(err, fault.NotFound):
		return Folder{}, fault.New(fault.NotFound, "models_not_found", "there is no version %d of the models", version)
	case err != nil:
		return Folder{}, err
	}
	var f Folder
	if err := json.Unmarshal(item.Body, &f); err != nil {
		return f, fmt.Errorf("models %s: %w", item.Key.Sort, err)
	}
	return f, nil
}

// Put makes files the next version of the folder, if from is the newest one: somebody else's
// change in between is fault.Conflict. To make the same version again, whose answer was
// lost, changes nothing. Also is written with them.
func (s Store) Put(ctx context.Context, t tenant.ID, by string, files Files, from int, also ...table.Write) (Folder, error) {
	f := Folder{Version: from + 1, Files: files, Changed: s.Now().UTC(), By: by}
	text, err := json.Marshal(f)
	if err != nil {
		return f, err
	}
	newest := table.Put(table.Item{Key: newestKey(t), Body: text, Attributes: map[string]string{"version": strconv.Itoa(f.Version)}})
	if newest = newest.If(table.Absent); from > 0 {
		newest = newest.If(table.Equal("version", strconv.Itoa(from)))
	}
	err = s.Table.Commit(ctx, append(also, newest, table.Put(table.Item{Key: versionKey(t, f.Version), Body: text}))...)
	if fault.Is(err, fault.Conflict) {
		made, failed := s.Folder(ctx, t, 0)
		if failed != nil || made.Version == f.Version && maps.Equal(made.Files, files) {
			return made, failed
		}
		err = fault.New(fault.Conflict, "models_changed", "the models are not at version %d any more", from).
			WithHint("read them with GET /v1/models, put your change on top, and send the version that you read as from_version").Because(err)
	}
	return f, err
}

// Outcome is how a build of a model ended.
type Outcome string

// The outcomes.
const (
	Built     Outcome = "built"
	Unchanged Outcome = "unchanged" // nothing that it reads has changed
	Failed    Outcome = "failed"    // what was built last is there still
	Skipped   Outcome = "skipped"   // something that it reads failed
)

// Status is how the last build of a model ended.
type Status struct {
	Model    dataset.Name `json:"model"`
	Outcome  Outcome      `json:"outcome" enum:"built,unchanged,failed,skipped"`
	At       time.Time    `json:"at"`
	BuiltAt  time.Time    `json:"built_at,omitzero" doc:"when its result was made that is there"`
	JobID    job.ID       `json:"job_id,omitempty"`
	Version  int          `json:"version" doc:"of the models that it was built by"`
	Full     bool         `json:"full,omitempty" doc:"all of it was built, and not only the parts that changed"`
	Parts    int          `json:"parts,omitempty" doc:"that were built"`
	Rows     int64        `json:"rows" doc:"that were written"`
	Replaced int64        `json:"replaced,omitempty" doc:"rows that went"`
	Seconds  float64      `json:"seconds"`
	Error    *job.Failure `json:"error,omitempty" doc:"why it failed or was skipped"`
}

// SetStatus keeps how a build ended. One that made nothing leaves the time of the last that
// did.
func (s Store) SetStatus(ctx context.Context, t tenant.ID, status Status) error {
	if status.Outcome == Built {
		status.BuiltAt = status.At
	} else {
		was, err := s.Status(ctx, t, status.Model)
		if err != nil {
			return err
		}
		status.BuiltAt = was.BuiltAt
	}
	text, err := json.Marshal(status)
	if err != nil {
		return err
	}
	return s.Table.Commit(ctx, table.Put(table.Item{Key: statusKey(t, status.Model), Body: text}))
}

// Status returns how the last build of a model ended; the zero Status: there was none.
func (s Store) Status(ctx context.Context, t tenant.ID, name dataset.Name) (status Status, err error) {
	item, err := s.Table.Get(ctx, statusKey(t, name))
	if fault.Is(err, fault.NotFound) {
		return Status{Model: name}, nil
	}
	if err != nil {
		return status, err
	}
	if err := json.Unmarshal(item.Body, &status); err != nil {
		return status, fmt.Errorf("status of %s: %w", name, err)
	}
	return status, nil
}

// Statuses returns how the last builds ended, by model.
func (s Store) Statuses(ctx context.Context, t tenant.ID) (map[dataset.Name]Status, error) {
	all := map[dataset.Name]Status{}
	q := table.Query{Partition: partition(t), Prefix: "status#"}
	for {
		page, err := s.Table.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			var status Status
			if err := json.Unmarshal(item.Body, &status); err != nil {
				return nil, fmt.Errorf("status %s: %w", item.Key.Sort, err)
			}
			all[status.Model] = status
		}
		if q.Next = page.Next; q.Next == "" {
			return all, nil
		}
	}
}
