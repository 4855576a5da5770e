package identitytest

import (
	"testing"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

var resets = map[string]func(*testing.T, Setup){
	"a reset user is who they were": func(t *testing.T, s Setup) {
		user := s.create(t, groupTenant, groupViewer)
		first, second := s.reset(t, user), s.reset(t, user)
		if first == second {
			t.Error("the same password twice")
		}
		same(t, s.find(t, user.Email), user)
	},
	"a reset user who was disabled stays so": func(t *testing.T, s Setup) {
		user := s.create(t)
		if err := s.Directory.Disable(t.Context(), user.ID); err != nil {
			t.Fatal(err)
		}
		s.reset(t, user)
		if !s.find(t, user.Email).Disabled {
			t.Error("enabled")
		}
	},
	"an unknown user cannot be reset": func(t *testing.T, s Setup) {
		gone := s.create(t)
		if err := s.Directory.Delete(t.Context(), gone.ID); err != nil {
			t.Fatal(err)
		}
		_, err := s.Directory.Reset(t.Context(), gone.ID)
		wantKind(t, err, fault.NotFound)
	},
}

var resetSignIns = map[string]func(*testing.T, Setup){
	"the password of before a reset is not good any more": func(t *testing.T, s Setup) {
		user := s.create(t)
		s.reset(t, user)
		if to, err := s.SignIn(t.Context(), s.attempt(t).page, user.Email, password); err == nil {
			t.Errorf("signed in, sent on to %v", to)
		}
	},
	"who was reset cannot refresh": func(t *testing.T, s Setup) {
		user := s.create(t)
		attempt := s.attempt(t)
		tokens := s.redeem(t, attempt, s.code(t, attempt, user.Email))
		s.reset(t, user)
		s.refused(t, attempt.refresh(tokens.Refresh))
	},
	"a reset user chooses a password, without a second factor": func(t *testing.T, s Setup) {
		if s.Choose == nil || s.BeginFactor == nil {
			t.Skip("this setup cannot choose a password, or begin a second factor")
		}
		user := s.create(t, groupViewer)
		if err := s.BeginFactor(t.Context(), user); err != nil {
			t.Fatal(err)
		}
		if to, err := s.SignIn(t.Context(), s.attempt(t).page, user.Email, password); err == nil {
			t.Fatalf("there is no second factor: sent on to %v", to)
		}
		oneTime := s.reset(t, user)
		to, err := s.Choose(t.Context(), s.attempt(t).page, user.Email, oneTime, password)
		if err != nil || to.Query().Get("code") == "" {
			t.Fatalf("sent on to %v, %v", to, err)
		}
		attempt := s.attempt(t)
		s.redeem(t, attempt, s.code(t, attempt, user.Email))
	},
}

func (s Setup) reset(t *testing.T, user identity.User) string {
	t.Helper()
	oneTime, err := s.Directory.Reset(t.Context(), user.ID)
	if err != nil || oneTime == "" {
		t.Fatalf("Reset: %q, %v", oneTime, err)
	}
	return oneTime
}
