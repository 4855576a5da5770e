package oidc

import "testing"

func TestTheFirstStartMakesASigningKey(t *testing.T) {
	s := &site{table: &memory{}, clock: &clock{longAgo}}
	for range 2 {
		s.open(t)
		if got := len(s.issuer.keys.public().Keys); got != 1 {
			t.Errorf("%d keys, want 1", got)
		}
	}
}

func TestSigningKeysSurviveARestart(t *testing.T) {
	s := newSite(t)
	tokens := s.signedIn(t)
	s.open(t)
	if got := len(s.issuer.keys.public().Keys); got != 1 {
		t.Errorf("%d keys after a restart, want 1", got)
	}
	// The address has changed with the server, and the issuer with it.
	if _, err := s.issuer.verify(tokens.Access); err == nil {
		t.Error("a token of another issuer was accepted")
	}
	if got := s.refresh(t, tokens.Refresh); got.Status != 200 {
		t.Errorf("refresh after a restart: %+v", got)
	}
}

func TestAnOldSigningKeyIsReplacedAndOutlivesItsTokens(t *testing.T) {
	s := newSite(t)
	keys := s.issuer.keys
	first := keys.public().Keys[0].KeyID
	s.clock.Time = s.clock.Add(keyLife - 1)
	last := s.signedIn(t).Access
	s.clock.Time = s.clock.Add(1)
	s.signedIn(t)
	if set := keys.public(); len(set.Keys) != 2 || set.Keys[0].KeyID != first {
		t.Errorf("published %d keys, want the old and the new", len(set.Keys))
	}
	if _, err := s.issuer.verify(last); err != nil {
		t.Errorf("the old key's token: %v", err)
	}
	s.open(t)
	if got := len(s.issuer.keys.public().Keys); got != 2 {
		t.Errorf("%d keys after a restart, want 2", got)
	}
	s.clock.Time = s.clock.Add(tokenLife)
	if set := s.issuer.keys.public(); len(set.Keys) != 1 || set.Keys[0].KeyID == first {
		t.Errorf("published %d keys, want only the new", len(set.Keys))
	}
}

func TestNoPrivateKeyIsPublished(t *testing.T) {
	s := newSite(t)
	for _, key := range s.issuer.keys.public().Keys {
		if !key.IsPublic() {
			t.Errorf("key %s is private", key.KeyID)
		}
	}
}
