package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/access"
)

func TestARuleForAFieldThatIsHiddenFromACallerIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people(t, w)
	w.mustMake(t, "/v1/masks", map[string]any{"dataset": "people", "roles": []string{"viewer"}, "column": "email", "mask": "hide"})
	change := `{"settings":{"fields":[{"field":"email","treat":"hash"},{"field":"email.domain","treat":"drop"},{"field":"ip","treat":"truncate_ip"}]}}`
	if out := w.ask(http.MethodPatch, "/v1/datasets/people", w.keys[access.Owner], []byte(change), nil); out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body)
	}
	for _, target := range []string{"/v1/datasets", "/v1/datasets/people"} {
		for role, sees := range map[access.Role]bool{access.Viewer: false, access.Analyst: true} {
			out := w.ask(http.MethodGet, target, w.keys[role], nil, nil)
			if got := strings.Contains(out.Body.String(), `"email`); got != sees || !strings.Contains(out.Body.String(), `"truncate_ip"`) {
				t.Errorf("%s to a %s: %s", target, role, out.Body)
			}
		}
	}
}

func TestRulesForFieldsThatMakeNoSenseAreRefusedWithAHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, fields := range map[string]string{
		"an unknown treatment":    `[{"field":"x","treat":"encrypt"}]`,
		"people who are dropped":  `[{"field":"user_id","treat":"drop"}]`,
		"a field that is needed":  `[{"field":"event_id","treat":"hash"}]`,
		"no field":                `[{"field":"","treat":"hash"}]`,
		"two rules for one field": `[{"field":"x","treat":"hash"},{"field":"x","treat":"drop"}]`,
		"too many":                `[` + strings.Repeat(`{"field":"x","treat":"drop"},`, 50) + `{"field":"y","treat":"drop"}]`,
		"no list":                 `{"x":"drop"}`,
		"a word that is unknown":  `[{"field":"x","treat":"drop","why":"law"}]`,
	} {
		body := `{"name":"ruled","kind":"events","settings":{"fields":` + fields + `}}`
		if out := w.ask(http.MethodPost, "/v1/datasets", w.keys[access.Owner], []byte(body), nil); out.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
		}
	}
}
