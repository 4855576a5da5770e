package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/sweeper"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/segment"
)

// lines hands on the messages that are logged.
type lines struct {
	slog.Handler
	messages chan string
}

func (l lines) Handle(_ context.Context, r slog.Record) error {
	select {
	case l.messages <- r.Message:
	default: // nobody waits for it
	}
	return nil
}

// opened is a server with a dataset, which is closed with the test.
func opened(t *testing.T, o Options) (*Server, dataset.Dataset) {
	t.Helper()
	o.Dir, o.URL = t.TempDir(), "http://localhost"
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	d, err := s.catalog.Create(t.Context(), Tenant, dataset.Spec{Name: "web", Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	return s, d
}

func TestTheServerSweepsDeletedDatasetsAgainAndAgain(t *testing.T) {
	var ahead atomic.Int64
	log := lines{slog.NewTextHandler(t.Output(), nil), make(chan string)}
	s, d := opened(t, Options{Log: slog.New(log), SweepEvery: time.Millisecond,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	file := segment.Prefix(Tenant, d.ID) + "entry/1.json"
	if err := s.manifest.Blobs.Put(t.Context(), file, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.catalog.Delete(t.Context(), Tenant, "web"); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(sweeper.Grace))
	for sweeps := 0; ; {
		if _, err := s.manifest.Blobs.Stat(t.Context(), file); fault.Is(err, fault.NotFound) {
			return
		}
		if sweeps > 2 { // the first may have begun before
			t.Fatal("the file is still there")
		}
		if <-log.messages == "sweep" {
			sweeps++
		}
	}
}
