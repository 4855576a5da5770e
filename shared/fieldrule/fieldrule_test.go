package fieldrule_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// rewritten applies a rule to the text of a refused event.
func rewritten(t *testing.T, raw string, rules ...fieldrule.Rule) string {
	t.Helper()
	sent := []events.Event{{Refused: events.Refusal{Code: "why"}, Raw: []byte(raw)}}
	if err := (&fieldrule.Salts{Secrets: &fake.Secrets{}}).Apply(t.Context(), "acme", rules, sent); err != nil {
		t.Fatal(err)
	}
	return string(sent[0].Raw)
}

func TestAddressesLoseTheirEndAndWhatIsNoneGoes(t *testing.T) {
	for text, want := range map[string]string{
		`"203.0.113.77"`:         `{"ip":"203.0.113.0"}`,
		`"203.0.113.0"`:          `{"ip":"203.0.113.0"}`,
		`"2001:db8:1:2::3"`:      `{"ip":"2001:db8:1::"}`,
		`"::ffff:203.0.113.77"`:  `{"ip":"203.0.113.0"}`,
		`"fe80::1%eth0"`:         `{"ip":"fe80::"}`,
		`"2002:cb00:714d:9::1"`:  `{"ip":"2002:cb00:7100::"}`,
		`"203.0.113.77:443"`:     `{}`,
		`"[2001:db8::1]:443"`:    `{}`,
		`"203.0.113.77, 10.0.0"`: `{}`,
		`"cb00714d"`:             `{}`,
		`3405803853`:             `{}`,
		`null`:                   `{}`,
		`["203.0.113.77"]`:       `{}`,
		`{"v4":"203.0.113.77"}`:  `{}`,
	} {
		if got := rewritten(t, `{"ip":`+text+`}`, fieldrule.Rule{Field: "ip", Treat: fieldrule.TruncateIP}); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestWhatNoRulePointsAtStaysByteForByte(t *testing.T) {
	drop := fieldrule.Rule{Field: "a.b", Treat: fieldrule.Drop}
	for raw, want := range map[string]string{
		`{"x":1.50,"x":"\u00e9\ud800","a":{"b":"gone","c":1e2}}`: `{"x":1.50,"x":"\u00e9\ud800","a":{"c":1e2}}`,
		`{"a":[{"b":1,"c":2},[{"b":3}]]}`:                        `{"a":[{"c":2},[{}]]}`,
		`{"deep":[{"a":{"b":1}}],"a.b":2,"\u0061":{"\u0062":3}}`: `{"deep":[{"a":{}}],"\u0061":{}}`,
		`{"b":1,"a":{"bb":2},"aa":{"b":3},"a.":{"b":4}}`:         `{"b":1,"a":{"bb":2},"aa":{"b":3},"a.":{"b":4}}`,
		`"a.b"`:          `"a.b"`,
		`[]`:             `[]`,
		`{"a":{"b":"cut`: ``,
		`a.b=gone`:       ``,
		``:               ``,
	} {
		if got := rewritten(t, raw, drop); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestOfTwoRulesTheOneThatDropsWins(t *testing.T) {
	rules := []fieldrule.Rule{{Field: "a.b", Treat: fieldrule.Hash}, {Field: "properties.a.b", Treat: fieldrule.Drop}}
	if got := rewritten(t, `{"properties":{"a":{"b":1}}}`, rules...); got != `{"properties":{"a":{}}}` {
		t.Error(got)
	}
}

func TestAHashIsTheTenantsAndThatOfAnyProcess(t *testing.T) {
	kept := &fake.Secrets{}
	hash := func(owner tenant.ID, text string) string {
		salt, err := (&fieldrule.Salts{Secrets: kept}).Of(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		return salt.Hash(text)
	}
	u1 := hash("acme", "u1")
	if len(u1) != 40 || u1 != hash("acme", "u1") || u1 == hash("acme", "u2") || u1 == hash("other", "u1") {
		t.Errorf("u1 is %s", u1)
	}
	if hash("acme", u1) != u1 || hash("other", u1) == u1 {
		t.Error("a hash stands for itself where it was made, and nowhere else")
	}
	if kept = (&fake.Secrets{}); hash("acme", "u1") == u1 {
		t.Error("another deployment has the same hashes")
	}
}

// away is a store of secrets that cannot be reached.
type away struct{ secret.Store }

func (away) Get(context.Context, tenant.ID, secret.Name) (secret.Secret, error) {
	return secret.Secret{}, fault.New(fault.Unavailable, "away", "away")
}

func TestWithoutItsSaltNothingIsHashedNorLeftAsItIs(t *testing.T) {
	salts := &fieldrule.Salts{Secrets: away{}}
	sent := []events.Event{{UserID: "u1"}}
	err := salts.Apply(t.Context(), "acme", []fieldrule.Rule{{Field: "user_id", Treat: fieldrule.Hash}}, sent)
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
	if err := salts.Apply(t.Context(), "acme", []fieldrule.Rule{{Field: "ssn", Treat: fieldrule.Drop}}, sent); err != nil {
		t.Errorf("a rule that needs no salt: %v", err)
	}
}

func TestRulesAreChecked(t *testing.T) {
	many := make([]fieldrule.Rule, fieldrule.MaxRules+1)
	for i := range many {
		many[i] = fieldrule.Rule{Field: fmt.Sprint("f", i), Treat: fieldrule.Drop}
	}
	for name, c := range map[string]struct {
		rules []fieldrule.Rule
		code  string
	}{
		"none":                  {nil, ""},
		"as many as there may":  {many[1:], ""},
		"too many":              {many, "too_many_field_rules"},
		"of the same field":     {[]fieldrule.Rule{many[0], many[0]}, "field_rule_twice"},
		"of no field":           {[]fieldrule.Rule{{Treat: fieldrule.Drop}}, "bad_field"},
		"of a long field":       {[]fieldrule.Rule{{Field: strings.Repeat("x", 513), Treat: fieldrule.Drop}}, "bad_field"},
		"of what retries need":  {[]fieldrule.Rule{{Field: "event_id", Treat: fieldrule.Hash}}, "bad_field"},
		"that do nothing known": {[]fieldrule.Rule{{Field: "x", Treat: "encrypt"}}, "bad_treatment"},
		"that drop people":      {[]fieldrule.Rule{{Field: "user_id", Treat: fieldrule.Drop}}, "bad_treatment"},
		"that hash people":      {[]fieldrule.Rule{{Field: "user_id", Treat: fieldrule.Hash}}, ""},
	} {
		var e *fault.Error
		switch err := fieldrule.Check(c.rules); {
		case c.code == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.code != "" && (!errors.As(err, &e) || e.Code != c.code || e.Kind != fault.Invalid):
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}
