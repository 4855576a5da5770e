package tail_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
)

// TestATailOfManyDaysIsSealedInOneCommit sends what a migration from elsewhere does:
// enough rows of so many days that a segment for each would be too many for a commit.
func TestATailOfManyDaysIsSealedInOneCommit(t *testing.T) {
	b := newBench(t)
	const days, perDay = 120, 1000
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	put := func(arrived time.Time, batch []events.Event) {
		t.Helper()
		if _, err := b.producer.Put(t.Context(), ingest.Batch{Tenant: "main", Dataset: b.dataset.ID, Arrived: arrived.UnixMicro(), Events: batch}); err != nil {
			t.Fatal(err)
		}
	}
	for day := range days {
		then := now.AddDate(0, 0, -day)
		batch := make([]events.Event, perDay)
		for i := range batch {
			batch[i] = events.Event{ID: fmt.Sprint(day, "-", i), Name: "seen", Time: then.UnixMicro()}
		}
		put(now, batch)
		put(then, []events.Event{{ID: fmt.Sprint("refused", day), Refused: events.Refusal{Code: "no_event_name"}, Raw: []byte("{}")}})
	}
	shards, err := b.stream.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := b.live(b.table)
	for _, shard := range shards {
		records, _, err := b.stream.Read(t.Context(), shard.ID, "", 1<<20, 0)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := l.Fold(t.Context(), shard, records); n != len(records) || err != nil {
			t.Fatal(n, err)
		}
		if _, err := l.SealNow(t.Context(), shard.ID); err != nil {
			t.Fatal(err)
		}
	}
	st, err := manifest.Store{Table: b.table, Blobs: b.blobs, Now: time.Now}.Load(t.Context(), "main", b.dataset.ID)
	if err != nil {
		t.Fatal(err)
	}
	if st.Visible() != days*perDay || len(st.Through) != len(shards) {
		t.Errorf("%d rows of %d, shards sealed: %v", st.Visible(), days*perDay, st.Through)
	}
	kept := int64(0)
	for _, ref := range st.Of(segment.Quarantine) {
		kept += ref.Rows
		if newest := segment.DayOf(ref.MaxReceived); ref.Rows > 1 && newest > segment.DayOf(now.UnixMicro())-19 {
			t.Errorf("events of %d days that were refused lately share a segment", ref.Rows)
		}
	}
	if kept != days {
		t.Errorf("%d events in quarantine, want %d", kept, days)
	}
}
