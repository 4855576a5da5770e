package aws

import (
	"net/http"
	"testing"

	"github.com/tarnhq/tarn/shared/fault"
)

func TestAPushHasTheKindOfItsStatus(t *testing.T) {
	for name, c := range map[string]struct {
		answer
		want fault.Kind
	}{
		"gone":                   {reply(http.StatusGone, ""), fault.NotFound},
		"never was":              {reply(http.StatusBadRequest, `{"message":"Invalid connectionId"}`), fault.NotFound},
		"may not be managed":     {reply(http.StatusForbidden, ""), fault.Internal},
		"a message too large":    {reply(http.StatusRequestEntityTooLarge, ""), fault.TooLarge},
		"too many messages":      {reply(http.StatusTooManyRequests, ""), fault.Throttled},
		"a failure":              {reply(http.StatusInternalServerError, ""), fault.Unavailable},
		"a connection that ends": {lost, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.answer)
			wantKind(t, s.account().Push(*s.config.BaseEndpoint).Send(t.Context(), "AAAA=", []byte("m")), c.want)
			s.wants(t, 1)
		})
	}
}

func TestThePathOfAConnectionIsEscapedAsTheSDKDoes(t *testing.T) {
	s := serve(t, reply(200, "{}"))
	if up, err := s.account().Push(*s.config.BaseEndpoint+"/prod/").Connected(t.Context(), "a/b="); !up || err != nil {
		t.Fatalf("Connected = %v, %v", up, err)
	}
	if got := s.requests[0].URL.EscapedPath(); got != "/prod/@connections/a%2Fb%3D" {
		t.Errorf("path %s", got)
	}
}
