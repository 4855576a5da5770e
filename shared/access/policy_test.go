package access

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// TestThePoliciesComeToThisList reads testdata/policies.txt, which must tell of every
// role and action.
func TestThePoliciesComeToThisList(t *testing.T) {
	text, err := os.ReadFile("testdata/policies.txt")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		role, action := Role(words[1]), Action(words[2])
		told[words[1]+" "+words[2]] = true
		if role == "none" {
			role = ""
		}
		want := words[0] == "allow"
		anywhere := Principal{Tenant: "main", ID: "key:1", Role: role}
		bound := anywhere
		bound.Dataset = "web"
		for _, c := range []struct {
			who  string
			err  error
			want bool
		}{
			{"where no dataset is named", anywhere.Allow(action, "", time.Time{}), want},
			{"to any dataset", anywhere.Allow(action, "web", time.Time{}), want},
			{"bound to the dataset", bound.Allow(action, "web", time.Time{}), want},
			{"bound to another dataset", bound.Allow(action, "app", time.Time{}), false},
			{"bound, where none is named", bound.Allow(action, "", time.Time{}), false},
		} {
			if got := c.err == nil; got != c.want || !got && !fault.Is(c.err, fault.Denied) {
				t.Errorf("%s doing %s, %s: %v", words[1], action, c.who, c.err)
			}
		}
	}
	for _, action := range Actions {
		for _, role := range append([]Role{"none"}, roles...) {
			if !told[string(role)+" "+string(action)] {
				t.Errorf("the list does not tell whether %s may %s", role, action)
			}
		}
	}
}

func TestWhatNoPolicyKnowsIsDenied(t *testing.T) {
	for _, p := range []Principal{{Tenant: "main", ID: "key:1", Role: "root"}, {Tenant: "main", ID: "key:1", Role: "Owner"}} {
		for _, action := range slices.DeleteFunc(slices.Clone(Actions), func(a Action) bool { return a == ReadSelf }) {
			if err := p.Allow(action, "web", time.Time{}); !fault.Is(err, fault.Denied) {
				t.Errorf("role %s doing %s: %v", p.Role, action, err)
			}
		}
	}
	if err := (Principal{Tenant: "main", ID: "key:1", Role: Owner}).Allow("no:such", "web", time.Time{}); !fault.Is(err, fault.Denied) {
		t.Errorf("an unknown action: %v", err)
	}
}

// BenchmarkAllow is what the gate adds to a request whose caller is known.
func BenchmarkAllow(b *testing.B) {
	p := Principal{Tenant: "main", ID: "key:1", Role: Analyst}
	for b.Loop() {
		if err := p.Allow(RunQuery, "web", time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPolicies is what it costs to ask the policies.
func BenchmarkPolicies(b *testing.B) {
	for b.Loop() {
		decision{role: Analyst, action: RunQuery}.ask()
	}
}
