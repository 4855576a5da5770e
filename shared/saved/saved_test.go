package saved_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var (
	now    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	web    = dataset.Dataset{ID: "web1", Name: "web", Kind: dataset.Events}
	schema = dataset.Schema{Columns: []dataset.Column{{Name: "revenue", Type: dataset.Float}, {Name: "url", Type: dataset.Text}}}
)

const acme tenant.ID = "acme"

func store() saved.Store {
	return saved.Store{Table: &fake.Table{}, Now: func() time.Time { return now }}
}

// put defines something, or ends the test.
func put(t *testing.T, s saved.Store, name, body string) saved.Entry {
	t.Helper()
	e, err := s.Put(t.Context(), acme, web, schema, name, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e
}

func bind(t *testing.T, s saved.Store, body string) (query.Program, error) {
	t.Helper()
	r, err := query.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return s.Bind(t.Context(), acme, r, web, query.Whole(web.Kind, schema))
}

func TestAVersionIsNeverUsedTwice(t *testing.T) {
	s := store()
	const one, other = `{"measure": {"op": "sum", "column": "revenue"}}`, `{"measure": {"op": "avg", "column": "revenue"}}`
	if v := put(t, s, "income", one).Version; v != 1 {
		t.Errorf("the first version is %d", v)
	}
	if v := put(t, s, "income", strings.ReplaceAll(one, " ", "\n")).Version; v != 1 {
		t.Errorf("the same said with other spaces is version %d", v)
	}
	if v := put(t, s, "income", other).Version; v != 2 {
		t.Errorf("a change is version %d", v)
	}
	if err := s.Delete(t.Context(), acme, web, "income"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), acme, web.ID, "income", 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("deleted, it is %v", err)
	}
	if v := put(t, s, "income", one).Version; v != 4 {
		t.Errorf("after a deletion, which is a version too, it is %d", v)
	}
	old, err := s.Get(t.Context(), acme, web.ID, "income", 2)
	if err != nil || string(old.Body) != `{"measure":{"op":"avg","column":"revenue"}}` {
		t.Errorf("version 2 is %s, %v", old.Body, err)
	}
}

