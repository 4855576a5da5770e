package authorizer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// down is a table that cannot be read.
type down struct{ table.Table }

func (down) Get(context.Context, table.Key) (table.Item, error) {
	return table.Item{}, fault.New(fault.Unavailable, "down", "down")
}

// request is what the gateway sends for the key.
func request(t *testing.T, key string) events.APIGatewayV2CustomAuthorizerV2Request {
	t.Helper()
	sample, err := os.ReadFile("testdata/request.json")
	if err != nil {
		t.Fatal(err)
	}
	var r events.APIGatewayV2CustomAuthorizerV2Request
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(sample), "KEY", key)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheGatewayIsTold(t *testing.T) {
	keys := access.Keys{Table: &fake.Table{}, Now: func() time.Time { return noon }, Random: rand.Reader}
	key, secret, err := keys.Create(t.Context(), "acme", access.KeySpec{Name: "k", Role: access.Viewer, Dataset: "web", Expires: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	nobody := events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: map[string]any{}}
	for claim, c := range map[string]struct {
		request events.APIGatewayV2CustomAuthorizerV2Request
		want    events.APIGatewayV2CustomAuthorizerSimpleResponse
	}{
		"who a known key stands for": {request(t, secret), events.APIGatewayV2CustomAuthorizerSimpleResponse{
			IsAuthorized: true,
			Context: map[string]any{"tenant": "acme", "principal": "key:" + key.ID, "role": "viewer",
				"dataset": "web", "expires": "2026-01-02T13:00:00Z", "scopes": ""},
		}},
		"that it is nobody, for an unknown key":       {request(t, "tarn_unknown"), nobody},
		"that it is nobody, without an identity":      {events.APIGatewayV2CustomAuthorizerV2Request{}, nobody},
		"that it is nobody, for other headers' sakes": {events.APIGatewayV2CustomAuthorizerV2Request{Headers: map[string]string{"authorization": "Bearer " + secret}}, nobody},
	} {
		t.Run(claim, func(t *testing.T) {
			got, err := Handler(&access.Authenticator{Keys: keys})(t.Context(), c.request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("to ask again when the table is down", func(t *testing.T) {
		keys.Table = down{}
		got, err := Handler(&access.Authenticator{Keys: keys})(t.Context(), request(t, secret))
		if !fault.Is(err, fault.Unavailable) || got.IsAuthorized {
			t.Errorf("got %+v, %v, want Unavailable", got, err)
		}
	})
}

func TestNobodyMayDoNothingBehindTheGateway(t *testing.T) {
	keys := access.Keys{Table: &fake.Table{}, Now: time.Now, Random: rand.Reader}
	got, err := Handler(&access.Authenticator{Keys: keys})(t.Context(), request(t, "made-up"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := access.FromContext(got.Context)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Allow(access.ReadSelf, "", noon); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("got %v, want Unauthenticated", err)
	}
}
