package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

// receipt is the answer to events.
type receipt struct {
	Accepted int `json:"accepted"`
	Events   []struct {
		EventID string `json:"event_id"`
		Fate    string `json:"fate"`
		Code    string `json:"code"`
	} `json:"events"`
}

// answered checks what may become of any request: a problem document that blames the
// sender, or success.
func answered(t testing.TB, w *world, method, target string, b body) (status int, text []byte) {
	t.Helper()
	out := w.ask(method, target, w.keys[access.Owner], b.text, b.header)
	if out.Code >= 500 {
		t.Errorf("%s %s: %d %s", method, target, out.Code, out.Body)
	} else if out.Code >= 400 {
		problemAt(t, target, out)
	}
	return out.Code, out.Body.Bytes()
}

func TestNoBodyIsTooBadForAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create(t, w, "web")
	all := framings()
	for turn, name := range slices.Sorted(maps.Keys(all)) {
		b := all[name]
		for i, r := range route.All {
			if r.Method == http.MethodGet || testing.Short() && i%3 != turn%3 {
				continue
			}
			t.Run(r.ID+" of "+name, func(t *testing.T) {
				path := strings.NewReplacer("{dataset}", "web", "{key}", "absent").Replace(r.Path)
				if r.ID == route.DeleteDataset.ID {
					path = "/v1/datasets/absent"
				}
				answered(t, w, r.Method, path, b)
			})
		}
	}
	proof(t, w, "web")
}

// TestABadEventIsRefusedAlone sends each bad event between two good ones, in each
// way that events are sent. What was acknowledged is accounted for, and every
// column that came of it can be asked for.
func TestABadEventIsRefusedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create(t, w, "web")
	bad := fields()
	for name, text := range members() {
		bad["property: "+name] = `"event":"x","properties":{` + text + `}`
	}
	sent, told := 0, map[string]string{}
	for name, text := range bad {
		event := "{" + text + "}"
		for way, b := range map[string]body{
			"array":  plain(`[{"event":"before"},` + event + `,{"event":"after"}]`),
			"ndjson": named("application/x-ndjson", "", []byte(`{"event":"before"}`+"\n"+event+"\n"+`{"event":"after"}`)),
			"gzip":   named("", "gzip", gzipOf([]byte(`[{"event":"before"},`+event+`,{"event":"after"}]`))),
		} {
			status, answer := answered(t, w, http.MethodPost, "/v1/datasets/web/events", b)
			if status == http.StatusBadRequest && way != "ndjson" {
				continue // nobody can tell where the bad one ends; nothing of it is stored
			}
			var r receipt
			if err := json.Unmarshal(answer, &r); err != nil || status != http.StatusOK || r.Accepted < 3 || r.Accepted != len(r.Events) {
				t.Errorf("%s, %s: %d %.300s", name, way, status, answer)
				continue
			}
			if last := len(r.Events) - 1; r.Events[0].Fate != "accepted" || r.Events[last].Fate != "accepted" {
				t.Errorf("%s, %s: it cost its neighbours their fate: %.300s", name, way, answer)
			}
			sent += r.Accepted
			for _, e := range r.Events {
				told[e.EventID] = e.Fate
			}
		}
	}
	accounted(t, w, "web", int64(sent))
	for id, fate := range told {
		found := fateOf(t, w, "web", id)
		if found != "stored" && found != "quarantined" || fate == "quarantined" && found != "quarantined" && id != "a" {
			t.Errorf("event %q was told to be %s and is %s", id, fate, found)
		}
	}
	everyColumn(t, w, "web")
	proof(t, w, "web")
}

func TestBadMessagesOfSDKsAreRefusedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sent := 0
	for name, text := range members() {
		for _, message := range []string{
			`{"type":"track","event":"x","userId":"u","properties":{` + text + `}}`,
			`{"type":"identify","userId":"u","traits":{` + text + `}}`,
			`{"type":"page","userId":"u","context":{` + text + `}}`,
			`{"type":"track","event":"x","userId":"u",` + text + `}`,
		} {
			status, answer := answered(t, w, http.MethodPost, "/v1/batch", plain(`{"batch":[{"type":"track","event":"before","userId":"u"},`+message+`]}`))
			switch status {
			case http.StatusOK:
				sent += 2
			case http.StatusBadRequest: // the framing does not hold
			default:
				t.Errorf("%s: %d %s", name, status, answer)
			}
		}
	}
	accounted(t, w, "events", int64(sent))
	everyColumn(t, w, "events")
	proof(t, w, "events")
}

