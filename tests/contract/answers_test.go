package contract

import (
	"bytes"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestAnswersAreSharedInATable(t *testing.T) {
	shares(t, answer.Table{Table: &fake.Table{}, Now: time.Now})
}

// TestAnswersAreSharedInRedis runs against a real server.
func TestAnswersAreSharedInRedis(t *testing.T) {
	url, stop := oracle.Redis(t)
	shared, err := answer.NewRedis(url)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	shares(t, shared)
	stop()
	if _, ok, err := shared.Get(t.Context(), "acme", "tag"); ok || err == nil {
		t.Errorf("a server that is gone answers %v, %v", ok, err)
	}
}

func shares(t *testing.T, s answer.Shared) {
	t.Helper()
	value := bytes.Repeat([]byte{0, 0xff, 'x'}, 1000)
	if _, ok, err := s.Get(t.Context(), "acme", "tag"); ok || err != nil {
		t.Errorf("before anything was put: %v, %v", ok, err)
	}
	if err := s.Put(t.Context(), "acme", "tag", value); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.Get(t.Context(), "acme", "tag"); !ok || err != nil || !bytes.Equal(got, value) {
		t.Errorf("%d bytes, %v, %v", len(got), ok, err)
	}
	for _, other := range []struct {
		tenant tenant.ID
		tag    answer.Tag
	}{{"acme", "other"}, {"other", "tag"}} {
		if _, ok, err := s.Get(t.Context(), other.tenant, other.tag); ok || err != nil {
			t.Errorf("tenant %s, tag %s: %v, %v", other.tenant, other.tag, ok, err)
		}
	}
	if err := s.Put(t.Context(), "acme", "large", make([]byte, 1<<20)); err != nil {
		t.Errorf("a large value: %v", err)
	}
}
