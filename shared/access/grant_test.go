package access

import (
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// TestAGrantIsARoleOnItsDatasetAlone compares who has a grant with who has the role in a
// credential that is bound to the dataset, and adds what their own role lets them do.
func TestAGrantIsARoleOnItsDatasetAlone(t *testing.T) {
	for _, own := range append([]Role{""}, roles...) {
		for _, given := range grantable {
			p := Principal{Tenant: "main", ID: "user:1", Role: own, Granted: []Granted{{Dataset: "web", Role: given}}}
			alone := Principal{Tenant: "main", ID: "user:1", Role: own}
			bound := Principal{Tenant: "main", ID: "user:1", Role: given, Dataset: "web"}
			for _, action := range Actions {
				for _, on := range []dataset.Name{"", "web", "app"} {
					want := alone.Allow(action, on, time.Time{}) == nil || bound.Allow(action, on, time.Time{}) == nil
					if got := p.Allow(action, on, time.Time{}); got == nil != want || got != nil && !fault.Is(got, fault.Denied) {
						t.Errorf("%q with a grant of %s on web does %s to %q: %v", own, given, action, on, got)
					}
				}
				somewhere := alone.Allow(action, "", time.Time{}) == nil || bound.Allow(action, "web", time.Time{}) == nil
				if got := p.AllowSomewhere(action, time.Time{}); got == nil != somewhere {
					t.Errorf("%q with a grant of %s does %s somewhere: %v", own, given, action, got)
				}
			}
		}
	}
}

func TestAGrantWidensNoCredentialThatIsNarrow(t *testing.T) {
	on := []Granted{{Dataset: "web", Role: Editor}, {Dataset: "web", Saved: "weekly", Role: Viewer}}
	for name, p := range map[string]Principal{
		"bound to another dataset": {Tenant: "main", ID: "key:1", Role: Editor, Dataset: "app", Granted: on},
		"scoped to something else": {Tenant: "main", ID: "key:1", Role: Editor, Scopes: []Action{ReadDataset}, Granted: on},
		"an embed token":           {Tenant: "main", ID: "embed:1", Embed: &Embed{Saved: "other", Dataset: "app"}, Granted: on},
		"expired":                  {Tenant: "main", ID: "key:1", Expires: time.Unix(1, 0), Granted: on},
		"nobody":                   {Granted: on},
	} {
		now := time.Unix(2, 0)
		if err := p.Allow(RunQuery, "web", now); err == nil {
			t.Errorf("%s asks by a grant", name)
		}
		if asks := p.AskSaved("weekly", now); asks.Embed != p.Embed {
			t.Errorf("%s asks a saved query by a grant", name)
		}
	}
}

// TestAGrantOfASavedQueryIsThatQueryAlone has its holder do everything else.
func TestAGrantOfASavedQueryIsThatQueryAlone(t *testing.T) {
	p := Principal{Tenant: "main", ID: "user:1", Groups: []string{"sales"}, Granted: []Granted{{Dataset: "web", Saved: "weekly", Role: Viewer}}}
	for _, action := range slices.DeleteFunc(slices.Clone(Actions), func(a Action) bool { return a == ReadSelf }) {
		if p.Allow(action, "web", time.Time{}) == nil || p.AllowSomewhere(action, time.Time{}) == nil {
			t.Errorf("it does %s", action)
		}
	}
	if asks := p.AskSaved("daily", time.Time{}); asks.Embed != nil {
		t.Error("it asks another saved query")
	}
	asks := p.AskSaved("weekly", time.Time{})
	if err := asks.AllowSaved("weekly", time.Time{}); err != nil {
		t.Error(err)
	}
	if err := asks.AllowRows(RunQuery, "web", time.Time{}); err != nil {
		t.Error(err)
	}
	if behind := asks.Behind(); behind.ID != p.ID || !slices.Equal(behind.Groups, p.Groups) {
		t.Errorf("rules are about %v", behind)
	}
	p.Granted = append(p.Granted, Granted{Dataset: "web", Role: Analyst})
	if asks := p.AskSaved("weekly", time.Time{}); asks.Embed != nil {
		t.Error("who may ask anything asks the saved query as less")
	}
}

func TestWhatConcernsNoSingleDatasetIsNotGranted(t *testing.T) {
	for _, g := range []Granted{
		{Dataset: "web", Role: Owner}, {Dataset: "web", Role: Admin}, {Dataset: "web"}, {Dataset: "web", Role: "root"},
		{Role: Viewer}, {Dataset: "No Name", Role: Viewer}, {Dataset: "web", Saved: "weekly", Role: Editor},
	} {
		if err := g.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", g, err)
		}
	}
}