func create(t testing.TB, w *world, name string) {
	t.Helper()
	if out := w.ask(http.MethodPost, "/v1/datasets", w.keys[access.Owner], []byte(`{"name":"`+name+`","kind":"events"}`), nil); out.Code != http.StatusCreated {
		t.Fatal(out.Code, out.Body)
	}
}

// read asks for something that is there.
func read(t testing.TB, w *world, target string, into any) {
	t.Helper()
	out := w.ask(http.MethodGet, target, w.keys[access.Owner], nil, nil)
	if err := json.Unmarshal(out.Body.Bytes(), into); err != nil || out.Code != http.StatusOK {
		t.Fatalf("%s: %d %v %.300s", target, out.Code, err, out.Body)
	}
}

func fateOf(t testing.TB, w *world, dataset, id string) string {
	t.Helper()
	var f struct {
		Fate string `json:"fate"`
	}
	read(t, w, "/v1/datasets/"+dataset+"/events?id="+url.QueryEscape(id), &f)
	return f.Fate
}

// accounted waits until the ledger has so many deliveries and none on its way.
func accounted(t testing.TB, w *world, dataset string, accepted int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		var l struct{ Accepted, Stored, Duplicate, Quarantined, Pending, Visible int64 }
		read(t, w, "/v1/datasets/"+dataset+"/ledger", &l)
		if l.Accepted == accepted && l.Pending == 0 {
			if l.Accepted != l.Stored+l.Duplicate+l.Quarantined || l.Stored != l.Visible {
				t.Errorf("the ledger does not balance: %+v", l)
			}
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%d were acknowledged, and the ledger has %+v", accepted, l)
		}
	}
}

// everyColumn groups and measures by each column of a dataset.
func everyColumn(t testing.TB, w *world, dataset string) {
	t.Helper()
	var d struct {
		Schema struct {
			Columns []struct{ Name string } `json:"columns"`
		} `json:"schema"`
		Rows int64 `json:"rows"`
	}
	read(t, w, "/v1/datasets/"+dataset, &d)
	if len(d.Schema.Columns) < 10 || d.Rows == 0 {
		t.Fatalf("%d columns, %d rows: this proves nothing", len(d.Schema.Columns), d.Rows)
	}
	for _, c := range d.Schema.Columns {
		question, err := json.Marshal(map[string]any{"dataset": dataset, "dimensions": []any{c.Name},
			"measures": []any{"count", map[string]any{"op": "count_distinct", "column": c.Name, "name": "others"}}, "limit": 1000})
		if err != nil {
			t.Fatal(err)
		}
		out := w.ask(http.MethodPost, "/v1/query", w.keys[access.Owner], question, nil)
		var answer struct {
			Rows [][]any `json:"rows"`
		}
		if err := json.Unmarshal(out.Body.Bytes(), &answer); err != nil || out.Code != http.StatusOK {
			t.Errorf("column %q: %d %.300s", c.Name, out.Code, out.Body)
			continue
		}
		total := int64(0)
		for _, row := range answer.Rows {
			total += int64(row[1].(float64))
		}
		if total != d.Rows {
			t.Errorf("column %q: the groups have %d rows, the dataset has %d", c.Name, total, d.Rows)
		}
	}
}

// proof shows that the server goes on: a good event still gets in and is seen.
func proof(t testing.TB, w *world, dataset string) {
	t.Helper()
	out := w.ask(http.MethodPost, "/v1/datasets/"+dataset+"/events", w.keys[access.Owner], []byte(`{"event_id":"proof","event":"proof"}`), nil)
	question := fmt.Sprintf(`{"dataset":%q,"measures":["count"],"filter":{"column":"event_id","op":"=","value":"proof"},"wait_for":%q}`, dataset, out.Header().Get("Tarn-Version"))
	seen := w.ask(http.MethodPost, "/v1/query", w.keys[access.Owner], []byte(question), nil)
	if seen.Code != http.StatusOK || !strings.Contains(seen.Body.String(), `"rows":[[1]]`) {
		t.Errorf("the server does not go on: %d %s, %d %s", out.Code, out.Body, seen.Code, seen.Body)
	}
}
