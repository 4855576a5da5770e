package demo_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

func TestTheFirstStartLoadsAndLaterOnesDoNothing(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		if err := w.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.check(t)
	}
	want := []string{"flights      5 rows in 0.0 s", "earthquakes  2 rows in 0.0 s"}
	if diff := cmp.Diff(want, w.lines()); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

func TestFlightsAreTheRowsOfTheFile(t *testing.T) {
	w := newWorld(t)
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	snap := w.open(t, "flights")
	batch, err := segment.NewCache(&w.blobs, 1<<20).ReadRows(t.Context(), snap.Segments[0])
	if err != nil {
		t.Fatal(err)
	}
	got := shown(batch, "time", "delay", "distance", "origin", "destination")
	want := [][]any{
		{"2001-01-01T00:01:00Z", int64(-7), int64(100), "A0", "LAS"},
		{"2001-01-02T00:01:00Z", int64(-6), int64(101), "A1", "LAS"},
		{"2001-01-03T00:01:00Z", int64(-5), int64(102), "A2", "LAS"},
		{"2001-01-04T00:01:00Z", nil, int64(103), "A3", nil},
		{"2001-01-05T00:01:00Z", int64(-3), int64(104), "A4", "LAS"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestEarthquakesAreEventsOfAProducer(t *testing.T) {
	w := newWorld(t)
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got [][]any
	for _, part := range w.open(t, "earthquakes").Tail {
		got = append(got, shown(part.Rows, "event_id", "event", "time", "mag", "place", "type", "longitude", "latitude", "depth", "felt", "properties")...)
	}
	if len(got) == 2 && got[0][0] != "ci37868135" { // they may be in either shard
		got[0], got[1] = got[1], got[0]
	}
	want := [][]any{
		{"ci37868135", "earthquake", "2018-02-07T01:13:57.75Z", 1.6, "2km E of San Marino, CA", "quarry blast", -118.0, 34.1, 3.0, int64(7), nil},
		{"ci37868143", "earthquake", "2018-02-07T01:26:13.84Z", 2.0, "4km W of Castaic, CA", "earthquake", -118.6671667, 34.4945, 26.49, nil, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// shown returns the values of columns, row by row; a column that is absent is null.
func shown(batch rows.Batch, names ...string) [][]any {
	out := make([][]any, batch.Len)
	for row := range out {
		for _, name := range names {
			out[row] = append(out[row], value(batch, name, row))
		}
	}
	return out
}

func value(batch rows.Batch, name string, row int) any {
	for i := range batch.Columns {
		c := &batch.Columns[i]
		if c.Name != name || c.IsNull(row) {
			continue
		}
		switch c.Type {
		case dataset.Time:
			return time.UnixMicro(c.Ints[row]).UTC().Format(time.RFC3339Nano)
		case dataset.Float:
			return c.Float[row]
		case dataset.Text, dataset.JSON:
			return string(c.Text(row))
		}
		return c.Ints[row]
	}
	return nil
}

func TestAStartThatIsKilledAnywhereIsMadeGoodByTheNext(t *testing.T) {
	for name, applied := range map[string]bool{"before a write": false, "after a write": true} {
		t.Run(name, func(t *testing.T) {
			kills := 0
			for died := true; died; kills++ {
				w := newWorld(t)
				w.dieAt, w.applied = kills, applied
				if err := w.start(t.Context()); (err != nil) != w.died {
					t.Fatalf("kill %d: %v", kills, err)
				}
				died = w.died
				for range 2 {
					if err := w.start(t.Context()); err != nil {
						t.Fatalf("after kill %d: %v", kills, err)
					}
				}
				if w.check(t); t.Failed() {
					t.Fatalf("kill %d", kills)
				}
			}
			if kills < 9 {
				t.Errorf("only %d writes: it has not been killed everywhere", kills)
			}
		})
	}
}

func TestWithoutThePackageItSaysHowToGetItAndGoesOn(t *testing.T) {
	w := newWorld(t)
	data := filepath.Join(w.dir, "data")
	if err := os.Rename(data, data+".gone"); err != nil {
		t.Fatal(err)
	}
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said := w.said.String(); strings.Count(said, "npm ci") != 1 {
		t.Errorf("said %q", said)
	}
	if err := os.Rename(data+".gone", data); err != nil {
		t.Fatal(err)
	}
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.check(t)
}

func TestADatasetThatAPersonMadeIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	if _, err := w.catalog(&w.table).Create(t.Context(), owner, dataset.Spec{Name: "flights", Kind: dataset.Table}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.open(t, "flights").Visible(); n != 0 {
		t.Errorf("%d rows were loaded into it", n)
	}
	if n := w.open(t, "earthquakes").Visible(); n != 2 {
		t.Errorf("%d earthquakes, want 2", n)
	}
	if n := strings.Count(w.said.String(), "left as it is"); n != 1 {
		t.Errorf("said %d times: %q", n, w.said.String())
	}
}

func TestWhatAPersonDeletedDoesNotComeBack(t *testing.T) {
	w := newWorld(t)
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.catalog(&w.table).Delete(t.Context(), owner, "flights"); err != nil {
		t.Fatal(err)
	}
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.catalog(&w.table).Get(t.Context(), owner, "flights"); err == nil {
		t.Error("the flights came back")
	}
}

func TestADatasetThatWasDeletedHalfLoadedIsMadeUnderANewID(t *testing.T) {
	w := newWorld(t)
	w.dieAt = 3 // the dataset is there, its rows are not
	if err := w.start(t.Context()); err == nil {
		t.Fatal("it was not killed")
	}
	deleted, err := w.catalog(&w.table).Delete(t.Context(), owner, "flights")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.check(t)
	if again := w.open(t, "flights").Dataset.ID; again == deleted.ID {
		t.Error("the id of a deleted dataset was used again")
	}
}

func TestAFileThatIsNotWhatItShouldBeIsAnErrorAndNothingIsVisible(t *testing.T) {
	other := flightNode()
	other["delay"] = parquet.Optional(parquet.String())
	less := flightNode()
	delete(less, "origin")
	whole := flightsFile(t, flightNode())
	for claim, body := range map[string][]byte{
		"a column is missing": flightsFile(t, less), "a column is of another type": flightsFile(t, other), "the file is cut off": whole[:len(whole)/2], "the file is empty": {},
	} {
		t.Run(claim, func(t *testing.T) {
			w := newWorld(t)
			w.write(t, "flights-3m.parquet", body)
			if err := w.start(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "flights: ") {
				t.Fatal(err)
			}
			if n := w.open(t, "flights").Visible(); n != 0 {
				t.Errorf("%d rows", n)
			}
			w.write(t, "flights-3m.parquet", whole)
			if err := w.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.check(t)
		})
	}
	for claim, text := range map[string]string{
		"no JSON": "{", "no time": `{"features": [{"id": "a", "properties": {}, "geometry": {"coordinates": [1, 2, 3]}}]}`,
		"no depth":          `{"features": [{"id": "a", "properties": {"time": 1}, "geometry": {"coordinates": [1, 2]}}]}`,
		"an id is too long": `{"features": [{"id": "` + strings.Repeat("a", 300) + `", "properties": {"time": 1}, "geometry": {"coordinates": [1, 2, 3]}}]}`,
	} {
		t.Run(claim, func(t *testing.T) {
			w := newWorld(t)
			w.write(t, "earthquakes.json", []byte(text))
			if err := w.start(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "earthquakes: ") {
				t.Fatal(err)
			}
		})
	}
}
