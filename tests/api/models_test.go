package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/model"
)

// modeller goes the way of somebody who writes models.
type modeller struct {
	*world
	role access.Role
}

func (m modeller) do(t *testing.T, method, target string, in any, want int) []byte {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out := m.ask(method, target, m.keys[m.role], body, nil)
	if out.Code != want {
		t.Fatalf("%s %s: %d %s", method, target, out.Code, out.Body)
	}
	return out.Body.Bytes()
}

// job orders a job, follows it to its end and returns what is known of it.
func (m modeller) job(t *testing.T, target string, in any) string {
	t.Helper()
	var ordered struct {
		JobID string `json:"job_id"`
	}
	if err := json.Unmarshal(m.do(t, http.MethodPost, target, in, http.StatusAccepted), &ordered); err != nil {
		t.Fatal(err)
	}
	m.ask(http.MethodGet, "/v1/jobs/"+ordered.JobID+"/progress", m.keys[access.Owner], nil, nil)
	return m.ask(http.MethodGet, "/v1/jobs/"+ordered.JobID, m.keys[access.Owner], nil, nil).Body.String()
}

func (m modeller) rows(t *testing.T, sql, want string) {
	t.Helper()
	answer := string(m.do(t, http.MethodPost, "/v1/sql", map[string]any{"sql": sql}, http.StatusOK))
	if !strings.Contains(answer, `"rows":`+want) {
		t.Errorf("%s: %s, want %s", sql, answer, want)
	}
}

type put struct {
	Files model.Files `json:"files"`
	From  int         `json:"from_version"`
}

func TestModelsAreWrittenTriedBuiltAskedAndGuarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := modeller{w, access.Editor}
	m.do(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "shop", "kind": "events"}, http.StatusCreated)
	send := func(id, user, country, at string, amount int) {
		t.Helper()
		m.do(t, http.MethodPost, "/v1/datasets/shop/events", []map[string]any{{"event_id": id, "event": "bought", "user_id": user, "time": at, "properties": map[string]any{"country": country, "amount": amount}}}, http.StatusOK)
	}
	send("e1", "u1", "CH", "2026-01-01T10:00:00Z", 5)
	send("e2", "u2", "DE", "2026-01-02T10:00:00Z", 7)
	files := model.Files{
		"daily.sql": "select date_trunc('day', time) as day, country, sum(amount) as total, count(*) as n\nfrom {{ source('shop') }} group by all",
		"best.sql":  "select country, max(total) as best from {{ ref('daily') }} group by country",
		"models.yml": `
models:
  - name: daily
    description: What was bought, by day and country
    incremental: {by: day, grain: day}
    columns:
      - {name: total, description: in francs, tests: [not_null]}
    tests:
      - {name: nothing is negative, sql: "select * from {{ ref('daily') }} where total < 0"}`,
	}
	tried := m.job(t, "/v1/model-dry-runs", map[string]any{"files": files})
	if !strings.Contains(tried, `"model":"daily","new":true,"full":true,"before":0,"after":2,"added":2,"removed":0`) || !strings.Contains(tried, `"model":"best"`) {
		t.Errorf("a dry run tells %s", tried)
	}
	if out := w.ask(http.MethodGet, "/v1/datasets/daily", w.keys[access.Owner], nil, nil); out.Code != http.StatusNotFound {
		t.Errorf("after a dry run the dataset is there: %d", out.Code)
	}
	shown := string(m.do(t, http.MethodPut, "/v1/models", put{files, 0}, http.StatusOK))
	if !strings.Contains(shown, `"name":"best","models":["daily"],"sources":[]`) || !strings.Contains(shown, `"version":1`) {
		t.Errorf("put: %s", shown)
	}
	if again := string(m.do(t, http.MethodPut, "/v1/models", put{files, 0}, http.StatusOK)); !strings.Contains(again, `"version":1`) {
		t.Errorf("the same change again: %s", again)
	}
	m.do(t, http.MethodPut, "/v1/models", put{model.Files{"a.sql": "select * from {{ source('shop') }}"}, 0}, http.StatusConflict)

	if done := m.job(t, "/v1/model-runs", map[string]any{}); !strings.Contains(done, `"state":"done"`) {
		t.Fatalf("built: %s", done)
	}
	m.rows(t, "select country, total from daily order by country", `[["CH",5],["DE",7]]`)
	m.rows(t, "select country, best from best order by country", `[["CH",5],["DE",7]]`)

	send("e3", "u1", "CH", "2026-01-01T11:00:00Z", 10) // late: its day was built
	send("e4", "u1", "CH", "2026-01-03T11:00:00Z", 1)
	tried = m.job(t, "/v1/model-dry-runs", map[string]any{})
	if want := `"model":"daily","parts":2,"before":2,"after":3,"added":2,"removed":1,"sums":[{"column":"total","before":12,"after":23},{"column":"n","before":2,"after":4}]`; !strings.Contains(tried, want) {
		t.Errorf("a dry run tells %s, want %s", tried, want)
	}
	done := m.job(t, "/v1/model-runs", map[string]any{"models": []string{"daily"}})
	if !strings.Contains(done, `"parts":2`) || !strings.Contains(done, `"model":"best"`) {
		t.Errorf("built: %s", done)
	}
	m.rows(t, "select country, best from best order by country", `[["CH",15],["DE",7]]`)

	w.ask(http.MethodPost, "/v1/row-filters", w.keys[access.Owner], []byte(`{"dataset":"shop","roles":["viewer"],"filter":{"column":"country","op":"=","value":"DE"}}`), nil)
	viewer := modeller{w, access.Viewer}
	viewer.rows(t, "select country, total from daily", `[["DE",7]]`)
	viewer.rows(t, "select country, best from best", `[["DE",7]]`)
	viewer.do(t, http.MethodPut, "/v1/models", put{files, 1}, http.StatusForbidden)

	released := model.Files{"all.sql": "select sum(amount) as total from {{ source('shop') }}", "models.yml": "models: [{name: all, row_filters: released}]"}
	m.do(t, http.MethodPut, "/v1/models", put{released, 1}, http.StatusForbidden)
	modeller{w, access.Owner}.do(t, http.MethodPut, "/v1/models", put{released, 1}, http.StatusOK)
	m.job(t, "/v1/model-runs", map[string]any{})
	viewer.rows(t, `select total from "all"`, `[[23]]`)
	if audit := string(modeller{w, access.Owner}.do(t, http.MethodGet, "/v1/audit", nil, http.StatusOK)); !strings.Contains(audit, `runModels`) || !strings.Contains(audit, `putModels`) {
		t.Errorf("the audit log tells nothing of it: %s", audit)
	}
}

