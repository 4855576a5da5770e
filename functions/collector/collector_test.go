package collector

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/drop"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/tests/fake"
)

// shelf is a folder with one file, which is never loaded.
type shelf struct {
	drop.Folder
	looks int
}

func (s *shelf) List(context.Context) ([]drop.Drop, error) {
	s.looks++
	return []drop.Drop{{Tenant: "main", Path: "orders/a.csv", Version: "1"}}, nil
}

func (s *shelf) Copy(context.Context, drop.Drop, string) error { return nil }

func (s *shelf) Done(context.Context, drop.Drop) error { return nil }

func newCollector(t *testing.T, s *shelf) drop.Collector {
	t.Helper()
	table := &fake.Table{Now: time.Now}
	c := drop.Collector{Folder: s, Catalog: dataset.Catalog{Table: table, Now: time.Now}, Files: file.Store{Table: table, Now: time.Now},
		Jobs: job.Jobs{Table: table, Queue: &fake.Queue{Now: time.Now, Tries: 5}, Now: time.Now}, Log: slog.New(slog.DiscardHandler)}
	if _, err := c.Catalog.Create(t.Context(), "main", dataset.Spec{Name: "orders", Kind: dataset.Table}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheCollectorLooksUntilNothingIsLeft(t *testing.T) {
	s, waits := &shelf{}, 0
	c := newCollector(t, s)
	settled, err := Until(t.Context(), c, func(ctx context.Context) error {
		if waits++; waits == 3 {
			return finished(ctx, c)
		}
		return nil
	})
	if err != nil || settled != 1 || s.looks != 4 {
		t.Errorf("%d settled after %d looks, %v", settled, s.looks, err)
	}
}

// finished does the one job there is.
func finished(ctx context.Context, c drop.Collector) error {
	all, _, err := c.Jobs.List(ctx, "main", "", "", 0)
	if err != nil {
		return err
	}
	_, err = (&job.Worker{Jobs: c.Jobs, Runners: map[job.Kind]job.Runner{file.Kind: nothing{}}, Random: func(int) int { return 0 }, Log: c.Log}).Work(ctx)
	if len(all) != 1 {
		return errors.Join(err, errors.New("there is more than one job"))
	}
	return err
}

type nothing struct{}

func (nothing) Run(context.Context, job.Job, job.Checkpointer) (any, error) { return nil, nil }

func TestTheCollectorLeavesToTheClockWhatItHasNoTimeFor(t *testing.T) {
	s := &shelf{}
	ctx, cancel := context.WithTimeout(t.Context(), reserve-time.Second)
	defer cancel()
	settled, err := Until(ctx, newCollector(t, s), func(context.Context) error { return errors.New("it waits") })
	if err != nil || settled != 0 || s.looks != 1 {
		t.Errorf("%d settled after %d looks, %v", settled, s.looks, err)
	}
}
