package datasets

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/manifest"
)

const atWeb = "/v1/datasets/web/enrichment"

func TestAnEnrichmentHasVersionsOfWhichNoneIsLost(t *testing.T) {
	s := newService()
	s.must(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`)
	if status, answer := s.call(t, http.MethodGet, atWeb, ""); status != 404 || answer["code"] != "no_enrichment" {
		t.Errorf("before there is any: %d %v", status, answer)
	}
	const first, second = `[{"drop":{"field":"mail"}}]`, `[{"rename":{"from":"uid","to":"user_id"}}]`
	s.must(t, http.MethodPut, atWeb, `{"from_version":0,"steps":`+first+`}`)
	again := s.must(t, http.MethodPut, atWeb, `{"from_version":0,"steps":`+first+`}`) // its answer was lost
	if again["version"] != 1.0 {
		t.Errorf("the same change twice is %v", again)
	}
	if status, answer := s.call(t, http.MethodPut, atWeb, `{"from_version":0,"steps":[]}`); status != 409 || answer["code"] != "enrichment_changed" {
		t.Errorf("a change of what was changed meanwhile: %d %v", status, answer)
	}
	put := s.must(t, http.MethodPut, atWeb, `{"from_version":1,"steps":`+second+`}`)
	want := map[string]any{"version": 2.0, "created": "2026-01-02T12:00:00Z", "by": "user:1",
		"steps": []any{map[string]any{"rename": map[string]any{"from": "uid", "to": "user_id"}}}}
	for name, got := range map[string]map[string]any{"put": put, "read": s.must(t, http.MethodGet, atWeb, "")} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if old := s.must(t, http.MethodGet, atWeb+"?version=1", ""); old["version"] != 1.0 {
		t.Errorf("the first is %v", old)
	}
	if all := s.must(t, http.MethodGet, atWeb+"/versions", "")["versions"].([]any); len(all) != 2 {
		t.Errorf("%d versions", len(all))
	}
	if d := s.must(t, http.MethodGet, "/v1/datasets/web", ""); d["enrichment"] != 2.0 {
		t.Errorf("the dataset says %v", d["enrichment"])
	}
}

func TestAListWhoseSamplesComeOutOtherwiseIsRefused(t *testing.T) {
	s := newService()
	s.must(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`)
	for expect, differs := range map[string]string{
		`{"fate":"stored","user_id":"7","properties":{"price":5,"uid":null}}`: "",
		`{"fate":"stored","properties":{"price":"5"}}`:                        `sample 1: its property "price" is 5, not "5"`,
		`{"fate":"stored","user_id":"8"}`:                                     `sample 1: its user_id is "7", not "8"`,
		`{"fate":"dropped"}`:                                                  "sample 1: it is stored, not dropped",
	} {
		status, answer := s.call(t, http.MethodPut, atWeb, `{"from_version":0,"steps":[{"rename":{"from":"uid","to":"user_id"}},{"cast":{"field":"price","to":"int"}}],
			"samples":[{"event":{"event":"x","properties":{"uid":7,"price":"5"}},"expect":`+expect+`}]}`)
		if (status == 200) != (differs == "") || differs != "" && (answer["code"] != "sample_failed" || answer["detail"] != differs) {
			t.Errorf("%s: %d %v", expect, status, answer)
		}
	}
}

