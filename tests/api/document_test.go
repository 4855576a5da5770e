package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/route"
)

// document is an OpenAPI document as far as this test reads it.
type document struct {
	OpenAPI string                          `json:"openapi"`
	Info    struct{ Title, Version string } `json:"info"`
	Paths   map[string]map[string]operation `json:"paths"`
	Parts   struct {
		Schemas  map[string]any `json:"schemas"`
		Security map[string]any `json:"securitySchemes"`
	} `json:"components"`
}

type operation struct {
	ID         string                 `json:"operationId"`
	Summary    string                 `json:"summary"`
	Tags       []string               `json:"tags"`
	Security   *[]map[string][]string `json:"security"`
	Parameters []struct {
		Name     string         `json:"name"`
		In       string         `json:"in"`
		Required bool           `json:"required"`
		Schema   map[string]any `json:"schema"`
	} `json:"parameters"`
	Body *struct {
		Content map[string]any `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string         `json:"description"`
		Content     map[string]any `json:"content"`
	} `json:"responses"`
}

func TestTheDocumentHoldsExactlyTheRoutes(t *testing.T) {
	t.Parallel()
	out := newWorld(t).ask(http.MethodGet, "/openapi.json", "", nil, nil)
	var doc document
	if err := json.Unmarshal(out.Body.Bytes(), &doc); err != nil || out.Code != http.StatusOK {
		t.Fatal(out.Code, err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Title == "" || doc.Info.Version == "" {
		t.Errorf("it is OpenAPI %q of %+v", doc.OpenAPI, doc.Info)
	}
	operations := 0
	for _, methods := range doc.Paths {
		operations += len(methods)
	}
	if operations != len(route.All) {
		t.Errorf("it has %d operations, and there are %d routes", operations, len(route.All))
	}
	for _, r := range route.All {
		op, ok := doc.Paths[r.Path][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("it lacks %s", r.Pattern())
			continue
		}
		op.check(t, r, doc)
	}
}

func (op operation) check(t *testing.T, r route.Route, doc document) {
	t.Helper()
	if op.ID != r.ID || op.Summary != r.Summary || !slices.Equal(op.Tags, []string{r.Tag}) {
		t.Errorf("%s is described as %q %q %q", r.ID, op.ID, op.Summary, op.Tags)
	}
	if op.Security == nil || (len(*op.Security) == 0) != (r.Action == "") {
		t.Errorf("%s has security %v", r.ID, op.Security)
	} else {
		for _, way := range *op.Security {
			for name := range way {
				if doc.Parts.Security[name] == nil {
					t.Errorf("%s may be used by %q, which is not explained", r.ID, name)
				}
			}
		}
	}
	for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(r.Path, -1) {
		if n := op.inPath(name[1]); n != 1 {
			t.Errorf("%s describes the parameter %s %d times", r.ID, name[1], n)
		}
	}
	if op.Body != nil && r.Method == http.MethodGet {
		t.Errorf("%s has a body", r.ID)
	}
	success := false
	for status, response := range op.Responses {
		success = success || strings.HasPrefix(status, "2")
		if response.Description == "" {
			t.Errorf("%s: %s is not described", r.ID, status)
		}
	}
	if _, problems := op.Responses["default"].Content["application/problem+json"]; !success || !problems {
		t.Errorf("%s lacks what success is, or a failure: %v", r.ID, op.Responses)
	}
}

func (op operation) inPath(name string) (n int) {
	for _, p := range op.Parameters {
		if p.Name == name && p.In == "path" && p.Required && p.Schema != nil {
			n++
		}
	}
	return n
}

func TestEveryReferenceInTheDocumentLeadsSomewhere(t *testing.T) {
	t.Parallel()
	out := newWorld(t).ask(http.MethodGet, "/openapi.json", "", nil, nil)
	var doc map[string]any
	if err := json.Unmarshal(out.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, child := range node {
				walk(child)
			}
		case map[string]any:
			if ref, ok := node["$ref"].(string); ok {
				used[ref] = true
			}
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(doc)
	if len(used) == 0 {
		t.Fatal("there are no references: this test looks in the wrong place")
	}
	for ref := range used {
		var at any = doc
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			within, _ := at.(map[string]any)
			at = within[part]
		}
		if at == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	for name := range schemas {
		if !used["#/components/schemas/"+name] {
			t.Errorf("schema %s is used by nothing", name)
		}
	}
}
