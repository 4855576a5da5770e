package signins

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/federation"
)

// corp is Grace as her company's SAML provider says it.
var corp = map[string]string{"custom:asserted_subject": "", "custom:asserted_verified": "", "custom:asserted_groups": "[bi-admins, BI+Users, chess]"}

type attributes = map[string]string

func TestWhoIsInvitedAndVerifiedIsLinkedAndSentToSignInAgain(t *testing.T) {
	for claim, c := range map[string]struct {
		user       string
		attributes attributes
		link       string
	}{
		"Google, in small letters as pools write names":  {"", nil, "Google " + google},
		"Google, as the documentation writes names":      {"Google_" + google, nil, "Google " + google},
		"a subject that the pool wrote in small letters": {"google_abcdef", attributes{"custom:asserted_subject": "AbCdEf"}, "Google AbCdEf"},
		"a subject with what parts names":                {"corp_grace_hopper@example.com", corp, "Corp grace_hopper@example.com"},
		"an address in capitals":                         {"", attributes{"custom:asserted_email": strings.ToUpper(grace)}, "Google " + google},
		"verified as some write it":                      {"", attributes{"custom:asserted_verified": "True"}, "Google " + google},
	} {
		t.Run(claim, func(t *testing.T) {
			p := newPool()
			user := p.invite(t, "viewer")
			out, err := p.answers().Handle(t.Context(), sample(t, "presignup", c.user, c.attributes))
			provider, _, _ := strings.Cut(c.link, " ")
			if out != nil || err == nil || err.Error() != "joined "+provider+": sign in again" {
				t.Errorf("answered %s, %v: Cognito would make an account of its own", out, err)
			}
			if diff := cmp.Diff(map[string]string{c.link: user.ID}, p.links); diff != "" || !p.waits[user.ID].IsZero() {
				t.Errorf("waits until %v, links -want +got:\n%s", p.waits[user.ID], diff)
			}
		})
	}
}

func TestWhoMayNotSignInWithAnotherProvider(t *testing.T) {
	invites := func(t *testing.T, p *pool) { p.invite(t, "viewer") }
	for claim, c := range map[string]struct {
		before     func(*testing.T, *pool)
		rules      func(map[string]federation.Rules)
		user       string
		attributes attributes
		want       string
	}{
		"nobody invited them":                   {nil, nil, "", nil, "not_invited"},
		"unverified, though invited":            {invites, nil, "", attributes{"custom:asserted_verified": "false"}, "email_unverified"},
		"of whom nothing is said, though so":    {invites, nil, "", attributes{"custom:asserted_verified": ""}, "email_unverified"},
		"verified by the wrong attribute":       {invites, nil, "", attributes{"custom:asserted_verified": "", "email_verified": "true"}, "email_unverified"},
		"without an address":                    {invites, nil, "", attributes{"custom:asserted_email": "", "email": grace}, "email_unverified"},
		"with an address that is a user's name": {invites, nil, "", attributes{"custom:asserted_email": "00000000000000000000000000000001"}, "not_invited"},
		"unverified, where all may come": {nil, func(r map[string]federation.Rules) { r["Google"] = federation.Rules{Groups: []string{"viewer"}} }, "",
			attributes{"custom:asserted_verified": "false"}, "email_unverified"},
		"of an account that is in use": {func(t *testing.T, p *pool) { delete(p.waits, p.invite(t, "owner").ID) }, nil, "", nil, "account_exists"},
		"of an account that another provider has": {func(t *testing.T, p *pool) {
			p.invite(t, "owner")
			if _, err := p.answers().Handle(t.Context(), sample(t, "presignup", "corp_grace", corp)); !strings.HasPrefix(err.Error(), "joined Corp") {
				t.Fatal(err)
			}
		}, nil, "", nil, "account_exists"},
		"of an invitation that has expired": {func(t *testing.T, p *pool) { p.waits[p.invite(t).ID] = noon }, nil, "", nil, "invitation_expired"},
		"disabled": {func(t *testing.T, p *pool) {
			if err := p.Disable(t.Context(), p.invite(t).ID); err != nil {
				t.Fatal(err)
			}
		}, nil, "", nil, "disabled"},
		"of another domain":             {invites, nil, "corp_g", attributes{"custom:asserted_subject": "", "custom:asserted_email": "grace@evil.example"}, "wrong_domain"},
		"of a domain that ends alike":   {invites, nil, "corp_g", attributes{"custom:asserted_subject": "", "custom:asserted_email": "grace@evil-example.com"}, "wrong_domain"},
		"of a workspace it is not for":  {func(t *testing.T, p *pool) { p.invite(t, "tenant:acme", "viewer") }, nil, "corp_g", corp, "wrong_tenant"},
		"by a provider that nobody set": {invites, nil, "evil_1", attributes{"custom:asserted_subject": ""}, "provider_unknown"},
		"by a name that begins alike":   {invites, nil, "googleevil_1", attributes{"custom:asserted_subject": ""}, "provider_unknown"},
		"by no provider":                {invites, nil, "grace", attributes{"custom:asserted_subject": ""}, "provider_unknown"},
		"under another's subject":       {invites, nil, "google_42", nil, "bad_answer"},
		"under no subject":              {invites, nil, "google_", attributes{"custom:asserted_subject": ""}, "bad_answer"},
	} {
		t.Run(claim, func(t *testing.T) {
			p := newPool()
			if c.before != nil {
				c.before(t, p)
			}
			linked := len(p.links)
			a := p.answers()
			if c.rules != nil {
				c.rules(a.Rules)
			}
			out, err := a.Handle(t.Context(), sample(t, "presignup", c.user, c.attributes))
			if out != nil || err == nil || !strings.HasPrefix(err.Error(), c.want+": ") {
				t.Errorf("answered %s, %v, want a refusal: %s", out, err, c.want)
			}
			if len(p.links) != linked {
				t.Errorf("linked: %v", p.links)
			}
		})
	}
}

