package enrich

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
)

func TestTheLastEventsAreThoseThatCameLastAsTheyWouldBeSent(t *testing.T) {
	w := newWorld(t)
	price := &events.Shape{Names: []string{"price", "tags", Property}}
	for i := range 6 {
		e := events.Event{ID: fmt.Sprint("e", i), Name: "x", UserID: "u", Time: w.now.Add(-time.Duration(i) * time.Hour).UnixMicro(), Shape: price,
			Values: []events.Value{{Kind: events.Int, Int: int64(i)}, {Kind: events.JSON, Text: `["a"]`}, {Kind: events.Int, Int: 1}}}
		w.store(t, e)
		w.now = w.now.Add(time.Minute)
	}
	snap, err := w.enricher.Tables.Source.Open(t.Context(), tenantID, "web", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	for most, want := range map[int][]string{
		1: {`{"event_id":"e5","event":"x","time":"2026-01-10T07:05:00Z","user_id":"u","properties":{"price":5,"tags":["a"]}}`},
		2: {`{"event_id":"e5","event":"x","time":"2026-01-10T07:05:00Z","user_id":"u","properties":{"price":5,"tags":["a"]}}`,
			`{"event_id":"e4","event":"x","time":"2026-01-10T08:04:00Z","user_id":"u","properties":{"price":4,"tags":["a"]}}`},
	} {
		found, err := w.enricher.Tables.Last(t.Context(), snap, most)
		var got []string
		for _, text := range found {
			got = append(got, string(text))
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("the last %d: %v %s", most, err, diff)
		}
	}
	if all, err := w.enricher.Tables.Last(t.Context(), snap, 100); err != nil || len(all) != 6 {
		t.Errorf("of all there are %d: %v", len(all), err)
	}
}
