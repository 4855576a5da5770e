package server

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
)

func TestTheServerMergesSmallSegmentsAgainAndAgain(t *testing.T) {
	log := lines{slog.NewTextHandler(t.Output(), nil), make(chan string)}
	s, d := opened(t, Options{Log: slog.New(log), CompactEvery: time.Millisecond})
	const segments = 9
	for i := range segments {
		b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
		b.Append(&events.Event{ID: fmt.Sprint("e", i), Name: "seen", Time: int64(i)}, time.Now().UnixMicro())
		at := stream.Sequence(fmt.Sprint(i + 1))
		ref, err := segment.Write(t.Context(), s.manifest.Blobs, segment.Origin{Tenant: Tenant, Dataset: d.ID, Shard: "s", From: at, Through: at}, b.View(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.manifest.Commit(t.Context(), Tenant, d.ID, manifest.State{}, manifest.Change{Commit: string(at), Add: []segment.Ref{ref}}); err != nil {
			t.Fatal(err)
		}
	}
	for runs := 0; ; {
		snap, err := s.live.Open(t.Context(), Tenant, "web", nil)
		if err != nil {
			t.Fatal(err)
		}
		snap.Release()
		if snap.Visible() != segments {
			t.Fatalf("%d rows, want %d", snap.Visible(), segments)
		}
		if len(snap.Segments) < segments {
			return
		}
		if runs > 3 { // the first may have begun before
			t.Fatal("nothing was merged")
		}
		if <-log.messages == "compact" {
			runs++
		}
	}
}
