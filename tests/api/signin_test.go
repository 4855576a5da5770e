package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
)

// told lists what the log holds of some actions, as the owner reads it.
func (c *clocked) told(t *testing.T, actions ...string) (all []string) {
	t.Helper()
	var page struct {
		Entries []struct {
			Action, Outcome, By string
			Sent                json.RawMessage
		}
	}
	c.owner(t, http.MethodGet, "/v1/audit?limit=1000", "", http.StatusOK, &page)
	for _, e := range page.Entries {
		if slices.Contains(actions, e.Action) {
			all = append(all, strings.Join([]string{e.Action, e.Outcome, e.By, string(e.Sent)}, " "))
		}
	}
	return all
}

// fails tries to sign in with a password that is wrong.
func (c *clocked) fails(t *testing.T, email string) {
	t.Helper()
	asked := url.Values{"response_type": {"code"}, "client_id": {"console"}, "redirect_uri": {"http://localhost:8080/"}, "scope": {"openid"},
		"state": {"a state of some length"}, "code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"}}
	if out := c.form("/oidc/authorize?"+asked.Encode(), url.Values{"email": {email}, "password": {"not the password"}}); out.Code != http.StatusUnauthorized {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
}

// newAda invites somebody, who signs in.
func newAda(t *testing.T, c *clocked) (id string, tokens signedIn) {
	t.Helper()
	var ada invitedPerson
	c.owner(t, http.MethodPost, "/v1/users", inviteAda, http.StatusCreated, &ada)
	return ada.ID, c.signIn(t, "ada@example.com", ada.Password, "a password of her own")
}

func TestSignInsAndTheirFailuresAreInTheLog(t *testing.T) {
	c := newClocked(t)
	ada, tokens := newAda(t, c)
	for range 3 {
		c.fails(t, "ada@example.com")
		c.fails(t, "nobody@example.com")
		c.ask(http.MethodGet, "/v1/me", tokens.Access, nil, nil)
		c.ask(http.MethodGet, "/v1/me", "tarn_made_up", nil, nil)
	}
	c.refresh(t, tokens.Refresh, http.StatusOK)
	c.refresh(t, tokens.Refresh, http.StatusBadRequest)
	c.pass(time.Minute)
	c.fails(t, "ada@example.com")
	by, sent := access.UserPrefix+ada, ` {"from":"192.0.2.1","email":"ada@example.com"}`
	want := []string{
		"password:change done " + by + sent,
		"sign-in done " + by + sent,
		"sign-in wrong_password " + by + sent,
		`sign-in wrong_password nobody {"from":"192.0.2.1"}`,
		"token:use done " + by + " {}",
		`credential:refuse unknown_key nobody {"from":"192.0.2.1"}`,
		"sign-in refresh_reused " + by + sent,
		"sign-in wrong_password " + by + sent,
	}
	if diff := cmp.Diff(want, c.told(t, "password:change", "sign-in", "token:use", "credential:refuse")); diff != "" {
		t.Error(diff)
	}
}

// TestASubjectsErasureReachesWhatTheLogSaysOfTheirSignIns: what names a person is erased, that
// somebody signed in is not, and the chain holds.
func TestASubjectsErasureReachesWhatTheLogSaysOfTheirSignIns(t *testing.T) {
	c := newClocked(t)
	newAda(t, c)
	c.fails(t, "ada@example.com")
	before := len(c.told(t, "sign-in"))
	var job struct {
		ID string `json:"job_id"`
	}
	c.owner(t, http.MethodPost, "/v1/erasures", `{"subject":"ada@example.com"}`, http.StatusAccepted, &job)
	if progress := c.ask(http.MethodGet, "/v1/jobs/"+job.ID+"/progress", c.keys[access.Owner], nil, nil); !strings.Contains(progress.Body.String(), `"state":"done"`) {
		t.Fatal(progress.Body)
	}
	after := c.told(t, "sign-in")
	if len(after) != before {
		t.Errorf("%d entries of sign-ins, before it %d", len(after), before)
	}
	out := c.ask(http.MethodGet, "/v1/audit/export", c.keys[access.Owner], nil, nil)
	if out.Code != http.StatusOK || strings.Contains(out.Body.String(), "ada@example.com") {
		t.Errorf("the log names who was erased: %d %s", out.Code, out.Body)
	}
	var report struct{ Whole bool }
	c.owner(t, http.MethodGet, "/v1/audit/verify", "", http.StatusOK, &report)
	if !report.Whole {
		t.Error("the chain is broken")
	}
}