func TestAPreviewTellsWhatBecomesOfEachEventAndStoresNothing(t *testing.T) {
	s := newService()
	s.must(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events","settings":{"fields":[{"field":"ssn","treat":"drop"}]}}`)
	shown := s.must(t, http.MethodPost, atWeb+"/preview", `{"steps":[{"filter":{"column":"event","op":"!=","value":"ping"}},{"cast":{"field":"price","to":"int"}}],"events":[
		{"event_id":"a","event":"x","properties":{"price":"5","ssn":"1"}},{"event_id":"b","event":"ping"},{"event_id":"c","event":"x","properties":{"price":"cheap"}},{"event_id":"d"}]}`)
	var got []any
	for _, one := range shown["events"].([]any) {
		one := one.(map[string]any)
		delete(one, "before")
		got = append(got, one)
	}
	want := []any{
		map[string]any{"fate": "stored", "after": map[string]any{"event_id": "a", "event": "x", "properties": map[string]any{"price": 5.0, "enrichment_version": 1.0}}},
		map[string]any{"fate": "dropped", "step": 1.0},
		map[string]any{"fate": "quarantined", "step": 2.0, "code": "cast_failed", "reason": `step 2 of version 1 of the enrichment: the value of "price" cannot be cast to int`},
		map[string]any{"fate": "quarantined", "code": "no_event_name", "reason": `the event has no name: "event" is missing or empty`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if status, _ := s.call(t, http.MethodGet, atWeb, ""); status != 404 {
		t.Errorf("there is an enrichment after a preview: %d", status)
	}
}

func TestWhatCannotBeAnEnrichmentIsRefusedWithTheStep(t *testing.T) {
	s := newService()
	for name, kind := range map[string]string{"web": "events", "prices": "table"} {
		s.must(t, http.MethodPost, "/v1/datasets", `{"name":"`+name+`","kind":"`+kind+`"}`)
	}
	for steps, detail := range map[string]string{
		`[{"drop":{"field":"a"}},{}]`:                                                     "step 2: a step is an object with one member, which names what it does",
		`[{"drop":{"field":"a"},"hash":{"field":"b"}}]`:                                   "step 1: a step is an object with one member, which names what it does",
		`[{"drop":{"Field":"a"}}]`:                                                        `step 1: there is no member "Field"`,
		`[{"drop":{"field":"user_id"}}]`:                                                  `step 1: "user_id" can only be hashed, or people could not be counted`,
		`[{"cast":{"field":"time","to":"text"}}]`:                                         `step 1: "time" is needed as it is`,
		`[{"sample":{"share":1,"by":"user_id"}}]`:                                         "step 1: a sample's share is between 0 and 1",
		`[{"filter":{"column":"received_at","op":"is_null"}}]`:                            `step 1: a filter of events on their way in cannot ask for "received_at"`,
		`[{"filter":{"column":"a","op":"=","attribute":"team"}}]`:                         `step 1: the condition on "a" asks for an attribute, and events come from no person`,
		`[{"look_up":{"dataset":"none","key":"id","by":"user_id","take":["plan"]}}]`:      `there is no dataset "none"`,
		`[{"look_up":{"dataset":"web","key":"id","by":"user_id","take":["plan"]}}]`:       `step 1: "web" is no table`,
		`[{"look_up":{"dataset":"prices","key":"id","by":"user_id","take":["plan"]}}]`:    `step 1: dataset "prices" has no column "id"`,
		`[{"look_up":{"dataset":"prices","key":"id","by":"user_id","take":["user_id"]}}]`: `step 1: the look-up cannot write "user_id"`,
		`[` + strings.Repeat(`{"drop":{"field":"a"}},`, 50) + `{"drop":{"field":"a"}}]`:   "there are 51 steps; at most 50 are possible",
		`[{"rename":{"from":"enrichment_version","to":"b"}}]`:                             `step 1: "enrichment_version" says which version a row went through`,
	} {
		status, answer := s.call(t, http.MethodPut, atWeb, `{"from_version":0,"steps":`+steps+`}`)
		if status != 400 && status != 404 || answer["detail"] != detail {
			t.Errorf("%s: %d %v", steps, status, answer)
		}
	}
	if status, answer := s.call(t, http.MethodPut, "/v1/datasets/prices/enrichment", `{"from_version":0,"steps":[]}`); status != 400 || answer["code"] != "not_an_events_dataset" {
		t.Errorf("of a table: %d %v", status, answer)
	}
}

func TestNobodyLooksUpInWhatTheySeeAPartOf(t *testing.T) {
	s := newService()
	s.must(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`)
	s.must(t, http.MethodPost, "/v1/datasets", `{"name":"prices","kind":"table","columns":[{"name":"id","type":"text"},{"name":"plan","type":"text"}]}`)
	s.state = manifest.State{}
	const steps = `{"from_version":0,"steps":[{"look_up":{"dataset":"prices","key":"id","by":"user_id","take":["plan"]}}],"events":[{"event":"x"}]}`
	preview := strings.Replace(steps, `"from_version":0,`, "", 1)
	if status, answer := s.call(t, http.MethodPost, atWeb+"/preview", preview); status != 200 {
		t.Fatalf("by who sees all of it: %d %v", status, answer)
	}
	_, err := s.rules.AddFilter(t.Context(), "acme", gate.RowFilter{Dataset: "prices", Callers: gate.Callers{Roles: []access.Role{access.Admin}}, Filter: []byte(`{"column":"id","op":"=","value":"a"}`)})
	if err != nil {
		t.Fatal(err)
	}
	for method, path := range map[string]string{http.MethodPut: atWeb, http.MethodPost: atWeb + "/preview"} {
		body := preview
		if method == http.MethodPut {
			body = strings.Replace(steps, `,"events":[{"event":"x"}]`, "", 1)
		}
		if status, answer := s.call(t, method, path, body); status != 403 || answer["code"] != "restricted" {
			t.Errorf("%s by who sees a part: %d %v", method, status, answer)
		}
	}
}
