package build

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/tests/fake"
)

// templates are models that can be built by parts, and some that cannot, by what they read:
// IN is a dataset of events, BY a model of a kind.
var templates = []struct{ makes, of, sql, yml string }{
	{"days", "", "select date_trunc('day', time) as day, event, count(*) as n, sum(amount) as total from {{ source('web') }} group by all", "by: day, grain: day"},
	{"days", "", "select time::date as day, event, count(distinct user_id) as n, max(amount) as total from {{ source('web') }} group by 1, 2", "by: day, grain: week"},
	{"days", "", "select date_trunc('hour', w.time) as day, coalesce(country, '-') as event, count(*) as n, sum(amount) as total from {{ source('web') }} w left join {{ source('users') }} u on w.user_id = u.user_id group by all", "by: day, grain: hour, whole: [users]"},
	{"people", "", "select user_id, count(*) as n, max(amount) as top from {{ source('web') }} group by user_id", "by: user_id"},
	{"people", "", "select user_id, n, top from (select user_id, count(*) as n, sum(amount) as top from {{ source('web') }} group by user_id) full join {{ source('users') }} using (user_id)", "by: user_id"},
	{"people", "", "select w.user_id, n, country as top from (select user_id, count(*) as n from {{ source('web') }} group by user_id) w join {{ source('users') }} u on w.user_id = u.user_id", "by: user_id"},
	{"people", "", "select user_id, row_number() over (partition by user_id order by time, event_id) as n, amount as top from {{ source('web') }}", "by: user_id"},
	{"weeks", "days", "select date_trunc('week', day) as week, sum(n) as n from {{ ref('REF') }} group by 1", "by: week, grain: week"},
	{"days", "days", "select day, event, n + 1 as n, total from {{ ref('REF') }} where n > 1", "by: day, grain: day"},
	{"days", "days", "select day, event, n, total from (select *, row_number() over (partition by day order by n desc, event) as place from {{ ref('REF') }}) where place = 1", "by: day, grain: hour"},
	{"people", "people", "select user_id, count(*) as n, min(n) as top from {{ ref('REF') }} group by user_id", "by: user_id"},
	{"counts", "people", "select n, count(*) as people from {{ ref('REF') }} group by n", ""},
	{"counts", "days", "select event, sum(n) as n from {{ ref('REF') }} group by event", ""},
	{"counts", "weeks", "select max(n) as most, count(*) as weeks from {{ ref('REF') }}", ""},
}

// drawProject draws a graph of models.
func drawProject(t *rapid.T) model.Files {
	files, made := model.Files{}, map[string][]string{"": {""}}
	yml := "models:\n"
	for i := range 1 + draws(t, "models", 3) {
		var fit []int
		for j, c := range templates {
			if len(made[c.of]) > 0 {
				fit = append(fit, j)
			}
		}
		c := templates[rapid.SampledFrom(fit).Draw(t, "template")]
		ref := rapid.SampledFrom(made[c.of]).Draw(t, "ref")
		name := fmt.Sprint("m", i)
		files[name+".sql"] = strings.ReplaceAll(c.sql, "REF", ref)
		made[c.makes] = append(made[c.makes], name)
		if c.yml != "" {
			yml += fmt.Sprintf("  - {name: %s, incremental: {%s}}\n", name, c.yml)
		}
	}
	if yml != "models:\n" {
		files["models.yml"] = yml
	}
	return files
}

// change does something to the inputs.
func (w *world) change(t *rapid.T, p model.Project) {
	user := func() string { return fmt.Sprint("u", draws(t, "user", 4)) }
	switch draws(t, "change", 9) {
	case 0, 1, 2, 3:
		var all []visit
		for range 1 + draws(t, "events", 4) {
			all = append(all, visit{user(), rapid.SampledFrom([]int{0, 1, 23, 24, 50, 100, 24 * 31, 24 * 40}).Draw(t, "hour"), draws(t, "amount", 5), rapid.SampledFrom([]string{"view", "buy"}).Draw(t, "event")})
		}
		w.send(t, all...)
	case 4, 5:
		w.upsert(t, person{user(), rapid.SampledFrom([]string{"CH", "DE", "FR"}).Draw(t, "country")})
	case 6:
		w.load(t, load.Upsert, load.Part{Gone: people([]person{{user(), ""}})})
	case 7:
		w.load(t, load.Replace, load.Part{Rows: people([]person{{user(), "AT"}})})
	case 8:
		for _, name := range append([]dataset.Name{"web", "users"}, p.Models[0].Name) {
			if d, err := w.catalog().Get(t.Context(), owner, name); err == nil {
				w.compact(t, d.ID)
			}
		}
	default:
		w.sweep(t)
	}
}

