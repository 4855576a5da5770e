package enrich

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/rows"
)

const byUser = `[{"look_up":{"dataset":"customers","key":"id","by":"user_id","take":["plan","seats"],"prefix":"c_"}}]`

// of returns what the properties of users' events are once they are prepared.
func (w *world) of(t testing.TB, users ...string) (said []string, err error) {
	t.Helper()
	batch := make([]events.Event, len(users))
	for i, user := range users {
		batch[i] = events.Event{ID: fmt.Sprint(i), Name: "x", UserID: user}
	}
	if _, err := w.enricher.Prepare(t.Context(), tenantID, w.web, batch); err != nil {
		return nil, err
	}
	for i := range batch {
		text := string(events.AppendJSON(nil, &batch[i]))
		said = append(said, strings.TrimSuffix(text[strings.Index(text, `"properties":`)+len(`"properties":`):], "}"))
	}
	return said, nil
}

func (w *world) want(t *testing.T, when string, users []string, want ...string) {
	t.Helper()
	got, err := w.of(t, users...)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", when, diff)
	}
}

func TestALookUpFindsTheRowsOfEveryFileOfATable(t *testing.T) {
	w := newWorld(t)
	w.load(t, load.Append, customer{"u1", "free", 1}, customer{"u2", "team", -1})
	w.load(t, load.Append, customer{"u3", "", 3})
	w.enrich(t, byUser)
	w.want(t, "of two files", []string{"u1", "u2", "u3", "u4", ""},
		`{"c_plan":"free","c_seats":1,"enrichment_version":1}`, `{"c_plan":"team","c_seats":null,"enrichment_version":1}`, `{"c_plan":"","c_seats":3,"enrichment_version":1}`,
		`{"enrichment_version":1}`, `{"enrichment_version":1}`)
}

func TestALookUpSeesAChangeOfItsTableAfterSeconds(t *testing.T) {
	w := newWorld(t)
	w.load(t, load.Upsert, customer{"u1", "free", 1}, customer{"u2", "team", 2})
	w.enrich(t, byUser)
	users := []string{"u1", "u2"}
	before := []string{`{"c_plan":"free","c_seats":1,"enrichment_version":1}`, `{"c_plan":"team","c_seats":2,"enrichment_version":1}`}
	w.want(t, "at first", users, before...)
	w.load(t, load.Upsert, customer{"u1", "team", 7})
	w.now = w.now.Add(tableAge - time.Millisecond)
	w.want(t, "while the table is held for new", users, before...)
	w.now = w.now.Add(time.Millisecond)
	w.want(t, "once it is read again", users, `{"c_plan":"team","c_seats":7,"enrichment_version":1}`, before[1])
	w.load(t, load.Replace, customer{"u2", "free", 0})
	w.now = w.now.Add(tableAge)
	w.want(t, "once all of it is another", users, `{"enrichment_version":1}`, `{"c_plan":"free","c_seats":0,"enrichment_version":1}`)
	read := w.blobs.read
	w.now = w.now.Add(tableAge)
	w.want(t, "where nothing changed", users, `{"enrichment_version":1}`, `{"c_plan":"free","c_seats":0,"enrichment_version":1}`)
	if w.blobs.read != read {
		t.Errorf("a table that did not change was read again, in %d pieces", w.blobs.read-read)
	}
}

// TestEventsAreNotTakenWhileTheirTableCannotBeRead covers all that can be wrong with a table:
// events are rather held up, with a time to come back, than stored without what they need.
func TestEventsAreNotTakenWhileTheirTableCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct{ spoil, mend func(*testing.T, *world) }{
		"the store of blobs is away": {func(_ *testing.T, w *world) { w.blobs.away = fault.New(fault.Unavailable, "away", "away") }, func(_ *testing.T, w *world) { w.blobs.away = nil }},
		"a key is there twice": {func(t *testing.T, w *world) { w.load(t, load.Append, customer{"u1", "again", 1}) },
			func(t *testing.T, w *world) { w.load(t, load.Replace, customer{"u1", "free", 1}) }},
		"the table is gone": {func(t *testing.T, w *world) {
			if _, err := w.enricher.Catalog.Delete(t.Context(), tenantID, "customers"); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, w *world) {
			made, err := w.enricher.Catalog.Create(t.Context(), tenantID, dataset.Spec{Name: "customers", Kind: dataset.Table})
			if err != nil {
				t.Fatal(err)
			}
			w.customers = made
			w.load(t, load.Append, customer{"u1", "free", 1})
		}},
	} {
		w := newWorld(t)
		w.load(t, load.Append, customer{"u1", "free", 1})
		w.enrich(t, byUser)
		c.spoil(t, w)
		_, err := w.of(t, "u1")
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
		c.mend(t, w)
		w.want(t, name+", and is mended", []string{"u1"}, `{"c_plan":"free","c_seats":1,"enrichment_version":1}`)
	}
}