func TestAProviderMayLetInWhomNobodyInvited(t *testing.T) {
	p := newPool()
	a := p.answers()
	a.Rules["Corp"] = federation.Rules{EmailDomains: []string{"example.com"}, TrustEmail: true, Tenant: "acme", Groups: []string{"viewer"},
		GroupsClaim: "groups", GroupsOf: federation.GroupsTable{"bi-admins": "admin"}}
	if _, err := a.Handle(t.Context(), sample(t, "presignup", "corp_grace", corp)); err == nil || !strings.HasPrefix(err.Error(), "joined Corp") {
		t.Fatal(err)
	}
	made, err := p.Find(t.Context(), grace)
	if diff := cmp.Diff([]string{"tenant:acme", "viewer", "admin"}, made.Groups); err != nil || diff != "" || p.links["Corp grace"] != made.ID {
		t.Errorf("%v, %v, groups -want +got:\n%s", err, p.links, diff)
	}
}

func TestAJoinThatWasCutOffIsFinishedByTheNextTry(t *testing.T) {
	for _, call := range []string{"Waiting", "Invite", "Link"} {
		p := newPool()
		a := p.answers()
		a.Rules["Google"] = federation.Rules{Groups: []string{"viewer"}}
		p.fails = call
		if _, err := a.Handle(t.Context(), sample(t, "presignup", "", nil)); err == nil || !strings.HasPrefix(err.Error(), "unavailable") || len(p.links) != 0 {
			t.Errorf("%s: %v, %v", call, err, p.links)
		}
		p.fails = ""
		if _, err := a.Handle(t.Context(), sample(t, "presignup", "", nil)); !strings.HasPrefix(err.Error(), "joined") || len(p.links) != 1 {
			t.Errorf("%s: then %v, %v", call, err, p.links)
		}
	}
}

func TestAOneTimePasswordThatOutlivedItsJoinEndsWithTheFirstToken(t *testing.T) {
	p := newPool()
	user := p.invite(t, "emea", "viewer")
	p.fails = "EndInvitation"
	if _, err := p.answers().Handle(t.Context(), sample(t, "presignup", "", nil)); !strings.HasPrefix(err.Error(), "unavailable") || len(p.links) != 1 {
		t.Fatalf("%v, %v", err, p.links)
	}
	status := attributes{"cognito:user_status": "FORCE_CHANGE_PASSWORD"}
	if _, err := p.answers().Handle(t.Context(), sample(t, "tokens", "", status)); err == nil {
		t.Error("a token, though the password is still good")
	}
	p.fails = ""
	if _, err := p.answers().Handle(t.Context(), sample(t, "tokens", "", status)); err != nil || !p.waits[user.ID].IsZero() {
		t.Errorf("%v, waits until %v", err, p.waits[user.ID])
	}
}

func TestAnAdministratorMakesAccountsAndNobodySignsUp(t *testing.T) {
	a := newPool().answers()
	raw := sample(t, "admincreate", "", nil)
	if out, err := a.Handle(t.Context(), raw); err != nil || !bytes.Equal(out, raw) {
		t.Errorf("%s, %v", out, err)
	}
	for _, source := range []string{"PreSignUp_SignUp", "PostConfirmation_ConfirmSignUp", ""} {
		raw := bytes.Replace(raw, []byte("PreSignUp_AdminCreateUser"), []byte(source), 1)
		if out, err := a.Handle(t.Context(), raw); err == nil || out != nil {
			t.Errorf("%q: answered %s", source, out)
		}
	}
	for _, raw := range []string{``, `null`, `[]`, `{"request": {"userAttributes": 1}}`} {
		if out, err := a.Handle(t.Context(), json.RawMessage(raw)); err == nil || out != nil {
			t.Errorf("%s: answered %s", raw, out)
		}
	}
}

func TestTheLogNamesNobody(t *testing.T) {
	var log bytes.Buffer
	p := newPool()
	a := p.answers()
	a.Log = slog.New(slog.NewJSONHandler(&log, nil))
	for _, raw := range []json.RawMessage{sample(t, "presignup", "", nil), sample(t, "presignup", "google_42", nil), sample(t, "tokens", "", attributes{"identities": "x"})} {
		if _, err := a.Handle(t.Context(), raw); err == nil {
			t.Fatal("not refused")
		}
	}
	p.invite(t)
	if _, err := a.Handle(t.Context(), sample(t, "presignup", "", nil)); err == nil {
		t.Fatal("not joined")
	}
	if text := log.String(); strings.Count(text, "\n") != 4 || strings.Contains(text, "grace") || strings.Contains(text, google) {
		t.Errorf("logged:\n%s", text)
	}
}