// same compares each result with all of its SQL.
func (w *world) same(t *rapid.T, p model.Project) {
	for _, m := range p.Models {
		want := w.ask(t, m.SQL)
		got := w.ask(t, "SELECT "+w.columnsOf(t, m.SQL)+" FROM "+quoted(string(m.Name)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s %+v: built in full (-), by parts (+):\n%s\n%s", m.Name, m.Incremental, m.SQL, diff)
		}
	}
}

func TestModelsThatAreBuiltByPartsEqualThoseThatAreBuiltInFull(t *testing.T) {
	blobs := &fake.Blobs{}
	sql := newDirect(t, blobs)
	byParts, full := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, blobs, sql)
		p := project(t, drawProject(t))
		for round := range 1 + draws(t, "rounds", 3) {
			for range 1 + draws(t, "changes", 3) {
				w.change(t, p)
			}
			if round > 0 && draws(t, "killed", 2) == 0 {
				w.killed(t, p, fmt.Sprint("run", round))
			}
			for _, r := range w.build(t, p, fmt.Sprint("run", round)) {
				if r.Outcome == model.Built && r.Full {
					full++
				} else if r.Outcome == model.Built {
					byParts++
				}
			}
			w.same(t, p)
		}
	})
	if byParts == 0 || full == 0 {
		t.Errorf("%d builds by parts and %d in full: that compares nothing", byParts, full)
	}
	t.Logf("%d builds by parts, %d in full", byParts, full)
}

// killed begins to build all models in a process that is killed at some call.
func (w *world) killed(t *rapid.T, p model.Project, id string) {
	left := 1 + draws(t, "calls", 60)
	m := mortal{left: &left, after: rapid.Bool().Draw(t, "after")}
	b := w.builder(mortalTable{w.table, m}, mortalBlobs{w.blobs, m})
	for _, of := range p.Models {
		if _, err := b.Build(t.Context(), owner, of, Order{ID: load.ID(id)}); err != nil {
			if !fault.Is(err, fault.Unavailable) {
				t.Fatalf("%s: %v", of.Name, err)
			}
			return
		}
	}
}

// TestAModelIsBuiltBesideThisProcess builds as a server does: the SQL runs in a process of its
// own, which hands the rows over some at a time.
func TestAModelIsBuiltBesideThisProcess(t *testing.T) {
	blobs := &fake.Blobs{}
	w := newWorld(t, blobs, newRunner(t, blobs))
	p := project(t, model.Files{
		"many.sql":  "select amount, n from {{ source('web') }}, range(25_000) as r(n)",
		"days.sql":  "select date_trunc('day', time) as day, count(*) as n, avg(amount) as mean, min(user_id) as least, bool_or(amount > 1) as any from {{ source('web') }} group by 1",
		"model.yml": "models: [{name: days, incremental: {by: day, grain: day}}]",
	})
	if got := w.build(t, p, "first")["many"]; got.Rows != 25_000 {
		t.Errorf("%+v", got)
	}
	w.send(t, visit{"u1", 0, 3, "view"}, visit{"u2", 30, 4, "buy"})
	if got := w.build(t, p, "second")["days"]; got != (Report{Outcome: model.Built, Parts: 2, Rows: 2, Replaced: 1}) {
		t.Errorf("%+v", got)
	}
	want := []string{`"2026-01-01T00:00:00Z" 2 2 "u0" true`, `"2026-01-02T00:00:00Z" 1 4 "u2" true`}
	if diff := cmp.Diff(want, w.ask(t, "select day, n, mean, least, \"any\" from days")); diff != "" {
		t.Error(diff)
	}
	if got := w.ask(t, "select count(*), count(distinct n), min(n), max(n) from many where amount = 1"); got[0] != "25000 25000 0 24999" {
		t.Errorf("of many rows there are %v", got)
	}
}
