package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
)

// held is what one page tells of a subject.
type held struct {
	Rows     int64
	Next     string
	Datasets []struct {
		Dataset           string
		Rows, Quarantined int64
		Events            []struct {
			ID string `json:"event_id"`
		}
		Quarantine []struct {
			ID string `json:"event_id"`
		}
	}
}

func TestAllThatIsHeldOfASubjectIsListedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for _, name := range []string{"aside", "beside"} {
		w.mustMake(t, "/v1/datasets", map[string]any{"name": name, "kind": "events"})
		var sent []map[string]any
		for n := range 7 {
			id := fmt.Sprint(name, n)
			want = append(want, id)
			sent = append(sent, map[string]any{"event_id": id, "event": "seen", "user_id": "paged", "time": fmt.Sprintf("2026-01-0%dT00:00:00Z", n+1)})
		}
		sent = append(sent, map[string]any{"event_id": name + "q", "user_id": "paged"})
		want = append(want, name+"q")
		text, err := json.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		out := w.ask(http.MethodPost, "/v1/datasets/"+name+"/events", w.keys[access.Owner], text, nil)
		wait := fmt.Sprintf(`{"dataset":%q,"measures":["count"],"wait_for":%q}`, name, out.Header().Get("Tarn-Version"))
		if out := w.ask(http.MethodPost, "/v1/query", w.keys[access.Owner], []byte(wait), nil); out.Code != http.StatusOK {
			t.Fatal(out.Code, out.Body)
		}
	}
	for _, limit := range []int{1, 3, 8, 16, 1000} {
		var got []string
		for next := ""; ; {
			out := w.ask(http.MethodGet, fmt.Sprintf("/v1/subjects/paged?limit=%d&next=%s", limit, url.QueryEscape(next)), w.keys[access.Owner], nil, nil)
			var page held
			if err := json.Unmarshal(out.Body.Bytes(), &page); err != nil || out.Code != http.StatusOK || page.Rows != 14 || len(page.Datasets) != 2 || page.Datasets[1].Quarantined != 1 {
				t.Fatal(err, out.Code, out.Body)
			}
			for _, d := range page.Datasets {
				for _, e := range append(d.Events, d.Quarantine...) {
					got = append(got, e.ID)
				}
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d: %s", limit, diff)
		}
	}
	if out := w.ask(http.MethodGet, "/v1/subjects/paged?next=nowhere", w.keys[access.Owner], nil, nil); out.Code != http.StatusBadRequest {
		t.Errorf("a page that nobody gave: %d %s", out.Code, out.Body)
	}
}
