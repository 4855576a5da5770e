package httpjson_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/httpjson"
	"github.com/tarnhq/tarn/shared/job"
)

// storm is an API that fails, and whose rows change between pages.
type storm struct {
	*shop
	random *rand.Rand
	now    time.Time
	left   int // requests until it is quiet
	next   int64
	stays  bool // nothing is deleted
}

// weather decides what becomes of a request.
func (s *storm) weather(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Date", s.now.Format(http.TimeFormat))
	if s.left--; s.left < 0 {
		return true
	}
	for range s.random.IntN(3) {
		s.change()
	}
	switch s.random.IntN(10) {
	case 0:
		w.Header().Set("Retry-After", []string{"0", "7", "3600", "soon"}[s.random.IntN(4)])
		w.WriteHeader(http.StatusTooManyRequests)
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 2:
		w.Header().Set("Content-Length", "100000") // which are not sent: the connection is cut
		_, _ = w.Write([]byte(`{"data": [{"id": 1, "at": "2026-0`))
	case 3:
		_, _ = w.Write([]byte(`{"data": [{"id": 1, "at"`))
	default:
		return true
	}
	return false
}

// change changes, adds or deletes a row. Time goes on.
func (s *storm) change() {
	s.now = s.now.Add(time.Duration(1+s.random.IntN(600)) * time.Second)
	rows := s.tables["things"]
	ids := slices.Sorted(maps.Keys(rows))
	id := s.next
	if change := s.random.IntN(4); len(ids) > 0 && change > 0 {
		id = ids[s.random.IntN(len(ids))]
		if change == 1 && !s.stays {
			delete(rows, id)
			return
		}
	}
	if id == s.next {
		s.next++
	}
	rows[id] = fmt.Sprintf(`{"at":%q,"id":%d,"name":"of %d"}`, s.now.Format(time.RFC3339Nano), id, s.now.Unix())
}

// rows are those of the API, sorted as a dataset's are.
func (s *storm) rows() []string {
	all := []string{}
	for _, row := range s.tables["things"] {
		all = append(all, row)
	}
	slices.Sort(all)
	return all
}

// TestAfterAStormADatasetHasWhatTheAPIHas syncs an API whose rows change while pages of
// them are read, which fails in every way, by a process that is killed. Once it is quiet,
// one more sync makes the two equal: a full one always; an incremental one but for rows
// that were deleted, which it is not told of. Where pages have numbers, an incremental one
// does so only while nothing is deleted and the order is not that of the changes.
func TestAfterAStormADatasetHasWhatTheAPIHas(t *testing.T) {
	for name, c := range map[string]struct{ paging, order, settings string }{
		"by page":                      {"page", "id", `{"pagination": {"kind": "page", "param": "page"}}`},
		"by offset":                    {"offset", "id", `{"pagination": {"kind": "offset", "param": "start"}}`},
		"by offset, the changed last":  {"offset", "at", `{"pagination": {"kind": "offset", "param": "start"}}`},
		"by cursor":                    {"cursor", "id", `{"pagination": {"kind": "cursor", "param": "after", "next": "meta.next"}}`},
		"by link":                      {"link", "id", `{}`},
		"by URL, asked since a change": {"next_url", "id", `{"pagination": {"kind": "next_url", "next": "paging.next"}, "since": {"param": "changed_since"}}`},
		"by offset, since a change":    {"offset", "at", `{"pagination": {"kind": "offset", "param": "start"}, "since": {"param": "changed_since"}}`},
	} {
		if testing.Short() && c.order == "id" {
			continue
		}
		for _, table := range []connector.Table{
			{Table: "things", Dataset: "things", Key: []string{"id"}},
			{Table: "things", Dataset: "things", Cursor: "at", Key: []string{"id"}, Window: "1s"},
		} {
			t.Run(fmt.Sprint(table.Effective(), " ", name), func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					s := &storm{shop: newShop(t, c.paging, "", "basic"), now: clock, next: 1, stays: c.paging == "page" && table.Effective() != connector.Full}
					defer s.Close()
					s.order = c.order
					s.ride(t, rt, c.settings, table)
				})
			})
		}
	}
}

func (s *storm) ride(t *testing.T, rt *rapid.T, settings string, table connector.Table) {
	s.random = rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "weather"), 0))
	s.tables["things"] = map[int64]string{}
	s.before = s.weather
	for range rapid.IntRange(0, 30).Draw(rt, "rows") {
		s.change()
	}
	w := connectortest.NewWorld(connector.Drivers{httpjson.Kind: driver(t)})
	w.Rows = rapid.IntRange(1, 8).Draw(rt, "batch")
	c := w.Create(t, connector.Spec{Name: "crm", Kind: httpjson.Kind, Settings: json.RawMessage(settings), Tables: []connector.Table{table}, DSN: s.DSN()})
	for range rapid.IntRange(1, 3).Draw(rt, "syncs") {
		s.left = rapid.IntRange(0, 100).Draw(rt, "requests")
		w.Kill(rapid.IntRange(0, 60).Draw(rt, "killed at"))
		w.Try(t, c, false)
	}
	w.Kill(0)
	s.left = 0
	if j := w.Try(t, c, false); j.State != job.Done {
		rt.Fatalf("in the quiet the sync is %s: %+v", j.State, j.Error)
	}
	got := w.Has(t, "things")
	if table.Effective() == connector.Incremental {
		got = slices.DeleteFunc(got, func(row string) bool { _, there := s.tables["things"][int64(idOf(row))]; return !there })
	}
	if diff := cmp.Diff(s.rows(), got); diff != "" {
		rt.Errorf("-the API has +the dataset has:\n%s", diff)
	}
}