func TestAModelThatFailsKeepsItsLastResultAndStopsWhatReadsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := modeller{w, access.Editor}
	m.do(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "shop", "kind": "events"}, http.StatusCreated)
	send := func(amount int) {
		t.Helper()
		m.do(t, http.MethodPost, "/v1/datasets/shop/events", []map[string]any{{"event_id": fmt.Sprint("e", amount), "event": "bought", "properties": map[string]any{"amount": amount}}}, http.StatusOK)
	}
	send(1)
	m.do(t, http.MethodPut, "/v1/models", put{Files: model.Files{
		"a.sql": "select amount from {{ source('shop') }}", "b.sql": "select sum(amount) as s from {{ ref('a') }}", "c.sql": "select count(*) as n from {{ source('shop') }}",
		"m.yml": "models: [{name: a, columns: [{name: amount, tests: [accepted_values: {values: [1, 2]}]}]}]",
	}}, http.StatusOK)
	m.job(t, "/v1/model-runs", map[string]any{})
	send(2)
	send(3)
	failed := m.job(t, "/v1/model-runs", map[string]any{})
	if !strings.Contains(failed, `"state":"failed"`) || !strings.Contains(failed, `1 of 3 models failed; a: test \"amount accepted_values\" of model \"a\": 1 rows contradict it`) {
		t.Errorf("the job: %s", failed)
	}
	m.rows(t, "select amount from a", `[[1]]`)
	m.rows(t, "select s from b", `[[1]]`)
	m.rows(t, "select n from c", `[[3]]`)
	shown := string(m.do(t, http.MethodGet, "/v1/models", nil, http.StatusOK))
	for _, want := range []string{`"model":"a","outcome":"failed"`, `"model":"b","outcome":"skipped"`, `"model":"c","outcome":"built"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("%s is missing in %s", want, shown)
		}
	}
}

func TestModelsThatCannotBeAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := modeller{w, access.Editor}
	m.do(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "shop", "kind": "events"}, http.StatusCreated)
	for want, sql := range map[string]string{
		"a.sql: syntax error":                                  "selec from {{ source('shop') }}",
		`a.sql: the SQL reads \"web\" without a reference`:     "select * from {{ source('shop') }}, web",
		"a.sql: there is no dataset \\\"nothing\\\"":           "select * from {{ source('nothing') }}",
		`a.sql: the function \"read_csv\" is not allowed here`: "select read_csv('x') from {{ source('shop') }}",
		"a.sql: line 1: {{ config() }} is no reference":        "{{ config() }} select * from {{ source('shop') }}",
	} {
		status := http.StatusBadRequest
		if strings.Contains(want, "no dataset") {
			status = http.StatusNotFound
		}
		out := string(m.do(t, http.MethodPut, "/v1/models", put{Files: model.Files{"a.sql": sql}}, status))
		if !strings.Contains(out, want) {
			t.Errorf("%s, want %s", out, want)
		}
	}
}
