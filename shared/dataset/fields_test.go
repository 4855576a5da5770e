package dataset_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
)

func TestRulesForFieldsEndWhenSomebodySaysSo(t *testing.T) {
	c, rules := catalog(), []fieldrule.Rule{{Field: "ssn", Treat: fieldrule.Drop}}
	if _, err := c.Create(t.Context(), "main", dataset.Spec{Name: "web", Kind: dataset.Events, Settings: dataset.Settings{Fields: rules}}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		claim string
		to    dataset.Settings
		want  []fieldrule.Rule
	}{
		{"another description", dataset.Settings{Description: "x"}, rules},
		{"other rules", dataset.Settings{Fields: []fieldrule.Rule{{Field: "ip", Treat: fieldrule.TruncateIP}}}, []fieldrule.Rule{{Field: "ip", Treat: fieldrule.TruncateIP}}},
		{"none", dataset.Settings{Fields: []fieldrule.Rule{}}, nil},
	} {
		if _, err := c.Update(t.Context(), "main", "web", dataset.Change{Settings: &step.to}); err != nil {
			t.Fatal(err)
		}
		d, err := c.Get(t.Context(), "main", "web")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, d.Settings.Fields); diff != "" {
			t.Errorf("%s: %s", step.claim, diff)
		}
	}
}

func TestRulesForFieldsAreForEventsAndMakeSense(t *testing.T) {
	c, drop := catalog(), []fieldrule.Rule{{Field: "ssn", Treat: fieldrule.Drop}}
	for claim, spec := range map[string]dataset.Spec{
		"of a table":            {Name: "prices", Kind: dataset.Table, Settings: dataset.Settings{Fields: drop}},
		"of a field that stays": {Name: "web", Kind: dataset.Events, Settings: dataset.Settings{Fields: []fieldrule.Rule{{Field: "event", Treat: fieldrule.Hash}}}},
	} {
		if _, err := c.Create(t.Context(), "main", spec); !fault.Is(err, fault.Invalid) {
			t.Errorf("a rule %s: %v, want Invalid", claim, err)
		}
	}
	if _, err := c.Create(t.Context(), "main", dataset.Spec{Name: "web", Kind: dataset.Events}); err != nil {
		t.Fatal(err)
	}
	bad := dataset.Settings{Fields: []fieldrule.Rule{{Field: "user_id", Treat: fieldrule.Drop}}}
	if _, err := c.Update(t.Context(), "main", "web", dataset.Change{Settings: &bad}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a change: %v, want Invalid", err)
	}
}