func TestAQueryMeansWhatItsNamesMean(t *testing.T) {
	s := store()
	put(t, s, "income", `{"measure": {"op": "sum", "column": "revenue"}}`)
	put(t, s, "users", `{"measure": {"op": "count_distinct", "column": "user_id"}}`)
	put(t, s, "per_user", `{"measure": {"name": "x", "expr": "income / users"}}`)
	put(t, s, "page", `{"dimension": {"column": "url"}}`)
	put(t, s, "buyers", `{"query": {"kind": "audience", "where": {"column": "event", "op": "=", "value": "buy"}}}`)
	program, err := bind(t, s, `{"dataset": "web", "measures": ["per_user"], "dimensions": ["page"], "filter": {"audience": "buyers"}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []query.Column{{Name: "page", Type: query.Text}, {Name: "per_user", Type: query.Float}}
	if diff := cmp.Diff(want, program.Columns()); diff != "" {
		t.Error(diff)
	}
	used := []query.Used{{Name: "buyers", Version: 1}, {Name: "income", Version: 1}, {Name: "page", Version: 1}, {Name: "per_user", Version: 1}, {Name: "users", Version: 1}}
	if diff := cmp.Diff(used, program.Definitions); diff != "" {
		t.Error(diff)
	}
	before := program.Key()
	put(t, s, "income", `{"measure": {"op": "max", "column": "revenue"}}`)
	after, err := bind(t, s, `{"dataset": "web", "measures": ["per_user"], "dimensions": ["page"], "filter": {"audience": "buyers"}}`)
	if err != nil || after.Key() == before {
		t.Errorf("a change of what a measure is computed of leaves the key: %v", err)
	}
}

func TestASavedQueryIsFoundByItsNameAlone(t *testing.T) {
	s := store()
	put(t, s, "daily", `{"query": {"measures": ["count"], "time": {"grain": "day"}}}`)
	r, err := s.Query(t.Context(), acme, "daily")
	if err != nil || r.Dataset != "web" || r.Time.Grain != "day" {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := s.Query(t.Context(), "other", "daily"); !fault.Is(err, fault.NotFound) {
		t.Errorf("another tenant's is %v", err)
	}
	shop := dataset.Dataset{ID: "shop1", Name: "shop", Kind: dataset.Events}
	if _, err := s.Put(t.Context(), acme, shop, schema, "daily", []byte(`{"query": {"measures": ["count"]}}`)); !fault.Is(err, fault.Conflict) {
		t.Errorf("another dataset's of the same name is %v", err)
	}
	if _, err := s.Forget(t.Context(), acme, web.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Query(t.Context(), acme, "daily"); !fault.Is(err, fault.NotFound) {
		t.Errorf("forgotten, it is %v", err)
	}
	if list, err := s.List(t.Context(), acme, web.ID); err != nil || len(list) != 0 {
		t.Errorf("forgotten, %v are left, %v", list, err)
	}
}

func TestWhatDoesNotFitIsNotDefined(t *testing.T) {
	s := store()
	put(t, s, "buyers", `{"query": {"kind": "audience"}}`)
	for claim, c := range map[string]struct{ name, body, message string }{
		"a name that is none":              {"A b", `{"dimension": {"column": "url"}}`, "cannot name"},
		"a column's name":                  {"url", `{"dimension": {"column": "event"}}`, `"url" is a column`},
		"the number of rows":               {"count", `{"measure": {"op": "sum", "column": "revenue"}}`, "number of rows"},
		"a column that is not there":       {"x", `{"measure": {"op": "sum", "column": "revenu"}}`, `no column "revenu"`},
		"itself":                           {"x", `{"measure": {"name": "x", "expr": "x + 1"}}`, "by itself"},
		"two things at once":               {"x", `{"measure": {"op": "count"}, "dimension": {"column": "url"}}`, "must be one of"},
		"an unknown field":                 {"x", `{"measur": {"op": "count"}}`, `no field "measur"`},
		"a query of another dataset":       {"x", `{"query": {"dataset": "shop", "measures": ["count"]}}`, "definition is of"},
		"a query that waits":               {"x", `{"query": {"measures": ["count"], "wait_for": "p"}}`, "cannot be saved"},
		"an audience of another audience":  {"x", `{"query": {"kind": "audience", "where": {"audience": "buyers"}}}`, ""},
		"a measure of what is not defined": {"x", `{"measure": {"name": "y", "expr": "nothing + 1"}}`, `no measure "nothing"`},
	} {
		_, err := s.Put(t.Context(), acme, web, schema, c.name, []byte(c.body))
		if c.message == "" { // is a question of its own, but no filter
			if err != nil {
				t.Errorf("%s: %v", claim, err)
			}
			continue
		}
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v", claim, err)
		}
	}
	if _, err := bind(t, s, `{"dataset": "web", "measures": ["count"], "filter": {"audience": "x"}}`); !fault.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprint(err), "not defined by another") {
		t.Errorf("an audience of an audience as a filter: %v", err)
	}
}

func TestOfTwoChangesOfTheSameVersionOneWins(t *testing.T) {
	s := store()
	put(t, s, "income", `{"measure": {"op": "sum", "column": "revenue"}}`)
	late := saved.Store{Table: &racing{Table: s.Table.(*fake.Table), first: func() { put(t, s, "income", `{"measure": {"op": "min", "column": "revenue"}}`) }}, Now: s.Now}
	if _, err := late.Put(t.Context(), acme, web, schema, "income", []byte(`{"measure": {"op": "max", "column": "revenue"}}`)); !fault.Is(err, fault.Conflict) {
		t.Errorf("the later one: %v, want Conflict", err)
	}
}
