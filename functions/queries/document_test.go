package queries_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/shared/api"
)

func TestTheDocumentHasTheShortFormsOfMeasuresAndDimensions(t *testing.T) {
	s := api.New(nil, time.Now, nil)
	queries.Register(s, queries.Deps{})
	text, err := s.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Schemas map[string]struct{ OneOf []struct{ Type string } }
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"QueryMeasure", "QueryDimension"} {
		if forms := document.Components.Schemas[name].OneOf; len(forms) != 2 || forms[0].Type != "string" || forms[1].Type != "object" {
			t.Errorf("%s is one of %+v", name, forms)
		}
	}
}
