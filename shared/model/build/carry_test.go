package build

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/tests/fake"
)

var viewer = access.Principal{Tenant: owner, ID: "key:viewer", Role: access.Viewer}

// gateOf is the gate over a world's datasets.
func (w *world) gateOf() gate.Gate {
	return gate.Gate{Source: w.builder(w.table, w.blobs).Source, Rules: &gate.Store{Table: w.table, Now: w.clock, Random: rand.Reader}, Now: w.clock}
}

// asViewer runs a statement as somebody who sees what the rules let them see.
func (w *world) asViewer(t tester, text string) ([]string, error) {
	t.Helper()
	g := w.gateOf()
	got, err := w.sql.Run(t.Context(), engine.Statement{SQL: text, Open: func(ctx context.Context, name dataset.Name) (engine.Visible, error) {
		return g.Open(ctx, viewer, access.RunSQL, name, nil)
	}})
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, row := range got.Rows {
		var texts []string
		for _, v := range row {
			texts = append(texts, days.ReplaceAllString(v.String(), `"${1}T00:00:00Z"`))
		}
		out = append(out, strings.Join(texts, " "))
	}
	slices.Sort(out)
	return out, nil
}

// plain are models of which single rows pass, beside those that are built by parts.
var plain = []string{
	"select user_id as id, event, amount from {{ source('web') }}",
	"select user_id, upper(event) as event, amount from {{ source('web') }}",
	"select user_id as id, id || event as event from {{ source('web') }}",
	"select distinct event, user_id from {{ source('web') }}",
	"select u.country, w.user_id, w.amount from {{ source('web') }} w join {{ source('users') }} u on w.user_id = u.user_id",
	"select * from {{ source('users') }}",
	"select event, count(*) as n from {{ source('web') }} group by event order by n limit 1",
	"with a as (select user_id, event from {{ source('web') }}) select event, user_id from a",
}

func TestWhoSeesAPartOfTheInputsSeesThatPartOfTheResultOrNothing(t *testing.T) {
	blobs := &fake.Blobs{}
	sql := newDirect(t, blobs)
	shown, denied := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, blobs, sql)
		files := drawProject(t)
		files["plain.sql"] = rapid.SampledFrom(plain).Draw(t, "plain")
		p := project(t, files)
		for range 1 + draws(t, "changes", 4) {
			w.change(t, p)
		}
		w.build(t, p, "run")
		rules := w.gateOf().Rules
		viewers := gate.Callers{Roles: []access.Role{access.Viewer}}
		for range 1 + draws(t, "rules", 1) {
			var err error
			switch draws(t, "rule", 4) {
			case 0:
				_, err = rules.AddFilter(t.Context(), owner, gate.RowFilter{Dataset: "web", Callers: viewers, Filter: []byte(`{"column": "user_id", "op": "in", "value": ["u0", "u2"]}`)})
			case 1:
				_, err = rules.AddFilter(t.Context(), owner, gate.RowFilter{Dataset: "web", Callers: viewers, Filter: []byte(`{"or": [{"column": "event", "op": "=", "value": "buy"}, {"not": {"column": "user_id", "op": "!=", "value": "u1"}}]}`)})
			case 2:
				_, err = rules.AddFilter(t.Context(), owner, gate.RowFilter{Dataset: "users", Callers: viewers, Filter: []byte(`{"column": "country", "op": "!=", "value": "CH"}`)})
			case 3:
				_, err = rules.AddMask(t.Context(), owner, gate.ColumnMask{Dataset: "web", Callers: viewers, Column: "user_id", Mask: gate.Hash})
			default:
				_, err = rules.AddMask(t.Context(), owner, gate.ColumnMask{Dataset: "users", Callers: viewers, Column: "country", Mask: gate.Truncate, Letters: 1})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range p.Models {
			got, err := w.asViewer(t, "SELECT "+w.columnsOf(t, m.SQL)+" FROM "+quoted(string(m.Name)))
			if fault.Is(err, fault.Denied) {
				denied++
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", m.SQL, err)
			}
			shown++
			want, err := w.asViewer(t, m.SQL)
			if err != nil {
				t.Fatalf("%s: a part of the result is seen, and of the inputs none: %v", m.SQL, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s\nmade of what is seen (-), seen of what was made (+):\n%s", m.SQL, diff)
			}
		}
	})
	if shown == 0 || denied == 0 {
		t.Errorf("%d results were shown and %d denied: that tests little", shown, denied)
	}
	t.Logf("%d shown, %d denied", shown, denied)
}

func TestAModelThatIsReleasedCarriesNothing(t *testing.T) {
	blobs := &fake.Blobs{}
	w := newWorld(t, blobs, newDirect(t, blobs))
	if _, err := w.gateOf().Rules.AddFilter(t.Context(), owner, gate.RowFilter{Dataset: "web", Callers: gate.Callers{Roles: []access.Role{access.Viewer}}, Filter: []byte(`{"column": "user_id", "op": "=", "value": "nobody"}`)}); err != nil {
		t.Fatal(err)
	}
	files := model.Files{"total.sql": "select count(*) as n from {{ source('web') }}", "below.sql": "select n from {{ ref('total') }}"}
	denied := regexp.MustCompile(`you see a part of dataset "web"`)
	for i, yml := range []string{"models: []", "models: [{name: total, row_filters: released}]", "models: []"} {
		files["m.yml"] = yml
		w.now = w.now.Add(time.Minute)
		w.build(t, project(t, files), fmt.Sprint("run", i))
		for _, of := range []string{"total", "below"} {
			got, err := w.asViewer(t, "SELECT n FROM "+of)
			if i == 1 && (err != nil || len(got) != 1) {
				t.Errorf("%s of a model that is released: %v %v", of, got, err)
			}
			if i != 1 && (!fault.Is(err, fault.Denied) || !denied.MatchString(err.Error())) {
				t.Errorf("%s of a model that is not released: %v %v", of, got, err)
			}
		}
	}
}
