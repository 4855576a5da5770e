package identitytest

import "testing"

var invitations = map[string]func(*testing.T, Setup){
	"a one-time password alone signs nobody in": func(t *testing.T, s Setup) {
		user, oneTime := s.invite(t)
		if to, err := s.SignIn(t.Context(), s.attempt(t).page, user.Email, oneTime); err == nil {
			t.Errorf("signed in, sent on to %v", to)
		}
	},
	"an invited user chooses a password, which is good from then on": func(t *testing.T, s Setup) {
		if s.Choose == nil {
			t.Skip("this setup cannot choose a password")
		}
		user, oneTime := s.invite(t, groupViewer)
		to, err := s.Choose(t.Context(), s.attempt(t).page, user.Email, oneTime, password)
		if err != nil || to.Query().Get("code") == "" {
			t.Fatalf("sent on to %v, %v", to, err)
		}
		attempt := s.attempt(t)
		s.redeem(t, attempt, s.code(t, attempt, user.Email))
	},
	"a one-time password is good once": func(t *testing.T, s Setup) {
		if s.Choose == nil {
			t.Skip("this setup cannot choose a password")
		}
		user, oneTime := s.invite(t)
		if _, err := s.Choose(t.Context(), s.attempt(t).page, user.Email, oneTime, password); err != nil {
			t.Fatal(err)
		}
		if to, err := s.Choose(t.Context(), s.attempt(t).page, user.Email, oneTime, password+"2"); err == nil {
			t.Errorf("chose again, sent on to %v", to)
		}
	},
}
