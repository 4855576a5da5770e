// Package crash proves the one commit (docs/commit.md): thousands of schedules of
// sends, retries, crashes, lost answers, second workers and reshardings, each
// ending in equality with a model that is too slow and too plain to be wrong.
package crash

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/fake"
)

// outcome is what must be true when everything on the stream has been folded.
type outcome struct {
	Rows        map[string]string // event id to the rest of the row, as text
	Duplicates  map[string]int    // event id to the number of copies
	Quarantined []string          // "event id: code, arrival", sorted: what was not replayed, or was refused again
	Dropped     int               // older than the dataset keeps events, as they arrived, or by its enrichment
	Arrived     int               // deliveries, replays not counted
}

// model works out the outcome from the bytes on the stream alone, one delivery at a
// time in the order of the log: each counts once, and the first of an id is the row.
// It knows nothing of shards, tails, segments or marks. It holds within the window
// of days; what is beyond has a test of its own.
func model(t *testing.T, s *fake.Stream, d dataset.Dataset) outcome {
	out := outcome{Rows: map[string]string{}, Duplicates: map[string]int{}}
	type delivery struct {
		producer events.Producer
		bucket   uint16
		position uint64
	}
	seen := map[delivery]bool{}
	for _, record := range log(t, s) {
		env := envelope(t, record)
		if env.Dataset != string(d.ID) {
			continue
		}
		for i := range env.Events {
			once := delivery{env.Producer, env.Bucket, env.First + uint64(i)}
			if seen[once] {
				continue
			}
			seen[once] = true
			if env.Account == 0 {
				out.Arrived++
			} else {
				out.release(t, env.Events[i].ID, env.Arrived)
			}
			out.add(&env.Events[i], env.Arrived, d.Settings.Horizon(env.Arrived))
		}
	}
	slices.Sort(out.Quarantined)
	return out
}

// release takes one event of an id out of quarantine: it is being replayed.
func (o *outcome) release(t *testing.T, id string, arrived int64) {
	i := slices.IndexFunc(o.Quarantined, func(q string) bool {
		return strings.HasPrefix(q, id+":") && strings.HasSuffix(q, fmt.Sprintf(", %d", arrived))
	})
	if i < 0 {
		t.Errorf("event %s was replayed and is not in quarantine", id)
		return
	}
	o.Quarantined = slices.Delete(o.Quarantined, i, i+1)
}

func (o *outcome) add(e *events.Event, arrived, horizon int64) {
	_, known := o.Rows[e.ID]
	switch {
	case e.Refused.Code != "":
		o.Quarantined = append(o.Quarantined, inQuarantine(e.ID, e.Refused.Code, arrived))
	case e.Time < horizon || e.Dropped != 0 && !known:
		o.Dropped++
	case known:
		o.Duplicates[e.ID]++
	case conflicts(e):
		o.Quarantined = append(o.Quarantined, inQuarantine(e.ID, conflict, arrived))
	default:
		o.Rows[e.ID] = fmt.Sprintf("%s %d %d %s %s", e.Name, e.Time, arrived, e.UserID, inferred(e))
	}
}

const conflict = "conflict" // the code of a value that does not fit its column

func inQuarantine(id, code string, arrived int64) string {
	return fmt.Sprintf("%s: %s, %d", id, code, arrived)
}

// The schedules' events have two properties: "declared", which the dataset declares
// an int, and "free", whose column is inferred.
const (
	declared = "declared"
	free     = "free"
)

func property(e *events.Event, name string) (events.Value, bool) {
	if e.Shape == nil {
		return events.Value{}, false
	}
	i := slices.Index(e.Shape.Names, name)
	if i < 0 {
		return events.Value{}, false
	}
	return e.Values[i], true
}

func conflicts(e *events.Event) bool {
	v, ok := property(e, declared)
	return ok && v.Kind != events.Int
}

// inferred writes the free property as any type that holds it would be written.
func inferred(e *events.Event) string {
	v, ok := property(e, free)
	switch {
	case !ok:
		return "-"
	case v.Kind == events.Int:
		return fmt.Sprint(v.Int)
	case v.Kind == events.Float:
		return dataset.FormatFloat(v.Float)
	default:
		return v.Text
	}
}

// log returns all records of the stream in the order they were put.
func log(t *testing.T, s *fake.Stream) []stream.Record {
	shards, err := s.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []stream.Record
	for _, shard := range shards {
		records, _, err := s.Read(t.Context(), shard.ID, "", 1<<30, 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
	slices.SortFunc(all, func(a, b stream.Record) int {
		return cmp.Or(cmp.Compare(len(a.Sequence), len(b.Sequence)), cmp.Compare(a.Sequence, b.Sequence))
	})
	return all
}

func envelope(t *testing.T, r stream.Record) *events.Envelope {
	var d events.Decoder
	env, err := d.Record(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	return env
}
