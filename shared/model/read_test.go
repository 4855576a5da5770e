package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

func TestAFolderIsRead(t *testing.T) {
	got, err := Read(Files{
		"daily.sql":       "select day, count(*) n from {{ source('web') }} join {{ref(\"people\")}} using (user_id) group by 1;\n",
		"base/people.sql": "select distinct user_id from {{ source( 'web' ) }}",
		"models.yml": `
models:
  - name: daily
    description: Page views by day
    incremental: {by: day, grain: day, on: {web: seen_at}, whole: [people]}
    run: hourly
    row_filters: released
    columns:
      - name: day
        description: UTC
        tests: [not_null, unique]
      - name: kind
        tests:
          - accepted_values: {values: [a, 2, true]}
          - relationships: {to: ref('people'), field: user_id}
    tests:
      - name: nothing is negative
        sql: select * from {{ ref('daily') }} where n < 0
`})
	want := Project{Models: []Model{
		{Name: "people", SQL: `select distinct user_id from "web"`, Sources: []dataset.Name{"web"}, Cadence: Manual},
		{Name: "daily", Description: "Page views by day", SQL: `select day, count(*) n from "web" join "people" using (user_id) group by 1`,
			Refs: []dataset.Name{"people"}, Sources: []dataset.Name{"web"}, Cadence: Hourly, Released: true,
			Incremental: &Incremental{Column: "day", Grain: Day, On: map[string]string{"web": "seen_at"}, Whole: []dataset.Name{"people"}},
			Columns: []Column{{Name: "day", Description: "UTC", Tests: []Test{{NotNull: true}, {Unique: true}}},
				{Name: "kind", Tests: []Test{{Accepted: []any{"a", uint64(2), true}}, {Related: &Relation{To: "people", Field: "user_id"}}}}},
			Queries: []Query{{Name: "nothing is negative", SQL: `select * from "daily" where n < 0`, Refs: []dataset.Name{"daily"}}}},
	}}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsWrongWithAFolderIsSaidWithItsPlace(t *testing.T) {
	good := "select * from {{ source('web') }}"
	for want, files := range map[string]Files{
		"a.sql: line 2: {{ var('x') }} is no reference":                {"a.sql": "select *\nfrom {{ var('x') }}"},
		"a.sql: line 1: {{ source('web')}} is no reference":            {"a.sql": "select * from {{ source('web')"},
		`a.sql: "Web!" cannot name a dataset`:                          {"a.sql": "select * from {{ source('Web!') }}"},
		"A.sql: the file's name cannot name a dataset":                 {"A.sql": good},
		`x/a.sql: there are two files of the model "a"`:                {"a.sql": good, "x/a.sql": good},
		`a.sql: there is no model "b"`:                                 {"a.sql": "select * from {{ ref('b') }}"},
		`a.sql: "b" is a model`:                                        {"a.sql": "select * from {{ source('b') }}", "b.sql": good},
		"a.sql: the model reads nothing":                               {"a.sql": "select 1"},
		"the models are a cycle: a → c → b → a":                        {"a.sql": "select * from {{ ref('c') }}", "b.sql": "select * from {{ ref('a') }}", "c.sql": "select * from {{ ref('b') }}"},
		"the models are a cycle: a → a":                                {"a.sql": "select * from {{ ref('a') }}"},
		"note.txt: a folder of models holds .sql and .yml files":       {"a.sql": good, "note.txt": ""},
		"../a.sql: this is no name of a file in the folder":            {"../a.sql": good},
		"m.yml: line 1: ":                                              {"a.sql": good, "m.yml": "models: [{name: a, colour: red}]"},
		`m.yml: there is no model "b"`:                                 {"a.sql": good, "m.yml": "models: [{name: b}]"},
		`m.yml: model "a" is described twice`:                          {"a.sql": good, "m.yml": "models: [{name: a}, {name: a}]"},
		`m.yml: model "a": run is one of`:                              {"a.sql": good, "m.yml": "models: [{name: a, run: often}]"},
		`m.yml: model "a": row_filters is inherited or released`:       {"a.sql": good, "m.yml": "models: [{name: a, row_filters: off}]"},
		`m.yml: model "a": incremental needs the column`:               {"a.sql": good, "m.yml": "models: [{name: a, incremental: {grain: day}}]"},
		`m.yml: model "a": grain is one of`:                            {"a.sql": good, "m.yml": "models: [{name: a, incremental: {by: t, grain: second}}]"},
		`m.yml: model "a" does not read "users"`:                       {"a.sql": good, "m.yml": "models: [{name: a, incremental: {by: t, whole: [users]}}]"},
		`m.yml: model "a": nonsense is no test of a column`:            {"a.sql": good, "m.yml": "models: [{name: a, columns: [{name: x, tests: [nonsense]}]}]"},
		`m.yml: model "a": accepted_values: {} is no test of a column`: {"a.sql": good, "m.yml": "models: [{name: a, columns: [{name: x, tests: [accepted_values: {}]}]}]"},
		`m.yml: model "a": test 1 has no sql`:                          {"a.sql": good, "m.yml": "models: [{name: a, tests: [{name: x}]}]"},
		`m.yml: anchors and aliases`:                                   {"a.sql": good, "m.yml": "models: [{name: a, columns: &x []}]"},
		`a folder of models has at most 400 files and 196608 bytes`:    {"a.sql": good + strings.Repeat(" ", MaxText)},
	} {
		_, err := Read(files)
		if err == nil || !strings.HasPrefix(strings.TrimPrefix(err.Error(), "bad_model: "), want) && !strings.Contains(err.Error(), want) || !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func TestAModelComesBehindWhatItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "models")
		places := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		})).Draw(t, "names")
		files, reads := Files{}, map[string][]int{}
		for i := range n {
			sql := "select * from {{ source('web') }}"
			for j := range i {
				if rapid.IntRange(0, 2).Draw(t, "reads") == 0 {
					sql += fmt.Sprintf(", {{ ref('m%d') }}", places[j])
					reads[fmt.Sprintf("m%d", places[i])] = append(reads[fmt.Sprintf("m%d", places[i])], places[j])
				}
			}
			files[fmt.Sprintf("m%d.sql", places[i])] = sql
		}
		p, err := Read(files)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range p.Models {
			for _, r := range reads[string(m.Name)] {
				if !seen[fmt.Sprintf("m%d", r)] {
					t.Fatalf("%s comes before m%d, which it reads", m.Name, r)
				}
			}
			seen[string(m.Name)] = true
		}
		if len(seen) != n {
			t.Fatalf("%d of %d models", len(seen), n)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("select * from {{ source('web') }}", "models: [{name: a, incremental: {by: day, grain: day}}]")
	f.Add("select '{{' from {{ ref('a') }}", "models:\n  - name: a\n    columns: [{name: x, tests: [unique, {accepted_values: {values: [1]}}]}]")
	f.Fuzz(func(t *testing.T, sql, yml string) {
		p, err := Read(Files{"a.sql": sql, "m.yml": yml})
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Fatal(err)
		}
		if err == nil && len(p.Models) != 1 {
			t.Fatalf("%d models", len(p.Models))
		}
	})
}
