package contract

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/signins"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/tests/oracle"
)

// linking is a user pool whose links are kept here: no emulator knows of other providers.
type linking struct {
	*aws.Directory
	links map[string]string // users by provider and subject
}

// Link implements signins.Directory.
func (l linking) Link(_ context.Context, id, provider, subject string) error {
	l.links[provider+" "+subject] = id
	return nil
}

// TestPeopleOfOtherProvidersJoinAUserPool is functions/signins over the pool of an emulator.
func TestPeopleOfOtherProvidersJoinAUserPool(t *testing.T) {
	if oracle.Real() {
		t.Skip("no account has these providers")
	}
	t.Parallel()
	services := oracle.Start(t, oracle.Secrets)
	pool := services.UserPool(t, "http://127.0.0.1:8080/signed-in")
	users := linking{aws.NewDirectory(services.Cognito(), pool.ID, pool.App, pool.Domain), map[string]string{}}
	answers := signins.Answers{
		Rules: map[string]federation.Rules{
			"Google": {},
			"Corp":   {EmailDomains: []string{"example.com"}, TrustEmail: true, Groups: []string{"viewer"}, GroupsClaim: "g", GroupsOf: federation.GroupsTable{"bi": "editor"}},
		},
		Open: func(string) signins.Directory { return users },
		Now:  time.Now,
		Log:  slog.New(slog.DiscardHandler),
	}
	arrives := func(provider, subject, email string) string {
		_, err := answers.Handle(t.Context(), event(t, "PreSignUp_ExternalProvider", strings.ToLower(provider)+"_"+subject,
			map[string]string{"custom:asserted_email": email, "custom:asserted_verified": "true"}, nil))
		return fmt.Sprint(err)
	}
	invited := strings.ToLower(rand.Text()) + "@example.com"
	grace, _, err := users.Invite(t.Context(), invited, []string{"emea"})
	if err != nil {
		t.Fatal(err)
	}
	stranger := strings.ToLower(rand.Text()) + "@example.com"
	for _, step := range []struct{ provider, subject, email, want string }{
		{"Google", "1", stranger, "not_invited"},
		{"Google", "1", grace.ID, "not_invited"},
		{"Google", "1", invited, "joined Google"},
		{"Corp", "2", invited, "account_exists"},
		{"Corp", "3", stranger, "joined Corp"},
		{"Google", "4", stranger, "account_exists"},
	} {
		if got := arrives(step.provider, step.subject, step.email); !strings.HasPrefix(got, step.want) {
			t.Errorf("%+v: %s", step, got)
		}
	}
	ada, err := users.Find(t.Context(), stranger)
	if err != nil || users.links["Google 1"] != grace.ID || users.links["Corp 3"] != ada.ID || len(users.links) != 2 {
		t.Fatalf("links %v, %v", users.links, err)
	}
	identities := `[{"userId":"3","providerName":"Corp","providerType":"SAML","primary":"false"}]`
	if _, err := answers.Handle(t.Context(), event(t, "TokenGeneration_HostedAuth", ada.ID,
		map[string]string{"identities": identities, "custom:asserted_email": stranger, "custom:asserted_groups": "[bi, chess]"}, ada.Groups)); err != nil {
		t.Fatal(err)
	}
	if ada, err = users.Get(t.Context(), ada.ID); err != nil || !slices.Equal(slices.Sorted(slices.Values(ada.Groups)), []string{"editor", "viewer"}) {
		t.Errorf("groups %v, %v", ada.Groups, err)
	}
}

func event(t *testing.T, source, user string, attributes map[string]string, groups []string) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"version": "2", "triggerSource": source, "userPoolId": "pool", "userName": user,
		"request": map[string]any{"userAttributes": attributes, "groupConfiguration": map[string]any{"groupsToOverride": groups}}, "response": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
