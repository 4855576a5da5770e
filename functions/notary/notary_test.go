package notary_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/notary"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestARunThatHasNoTimeLeftSaysThatThereIsMore(t *testing.T) {
	log := audit.New(&fake.Table{}, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err := log.Append(t.Context(), audit.Event{Tenant: "main", By: "user:1", Outcome: audit.Done}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	copier := audit.Copier{Log: log, Blobs: &fake.Blobs{Now: time.Now}}
	late := func() time.Time { return time.Now().Add(time.Hour - time.Second) }
	if done, err := notary.Run(ctx, copier, late); err != nil || !done.More || done.Entries != 0 {
		t.Errorf("%+v %v", done, err)
	}
	if done, err := notary.Run(ctx, copier, time.Now); err != nil || done.More || done.Entries != 1 {
		t.Errorf("%+v %v", done, err)
	}
}