func TestATableThatIsKnownServesSecondsWithoutItsFiles(t *testing.T) {
	w := newWorld(t)
	w.load(t, load.Append, customer{"u1", "free", 1})
	w.enrich(t, byUser)
	w.want(t, "at first", []string{"u1"}, `{"c_plan":"free","c_seats":1,"enrichment_version":1}`)
	w.blobs.away = fault.New(fault.Unavailable, "away", "away")
	w.now = w.now.Add(tableAge - 1)
	w.want(t, "from memory", []string{"u1"}, `{"c_plan":"free","c_seats":1,"enrichment_version":1}`)
}

func TestATableThatIsTooLargeIsRefusedWhereItIsDeclared(t *testing.T) {
	w := newWorld(t)
	many := make([]customer, maxKeys)
	for i := range many {
		many[i] = customer{fmt.Sprint("u", i), "free", 1}
	}
	w.load(t, load.Append, many...)
	steps, err := Parse([]byte(byUser))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.enricher.Try(t.Context(), tenantID, w.web, steps, nil); err != nil {
		t.Fatalf("of as many rows as are allowed: %v", err)
	}
	w.load(t, load.Append, customer{"one more", "free", 1})
	w.now = w.now.Add(tableAge)
	if _, err := w.enricher.Try(t.Context(), tenantID, w.web, steps, nil); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "too large") {
		t.Errorf("of one more: %v", err)
	}
	w.enrich(t, byUser)
	if _, err := w.of(t, "u1"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("events whose table grew too large: %v", err)
	}
}

func TestTheTextsOfATableHaveABound(t *testing.T) {
	const size, n = 1 << 20, maxMemory >> 20
	id, plan := rows.Column{Column: dataset.Column{Name: "id", Type: dataset.Int}}, rows.Column{Column: dataset.Column{Name: "plan", Type: dataset.Text}}
	plan.Bytes = make([]byte, n*size)
	for i := range n {
		id.Ints, plan.Ends = append(id.Ints, int64(i)), append(plan.Ends, uint32((i+1)*size))
	}
	of := LookUp{Dataset: "customers", Key: "id", Take: []string{"plan"}}
	for count, ok := range map[int]bool{n - 1: true, n: false} {
		l := &lookup{rows: map[string][]events.Value{}}
		if err := l.add(of, rows.Batch{Columns: []rows.Column{id, plan}, Len: count}); (err == nil) != ok {
			t.Errorf("%d texts of 1 MiB: %v", count, err)
		}
	}
}

func TestTablesThatWereNotUsedForLongAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.load(t, load.Append, customer{"u1", "free", 1})
	tables := w.enricher.Tables
	for i := range 4 { // two of which are past the bound
		l := LookUp{Dataset: "customers", Key: "id", By: "user_id", Take: []string{"plan"}, Prefix: fmt.Sprint(i)}
		w.now = w.now.Add(time.Second)
		table, err := tables.get(t.Context(), tenantID, l)
		if err != nil {
			t.Fatal(err)
		}
		table.size = maxHeld / 2
		tables.shed(tables.held(tenantID, l))
	}
	var left []string
	for i := range 4 {
		for key, h := range tables.known {
			if h.table != nil && strings.Contains(key, fmt.Sprintf(`"prefix":"%d"`, i)) {
				left = append(left, fmt.Sprint(i))
			}
		}
	}
	if diff := cmp.Diff([]string{"2", "3"}, left); diff != "" {
		t.Error(diff)
	}
}
