package oidc

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestCodesAreThoseOfTheStandard has the vectors of RFC 6238, appendix B, for SHA-1; they
// have eight digits, of which six are the last.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := totpCode([]byte("12345678901234567890"), at/30); got != want[2:] {
			t.Errorf("at %d: %s, want %s", at, got, want[2:])
		}
	}
}

func TestACodeIsGoodAboutItsTimeAndOnce(t *testing.T) {
	secret, now := []byte("12345678901234567890"), time.Unix(3000, 0)
	for step, want := range map[int64]bool{97: false, 98: false, 99: true, 100: true, 101: true, 102: false} {
		if _, ok := totpStepOf(secret, totpCode(secret, step), now, 0); ok != want {
			t.Errorf("the code of step %d at step 100: %v, want %v", step, ok, want)
		}
	}
	if _, ok := totpStepOf(secret, totpCode(secret, 100), now, 100); ok {
		t.Error("a code is good twice")
	}
}

var shownSecret = regexp.MustCompile(`<code>([A-Z2-7]+)</code>`)

// withFactor sets the second factor of the site's user up, and returns its secret.
func (s *site) withFactor(t *testing.T) []byte {
	t.Helper()
	b := s.inSession(t)
	shown := b.get(t, s.url+factorPath)
	found := shownSecret.FindStringSubmatch(shown.body)
	if found == nil {
		t.Fatalf("no secret: %s %s", shown.Status, shown.body)
	}
	secret := must(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(found[1]))
	got := s.confirmed(t, b, password, s.codeNow(secret))
	if got.StatusCode != http.StatusOK || strings.Contains(got.body, "<form") {
		t.Fatalf("not set up: %s %s", got.Status, got.body)
	}
	s.nextStep()
	return secret
}

func (s *site) codeNow(secret []byte) string { return totpCode(secret, s.clock.Unix()/30) }

func (s *site) nextStep() { s.clock.Time = s.clock.Add(totpStep) }

func (s *site) confirmed(t *testing.T, b *browser, password, code string) answer {
	t.Helper()
	return b.post(t, s.url+factorPath, url.Values{"password": {password}, "code": {code}}, "Sec-Fetch-Site", "same-origin")
}

// fill sends the form of a sign-in.
func (s *site) fill(t *testing.T, password, code string) answer {
	t.Helper()
	got, err := newBrowser().fillIn(t.Context(), s.client().page(), email, password, "code", code)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWithASecondFactorThePasswordAloneSignsNobodyIn(t *testing.T) {
	s := newSite(t)
	secret := s.withFactor(t)
	for claim, c := range map[string]struct{ password, code string }{
		"no code":                     {password, ""},
		"a wrong code":                {password, "000000"},
		"a code of ten minutes ago":   {password, totpCode(secret, s.clock.Unix()/30-20)},
		"the code of the set-up":      {password, totpCode(secret, s.clock.Unix()/30-1)},
		"a code and a wrong password": {password + "x", s.codeNow(secret)},
	} {
		if got := s.fill(t, c.password, c.code); got.StatusCode == http.StatusSeeOther || len(got.Cookies()) != 0 {
			t.Errorf("%s: %s", claim, got.Status)
		}
	}
	if got := s.fill(t, password, ""); !strings.Contains(got.body, `name="code"`) {
		t.Errorf("no code is asked for: %s", got.Status)
	}
	code := s.codeNow(secret)
	if got := s.fill(t, password, code); got.StatusCode != http.StatusSeeOther {
		t.Errorf("with the code: %s %s", got.Status, got.body)
	}
	if got := s.fill(t, password, code); got.StatusCode == http.StatusSeeOther {
		t.Error("the code is good again")
	}
}

func TestCodesCannotBeGuessedByWhoKnowsThePassword(t *testing.T) {
	s := newSite(t)
	secret := s.withFactor(t)
	throttled := false
	for i := range maxByVisitor + 1 {
		throttled = s.fill(t, password, fmt.Sprintf("%06d", i)).StatusCode == http.StatusTooManyRequests
	}
	if !throttled {
		t.Error("codes can be guessed without end")
	}
	if got := s.fill(t, password, s.codeNow(secret)); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right code after too many guesses: %s", got.Status)
	}
	s.clock.Time = s.clock.Add(window)
	if got := s.fill(t, password, s.codeNow(secret)); got.StatusCode != http.StatusSeeOther {
		t.Errorf("after the window: %s", got.Status)
	}
}

func TestASecondFactorIsSetUpAndEndedByWhoHasPasswordAndCode(t *testing.T) {
	s := newSite(t)
	if got := newBrowser().get(t, s.url+factorPath); got.StatusCode != http.StatusUnauthorized || strings.Contains(got.body, "<code>") {
		t.Errorf("to nobody: %s", got.Status)
	}
	b := s.inSession(t)
	shown := b.get(t, s.url+factorPath)
	secret := must(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(shownSecret.FindStringSubmatch(shown.body)[1]))
	for claim, c := range map[string]struct{ password, code string }{
		"a wrong code": {password, "000000"}, "no code": {password, ""}, "a wrong password": {password + "x", s.codeNow(secret)},
	} {
		if got := s.confirmed(t, b, c.password, c.code); got.StatusCode == http.StatusOK {
			t.Errorf("set up with %s: %s", claim, got.body)
		}
	}
	if got := b.post(t, s.url+factorPath, url.Values{"password": {password}, "code": {s.codeNow(secret)}}, "Sec-Fetch-Site", "cross-site"); got.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %s", got.Status)
	}
	if got := s.fill(t, password, ""); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("it holds before it was confirmed: %s", got.Status)
	}
	if got := s.confirmed(t, b, password, s.codeNow(secret)); got.StatusCode != http.StatusOK {
		t.Fatal(got.Status, got.body)
	}
	if got := b.get(t, s.url+factorPath); strings.Contains(got.body, "<code>") {
		t.Error("the secret is shown again")
	}
	if got := s.confirmed(t, b, password, s.codeNow(secret)); got.StatusCode == http.StatusOK {
		t.Error("ended with a code that was used")
	}
	s.nextStep()
	if got := s.confirmed(t, b, password, s.codeNow(secret)); got.StatusCode != http.StatusOK {
		t.Fatal(got.Status, got.body)
	}
	if got := s.fill(t, password, ""); got.StatusCode != http.StatusSeeOther {
		t.Errorf("ended, and asked for still: %s", got.Status)
	}
}
